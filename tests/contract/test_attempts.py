"""Counting attempts: one suite for the memory of a process and for both databases."""

import asyncio

import pytest

from jari.adapters.memory import MAX_BUCKETS, MemoryAttempts
from jari.adapters.sql.accounts import SqlAccounts
from jari.adapters.sql.database import open_database
from jari.settings import Settings

NOW, MINUTE = 1_800_000_000_000, 60_000


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def attempts(request):
    if request.param == "memory":
        yield MemoryAttempts()
        return
    database = open_database(Settings(database=request.getfixturevalue(f"{request.param}_url")))
    yield SqlAccounts(database)
    await database.close()


async def test_attempts_are_counted_within_a_window_that_the_first_one_opens(attempts):
    counted = [await attempts.count_attempt("log-in:a", MINUTE, NOW + later) for later in (0, 5, MINUTE - 1)]
    assert counted == [(1, NOW + MINUTE), (2, NOW + MINUTE), (3, NOW + MINUTE)]


async def test_when_the_window_has_ended_counting_starts_anew(attempts):
    await attempts.count_attempt("log-in:a", MINUTE, NOW)
    await attempts.count_attempt("log-in:a", MINUTE, NOW)
    assert await attempts.count_attempt("log-in:a", MINUTE, NOW + MINUTE) == (1, NOW + 2 * MINUTE)


async def test_buckets_are_counted_apart(attempts):
    await attempts.count_attempt("log-in:a", MINUTE, NOW)
    assert await attempts.count_attempt("log-in:b", MINUTE, NOW) == (1, NOW + MINUTE)


async def test_an_attempt_can_be_taken_back_but_never_below_none(attempts):
    await attempts.count_attempt("log-in:a", MINUTE, NOW)
    for _ in range(3):
        await attempts.forgive_attempt("log-in:a")
    await attempts.forgive_attempt("log-in:unknown")
    assert await attempts.count_attempt("log-in:a", MINUTE, NOW) == (1, NOW + MINUTE)


async def test_attempts_at_once_are_all_counted(attempts):
    counted = await asyncio.gather(*(attempts.count_attempt("log-in:a", MINUTE, NOW) for _ in range(12)))
    assert sorted(count for count, _ in counted) == list(range(1, 13))


async def test_memory_is_bounded_and_forgets_the_longest_unused():
    attempts = MemoryAttempts()
    for number in range(MAX_BUCKETS + 1):
        await attempts.count_attempt(str(number), MINUTE, NOW)
    assert await attempts.count_attempt("0", MINUTE, NOW) == (1, NOW + MINUTE)
    assert await attempts.count_attempt(str(MAX_BUCKETS), MINUTE, NOW) == (2, NOW + MINUTE)
