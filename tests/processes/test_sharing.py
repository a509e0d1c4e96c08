"""Two servers on one PostgreSQL and one Valkey: what each has to know of the other, and that both go on without Valkey."""

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import asyncpg
import httpx
import pytest

from jari.usecases.organising import Organising
from support.databases import run_apart
from support.redises import RedisServer
from support.servers import Server
from support.worlds import Buyer, Match, World

NEVER_MS = 3_600_000
# What is seen is not seen by polling, nor because something remembered has grown old.
NO_POLLS = {"poll_ms": NEVER_MS, "session_cache_seconds": 3_600}
SECONDS = 20
PASSWORD = "a seat in the sun"

MakeServer = Callable[..., Server]
MakeWorld = Callable[..., World]
MakeRedis = Callable[..., RedisServer]


def wait_until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


def is_logged_in(client: httpx.Client) -> bool:
    return client.get("/api/me").status_code == 200


@pytest.fixture
def servers(postgres_url: str, valkey_url: str, make_server: MakeServer) -> list[Server]:
    return [make_server(postgres_url, redis=valkey_url, **NO_POLLS) for _ in range(2)]


# Log-out


def test_whoever_logs_out_on_one_server_is_refused_by_the_other(
    postgres_url: str, make_world: MakeWorld, servers: list[Server]
) -> None:
    """Both remember the session, and neither polls."""
    world, (here, there) = make_world(postgres_url), servers
    for buyer in world.buyers(10):
        with buyer.client(here.url) as on_a, buyer.client(there.url) as on_b:
            assert is_logged_in(on_a)
            assert is_logged_in(on_b)
            on_a.post("/api/log-out", json={})
            wait_until(lambda: not is_logged_in(on_b))


def test_without_redis_the_other_server_would_wait_for_its_poll(
    postgres_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    """The negative control."""
    world = make_world(postgres_url)
    here, there = (make_server(postgres_url, **NO_POLLS) for _ in range(2))
    buyer = world.buyer()
    with buyer.client(here.url) as on_a, buyer.client(there.url) as on_b:
        assert is_logged_in(on_b)
        on_a.post("/api/log-out", json={})
        time.sleep(0.5)
        assert is_logged_in(on_b)


def test_a_new_password_ends_the_sessions_on_every_server(servers: list[Server]) -> None:
    here, there = (each.url for each in servers)
    account = {"email": f"{secrets.token_hex(6)}@example.com", "password": PASSWORD}
    with httpx.Client(base_url=here) as owner, httpx.Client(base_url=there) as thief:
        owner.post("/api/sign-up", json={**account, "name": "Minji"})
        for client in (owner, thief):
            assert client.post("/api/log-in", json=account).status_code == 200
            assert is_logged_in(client)
        changed = owner.post("/api/password", json={"password": PASSWORD, "newPassword": "another one"})
        assert changed.status_code == 200
        wait_until(lambda: not is_logged_in(thief))
        assert is_logged_in(owner)


def test_while_redis_is_away_a_log_out_is_found_by_polling(
    postgres_url: str, make_world: MakeWorld, make_server: MakeServer, make_redis: MakeRedis
) -> None:
    redis, world = make_redis(), make_world(postgres_url)
    here, there = (
        make_server(postgres_url, redis=redis.url, redis_pause_ms=100, poll_ms=100) for _ in range(2)
    )
    first, second = world.buyers(2)
    with first.client(here.url) as on_a, first.client(there.url) as on_b:
        assert is_logged_in(on_b)
        redis.kill()
        assert on_a.post("/api/log-out", json={}).status_code == 200
        wait_until(lambda: not is_logged_in(on_b))
    redis.start()
    wait_until(lambda: httpx.get(f"{there.url}/readyz").json()["data"]["redis"] == "there")
    with second.client(here.url) as on_a, second.client(there.url) as on_b:
        assert is_logged_in(on_b)
        on_a.post("/api/log-out", json={})
        wait_until(lambda: not is_logged_in(on_b))


# The catalogue


def test_what_an_organiser_changes_elsewhere_is_shown(
    postgres_url: str, valkey_url: str, make_world: MakeWorld, servers: list[Server]
) -> None:
    """The list and each schedule are remembered, and nobody polls."""
    world = make_world(postgres_url, redis=valkey_url)
    match, organising = world.match(), Organising(world.stores.catalogue, world.stores.news)

    def listed() -> set[int]:
        return {each["id"] for each in httpx.get(f"{servers[0].url}/api/schedules").json()["data"]["items"]}

    def status() -> str:
        return str(httpx.get(f"{servers[0].url}/api/schedules/{match.id}").json()["data"]["status"])

    assert listed() == {match.id}
    open_status = status()
    world.run(organising.close_sale(match.id))
    wait_until(lambda: status() != open_status)
    another = world.another_match(match)
    wait_until(lambda: listed() == {match.id, another.id})


# Attempts


async def attempts_in(postgres_url: str) -> int:
    connection = await asyncpg.connect(postgres_url)
    try:
        return int(await connection.fetchval("SELECT coalesce(sum(count), 0) FROM attempts"))
    finally:
        await connection.close()


def guesses_until_refused(servers: list[Server], email: str, most: int) -> int:
    for number in range(most):
        body = {"email": email, "password": "a wrong guess"}
        answer = httpx.post(f"{servers[number % len(servers)].url}/api/log-in", json=body)
        if answer.status_code == 429:
            return number
        assert answer.status_code == 401
    return most


def test_guesses_at_both_servers_are_counted_together_and_not_in_the_database(
    postgres_url: str, servers: list[Server]
) -> None:
    assert guesses_until_refused(servers, "kim@example.com", 20) == 10
    assert run_apart(attempts_in(postgres_url)) == 0


def test_while_redis_is_away_guesses_are_counted_in_the_database(
    postgres_url: str, make_server: MakeServer, make_redis: MakeRedis
) -> None:
    """From none on: what Redis has counted is not known."""
    redis = make_redis()
    servers = [make_server(postgres_url, redis=redis.url) for _ in range(2)]
    assert guesses_until_refused(servers, "kim@example.com", 6) == 6
    redis.kill()
    assert guesses_until_refused(servers, "kim@example.com", 20) == 10
    assert run_apart(attempts_in(postgres_url)) > 10


# Requests with a key


@contextmanager
def standing(world: World, match: Match) -> Iterator[None]:
    """Within this block nothing of the schedule can be decided: somebody has its row."""
    connection = world.run(asyncpg.connect(world.database_url))
    transaction = connection.transaction()
    world.run(transaction.start())
    world.run(connection.execute("SELECT 1 FROM schedules WHERE id = $1 FOR UPDATE", match.id))
    try:
        yield
    finally:
        world.run(transaction.rollback())
        world.run(connection.close())


def hold(server: Server, buyer: Buyer, match: Match, key: str) -> httpx.Response:
    with buyer.client(server.url) as client:
        return client.post(
            f"/api/matches/{match.id}/allocations",
            json={"seatIds": match.seat_ids[:2]},
            headers={"Idempotency-Key": key},
        )


def waits_for_the_row(postgres_url: str) -> bool:
    async def look() -> int:
        connection = await asyncpg.connect(postgres_url)
        try:
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            return int(await connection.fetchval(waiting))
        finally:
            await connection.close()

    return run_apart(look()) > 0


def test_a_key_that_comes_to_both_servers_at_once_is_decided_on_one(
    postgres_url: str, make_world: MakeWorld, servers: list[Server]
) -> None:
    world, (here, there) = make_world(postgres_url), servers
    match, buyer = world.match(), world.buyer()
    with ThreadPoolExecutor(1) as pool:
        with standing(world, match):
            first = pool.submit(hold, here, buyer, match, "a-key")
            wait_until(lambda: waits_for_the_row(postgres_url))
            second = hold(there, buyer, match, "a-key")
            assert (second.status_code, second.json()["code"]) == (409, "IDEMPOTENT_REQUEST_IN_PROGRESS")
            assert second.headers["Retry-After"] == "1"
        held = first.result(SECONDS)
    assert held.status_code == 201
    again = hold(there, buyer, match, "a-key")
    assert (again.status_code, again.json()) == (201, held.json())
    assert len(world.allocations(match)) == 2


def test_without_redis_the_second_server_would_wait_for_the_first(
    postgres_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    """The negative control; the request is decided once all the same."""
    world = make_world(postgres_url)
    here, there = (make_server(postgres_url) for _ in range(2))
    match, buyer = world.match(), world.buyer()
    with ThreadPoolExecutor(2) as pool:
        with standing(world, match):
            first = pool.submit(hold, here, buyer, match, "a-key")
            wait_until(lambda: waits_for_the_row(postgres_url))
            second = pool.submit(hold, there, buyer, match, "a-key")
            time.sleep(0.5)
            assert not second.done()
        held, repeated = first.result(SECONDS), second.result(SECONDS)
    assert (held.status_code, repeated.status_code) == (201, 201)
    assert held.json() == repeated.json()


def test_of_many_keys_at_once_each_is_decided_once_though_redis_dies(
    postgres_url: str, make_world: MakeWorld, make_server: MakeServer, make_redis: MakeRedis
) -> None:
    redis, world = make_redis(), make_world(postgres_url)
    servers = [make_server(postgres_url, redis=redis.url, redis_timeout_ms=200) for _ in range(2)]
    match, buyers = world.match(rows=10, cols=20), world.buyers(40)
    places = {buyer: match.seat_ids[4 * number : 4 * number + 4] for number, buyer in enumerate(buyers)}

    async def ask(client: httpx.AsyncClient, server: Server, buyer: Buyer, number: int) -> httpx.Response:
        return await client.post(
            f"{server.url}/api/matches/{match.id}/allocations",
            json={"seatIds": [places[buyer][number]]},
            headers={"Idempotency-Key": f"key-{number}", "Cookie": f"jari={buyer.token}"},
        )

    async def all_at_both() -> None:
        async with httpx.AsyncClient(timeout=30) as client:
            for number in range(4):
                if number == 2:
                    redis.kill()
                answers = await asyncio.gather(
                    *(ask(client, server, buyer, number) for buyer in buyers for server in servers)
                )
                for one, other in zip(answers[::2], answers[1::2], strict=True):
                    assert 201 in {one.status_code, other.status_code}
                    refused = [each.json()["code"] for each in (one, other) if each.status_code != 201]
                    assert refused in ([], ["IDEMPOTENT_REQUEST_IN_PROGRESS"])
                    if not refused:
                        assert one.json() == other.json()

    run_apart(all_at_both())
    assert len(world.allocations(match)) == 160
