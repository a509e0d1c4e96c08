"""Instances that share a Redis: how soon one shows what another commits, and what Redis costs and saves."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any

from bench import load
from bench.rows import Row
from bench.stage import fill, on_postgres, processor_seconds, serving, stadium, world_in
from bench.viewers import change_seats, commit_times, lags_of
from jari.adapters.redis.connection import Connection
from jari.adapters.redis.status_stream import RedisStatusStream
from jari.adapters.system import CLOCK
from jari.main import Stores
from jari.settings import Settings
from jari.usecases.live import Live
from jari.usecases.loading import Loader
from jari.usecases.publishing import Publisher
from support.redises import redis_server

VIEWERS, CHANGES_PER_SECOND = 1_000, 500
LOADS = 30


def instances() -> list[Row]:
    """The lag runs from the commit's time in the change log to a viewer's having it, the commit itself included."""
    with redis_server() as valkey:
        own, other, note = _seen_after({"redis": valkey.url})
        _, polled, polled_note = _seen_after({})
    name = f"two instances, {CHANGES_PER_SECOND} changes/s, {VIEWERS:,} viewers each: from a commit to the viewers of the other"
    return [
        Row(f"{name}, p99", _p99(other), "ms", at_most=50, note=f"{_summary(other)}; {note}"),
        Row(f"{name}, in lags to its own viewers, p99", _p99(other) / _p99(own), "times", note=_summary(own)),
        Row(f"{name}, by polling each second, p99", _p99(polled), "ms", note=f"{_summary(polled)}; {polled_note}"),
    ]  # fmt: skip


def _p99(lags: list[float]) -> float:
    return 1000 * lags[int(0.99 * len(lags))]


def _summary(lags: list[float]) -> str:
    return f"p50 {1000 * lags[len(lags) // 2]:.0f} ms, p99 {_p99(lags):.0f} ms"


def _seen_after(settings: dict[str, Any]) -> tuple[list[float], list[float], str]:
    """The lags of the viewers of the instance that commits, and of those of the other; what it cost."""
    with ExitStack() as stack:
        _, url = stack.enter_context(on_postgres())
        world = stack.enter_context(world_in(url))
        match, buyers = world.match(rows=20, cols=25), world.buyers(100)
        here, there = (
            stack.enter_context(serving(url, database_connections=5, **settings)) for _ in range(2)
        )
        path = f"/api/matches/{match.id}/blocks/{match.block_id}/seats/status-stream"

        async def watch() -> tuple[list[load.Viewer], list[load.Viewer], int, float]:
            own = await load.view(here.port, path, VIEWERS)
            others = await load.view(there.port, path, VIEWERS)
            await asyncio.sleep(2)
            changes, seconds = await change_seats(here, match, buyers, CHANGES_PER_SECOND)
            await asyncio.sleep(2)  # for a poll
            for viewer in own + others:
                viewer.transport.abort()
            return own, others, changes, seconds

        assert here.process is not None
        assert there.process is not None
        before = [processor_seconds(each.process.pid) for each in (here, there) if each.process]
        own, others, changes, seconds = asyncio.run(watch())
        after = [processor_seconds(each.process.pid) for each in (here, there) if each.process]
        spent = ", ".join(f"{b - a:.1f}" for a, b in zip(before, after, strict=True))
        committed = world.run(commit_times(world))
        share = sum(viewer.events for viewer in others) / (changes * VIEWERS)
    note = f"{changes / seconds:,.0f} changes/s, {share:.3f} of them delivered one by one; processor seconds {spent} of {seconds:.0f}"
    return sorted(lags_of(own, committed)), sorted(lags_of(others, committed)), note


def from_redis() -> list[Row]:
    """A replica of 500 seats from Redis and from PostgreSQL; and a full house written into an empty Redis."""
    with redis_server() as valkey, on_postgres() as (_, url), world_in(url) as world:
        block, (full,) = world.match(rows=20, cols=25), stadium(world, 1)
        for each in (block, full):
            world.run(fill(world, each))
        settings = Settings(database=url, redis=valkey.url, redis_timeout_ms=5_000)
        return world.run(_load(world.stores, block.id, full.id, settings))


async def _load(stores: Stores, block: int, full: int, settings: Settings) -> list[Row]:
    connection = Connection(settings, CLOCK)
    stream = RedisStatusStream(connection, settings)
    live = Live(stores.seating, stores.catalogue, CLOCK, settings, stream)
    publisher = Publisher(stream, stores.seating, live, CLOCK, settings)
    await publisher.mend(block)
    with_redis = Loader(stores.seating, stores.catalogue, settings, stream)
    without = Loader(stores.seating, stores.catalogue, settings)
    watched = [await each.load(number) for each in (with_redis, without) for number in (block, full)]
    redis_ms = await _median_ms(lambda: with_redis.load(block))
    store_ms = await _median_ms(lambda: without.load(block))
    started = time.perf_counter()
    await publisher.mend(full)
    rebuilt_seconds = time.perf_counter() - started
    full_redis_ms = await _median_ms(lambda: with_redis.load(full), 5)
    full_store_ms = await _median_ms(lambda: without.load(full), 5)
    assert all(
        each.state.version == 0 for each in watched
    )  # and their plans are known, as of what is watched
    await connection.close()
    return [
        Row("init of 500 seats, all held, from Redis", redis_ms, "ms", at_most=5,
            note=f"from PostgreSQL {store_ms:.1f} ms"),
        Row("rebuild of a full house of 60,000 in Redis", rebuilt_seconds, "s", at_most=1,
            note="reading PostgreSQL included"),
        Row("init of a full house of 60,000 from Redis", full_redis_ms, "ms",
            note=f"from PostgreSQL {full_store_ms:.0f} ms"),
    ]  # fmt: skip


async def _median_ms(work: Callable[[], Awaitable[object]], times: int = LOADS) -> float:
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        await work()
        seconds.append(time.perf_counter() - started)
    return 1000 * statistics.median(seconds)


FIGURES = {"instances": instances, "from-redis": from_redis}
