"""A store that is away: dead, or silent. Whoever asks is told so within a bound, and nothing acknowledged is lost."""

import asyncio
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from support.lonely_postgres import LonelyPostgres, lonely_postgres
from support.servers import Server
from support.worlds import Buyer, Match, World

REQUEST_SECONDS = 2
DATABASE_SECONDS = 2
SLACK_SECONDS = 1.5
SILENCE_SECONDS = 6.0
SHUTDOWN_SECONDS, SHUTDOWN_MARGIN_SECONDS = 1, 3
RECOVERY_SECONDS = 15.0
BOUNDS = {
    "request_seconds": REQUEST_SECONDS,
    "database_timeout_seconds": DATABASE_SECONDS,
    "shutdown_seconds": SHUTDOWN_SECONDS,
    "shutdown_margin_seconds": SHUTDOWN_MARGIN_SECONDS,
}
GATEWAY = {
    "gateway_url": "http://127.0.0.1:9",  # nobody is there, and nobody need be
    "gateway_secret_key": "test_sk_x",
    "gateway_client_key": "test_ck_x",
}

MakeServer = Callable[..., Server]
MakeWorld = Callable[[str], World]


@pytest.fixture(scope="module")
def postgres_alone() -> Iterator[LonelyPostgres]:
    with lonely_postgres() as postgres:
        yield postgres


@pytest.fixture
def url(postgres_alone: LonelyPostgres) -> Iterator[str]:
    name = postgres_alone.copy()
    yield postgres_alone.url(name)
    postgres_alone.drop(name)


def routes_of(match: Match, other: Match) -> list[tuple[str, str, dict | None]]:
    """Every route that needs the store, for a schedule that the server knows and for one that it does not."""
    account = {"email": "kim@example.com", "password": "long enough to pass"}
    seats = [{"row": 1, "col": 1}]
    payment = {"paymentKey": "pay-1", "orderId": f"{match.id}-1-AAAAAAAAAAAAAAAA", "amount": 15_000}
    hint = {"eventType": "PAYMENT_STATUS_CHANGED", "data": payment}
    return [
        ("GET", "/readyz", None),
        ("GET", "/api/me", None),
        ("POST", "/api/sign-up", {**account, "name": "Kim"}),
        ("POST", "/api/log-in", account),
        ("POST", "/api/log-out", {}),
        ("GET", "/api/matches", None),
        ("GET", f"/api/schedules/{other.id}", None),
        ("GET", f"/api/matches/{other.id}/sections", None),
        ("GET", f"/api/matches/{other.id}/blocks", None),
        ("GET", f"/api/matches/{other.id}/seats", None),
        ("GET", f"/api/matches/{other.id}/blocks/{other.block_id}/seats", None),
        ("GET", f"/api/matches/{other.id}/blocks/{other.block_id}/seats/status", None),
        ("GET", f"/api/schedules/{other.id}/seat-status", None),
        ("GET", f"/api/matches/{other.id}/blocks/{other.block_id}/seats/status-stream", None),
        ("GET", f"/api/schedules/{other.id}/seats/stream", None),
        ("GET", f"/api/matches/{match.id}/allocations", None),
        ("POST", f"/api/matches/{match.id}/allocations", {"seatIds": match.seat_ids[:1]}),
        ("POST", f"/api/matches/{other.id}/allocations", {"seatIds": other.seat_ids[:1]}),
        ("DELETE", f"/api/matches/{match.id}/allocations?seatId={match.seat_ids[0]}", None),
        ("POST", "/api/bookings/start", {"scheduleId": match.id, "seats": seats}),
        ("POST", "/api/reservations", {"scheduleId": match.id}),
        ("GET", "/api/reservations", None),
        ("GET", "/api/reservations/1", None),
        ("POST", "/api/reservations/1/cancel", {}),
        ("GET", "/api/reservations/1/tickets", None),
        ("GET", "/api/reservations/1/tickets.pdf", None),
        ("GET", "/api/reservations/1/tickets/1/qr.svg", None),
        ("POST", "/api/payments/confirm", payment),
        ("POST", "/api/payments/1/cancel", {}),
        ("POST", "/api/payments/webhook/toss", hint),
    ]


async def ask_all(server: Server, buyer: Buyer, routes: list) -> dict[str, tuple[int, float, str]]:
    """Every route at once: its status, how long it took and what it said."""
    answers = {}
    async with httpx.AsyncClient(base_url=server.url, cookies=buyer.cookies, timeout=60) as client:

        async def ask(method: str, path: str, body: dict | None) -> None:
            started = time.monotonic()
            response = await client.request(method, path, json=body)
            seconds = time.monotonic() - started
            answers[f"{method} {path} {body}"] = (response.status_code, seconds, response.text)

        await asyncio.gather(*(ask(*route) for route in routes))
    return answers


def known(server: Server, buyer: Buyer, match: Match) -> None:
    """Let the server know who this is, and the schedule."""
    with buyer.client(server.url) as client:
        assert client.get("/api/me").status_code == 200
        assert client.get(f"/api/matches/{match.id}/allocations").status_code == 200


@pytest.mark.parametrize("trouble", ["die", "freeze"])
async def test_every_route_says_503_within_its_time(
    url: str, postgres_alone: LonelyPostgres, make_world: MakeWorld, make_server: MakeServer, trouble: str
) -> None:
    """Nothing is a fault of ours: no 500 and no traceback; and nobody stands in line behind the others' waits."""
    world = make_world(url)
    match, stranger = world.match(), world.match()
    buyer, unknown = world.buyers(2)
    server = make_server(url, **BOUNDS, **GATEWAY)
    known(server, buyer, match)
    recover = {"die": postgres_alone.rise, "freeze": postgres_alone.thaw}[trouble]
    getattr(postgres_alone, trouble)()
    try:
        answers = await ask_all(server, buyer, routes_of(match, stranger))
        answers |= {
            f"unknown {name}": answer
            for name, answer in (await ask_all(server, unknown, routes_of(match, stranger))).items()
        }
    finally:
        recover()
    remembered = answers.pop("GET /api/me None")
    assert remembered[0] == 200
    assert {name: answer for name, answer in answers.items() if answer[0] != 503} == {}
    assert all("UNAVAILABLE" in text for _, _, text in answers.values())
    assert "Traceback" not in server.log()
