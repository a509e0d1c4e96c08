"""What every figure needs: databases, servers, worlds, and the cost of processes."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from bench import load
from jari import plans
from jari.adapters.sql.tables import allocations
from support.backdoors import database_of
from support.databases import Postgres, make_tables, postgres_server, run_apart
from support.servers import Server
from support.worlds import Buyer, Match, World

SEATS_PER_HOLD = 3
CORE = 0  # for servers that have one core; the load generator then uses the others


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
    """A server; with ``core``, alone on that core."""
    with tempfile.TemporaryDirectory(prefix="jari-bench-") as directory:
        server = Server(
            url,
            Path(directory) / "server.log",
            sign_ups_per_address=1_000_000,
            max_viewers_per_address=1_000_000,
            afresh=True,
            **settings,
        ).start()
        every_core = os.sched_getaffinity(0)
        if core is not None and server.process is not None:
            pin(server.process.pid, {core})
            os.sched_setaffinity(0, every_core - {core} or every_core)
        try:
            yield server
        finally:
            os.sched_setaffinity(0, every_core)
            server.stop()


def pin(process_id: int, cores: set[int]) -> None:
    for thread in Path(f"/proc/{process_id}/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores)


def processor_seconds(process_id: int) -> float:
    """The processor time of a process and its children so far, in seconds; 0 of one that has just ended."""
    proc = Path(f"/proc/{process_id}")
    try:
        fields = (proc / "stat").read_text().rpartition(") ")[2].split()
        children = [
            child for task in (proc / "task").iterdir() for child in (task / "children").read_text().split()
        ]
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(processor_seconds(int(child)) for child in children)


@contextmanager
def world_in(url: str, **settings: Any) -> Iterator[World]:
    world = World(url, **settings)
    try:
        yield world
    finally:
        world.close()


def stadium(world: World, sales: int) -> list[Match]:
    first = world.match(plans.read_plan(plans.sample("stadium"), file="stadium.json"))
    return [first, *(world.another_match(first) for _ in range(sales - 1))]


def hold_requests(match: Match, buyers: list[Buyer]) -> Iterator[bytes]:
    """Requests in which each buyer holds the next three seats."""
    path, seat_ids = f"/api/matches/{match.id}/allocations", match.seat_ids
    for buyer, first in zip(buyers, range(0, len(seat_ids) - 2, SEATS_PER_HOLD), strict=False):
        a, b, c = seat_ids[first : first + SEATS_PER_HOLD]
        yield load.post(path, f'{{"seatIds":[{a},{b},{c}]}}', buyer.token)


async def fill(world: World, match: Match) -> None:
    """Sell every seat."""
    async with database_of(world.stores).write() as connection:
        await connection.execute(
            insert(allocations),
            [
                {"schedule_id": match.id, "seat_id": seat_id, "status": 2, "buyer_id": 1, "hold_id": "full"}
                for seat_id in match.seat_ids
            ],
        )
