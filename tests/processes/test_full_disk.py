"""A disk that is full: nothing that was acknowledged is lost, who asks is told so, and it goes on when there is room."""

import asyncio
import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from support.buyers import Acknowledged, client_of_many, hold
from support.servers import Server
from support.worlds import Buyer, Match, World

BUYERS, SEATS_PER_HOLD = 60, 2
PAGE_BYTES = 4_096
RECOVERY_SECONDS = 15.0

MakeServer = Callable[..., Server]
MakeWorld = Callable[[str], World]


def size_of(file: Path) -> int:
    return file.stat().st_size


async def hold_all(
    server: Server, match: Match, buyers: Sequence[Buyer], first_seat: int = 0
) -> Acknowledged:
    """Each of them holds seats of their own, all at once."""
    result = Acknowledged()
    async with client_of_many() as client:

        def ask(number: int, buyer: Buyer) -> object:
            first = first_seat + number * SEATS_PER_HOLD
            return hold(
                client, server.url, match, buyer, match.seat_ids[first : first + SEATS_PER_HOLD], result
            )

        await asyncio.gather(*(ask(*each) for each in enumerate(buyers)))
    return result


def limit_files(server: Server, size_bytes: int | None) -> None:
    """Let no file of the server's grow beyond that: what a full disk does to it. None: there is room again."""
    assert server.process is not None
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(
        server.process.pid, resource.RLIMIT_FSIZE, (hard if size_bytes is None else size_bytes, hard)
    )


def stored(world: World, match: Match) -> dict[int, tuple[int, str]]:
    return {each.seat_id: (each.buyer_id, each.hold_id) for each in world.allocations(match)}


def assert_kept(world: World, match: Match, *acknowledged: Acknowledged) -> None:
    owners = stored(world, match)
    for buyer, hold_id, seat_ids in (each for result in acknowledged for each in result.holds):
        assert {owners.get(seat_id) for seat_id in seat_ids} == {(buyer.id, hold_id)}


async def test_nothing_acknowledged_is_lost_to_a_full_disk_and_it_goes_on_when_there_is_room(
    sqlite_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    world = make_world(sqlite_url)
    match, buyers = world.match(rows=20, cols=30), world.buyers(3 * BUYERS)
    server = make_server(sqlite_url, till_batch_size=4)
    log_file = Path(f"{sqlite_url.removeprefix('sqlite:///')}-wal")
    before = await hold_all(server, match, buyers[:BUYERS])
    assert before.statuses == {201: BUYERS}

    limit_files(server, size_of(log_file) + 3 * PAGE_BYTES)  # it becomes full in the middle of a flood
    during = await hold_all(server, match, buyers[BUYERS : 2 * BUYERS], BUYERS * SEATS_PER_HOLD)
    assert set(during.statuses) <= {201, 503}
    assert during.statuses[503] > 0
    assert_kept(world, match, before, during)

    limit_files(server, None)
    until = time.monotonic() + RECOVERY_SECONDS
    while (after := await hold_all(server, match, buyers[-1:], 500)).statuses != {201: 1}:
        assert time.monotonic() < until, "it does not recover"
        await asyncio.sleep(0.1)
    later = await hold_all(server, match, buyers[2 * BUYERS : -1], 2 * BUYERS * SEATS_PER_HOLD)
    assert later.statuses == {201: BUYERS - 1}
    server.kill()
    assert_kept(world, match, before, during, after, later)
    assert "Traceback" not in server.log()
