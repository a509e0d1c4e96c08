"""Holds that are decided in Redis, against holds that are decided in PostgreSQL: the same servers, cores and requests.

Where all share the cores, the processors bound both, and Redis costs more of them than it saves. It is worth it where
PostgreSQL's commit takes long: that is the figure that is promised.
"""

import asyncio
import statistics
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import asyncpg

from bench import load
from bench.rows import Row, ratio
from bench.stage import hold_requests, on_postgres, processor_seconds, serving, stadium, world_in
from jari.adapters.redis.sheet import Sheet
from support.databases import run_apart
from support.redises import redis_server
from support.servers import Server
from support.worlds import Buyer, Match, World

CONNECTIONS = 128
FLOODS, HOLDS_IN_A_FLOOD = 3, 10_000
INSTANCES = 2
LOOK_SECONDS = 0.02
COMMIT_DELAY_MS = 5


@dataclass
class Side:
    """One mode of holding: its servers, its sales, and what its floods cost."""

    servers: list[Server]
    world: World
    sales: Iterator[Match]
    buyers: list[Buyer]
    rates: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    database_seconds: list[float] = field(default_factory=list)  # of a processor, for a whole flood
    ahead_ms: list[int] = field(default_factory=list)  # for how long Redis has had what PostgreSQL had not


def holds_in_redis() -> list[Row]:
    with ExitStack() as opened:
        postgres, url = opened.enter_context(on_postgres())
        postmaster = run_apart(_postmaster(url))
        sides = {
            holds: _side(
                opened,
                postgres.url(postgres.copy()),
                {"redis": opened.enter_context(redis_server()).url, "holds": holds},
            )
            for holds in ("database", "redis")
        }
        _take_turns(list(sides.values()), postmaster)
        rows = _rows(sides["database"], sides["redis"])
        for wish in (f"commit_delay = {COMMIT_DELAY_MS * 1000}", "commit_siblings = 0"):
            postgres.execute(f"ALTER SYSTEM SET {wish}")
        postgres.execute("SELECT pg_reload_conf()")
        _take_turns(list(sides.values()), postmaster)
        delayed = _rate(sides["database"], sides["redis"])
        name = f"the same where a commit of PostgreSQL takes {COMMIT_DELAY_MS} ms longer, as with a standby elsewhere"
        return [*rows, replace(delayed, name=name, at_least=1.2)]


def _take_turns(sides: list[Side], postmaster: int) -> None:
    """Warm up with a flood on each side. Then the floods of both take turns."""
    for side in sides:
        side.rates, side.p99_ms, side.database_seconds, side.ahead_ms = [], [], [], []
    for turn in range(FLOODS + 1):
        for side in sides:
            _flood(side, postmaster, measured=turn > 0)


def _side(opened: ExitStack, url: str, settings: dict[str, Any]) -> Side:
    world = opened.enter_context(world_in(url, **settings))
    servers = [opened.enter_context(serving(url, **settings)) for _ in range(INSTANCES)]
    return Side(servers, world, iter(stadium(world, 2 * (FLOODS + 1))), world.buyers(HOLDS_IN_A_FLOOD))


def _flood(side: Side, postmaster: int, *, measured: bool) -> None:
    match = next(side.sales)
    began = processor_seconds(postmaster)
    with _watching(side, match):
        results = asyncio.run(_hold_everywhere(side, match))
    assert len(side.world.allocations(match)) == 3 * HOLDS_IN_A_FLOOD  # by now PostgreSQL has them all
    if measured:
        side.database_seconds.append(processor_seconds(postmaster) - began)
        side.rates.append(sum(each.per_second for each in results))
        side.p99_ms.append(max(each.percentile_ms(0.99) for each in results))


async def _hold_everywhere(side: Side, match: Match) -> list[load.Result]:
    requests = list(hold_requests(match, side.buyers))
    results = await asyncio.gather(
        *(
            load.run(
                server.port,
                iter(requests[number::INSTANCES]),
                connections=CONNECTIONS // INSTANCES,
                seconds=60,
            )
            for number, server in enumerate(side.servers)
        )
    )
    for each in results:
        assert set(each.statuses) == {201}, each.statuses
    return results


@contextmanager
def _watching(side: Side, match: Match) -> Iterator[None]:
    """Look again and again how far Redis is ahead of PostgreSQL."""
    redis = side.world.stores.redis
    if redis is None or side.world.stores.persisting is None:
        yield
        return
    sheet, over = Sheet(redis, match.id), threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_SECONDS):
            look = side.world.run(sheet.look())
            if look.head is not None:
                side.ahead_ms.append(look.now_ms - look.head.behind_since_ms if look.head.behind else 0)

    thread = threading.Thread(target=watch)
    thread.start()
    yield
    over.set()
    thread.join()


async def _postmaster(url: str) -> int:
    """The process that all of PostgreSQL's are children of."""
    connection = await asyncpg.connect(url)
    directory = await connection.fetchval("SHOW data_directory")
    await connection.close()
    return int((Path(directory) / "postmaster.pid").read_text().split()[0])


def _rate(database: Side, redis: Side) -> Row:
    note = (
        f"{statistics.median(redis.rates):,.0f}/s against {statistics.median(database.rates):,.0f}/s; "
        f"p99 {statistics.median(redis.p99_ms):.0f} and {statistics.median(database.p99_ms):.0f} ms"
    )
    name = f"holds of 3 seats, {INSTANCES} instances, decided in Redis against PostgreSQL"
    return Row(name, ratio(redis.rates, database.rates), "times", note=note)


def _rows(database: Side, redis: Side) -> list[Row]:
    costs = [1e6 * statistics.median(side.database_seconds) / HOLDS_IN_A_FLOOD for side in (redis, database)]
    return [
        _rate(database, redis),
        Row("for how long Redis is ahead of PostgreSQL in such a flood", statistics.median(redis.ahead_ms), "ms",
            note=f"the median; {max(redis.ahead_ms):,} ms at most: what a loss of Redis could lose"),
        Row("processor time of PostgreSQL for a hold, decided in Redis", costs[0], "µs", note=f"{costs[1]:.0f} µs where PostgreSQL decides"),
    ]  # fmt: skip


FIGURES = {"holds-in-redis": holds_in_redis}
