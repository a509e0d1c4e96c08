"""Claims of requests: one suite for the memory of a process and for every kind of Redis, where there are two processes."""

import asyncio
import time

import pytest

from jari.adapters.memory.claims import MemoryRequestClaims
from jari.adapters.redis.claims import RedisRequestClaims
from jari.adapters.redis.connection import Connection
from jari.adapters.system import CHANCE, CLOCK
from jari.ports.answers import RequestKey
from jari.settings import Settings

ONE = RequestKey("user-1", "a key", "what it asks")
REDISES = ("valkey", "cluster", "redis7")


@pytest.fixture
async def connect():
    opened = []

    def connect(url, **settings):
        every = Settings(redis=url, **settings)
        opened.append(Connection(every, CLOCK))
        return RedisRequestClaims(opened[-1], CHANCE, every)

    yield connect
    for each in opened:
        await each.close()


@pytest.fixture(params=[pytest.param("memory", marks=pytest.mark.memory), *REDISES])
def two(request, connect):
    """The claims as two processes see them; in memory there is only one."""
    if request.param == "memory":
        claims = MemoryRequestClaims()
        return claims, claims
    url = request.getfixturevalue(f"{request.param}_url")
    return connect(url), connect(url)


async def test_a_key_is_claimed_once_wherever_it_comes(two):
    here, there = two
    assert await here.claim(ONE)
    assert not await here.claim(ONE)
    assert not await there.claim(ONE)


async def test_a_key_that_was_let_go_can_be_claimed_anywhere(two):
    here, there = two
    assert await here.claim(ONE)
    await here.let_go(ONE)
    assert await there.claim(ONE)
    assert not await here.claim(ONE)
    await there.let_go(ONE)
    assert await here.claim(ONE)


async def test_whose_claim_was_refused_may_claim_later(two):
    here, there = two
    assert await here.claim(ONE)
    assert not await there.claim(ONE)
    await here.let_go(ONE)
    assert await there.claim(ONE)


async def test_keys_are_claimed_apart(two):
    here, there = two
    assert await here.claim(ONE)
    assert await there.claim(RequestKey("user-2", "a key", "what it asks"))
    assert await there.claim(RequestKey("user-1", "another", "what it asks"))
    assert await there.claim(RequestKey("user-1\na", "key", "what it asks"))


async def test_of_many_at_once_each_key_has_one_claim(two):
    keys = [RequestKey("user-1", f"key-{number}", "what it asks") for number in range(100)]
    claimed = await asyncio.gather(*(claims.claim(key) for key in keys for claims in (*two, *two)))
    assert [claimed[start : start + 4].count(True) for start in range(0, 400, 4)] == [1] * 100


async def test_a_claim_lapses_with_its_process(connect, valkey_url):
    dead, living = connect(valkey_url, claim_seconds=1), connect(valkey_url)
    assert await dead.claim(ONE)
    assert not await living.claim(ONE)
    until = time.monotonic() + 20
    while not await living.claim(ONE):
        assert time.monotonic() < until
        await asyncio.sleep(0.05)


async def test_a_claim_that_has_lapsed_is_not_given_up_for_another(connect, valkey_url, valkey):
    slow, quick, third = (connect(valkey_url) for _ in range(3))
    assert await slow.claim(ONE)
    valkey.ask("FLUSHALL")
    assert await quick.claim(ONE)
    await slow.let_go(ONE)
    assert not await third.claim(ONE)


async def test_without_redis_a_process_knows_its_own_claims(connect, make_redis):
    server = make_redis()
    here, there = (connect(server.url, redis_failures=1, redis_pause_ms=100) for _ in range(2))
    server.kill()
    assert await here.claim(ONE)
    assert not await here.claim(ONE)
    assert await there.claim(ONE)
    await here.let_go(ONE)
    assert await here.claim(ONE)


async def test_a_claim_that_could_not_be_given_up_is_the_processs_own_still(connect, make_redis):
    server = make_redis(appendonly="yes", appendfsync="always")
    here, there = (connect(server.url, redis_failures=1, redis_pause_ms=1) for _ in range(2))
    assert await here.claim(ONE)
    server.kill()
    await here.let_go(ONE)
    server.start()
    await asyncio.sleep(0.01)
    assert not await there.claim(ONE)
    assert await here.claim(ONE)
