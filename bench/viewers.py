"""The fan-out of every change to every viewer: its cost, its lag, and the memory of a viewer."""

import asyncio
import bisect
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select

from bench import load
from bench.answers import Answered, Asked, ask
from bench.peers import bare_endpoint
from bench.rows import Row
from bench.stage import CORE, embedded, processor_seconds, serving, world_in
from jari.adapters.sql.tables import changes
from support.backdoors import database_of
from support.servers import Server
from support.worlds import Buyer, Match, World

SECONDS = 6.0
VIEWERS, CHANGES_PER_SECOND, SEATS_PER_CHANGE = 1_000, 400, 4
CROWD = 9_000
IDLE_VIEWERS = 5_000


@dataclass(frozen=True)
class Watched:
    """What a number of viewers were sent while seats changed."""

    viewers: list[load.Viewer]
    changes: int
    seconds: float
    processor_seconds: float

    @property
    def delivered(self) -> int:
        return sum(viewer.events for viewer in self.viewers)

    @property
    def share(self) -> float:
        return self.delivered / (self.changes * len(self.viewers))

    @property
    def by_processor(self) -> float:
        return self.delivered / self.processor_seconds

    @property
    def note(self) -> str:
        return (
            f"{self.changes:,} changes in {self.seconds:.1f} s to {len(self.viewers):,} viewers: "
            f"{self.delivered / self.seconds:,.0f} deliveries/s on {self.processor_seconds / self.seconds:.2f} of a core"
        )


def fan_out() -> list[Row]:
    """Send every change to every viewer of one block. The lag runs from the commit's time in the change log.

    The lag's peer is the time in which the bare endpoint answers as many clients once. The deliveries' peer is the
    bare endpoint's rate of answers. Both rates are by processor time.
    """
    with embedded() as url, world_in(url) as world:
        match, buyers = world.match(rows=20, cols=25), world.buyers(100)
        with serving(url, core=CORE) as server, bare_endpoint(core=CORE) as bare:
            peers = [_answer(bare.process, bare.port)]
            watched = asyncio.run(_watch(server, match, buyers, VIEWERS))
            peers.append(_answer(bare.process, bare.port))
            committed = world.run(commit_times(world))
            crowd = asyncio.run(_watch(server, match, buyers, CROWD))
            peers.append(_answer(bare.process, bare.port))
    lags = sorted(lags_of(watched.viewers, committed))
    p50_ms, p99_ms = (1000 * lags[int(share * len(lags))] for share in (0.5, 0.99))
    clock, processor = (sum(values) / len(peers) for values in zip(*peers, strict=True))
    return [
        Row(f"fan-out to {VIEWERS:,} viewers: share of changes delivered", watched.share, "", at_least=1.0,
            note=watched.note),
        Row(f"fan-out to {VIEWERS:,} viewers: lag p99, in rounds of the bare endpoint", p99_ms / (1000 * VIEWERS / clock), "rounds",
            at_most=2.5, note=f"p50 {p50_ms:.0f} ms, p99 {p99_ms:.0f} ms; one round takes {1000 * VIEWERS / clock:.0f} ms"),
        Row(f"fan-out to {CROWD:,} viewers: share of changes delivered", crowd.share, "", at_least=1.0,
            note=crowd.note),
        Row(f"deliveries to {CROWD:,} viewers against answers of the bare endpoint, one core",
            crowd.by_processor / processor, "times", at_least=150,
            note=f"{crowd.by_processor:,.0f} against {processor:,.0f} for each second of the processor"),
    ]  # fmt: skip


def _answer(process: subprocess.Popen[bytes], port: int) -> tuple[float, float]:
    answered: Answered = ask(Asked(process, port, [load.get("/")]))
    return answered.by_clock, answered.by_processor


async def _watch(server: Server, match: Match, buyers: list[Buyer], count: int) -> Watched:
    assert server.process is not None
    path = f"/api/matches/{match.id}/blocks/{match.block_id}/seats/status-stream"
    viewers = await load.view(server.port, path, count)
    await asyncio.sleep(2)
    spent = processor_seconds(server.process.pid)
    changes, seconds = await change_seats(server, match, buyers, CHANGES_PER_SECOND)
    spent = processor_seconds(server.process.pid) - spent
    for viewer in viewers:
        viewer.transport.abort()
    return Watched(viewers, changes, seconds, spent)


async def change_seats(
    server: Server, match: Match, buyers: list[Buyer], per_second: int
) -> tuple[int, float]:
    """Hold and release seats at that pace. Returns how many changes that were, and in which time."""
    started, sent = time.perf_counter(), 0
    waiting: list[asyncio.Task[load.Result]] = []
    pace = SEATS_PER_CHANGE / per_second
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
    return sent, seconds


async def commit_times(world: World) -> list[tuple[int, float]]:
    async with database_of(world.stores).read() as connection:
        rows = await connection.execute(
            select(changes.c.version, changes.c.committed_ms).order_by(changes.c.version)
        )
        return [(row[0], row[1] / 1000) for row in rows]


def lags_of(viewers: list[load.Viewer], committed: list[tuple[int, float]]) -> Iterator[float]:
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


FIGURES = {"fan-out": fan_out, "memory": memory_per_viewer}
