"""Known devices: whose marks count, and for which account."""

import pytest

from jari.adapters.system import CHANCE
from jari.usecases.devices import Devices
from support.clocks import StandingClock

KIM, LEE = "kim", "lee"
TODAY, DAYS = 20_000, 30
DAY_SECONDS = 24 * 3600


def devices(key=b"a key", today=TODAY):
    return Devices(key, StandingClock(today * DAY_SECONDS), CHANCE, accounts_per_device=2, days=DAYS)


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


def test_a_device_is_known_for_so_many_days_after_the_last_log_in():
    mark = devices().marked(None, KIM)
    assert devices(today=TODAY + DAYS).known(mark, KIM) is not None
    assert devices(today=TODAY + DAYS + 1).known(mark, KIM) is None
    again = devices(today=TODAY + DAYS).marked(mark, KIM)
    assert devices(today=TODAY + 2 * DAYS).known(again, KIM) == devices().known(mark, KIM)


def test_the_day_cannot_be_put_off():
    mark = devices().marked(None, KIM)
    later = mark.replace(f"{TODAY}", f"{TODAY + DAYS}")
    assert later != mark
    assert devices().known(later, KIM) is None


def test_an_account_whose_time_is_over_takes_nobodys_place():
    mark = devices().marked(devices(today=TODAY - DAYS - 1).marked(None, KIM), LEE)
    both = devices().marked(mark, "choi")
    assert [devices().known(both, account) is not None for account in (KIM, LEE, "choi")] == [
        False,
        True,
        True,
    ]


def test_a_server_whose_clock_is_behind_knows_todays_devices():
    assert devices(today=TODAY - 1).known(devices().marked(None, KIM), KIM) is not None


CODE = f".{TODAY}." + "b" * 22


@pytest.mark.parametrize(
    "mark",
    [
        None, "", ".", "x", "é" * 16, "a" * 16, "a" * 16 + "." + "b" * 22, "a" * 16 + CODE[:-1],
        "a" * 16 + CODE.replace("2", "x"), "a" * 16 + CODE * 9,
    ],
)  # fmt: skip
def test_what_we_did_not_sign_is_no_mark_and_the_next_one_is_good(mark):
    assert devices().known(mark, KIM) is None
    after = devices().marked(mark, KIM)
    assert devices().known(after, KIM) is not None
    assert len(after) <= 16 + 2 * len(CODE)
