"""No seat has two owners: 200 buyers over real HTTP for 50 seats, and what happens with the guards off."""

from collections.abc import Callable
from pathlib import Path

import pytest

from support.buyers import Acknowledged, race
from support.servers import Server
from support.worlds import World

BROKEN = str(Path(__file__).parents[1] / "support" / "broken_server.py")
BUYERS, TRIES = 200, 4

MakeServer = Callable[..., Server]
MakeWorld = Callable[[str], World]


async def race_for_fifty_seats(
    url: str, make_world: MakeWorld, make_server: MakeServer, breakages: tuple[str, ...] = ()
) -> tuple[World, int, Acknowledged]:
    world = make_world(url)
    match = world.match(rows=5, cols=10)
    program = {"program": (BROKEN, *breakages)} if breakages else {}
    count = 1 if url.startswith("sqlite") else 2
    servers = [make_server(url, **program) for _ in range(count)]
    acknowledged = await race([server.url for server in servers], match, world.buyers(BUYERS), tries=TRIES)
    return world, match.id, acknowledged


async def test_no_seat_has_two_owners(
    database_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    world, match_id, acknowledged = await race_for_fifty_seats(database_url, make_world, make_server)

    assert acknowledged.double_sold() == []
    assert acknowledged.statuses.keys() <= {201, 409, 422}
    stored = world.run(world.stores.seating.load(match_id, 0)).allocations
    assert {each.seat_id: {each.buyer_id} for each in stored} == acknowledged.owners()
    assert len(stored) > 40  # the race was for real: nearly all seats went


async def test_with_every_guard_off_seats_are_sold_twice(
    database_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    """The negative control: a race that double-sells here proves that the test above can fail."""
    _, _, acknowledged = await race_for_fifty_seats(
        database_url, make_world, make_server, ("losers", "decision", "database")
    )
    assert acknowledged.double_sold() != []


@pytest.mark.parametrize("breakages", [("losers",), ("losers", "decision")], ids="+".join)
async def test_each_guard_behind_the_broken_ones_still_holds(
    database_url: str, make_world: MakeWorld, make_server: MakeServer, breakages: tuple[str, ...]
) -> None:
    """With the replica blind the till decides; with the till blind, too, the database refuses."""
    world, match_id, acknowledged = await race_for_fifty_seats(
        database_url, make_world, make_server, breakages
    )
    assert acknowledged.double_sold() == []
    stored = world.run(world.stores.seating.load(match_id, 0)).allocations
    assert {each.seat_id: {each.buyer_id} for each in stored} == acknowledged.owners()
