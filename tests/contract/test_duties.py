"""What the processes on one database agree on, on SQLite, on PostgreSQL and in memory."""

import asyncio
import time

import pytest

from jari.main import open_stores
from jari.settings import Settings

HOUR_MS = 3_600_000
SHORT_MS = 300
WAIT_SECONDS = 10


@pytest.fixture
async def duties(store_url):
    """Those of two processes."""
    stores = [await open_stores(Settings(database=store_url)) for _ in range(2)]
    yield [each.duties for each in stores]
    for each in stores:
        await each.close()


async def test_one_of_two_has_the_lease(duties):
    one, two = duties
    assert await one.take_lease("duties", "one", HOUR_MS) is True
    assert await two.take_lease("duties", "two", HOUR_MS) is False


@pytest.mark.parametrize("round_number", range(3))
async def test_of_many_who_ask_at_once_exactly_one_gets_it(duties, round_number):
    taken = await asyncio.gather(
        *(duties[number % 2].take_lease("duties", f"holder-{number}", HOUR_MS) for number in range(8))
    )
    assert sorted(taken) == [False] * 7 + [True]


async def test_who_has_the_lease_renews_it(duties):
    one, two = duties
    assert await one.take_lease("duties", "one", SHORT_MS)
    assert await one.take_lease("duties", "one", HOUR_MS)
    await asyncio.sleep(SHORT_MS / 1000)  # the first lease would have ended by now
    assert not await two.take_lease("duties", "two", HOUR_MS)


async def test_a_lease_that_has_ended_is_taken_over_and_not_before(duties):
    one, two = duties
    asked = time.monotonic()
    assert await one.take_lease("duties", "one", SHORT_MS)
    until = time.monotonic() + WAIT_SECONDS
    while not await two.take_lease("duties", "two", HOUR_MS):
        assert time.monotonic() < until
        await asyncio.sleep(0.01)
    assert time.monotonic() - asked >= SHORT_MS / 1000 - 0.05
    assert not await one.take_lease("duties", "one", HOUR_MS)


async def test_a_lease_that_is_given_back_is_free_at_once(duties):
    one, two = duties
    assert await one.take_lease("duties", "one", HOUR_MS)
    assert await one.take_lease("duties", "one", 0)
    assert await two.take_lease("duties", "two", HOUR_MS)


async def test_who_has_no_lease_gives_back_nothing(duties):
    one, two = duties
    assert await one.take_lease("duties", "one", HOUR_MS)
    assert not await two.take_lease("duties", "two", 0)
    assert not await two.take_lease("duties", "two", HOUR_MS)


async def test_leases_of_other_names_are_other_leases(duties):
    one, two = duties
    assert await one.take_lease("duties", "one", HOUR_MS)
    assert await two.take_lease("webhooks", "two", HOUR_MS)


async def test_the_first_secret_of_a_name_is_kept_for_all(duties):
    one, two = duties
    first = bytes(range(256))
    assert await one.secret("ticket-key", first) == first
    assert await two.secret("ticket-key", b"another") == first
    assert await one.secret("ticket-key", b"a third") == first
    assert await two.secret("other", b"another") == b"another"


async def test_of_many_who_bring_a_secret_at_once_all_get_the_same(duties):
    secrets = await asyncio.gather(
        *(duties[number % 2].secret("ticket-key", bytes([number])) for number in range(8))
    )
    assert len(set(secrets)) == 1
