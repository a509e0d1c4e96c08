"""The cookies that are set and read."""

import pytest

from jari.settings import Settings
from jari.web.cookies import Cookies

COOKIES = Cookies(Settings())
SECURE = Cookies(Settings(public_url="https://tickets.example.com"))


@pytest.mark.parametrize(
    ("header", "token"),
    [
        (None, None),
        (b"", None),
        (b"jari", None),
        (b"jari=", ""),
        (b"jari=abc", "abc"),
        (b"a=b; jari=abc ; c=d", "abc"),
        (b"a=b;jari = abc", "abc"),
        (b"jari=first; jari=last", "last"),
        (b"xjari=abc", None),
        (b'jari="abc"', "abc"),  # RFC 6265 lets a value stand in quotes
        (b"jari-device=abc", None),
        (b"a=jari=abc", None),
        (b"JARI=abc", None),
    ],
)
def test_a_session_is_read_from_its_own_cookie_alone(header, token):
    assert COOKIES.session(header) == token


def test_over_https_only_the_cookie_that_no_other_host_can_set_is_read():
    assert SECURE.session(b"jari=abc; __Host-jari=def") == "def"
    assert SECURE.session(b"jari=abc") is None


def test_what_is_set_is_read_again():
    (_, session), (_, device) = SECURE.entering("abc", "x.1.y")
    assert SECURE.session(session.partition(b";")[0]) == "abc"
    assert SECURE.device(device.partition(b";")[0]) == "x.1.y"


def test_cookies_are_for_servers_alone_and_for_this_site():
    for cookies, is_secure in ((COOKIES, False), (SECURE, True)):
        for _, value in (*cookies.entering("abc", "x"), *cookies.leaving()):
            assert {b"HttpOnly", b"SameSite=lax", b"Path=/"} <= set(value.split(b"; "))
            assert (b"Secure" in value.split(b"; ")) == is_secure


def test_whoever_leaves_keeps_the_mark_of_the_device():
    ((_, value),) = COOKIES.leaving()
    assert value.startswith(b"jari=; Max-Age=0;")
