"""What was acknowledged survives ``kill -9``, and nothing is held by half."""

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from support.buyers import Acknowledged, client_of_many, hold
from support.servers import Server
from support.worlds import Buyer, Match, World

BROKEN = str(Path(__file__).parents[1] / "support" / "broken_server.py")
SEATS_PER_HOLD = 3

MakeServer = Callable[..., Server]
MakeWorld = Callable[[str], World]


async def flood(
    server: Server, match: Match, buyers: list[Buyer], *, rounds: int = 1, kill_after: int | None = None
) -> Acknowledged:
    """All at once hold three seats of their own, round after round; the server is killed after so many holds."""
    result = Acknowledged()
    async with client_of_many() as client:

        async def buy(number: int, buyer: Buyer) -> None:
            for turn in range(rounds):
                first = (turn * len(buyers) + number) * SEATS_PER_HOLD
                seat_ids = match.seat_ids[first : first + SEATS_PER_HOLD]
                await hold(client, server.url, match, buyer, seat_ids, result)
                if kill_after is not None and len(result.holds) >= kill_after:
                    server.kill()

        await asyncio.gather(*(buy(number, buyer) for number, buyer in enumerate(buyers)))
    return result


def assert_whole(world: World, match: Match, acknowledged: Acknowledged) -> int:
    """Every acknowledged hold is there with all its seats, and no hold is there with fewer; how many."""
    stored = world.allocations(match)
    owner_of = {each.seat_id: (each.buyer_id, each.hold_id) for each in stored}
    for buyer, hold_id, seat_ids in acknowledged.holds:
        assert {owner_of.get(seat_id) for seat_id in seat_ids} == {(buyer.id, hold_id)}
    sizes = Counter(each.hold_id for each in stored)
    assert set(sizes.values()) <= {SEATS_PER_HOLD}
    return len(sizes)


async def test_acknowledged_holds_survive_a_kill_during_a_flood(
    database_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    world = make_world(database_url)
    match, buyers = world.match(rows=60, cols=100), world.buyers(100)
    server = make_server(database_url, till_batch_size=8, max_seats_per_buyer=60)

    acknowledged = await flood(server, match, buyers, rounds=20, kill_after=300)

    assert acknowledged.broken > 0  # it died in the middle of the flood
    assert_whole(world, match, acknowledged)
    server.start()
    async with httpx.AsyncClient(base_url=server.url) as client:
        after = (await client.get(f"/api/matches/{match.id}/blocks/{match.block_id}/seats/status")).json()
    held = {seat["id"] for seat in after["data"]["seats"] if seat["status"] == "HOLD"}
    assert held == {each.seat_id for each in world.allocations(match)}


@pytest.mark.parametrize(
    ("breakage", "batch_survives"), [("die-before-commit", False), ("die-after-commit", True)]
)
async def test_a_batch_survives_whole_or_not_at_all(
    database_url: str, make_world: MakeWorld, make_server: MakeServer, breakage: str, *, batch_survives: bool
) -> None:
    world = make_world(database_url)
    match, buyers = world.match(rows=20, cols=30), world.buyers(50)
    server = make_server(database_url, program=(BROKEN, breakage))

    acknowledged = await flood(server, match, buyers)

    assert acknowledged.broken > 1  # those whose batch died were told nothing
    holds = assert_whole(world, match, acknowledged)
    assert (holds > len(acknowledged.holds)) is batch_survives


async def test_a_hold_between_requests_is_there_after_a_kill_and_can_be_released(
    database_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    world = make_world(database_url)
    match, buyer = world.match(), world.buyer()
    server = make_server(database_url)
    allocations = f"/api/matches/{match.id}/allocations"
    with buyer.client(server.url) as client:
        held = client.post(allocations, json={"seatIds": match.seat_ids[:2]}).json()["data"]

    server.kill()
    server.start()

    with buyer.client(server.url) as client:
        assert client.get(allocations).json()["data"]["holds"] == [held]
        released = client.delete(allocations, params={"seatId": match.seat_ids[:2]})
        assert released.status_code == 200
    assert world.allocations(match) == []
