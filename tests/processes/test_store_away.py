"""A store that is away: dead, or silent. Whoever asks is told so within a bound, and nothing acknowledged is lost."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

import httpx
import pytest

from support.buyers import Acknowledged, client_of_many, hold
from support.lonely_postgres import LonelyPostgres, lonely_postgres
from support.servers import Server
from support.streams import Listener
from support.worlds import Buyer, Match, World

REQUEST_SECONDS = 2
DATABASE_SECONDS = 2
SLACK_SECONDS = 1.5
SILENCE_SECONDS = 6.0
SHUTDOWN_SECONDS, SHUTDOWN_MARGIN_SECONDS = 1, 3
RECOVERY_SECONDS = 15.0
BOUNDS = {
    "request_seconds": REQUEST_SECONDS,
    "payment_request_seconds": REQUEST_SECONDS,
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
    assert max(seconds for _, seconds, _ in answers.values()) < REQUEST_SECONDS + SLACK_SECONDS
    assert all("UNAVAILABLE" in text for _, _, text in answers.values())
    assert "Traceback" not in server.log()


async def hold_each(url: str, match: Match, buyers: Sequence[Buyer], seat_ids: Sequence[int]) -> Acknowledged:
    """Each buyer asks for one seat, all at once."""
    result = Acknowledged()
    async with client_of_many(60) as client:
        asked = (
            hold(client, url, match, buyer, [seat_id], result)
            for buyer, seat_id in zip(buyers, seat_ids, strict=True)
        )
        await asyncio.gather(*asked)
    return result


def recovered(server: Server, buyer: Buyer, match: Match, seat_id: int) -> None:
    """Until a hold succeeds again."""
    until = time.monotonic() + RECOVERY_SECONDS
    path = f"/api/matches/{match.id}/allocations"
    with buyer.client(server.url) as client:
        while (answer := client.post(path, json={"seatIds": [seat_id]})).status_code != 201:
            assert answer.status_code == 503, answer.text
            assert time.monotonic() < until, "it does not recover"
            time.sleep(0.1)


@pytest.fixture
def lock(sqlite_url: str) -> Iterator[sqlite3.Connection]:
    """Somebody else who may lock the file."""
    path = sqlite_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        yield other


async def test_writers_do_not_stand_in_line_for_a_file_that_is_locked(
    sqlite_url: str, lock: sqlite3.Connection, make_world: MakeWorld, make_server: MakeServer
) -> None:
    """However many write, none waits longer than a request may; and what was free is free afterwards."""
    world = make_world(sqlite_url)
    match, buyers = world.match(), world.buyers(7)
    server = make_server(sqlite_url, **BOUNDS)
    for buyer in buyers:
        known(server, buyer, match)
    lock.execute("BEGIN IMMEDIATE")
    started = time.monotonic()
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        account = {"password": "long enough to pass", "name": "Kim"}
        signing_up = [
            client.post("/api/sign-up", json={**account, "email": f"kim-{number}@example.com"})
            for number in range(4)
        ]
        holding = hold_each(server.url, match, buyers[1:], match.seat_ids[:6])
        *signed_up, held = await asyncio.gather(*signing_up, holding)
    seconds = time.monotonic() - started
    lock.execute("ROLLBACK")
    assert [answer.status_code for answer in signed_up] == [503] * 4
    assert held.statuses == {503: 6}
    assert seconds < REQUEST_SECONDS + SLACK_SECONDS
    recovered(server, buyers[0], match, match.seat_ids[9])
    assert "Traceback" not in server.log()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_an_end_during_a_silence_is_in_time_and_answers_who_waits(
    request: pytest.FixtureRequest, make_world: MakeWorld, make_server: MakeServer, kind: str
) -> None:
    database_url = request.getfixturevalue("sqlite_url" if kind == "sqlite" else "url")
    world = make_world(database_url)
    match, buyers = world.match(), world.buyers(5)
    server = make_server(database_url, **{**BOUNDS, "request_seconds": 60, "database_timeout_seconds": 30})
    for buyer in buyers:
        known(server, buyer, match)
    silence = request.getfixturevalue("lock" if kind == "sqlite" else "postgres_alone")
    if kind == "sqlite":
        silence.execute("BEGIN IMMEDIATE")
    else:
        silence.freeze()
    try:
        holding = asyncio.create_task(hold_each(server.url, match, buyers, match.seat_ids[:5]))
        await asyncio.sleep(0.5)  # they are on their way; whether they wait for the store matters not
        seconds = await asyncio.to_thread(server.stop)
        held = await holding
    finally:
        if kind == "sqlite":
            silence.execute("ROLLBACK")
        else:
            silence.thaw()
    assert held.statuses == {503: 5}
    assert seconds < SHUTDOWN_SECONDS + SHUTDOWN_MARGIN_SECONDS + SLACK_SECONDS
    assert server.process is not None
    assert server.process.returncode == 0
    assert "Traceback" not in server.log()


async def test_what_was_acknowledged_before_a_silence_is_there_after_it(
    url: str, postgres_alone: LonelyPostgres, make_world: MakeWorld, make_server: MakeServer
) -> None:
    """Holds before, during and after; the viewer's stream lives through it and shows what the store holds."""
    world = make_world(url)
    match, buyers = world.match(rows=10, cols=10), world.buyers(31)
    server = make_server(url, **BOUNDS)
    watched = f"{server.url}/api/matches/{match.id}/blocks/{match.block_id}/seats/status-stream"
    with Listener(watched) as listener:
        listener.wait_for_opening()
        before = await hold_each(server.url, match, buyers[:10], match.seat_ids[:10])
        postgres_alone.freeze()
        try:
            until = time.monotonic() + SILENCE_SECONDS
            during = Acknowledged()
            while time.monotonic() < until:
                some = await hold_each(server.url, match, buyers[10:20], match.seat_ids[10:20])
                during.holds += some.holds
                during.statuses += some.statuses
        finally:
            postgres_alone.thaw()
        recovered(server, buyers[30], match, match.seat_ids[99])
        after = await hold_each(server.url, match, buyers[20:30], match.seat_ids[20:30])
        assert before.statuses == after.statuses == {201: 10}
        assert set(during.statuses) == {503}
        stored = {each.seat_id: each.buyer_id for each in world.allocations(match)}
        for result in (before, after):
            assert {seat_ids[0]: buyer.id for buyer, _, seat_ids in result.holds}.items() <= stored.items()
        shown = {seat_id: "HOLD" if seat_id in stored else "AVAILABLE" for seat_id in match.seat_ids}
        listener.wait_for(lambda _: listener.statuses() == shown)


def test_what_was_given_up_may_have_been_done_and_is_answered_under_its_key(
    sqlite_url: str, lock: sqlite3.Connection, make_world: MakeWorld, make_server: MakeServer
) -> None:
    """The till goes on with what it has begun: the answer says that it is not known, and the key finds out."""
    world = make_world(sqlite_url)
    match, buyer = world.match(), world.buyer()
    server = make_server(sqlite_url, request_seconds=1, database_timeout_seconds=20)
    known(server, buyer, match)
    path, body = f"/api/matches/{match.id}/allocations", {"seatIds": match.seat_ids[:2]}
    with buyer.client(server.url) as client:
        lock.execute("BEGIN IMMEDIATE")
        given_up = client.post(path, json=body, headers={"Idempotency-Key": "once"})
        lock.execute("ROLLBACK")
        until = time.monotonic() + RECOVERY_SECONDS
        while not (held := world.allocations(match)):
            assert time.monotonic() < until, "the till has let it fall"
            time.sleep(0.05)
        repeated = client.post(path, json=body, headers={"Idempotency-Key": "once"})
    assert given_up.status_code == 503
    assert "not known" in given_up.json()["detail"]
    assert repeated.status_code == 201
    assert {each.hold_id for each in held} == {repeated.json()["data"]["holdId"]}
    assert world.allocations(match) == held


def test_a_fault_of_ours_in_the_till_is_a_500_and_is_logged_whole(
    database_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    """It is not put down to a store that is away: whoever reads the log must look for the fault."""
    world = make_world(database_url)
    match, buyer = world.match(), world.buyer()
    server = make_server(database_url)
    known(server, buyer, match)

    async def rename(old: str, new: str) -> None:
        async with world.stores.database.write() as connection:
            await connection.exec_driver_sql(f"ALTER TABLE changes RENAME COLUMN {old} TO {new}")

    path, body = f"/api/matches/{match.id}/allocations", {"seatIds": match.seat_ids[:1]}
    with buyer.client(server.url) as client:
        world.run(rename("body", "corpse"))
        answer = client.post(path, json=body)
        world.run(rename("corpse", "body"))
        assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_ERROR")
        assert client.post(path, json=body).status_code == 201
    assert "batch_refused_by_store" in server.log()
    assert "Traceback" in server.log()
