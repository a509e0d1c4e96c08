"""Answers without a commit: what the service costs beside a bare endpoint, by the processor time of one core."""

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench import load
from bench.peers import bare_endpoint
from bench.rows import Row, ratio
from bench.stage import CORE, embedded, fill, hold_requests, processor_seconds, serving, stadium, world_in
from support.nursery import Process

CONNECTIONS = 64
ROUNDS, ROUND_SECONDS = 4, 2.0


@dataclass(frozen=True)
class Asked:
    """Requests to one process, sent in a circle, and the status that each must get."""

    process: Process
    port: int
    requests: Sequence[bytes]
    status: int = 200


@dataclass(frozen=True)
class Answered:
    """One round: answers per second by the clock, and per second of the process's processor time."""

    by_clock: float
    by_processor: float
    bytes_each: float


def ask(asked: Asked, *, connections: int = CONNECTIONS, seconds: float = ROUND_SECONDS) -> Answered:
    spent = processor_seconds(asked.process.pid)
    requests = itertools.cycle(asked.requests)
    result = asyncio.run(load.run(asked.port, requests, connections=connections, seconds=seconds))
    spent = processor_seconds(asked.process.pid) - spent
    assert set(result.statuses) == {asked.status}, result.statuses
    count = result.statuses[asked.status]
    return Answered(result.per_second, count / spent, result.received_bytes / count)


def in_turns(*all_asked: Asked) -> Iterator[list[Answered]]:
    """The rounds of each. All take turns, so that a busy machine is as busy for each. The first round warms up."""
    rounds = [[ask(asked) for asked in all_asked] for _ in range(ROUNDS + 1)]
    return (list(each) for each in zip(*rounds[1:], strict=True))


def against(
    name: str, ours: list[Answered], peer: list[Answered], at_least: float | None = None, note: str = ""
) -> Row:
    """Our rate against a peer's, by processor time. On a core that is always busy the clock gives the same."""
    clock = f"{_median(ours):,.0f}/s against {_median(peer):,.0f}/s by the clock"
    value = ratio([each.by_processor for each in ours], [each.by_processor for each in peer])
    return Row(name, value, "times", at_least=at_least, note=f"{clock}; {note}" if note else clock)


def _median(rounds: list[Answered]) -> float:
    return sorted(each.by_clock for each in rounds)[len(rounds) // 2]


def answers() -> list[Row]:
    """Alive, refused, and two answers from memory. Each takes turns with the bare endpoint on the same core."""
    with embedded() as url, world_in(url) as world:
        match, buyers = world.match(rows=20, cols=25), world.buyers(501)
        (full,) = stadium(world, 1)
        world.run(fill(world, full))
        allocations_path = f"/api/matches/{match.id}/allocations"
        status_path = f"/api/matches/{match.id}/blocks/{match.block_id}/seats/status"
        with (
            bare_endpoint(core=CORE) as bare,
            bare_endpoint("refusing_endpoint", core=CORE) as least,
            serving(url, core=CORE) as server,
        ):
            assert server.process is not None
            taken = list(hold_requests(match, buyers[:1]))
            asyncio.run(load.run(server.port, iter(taken), connections=1, seconds=5))
            body = f'{{"seatIds":{match.seat_ids[:3]}}}'
            losers = [load.post(allocations_path, body, buyer.token) for buyer in buyers[1:]]
            house = load.get(f"/api/schedules/{full.id}/seat-status", "Accept-Encoding: gzip\r\n")
            peer, least_refused, alive, refused, block, whole = in_turns(
                Asked(bare.process, bare.port, [load.get("/livez")]),
                Asked(least.process, least.port, losers, status=409),
                Asked(server.process, server.port, [load.get("/livez")]),
                Asked(server.process, server.port, losers, status=409),
                Asked(server.process, server.port, [load.get(status_path)]),
                Asked(server.process, server.port, [house]),
            )
    return [
        against("/livez against the bare endpoint, one core", alive, peer, at_least=0.7),
        against("409 for seats already taken against /livez, one core", refused, alive, at_least=0.7),
        against("the same against the bare endpoint", refused, peer, at_least=0.49),
        against("the same against the least that refuses a hold", refused, least_refused),
        against("the least that refuses a hold against the bare endpoint", least_refused, peer),
        against("status of a block of 500 seats against the bare endpoint, one core", block, peer, at_least=0.4),
        against("seat-status of a full house of 60,000 against the bare endpoint, one core", whole, peer,
                at_least=0.2, note=f"{whole[0].bytes_each / 1024:.0f} KB each, compressed"),
    ]  # fmt: skip


FIGURES = {"answers": answers}
