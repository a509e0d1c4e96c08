"""Known devices: whose marks count, and for which account."""

import pytest

from jari.usecases.devices import Devices

KIM, LEE = "kim", "lee"


def devices(key=b"a key"):
    return Devices(key, accounts_per_device=2)


def test_a_device_is_known_to_the_account_that_was_logged_in_there():
    mark = devices().marked(None, KIM)
    assert devices().known(mark, KIM) is not None
    assert devices().known(mark, LEE) is None


def test_devices_are_told_apart_and_recognised():
    one, other = devices().marked(None, KIM), devices().marked(None, KIM)
    assert devices().known(one, KIM) != devices().known(other, KIM)
    assert devices().known(devices().marked(one, KIM), KIM) == devices().known(one, KIM)


def test_several_accounts_may_be_known_at_one_device_and_the_longest_unused_has_to_go():
    mark = None
    for account in (KIM, LEE, KIM, "choi"):
        mark = devices().marked(mark, account)
    assert [devices().known(mark, account) is not None for account in (KIM, LEE, "choi")] == [
        True,
        False,
        True,
    ]


def test_a_mark_of_another_key_is_of_no_use():
    assert devices().known(devices(b"another key").marked(None, KIM), KIM) is None


def test_the_code_of_one_device_is_of_no_use_at_another():
    one, other = devices().marked(None, KIM), devices().marked(None, LEE)
    mixed = ".".join((one.partition(".")[0], other.partition(".")[2]))
    assert devices().known(mixed, LEE) is None


@pytest.mark.parametrize(
    "mark",
    [None, "", ".", "x", "é" * 16, "a" * 16, "a" * 16 + "." + "b" * 21, "a" * 16 + ("." + "b" * 22) * 9],
)
def test_what_we_did_not_sign_is_no_mark_and_the_next_one_is_good(mark):
    assert devices().known(mark, KIM) is None
    after = devices().marked(mark, KIM)
    assert devices().known(after, KIM) is not None
    assert len(after) <= 16 + 2 * 23
