"""Reading addresses, and whose word counts for one."""

import pytest

from jari.settings import BadSetting
from jari.web.addresses import Proxies, address_group, parse_address

PROXIES = Proxies.parse("10.0.0.0/8, 2001:db8:ffff::/48, ::ffff:192.0.2.0/120")
PEER = parse_address("10.0.0.1")


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("203.0.113.1", "203.0.113.1"),
        ("::ffff:203.0.113.1", "203.0.113.1"),
        ("::ffff:cb00:7101", "203.0.113.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("nonsense", "unknown"),
        ("", "unknown"),
    ],
)
def test_limits_count_ipv4_by_the_address_and_ipv6_by_the_64(text, group):
    assert address_group(text) == group


@pytest.mark.parametrize(
    ("forwarded_for", "client"),
    [
        ([b"203.0.113.1"], "203.0.113.1"),
        ([b"203.0.113.1:80"], "203.0.113.1"),
        ([b"[2001:db8::1]:80"], "2001:db8::1"),
        ([b"[2001:db8::1]"], "2001:db8::1"),
        ([b"6.6.6.6, 203.0.113.1"], "203.0.113.1"),
        ([b"6.6.6.6", b"203.0.113.1"], "203.0.113.1"),
        ([b"203.0.113.1, 10.2.3.4, 2001:db8:ffff::7"], "203.0.113.1"),
        ([b"203.0.113.1, 192.0.2.77"], "203.0.113.1"),
        ([b"203.0.113.1,   10.2.3.4  "], "203.0.113.1"),
        ([b"10.9.9.9, 10.2.3.4"], "10.9.9.9"),
        ([b"6.6.6.6, nonsense"], "10.0.0.1"),
        ([b"6.6.6.6, nonsense, 10.2.3.4"], "10.2.3.4"),
        ([b"203.0.113.1:x"], "10.0.0.1"),
        ([b"203.0.113.1:"], "203.0.113.1"),
        ([b"203.0.113.1:123456"], "10.0.0.1"),
        ([b"[2001:db8::1]x"], "10.0.0.1"),
        ([b"[2001:db8::1"], "10.0.0.1"),
        ([b"fe80::1%eth0"], "10.0.0.1"),
        ([b""], "10.0.0.1"),
        ([], "10.0.0.1"),
    ],
)
def test_the_client_is_the_last_who_is_no_proxy_of_ours(forwarded_for, client):
    assert str(PROXIES.client(PEER, forwarded_for)) == client


def test_nobody_is_a_proxy_by_default():
    assert parse_address("127.0.0.1") not in Proxies.parse("")
    assert None not in PROXIES


def test_ipv4_proxies_may_be_written_mapped():
    assert parse_address("192.0.2.1") in PROXIES
    assert parse_address("192.0.3.1") not in PROXIES


@pytest.mark.parametrize("text", ["*", "localhost", "10.0.0.0/33", "10.0.0.1;10.0.0.2"])
def test_what_names_no_network_is_refused(text):
    with pytest.raises(BadSetting, match="JARI_TRUSTED_PROXIES"):
        Proxies.parse(text)
