"""Streams over a real socket, from a server in its own process."""

from support.servers import Server
from support.streams import Listener
from support.worlds import World


def test_a_hold_is_seen_by_a_viewer_of_the_block(shared_server: Server, shared_world: World) -> None:
    match, buyer = shared_world.match(), shared_world.buyer()
    seat_id = match.seat_ids[0]
    url = f"{shared_server.url}/api/matches/{match.id}/blocks/{match.block_id}/seats/status-stream"
    with Listener(url) as listener, buyer.client(shared_server.url) as client:
        opening = listener.wait_for_opening()
        assert opening.name == "init"
        client.post(f"/api/matches/{match.id}/allocations", json={"seatIds": [seat_id]}).raise_for_status()
        listener.wait_for_status(seat_id, "HOLD")
