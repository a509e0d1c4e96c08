"""The database falls back to an older state under a running server."""

from collections.abc import Callable

import pytest
from sqlalchemy import delete, update

from jari.adapters.sql.tables import allocations, changes, schedules
from support.servers import Server
from support.streams import Listener
from support.worlds import Match, World

MakeServer = Callable[..., Server]
MakeWorld = Callable[[str], World]


async def fall_back(world: World, match: Match) -> None:
    """Forget every commit but the first, as a standby that had only that one would."""
    async with world.stores.database.write() as connection:
        await connection.execute(update(schedules).where(schedules.c.id == match.id).values(version=1))
        await connection.execute(delete(changes).where(changes.c.version > 1))
        await connection.execute(delete(allocations).where(allocations.c.seat_id != match.seat_ids[0]))


@pytest.mark.parametrize("poll_ms", [100, 60_000], ids=["found by the poller", "found by the till"])
def test_viewers_start_over_and_the_lost_seats_can_be_held(
    database_url: str, make_world: MakeWorld, make_server: MakeServer, poll_ms: int
) -> None:
    world = make_world(database_url)
    match, buyers = world.match(rows=2, cols=5), world.buyers(5)
    server = make_server(database_url, poll_ms=poll_ms)
    path = f"/api/matches/{match.id}/allocations"
    url = f"{server.url}/api/matches/{match.id}/blocks/{match.block_id}/seats/status-stream"
    with Listener(url) as listener:
        listener.wait_for_opening()
        for buyer, seat_id in zip(buyers[:4], match.seat_ids, strict=False):
            with buyer.client(server.url) as client:
                client.post(path, json={"seatIds": [seat_id]}).raise_for_status()
        listener.wait_for_status(match.seat_ids[3], "HOLD")

        world.run(fall_back(world, match))
        with buyers[4].client(server.url) as client:
            client.post(path, json={"seatIds": [match.seat_ids[9]]}).raise_for_status()

        listener.wait_for_status(match.seat_ids[9], "HOLD")
        listener.wait_for_status(match.seat_ids[3], "AVAILABLE")
        assert listener.statuses()[match.seat_ids[0]] == "HOLD"
        with buyers[4].client(server.url) as client:
            client.post(path, json={"seatIds": [match.seat_ids[3]]}).raise_for_status()
        listener.wait_for_status(match.seat_ids[3], "HOLD")
