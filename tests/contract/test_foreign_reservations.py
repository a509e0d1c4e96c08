"""Somebody else's reservation and one that there is not: nobody can tell them apart."""

from collections.abc import Iterator

import httpx
import pytest

from support.servers import Server, free_port
from support.worlds import World

MISSING = 9_000_000_001

REQUESTS = {
    "look": ("GET", "/api/reservations/{id}", None),
    "cancel": ("POST", "/api/reservations/{id}/cancel", {}),
    "tickets": ("GET", "/api/reservations/{id}/tickets", None),
    "print": ("GET", "/api/reservations/{id}/tickets.pdf", None),
    "picture": ("GET", "/api/reservations/{id}/tickets/1/qr.svg", None),
    "refund": ("POST", "/api/payments/{id}/cancel", {}),
    "pay": ("POST", "/api/payments/confirm", {"paymentKey": "k", "orderId": "{order}", "amount": 1}),
}


@pytest.fixture(scope="module")
def server(embedded_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """It names a gateway, which nothing here comes to ask."""
    gateway = {
        "gateway_url": f"http://127.0.0.1:{free_port()}",
        "gateway_secret_key": "test_sk_x",
        "gateway_client_key": "test_ck_x",
    }
    server = Server(embedded_url, tmp_path_factory.mktemp("foreign") / "server.log", **gateway)
    yield server.start()
    server.kill()


@pytest.fixture(scope="module")
def foreign(server: Server, shared_world: World) -> dict:
    """A reservation of somebody's."""
    match = shared_world.match()
    with shared_world.buyer().client(server.url) as client:
        seats = {"seatIds": match.seat_ids[:1]}
        client.post(f"/api/matches/{match.id}/allocations", json=seats).raise_for_status()
        made = client.post("/api/reservations", json={"scheduleId": match.id})
        return made.raise_for_status().json()["data"]


@pytest.fixture
def stranger(server: Server, shared_world: World) -> Iterator[httpx.Client]:
    with shared_world.buyer().client(server.url) as client:
        yield client


@pytest.mark.parametrize("name", REQUESTS)
def test_the_answer_does_not_tell_whether_there_is_such_a_reservation(
    stranger: httpx.Client, foreign: dict, name: str
) -> None:
    method, path, body = REQUESTS[name]
    answers = []
    for number in (foreign["id"], MISSING):
        order = f"{foreign['scheduleId']}-{number}-guessed"
        sent = body and {key: order if value == "{order}" else value for key, value in body.items()}
        answer = stranger.request(method, path.format(id=number), json=sent)
        told = answer.text.replace(str(number), "{id}")
        headers = {
            key: value for key, value in answer.headers.items() if key not in {"date", "content-length"}
        }
        answers.append((answer.status_code, told, headers))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404
