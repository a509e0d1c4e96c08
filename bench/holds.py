"""Durable holds over HTTP, against the classic transaction on a database without a service around it."""

import asyncio
import itertools
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.engine import make_url

from bench import load
from bench.peers import pgbench_rate, prepare_pgbench, sqlite_rate
from bench.rows import Row, ratio
from bench.stage import embedded, hold_requests, on_postgres, serving, stadium, world_in
from jari import plans
from support.servers import Server
from support.worlds import Buyer, Match

CONNECTIONS = 128
FLOODS, HOLDS_IN_A_FLOOD = 3, 10_000
PEER_SECONDS = 4
WORKERS = 2


@dataclass
class Flooded:
    """The rounds of some servers, each with a whole sale at a time, and of the peer between them."""

    peer: list[float] = field(default_factory=list)
    rates: dict[int, list[float]] = field(default_factory=dict)
    p99_ms: dict[int, list[float]] = field(default_factory=dict)

    def row(self, name: str, processes: int, at_least: float) -> Row:
        rates, p99_ms = self.rates[processes], statistics.median(self.p99_ms[processes])
        between = [statistics.mean(pair) for pair in itertools.pairwise(self.peer)]
        note = f"{statistics.median(rates):,.0f}/s against {statistics.median(self.peer):,.0f}/s; p99 {p99_ms:.0f} ms"
        return Row(name, ratio(rates, between), "times", at_least=at_least, note=note)


def flood(
    servers: dict[int, Server], sales: Iterator[Match], buyers: list[Buyer], peer: Callable[[], float]
) -> Flooded:
    """Warm up with a sale on each server. Then the peer and a sale on each server take turns."""
    flooded = Flooded()
    for server in servers.values():
        _sell_out(server, next(sales), buyers)
    flooded.peer.append(peer())
    for _ in range(FLOODS):
        for processes, server in servers.items():
            result = _sell_out(server, next(sales), buyers)
            flooded.rates.setdefault(processes, []).append(result.per_second)
            flooded.p99_ms.setdefault(processes, []).append(result.percentile_ms(0.99))
        flooded.peer.append(peer())
    return flooded


def _sell_out(server: Server, match: Match, buyers: list[Buyer]) -> load.Result:
    requests = list(hold_requests(match, buyers))
    result = asyncio.run(load.run(server.port, iter(requests), connections=CONNECTIONS, seconds=60))
    assert set(result.statuses) == {201}, result.statuses
    return result


def holds_on_postgres() -> list[Row]:
    with on_postgres() as (_, url), world_in(url) as world:
        prepare_pgbench(url)
        sales, buyers = stadium(world, 2 * (FLOODS + 1)), world.buyers(HOLDS_IN_A_FLOOD)
        with serving(url) as one, serving(url, workers=WORKERS) as several:
            flooded = flood(
                {1: one, WORKERS: several}, iter(sales), buyers, lambda: pgbench_rate(url, PEER_SECONDS)
            )
    return [
        flooded.row("holds of 3 seats, PostgreSQL, one process, against pgbench", 1, at_least=0.6),
        flooded.row(f"the same with {WORKERS} workers", WORKERS, at_least=0.9),
    ]


def holds_on_sqlite() -> list[Row]:
    with embedded() as url, world_in(url) as world:
        sales, buyers = stadium(world, FLOODS + 1), world.buyers(HOLDS_IN_A_FLOOD)
        directory = Path(make_url(url).database or "").parent
        with serving(url) as server:
            flooded = flood({1: server}, iter(sales), buyers, lambda: sqlite_rate(directory, PEER_SECONDS))
    return [flooded.row("holds of 3 seats, SQLite, against single durable transactions", 1, at_least=1.0)]


def growth() -> list[Row]:
    """The same load on 1,200 and on 60,000 seats in turn: 16 connections, and 380 holds of three seats each time."""
    medians: dict[str, list[float]] = {"theatre": [], "stadium": []}
    with embedded() as url, world_in(url) as world:
        buyers = world.buyers(380)
        first = {name: world.match(plans.read_plan(plans.sample(name), file=name)) for name in medians}
        with serving(url) as server:
            for _ in range(5):
                for name, measured in medians.items():
                    requests = hold_requests(world.another_match(first[name]), buyers)
                    asyncio.run(
                        load.run(server.port, itertools.islice(requests, 20), connections=4, seconds=10)
                    )
                    result = asyncio.run(load.run(server.port, requests, connections=16, seconds=30))
                    assert set(result.statuses) == {201}, result.statuses
                    measured.append(result.percentile_ms(0.5))
    small, large = (statistics.median(medians[name]) for name in ("theatre", "stadium"))
    return [
        Row("hold latency, 60,000 against 1,200 seats", large / small, "times", at_most=1.2,
            note=f"medians {large:.1f} ms and {small:.1f} ms, SQLite"),
    ]  # fmt: skip


FIGURES = {"holds-postgres": holds_on_postgres, "holds-sqlite": holds_on_sqlite, "growth": growth}
