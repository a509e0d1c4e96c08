"""A buyer who gives seats back and takes them again before each end, with rivals at the door."""

import time
from collections.abc import Callable

from support.servers import Server
from support.worlds import Buyer, Match, World, hall

PATIENCE_SECONDS = 20.0


def renew_until_refused(server: Server, match: Match, buyer: Buyer, until: float) -> str:
    """Renew a little before each end; the code with which that ends."""
    path, seat_id = f"/api/matches/{match.id}/allocations", match.seat_ids[0]
    with buyer.client(server.url) as client:
        while time.monotonic() < until:
            client.delete(path, params={"seatId": seat_id})
            answer = client.post(path, json={"seatIds": [seat_id]})
            if answer.status_code != 201:
                return str(answer.json()["code"])
            time.sleep(0.5)
    return "kept it to the end"


def ask_until_held(server: Server, match: Match, rival: Buyer, until: float) -> bool:
    path = f"/api/matches/{match.id}/allocations"
    with rival.client(server.url) as client:
        while time.monotonic() < until:
            if client.post(path, json={"seatIds": [match.seat_ids[0]]}).status_code == 201:
                return True
            time.sleep(0.05)
    return False


def test_renewing_does_not_keep_a_seat_from_others_for_ever(
    database_url: str, make_world: Callable[[str], World], make_server: Callable[..., Server]
) -> None:
    world = make_world(database_url)
    match, (keeper, rival) = world.match(hall(rows=1, cols=4)), world.buyers(2)
    server = make_server(database_url, hold_seconds=2, keep_seconds=4, cool_down_seconds=60)
    path = f"/api/matches/{match.id}/allocations"
    with keeper.client(server.url) as client:
        assert client.post(path, json={"seatIds": [match.seat_ids[0]]}).status_code == 201
    until = time.monotonic() + PATIENCE_SECONDS
    assert renew_until_refused(server, match, keeper, until) == "KEPT_TOO_LONG"
    assert ask_until_held(server, match, rival, until)
    with rival.client(server.url) as client:
        assert client.delete(path, params={"seatId": match.seat_ids[0]}).status_code == 200
    with keeper.client(server.url) as client:
        refused = client.post(path, json={"seatIds": match.seat_ids[:2]})
        assert (refused.status_code, refused.json()["code"]) == (409, "KEPT_TOO_LONG")
        assert refused.json()["seatIds"] == [match.seat_ids[0]]
        assert int(refused.headers["retry-after"]) > 30
        assert client.post(path, json={"seatIds": [match.seat_ids[1]]}).status_code == 201
