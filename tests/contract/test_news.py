"""News: one suite for the memory of a process and for every kind of Redis, where the listeners are several processes."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from jari.adapters.memory import news as memory_news
from jari.adapters.memory.news import MemoryNews
from jari.adapters.redis.connection import Connection
from jari.adapters.redis.news import RedisNews
from jari.adapters.system import CLOCK
from jari.ports.news import News
from jari.settings import Settings

REDISES = ("valkey", "cluster", "redis7")
SECONDS = 30


@pytest.fixture
async def connect():
    opened = []

    def connect(url):
        settings = Settings(redis=url, redis_failures=1, redis_pause_ms=20, redis_block_ms=200)
        opened.append(Connection(settings, CLOCK))
        return RedisNews(opened[-1], settings)

    yield connect
    for each in opened:
        await each.close()


@pytest.fixture(params=[pytest.param("memory", marks=pytest.mark.memory), *REDISES])
def wires(request, connect):
    """The wire as three processes have it; in memory there is only one."""
    if request.param == "memory":
        return [MemoryNews()] * 3
    url = request.getfixturevalue(f"{request.param}_url")
    return [connect(url) for _ in range(3)]


def numbered(number):
    return News(changed_schedules=(number,))


@asynccontextmanager
async def listening(*wires):
    """A queue of what each hears; whoever is ready to hear has heard number 0."""
    queues = [asyncio.Queue() for _ in wires]

    async def listen(wire, queue):
        async for news in wire.listen():
            queue.put_nowait(news)

    tasks = [asyncio.create_task(listen(*each)) for each in zip(wires, queues, strict=True)]
    try:
        async with asyncio.timeout(SECONDS):
            for queue in queues:
                while queue.empty():
                    await wires[0].tell(numbered(0))
                    await asyncio.sleep(0.01)
        yield queues
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def next_but_zero(queue):
    async with asyncio.timeout(SECONDS):
        while (news := await queue.get()) == numbered(0):
            pass
    return news


async def test_everybody_hears_everything_in_order_and_once(wires):
    async with listening(*wires) as queues:
        for number in range(1, 31):
            await wires[number % 3].tell(numbered(number))
        for queue in queues:
            assert [await next_but_zero(queue) for _ in range(30)] == [
                numbered(each) for each in range(1, 31)
            ]
            assert queue.empty()


async def test_news_comes_as_it_was_told(wires):
    told = News((b"\x00\xff" * 16, b"b" * 32), (7, 8), (9,))
    async with listening(wires[1]) as (queue,):
        await wires[0].tell(told)
        assert await next_but_zero(queue) == told


async def test_what_was_told_before_is_not_heard(wires):
    await wires[0].tell(numbered(1))
    async with listening(wires[1]) as (queue,):
        await wires[0].tell(numbered(2))
        assert await next_but_zero(queue) == numbered(2)


async def test_to_tell_nobody_is_no_fault(wires):
    await wires[0].tell(numbered(1))


async def test_in_memory_whoever_does_not_listen_loses_the_oldest(monkeypatch):
    monkeypatch.setattr(memory_news, "WAITING", 2)
    wire = MemoryNews()
    listener = wire.listen()
    first = asyncio.create_task(anext(listener))
    await asyncio.sleep(0)
    for number in range(1, 4):
        await wire.tell(numbered(number))
    assert [await first, await anext(listener)] == [numbered(2), numbered(3)]
    await listener.aclose()


async def test_redis_may_forget_everything(connect, valkey_url, valkey):
    here, there = connect(valkey_url), connect(valkey_url)
    async with listening(there) as (queue,):
        await here.tell(numbered(1))
        assert await next_but_zero(queue) == numbered(1)
        valkey.ask("FLUSHALL")
        await here.tell(numbered(2))
        assert await next_but_zero(queue) == numbered(2)


async def test_redis_may_be_away_for_a_while(connect, make_redis):
    """What is told meanwhile is lost; to tell it raises nothing."""
    server = make_redis()
    here, there = connect(server.url), connect(server.url)
    async with listening(there) as (queue,):
        server.kill()
        await here.tell(numbered(1))
        server.start()
        heard = asyncio.create_task(next_but_zero(queue))
        while not heard.done():
            await here.tell(numbered(2))
            await asyncio.sleep(0.02)
        assert await heard == numbered(2)


async def test_the_stream_stays_small(connect, valkey_url, valkey):
    settings = Settings(redis=valkey_url, redis_news_size=100)
    redis = Connection(settings, CLOCK)
    for number in range(1_000):
        await RedisNews(redis, settings).tell(numbered(number))
    await redis.close()
    assert valkey.ask("XLEN", "jari:{news}:stream") < 400  # Redis trims whole nodes of the stream
