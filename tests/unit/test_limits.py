"""Counting and refusing: what reaches the store, and what a process keeps to itself."""

import asyncio
import time

import pytest

from jari.adapters.memory.attempts import MemoryAttemptStore
from jari.adapters.system import CLOCK
from jari.domain.errors import TooManyAttempts, Unavailable
from jari.domain.limits import Limit
from jari.settings import Settings
from jari.usecases.limits import Limits
from support.clocks import StandingClock

WINDOW_MS = 900_000
TWICE = Limit("a", 2, failures_only=True)


class DistantAttempts(MemoryAttemptStore):
    """As a database does, it lets others run before it answers."""

    async def count_attempt(self, bucket, window_ms):
        await asyncio.sleep(0)
        return await super().count_attempt(bucket, window_ms)


@pytest.fixture
def attempts():
    return MemoryAttemptStore(StandingClock())


def limits(attempts, **settings):
    return Limits(attempts, CLOCK, Settings(**settings))


async def counted(attempts, bucket="a"):
    """How many attempts there are, this one not included."""
    return (await attempts.count_attempt(bucket, WINDOW_MS))[0] - 1


async def refused(counting, *asked):
    with pytest.raises(TooManyAttempts) as caught:
        await counting.count(*asked)
    assert 0 < caught.value.retry_after_seconds <= WINDOW_MS // 1000
    return caught.value


async def test_whoever_is_refused_is_not_counted_again(attempts):
    counting = limits(attempts)
    await counting.count(TWICE)
    await counting.count(TWICE)
    for _ in range(10):
        await refused(counting, TWICE)
    assert await counted(attempts) == 3


async def test_a_refusal_by_one_limit_uses_up_no_other(attempts):
    counting = limits(attempts)
    await counting.count(TWICE)
    await counting.count(TWICE)
    await refused(counting, TWICE)
    await refused(counting, Limit("b", 10), TWICE)
    assert await counted(attempts, "b") == 0


async def test_of_many_at_once_no_more_than_one_is_counted_beyond_the_limit():
    attempts = DistantAttempts(StandingClock())
    counting = limits(attempts)
    outcomes = await asyncio.gather(*(counting.count(TWICE) for _ in range(50)), return_exceptions=True)
    assert outcomes.count(None) == 2
    assert await counted(attempts) == 3


async def test_a_success_is_forgiven_and_lets_the_refused_try_again(attempts):
    counting = limits(attempts)
    await counting.count(TWICE)
    await counting.count(TWICE)
    await refused(counting, TWICE)
    for _ in range(2):
        await counting.forgive([TWICE])
    await counting.count(TWICE)


async def test_a_look_again_neither_counts_nor_lets_anybody_in_who_has_had_their_attempts(attempts):
    counting = limits(attempts, refusal_recheck_seconds=1)
    for _ in range(2):
        await counting.count(TWICE)
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        await refused(counting, TWICE)
        await asyncio.sleep(0.05)
    assert await counted(attempts) == 3


async def test_what_counts_successes_too_forgives_none(attempts):
    counting, all_tries = limits(attempts), Limit("a", 1)
    await counting.count(all_tries)
    await counting.forgive([all_tries])
    await refused(counting, all_tries)


async def test_refusals_are_remembered_up_to_a_number(attempts):
    """Whoever is forgotten is asked of the store, which refuses as well."""
    counting = limits(attempts, refused_buckets_size=1)
    for bucket in ("a", "b"):
        await counting.count(Limit(bucket, 1))
        await refused(counting, Limit(bucket, 1))
    await refused(counting, Limit("a", 1))
    assert await counted(attempts, "a") == 3
    assert await counted(attempts, "b") == 2


async def test_those_who_cannot_be_counted_soon_are_sent_away():
    counting = limits(DistantAttempts(StandingClock()), attempt_queue_size=2)
    outcomes = await asyncio.gather(
        *(counting.count(Limit(str(number), 9)) for number in range(3)), return_exceptions=True
    )
    assert [type(each) for each in outcomes] == [type(None), type(None), Unavailable]
