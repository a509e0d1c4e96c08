"""When a gateway is asked again: patience that grows with age, and hints that cannot hurry anybody."""

import asyncio

import pytest

from jari.settings import Settings
from jari.usecases.pace import Pace
from support.virtual_time import LoopClock, run_virtually

SETTINGS = Settings(
    payment_patience_seconds=120,
    payment_retry_min_seconds=5,
    payment_retry_max_seconds=60,
    hint_interval_ms=1_000,
    max_payments_running=2,
)


@pytest.mark.parametrize(
    ("age_ms", "again_ms"), [(0, 5_000), (9_999, 5_000), (20_000, 10_000), (119_999, 59_999), (10**9, 60_000)]
)
def test_the_older_the_less_often_within_limits(age_ms, again_ms):
    pace = Pace(LoopClock(), SETTINGS)
    assert pace.again_ms(age_ms) == again_ms
    assert (pace.first_ms, pace.longest_ms) == (120_000, 60_000)


def looked_at(*hints):
    """When somebody looked, for hints as (when it came, payment)."""

    async def work():
        pace, loop = Pace(LoopClock(), SETTINGS), asyncio.get_running_loop()

        async def look(at, payment_id):
            await asyncio.sleep(at)
            await pace.wait_for_next_look(payment_id)
            return pytest.approx(loop.time())

        return await asyncio.gather(*(look(*hint) for hint in hints))

    return run_virtually(work())


def test_the_first_hint_is_followed_at_once_and_the_others_one_by_one():
    assert looked_at((10, 1), (10, 1), (10.5, 1)) == [10, 11, 12]


def test_a_hint_after_a_while_is_followed_at_once_again():
    assert looked_at((10, 1), (12, 1)) == [10, 12]


def test_hints_of_other_payments_do_not_wait():
    assert looked_at((10, 1), (10, 2)) == [10, 10]


def test_no_more_payments_are_remembered_than_may_run():
    """The first of three is forgotten, so it does not wait either."""
    assert looked_at((10, 1), (10.1, 2), (10.2, 3), (10.3, 1)) == [10, 10.1, 10.2, 10.3]
