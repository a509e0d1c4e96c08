"""A whole server on the memory store, within the process of the tests."""

from collections.abc import Iterator

import pytest

from support.inside import ServerInside
from support.worlds import World


@pytest.fixture
def server(memory_url: str) -> Iterator[ServerInside]:
    world = World(memory_url)
    server = ServerInside(world).start()
    yield server
    server.kill()
    world.close()


def test_what_was_held_is_held_for_the_next_server_on_the_same_memory(server: ServerInside) -> None:
    match, buyer = server.world.match(), server.world.buyer()
    path = f"/api/matches/{match.id}/allocations"
    with buyer.client(server.url) as client:
        client.post(path, json={"seatIds": match.seat_ids[:2]}).raise_for_status()
    server.kill()
    server.start()
    with server.world.buyer().client(server.url) as client:
        refused = client.post(path, json={"seatIds": match.seat_ids[1:3]}).json()
    assert (refused["code"], refused["seatIds"]) == ("SEATS_TAKEN", match.seat_ids[1:2])
