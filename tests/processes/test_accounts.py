"""Accounts on several servers and under attack: what is counted where, by which clock, and at whose cost."""

import asyncio
import secrets
import sqlite3
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import asyncpg
import httpx
import msgspec
import pytest

from support.databases import run_apart
from support.servers import Server

SHIFTED = str(Path(__file__).parents[1] / "support" / "shifted_server.py")
HOUR_SECONDS, WINDOW_SECONDS = 3_600, 900
PASSWORD = "a seat in the sun"
GUESSES, CONNECTIONS, SLOWER = 20, 200, 20

MakeServer = Callable[..., Server]


def sign_up(url: str) -> str:
    email = f"{secrets.token_hex(6)}@example.com"
    body = {"email": email, "password": PASSWORD, "name": "Minji"}
    assert httpx.post(f"{url}/api/sign-up", json=body).status_code == 201
    return email


def log_in(client: httpx.Client, email: str, password: str = PASSWORD) -> httpx.Response:
    return client.post("/api/log-in", json={"email": email, "password": password})


def client_at(server: Server, address: str) -> httpx.Client:
    """A client with an address of its own: all of 127.0.0.0/8 is this machine."""
    transport = httpx.HTTPTransport(local_address=address)
    return httpx.Client(base_url=server.url, transport=transport, timeout=60)


def log_in_seconds(client: httpx.Client, email: str) -> float:
    started = time.perf_counter()
    assert log_in(client, email).status_code == 200
    return time.perf_counter() - started


class Guesser:
    """One address that guesses on many connections at once, each as soon as it was answered."""

    def __init__(self, server: Server, address: str, email: str, connections: int) -> None:
        self._port, self._address = server.port, address
        body = msgspec.json.encode({"email": email, "password": "a guess"})
        head = f"POST /api/log-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        self._request = head.encode() + b"\r\n\r\n" + body
        self._connections = connections
        self._ended = threading.Event()
        self.statuses: Counter[int] = Counter()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        thread = threading.Thread(target=asyncio.run, args=(self._guess_everywhere(),))
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def wait_until(self, done: Callable[[Counter[int]], bool]) -> None:
        until = time.monotonic() + 60
        while not done(self.statuses):
            assert time.monotonic() < until, self.statuses
            time.sleep(0.05)

    async def _guess_everywhere(self) -> None:
        await asyncio.gather(*(self._guess() for _ in range(self._connections)))

    async def _guess(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, local_addr=(self._address, 0))
        while not self._ended.is_set():
            writer.write(self._request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r", 1)[0]))
            self.statuses[int(head.split(b" ", 2)[1])] += 1
        writer.close()


async def counted_attempts(url: str) -> int:
    """How many attempts the store has counted in its fullest bucket."""
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("SELECT max(count) FROM attempts") or 0)
    finally:
        await connection.close()


def test_one_refused_address_that_asks_on_and_on_is_in_nobodys_way(
    postgres_url: str, make_server: MakeServer
) -> None:
    """It is counted until it is refused, and then costs the store nothing; others log in nearly as before."""
    server = make_server(
        postgres_url, log_in_attempts_per_address=GUESSES, log_in_attempts_per_account=10_000
    )
    victim, other = sign_up(server.url), sign_up(server.url)
    guesser = Guesser(server, "127.0.0.2", victim, CONNECTIONS)
    with client_at(server, "127.0.0.3") as client:
        quiet = statistics.median(log_in_seconds(client, other) for _ in range(5))
        with guesser.at_work():
            guesser.wait_until(lambda statuses: statuses[429] > CONNECTIONS)
            attacked = statistics.median(log_in_seconds(client, other) for _ in range(5))
            guesser.wait_until(lambda statuses: statuses[429] > 5 * CONNECTIONS)
    assert set(guesser.statuses) == {401, 429}
    assert guesser.statuses[401] == GUESSES
    assert attacked < SLOWER * quiet
    # one more for each connection at most: those that were under way when the limit was reached
    assert run_apart(counted_attempts(postgres_url)) <= GUESSES + CONNECTIONS + 1


def test_whoever_guesses_locks_out_neither_other_addresses_nor_known_devices(
    database_url: str, make_server: MakeServer
) -> None:
    """Guesses count against account and address together; from all addresses together there is a softer limit."""
    limits = {"log_in_attempts_per_account": 3, "log_in_attempts_per_account_anywhere": 12}
    server = make_server(database_url, **limits)
    victim, bystander = sign_up(server.url), sign_up(server.url)
    with client_at(server, "127.0.0.2") as home:
        assert log_in(home, victim).status_code == 200
        with client_at(server, "127.0.1.0") as guesser:
            assert [log_in(guesser, victim, "a guess").status_code for _ in range(4)] == [401, 401, 401, 429]
            assert log_in(guesser, bystander).status_code == 200
        with client_at(server, "127.0.0.3") as elsewhere:
            assert log_in(elsewhere, victim).status_code == 200
        guesses: Counter[int] = Counter()
        for address in range(1, 6):
            with client_at(server, f"127.0.1.{address}") as guesser:
                guesses.update(log_in(guesser, victim, "a guess").status_code for _ in range(3))
        assert guesses[401] == limits["log_in_attempts_per_account_anywhere"] - 3
        with client_at(server, "127.0.0.4") as nowhere_known:
            assert log_in(nowhere_known, victim).status_code == 429
        assert log_in(home, victim).status_code == 200
        # not even from the same address
        with client_at(server, "127.0.1.1") as neighbour:
            neighbour.cookies = home.cookies
            assert log_in(neighbour, victim).status_code == 200


def test_changes_of_passwords_are_counted_right_ones_too(database_url: str, make_server: MakeServer) -> None:
    """Each costs two hashes. They are counted for the account, and for an address that has many accounts."""
    server = make_server(database_url, log_in_attempts_per_account=3, log_ins_per_address=5)

    def change(client: httpx.Client) -> int:
        body = {"password": PASSWORD, "newPassword": PASSWORD}
        return client.post("/api/password", json=body).status_code

    emails = [sign_up(server.url) for _ in range(3)]
    with client_at(server, "127.0.0.2") as one, client_at(server, "127.0.0.2") as other:
        assert [log_in(one, emails[0]).status_code, log_in(other, emails[1]).status_code] == [200, 200]
        assert [change(one) for _ in range(4)] == [200, 200, 200, 429]
        assert [change(other) for _ in range(2)] == [200, 429]
        with client_at(server, "127.0.0.3") as elsewhere:
            assert log_in(elsewhere, emails[2]).status_code == 200
            assert change(elsewhere) == 200


def test_an_address_with_ever_so_many_known_devices_logs_in_no_more_often_than_one_without(
    database_url: str, make_server: MakeServer
) -> None:
    """Each log-in as a stranger marks one more device. Strangers who are refused take nothing from known devices."""
    server = make_server(database_url, log_ins_per_address=4)
    email = sign_up(server.url)
    with client_at(server, "127.0.0.2") as one, client_at(server, "127.0.0.2") as other:
        for client in (one, other):
            assert log_in(client, email).status_code == 200
        with client_at(server, "127.0.0.2") as stranger:
            assert [log_in(stranger, email, "a guess").status_code for _ in range(3)] == [401, 401, 429]
        assert [log_in(client, email).status_code for client in (one, other, one, other)] == [200] * 4
        assert [log_in(client, email).status_code for client in (one, other)] == [429, 429]
        with client_at(server, "127.0.0.3") as elsewhere:
            elsewhere.cookies = one.cookies
            assert log_in(elsewhere, email).status_code == 200


@pytest.mark.parametrize(("days_later", "known"), [(0, True), (29, True), (31, False)])
def test_a_device_is_known_for_so_many_days_whatever_its_cookie_jar_says(
    postgres_url: str, make_server: MakeServer, days_later: int, known: bool
) -> None:
    settings = {"device_days": 30, "log_in_attempts_per_account": 2}
    now = make_server(postgres_url, **settings)
    later = make_server(
        postgres_url, **settings, program=(SHIFTED, str(days_later * 24 * HOUR_SECONDS)), afresh=True
    )
    email = sign_up(now.url)
    with httpx.Client(base_url=now.url) as client:
        assert log_in(client, email).status_code == 200
        (mark,) = (each.value for each in client.cookies.jar if each.name == "jari-device")
    with httpx.Client(base_url=later.url, cookies={"jari-device": mark or ""}) as client:
        guesses = [log_in(client, email, "a guess").status_code for _ in range(3)]
    assert guesses == [401, 401, 401 if known else 429]


def test_an_account_whose_address_would_be_refused_today_is_still_reached_as_it_was_typed(
    sqlite_url: str, make_server: MakeServer
) -> None:
    server = make_server(sqlite_url)
    email = sign_up(server.url)
    for old in (f"\u200b{email}", f"e\u0301{email}"):
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as database, database:
            database.execute("UPDATE users SET email = ?", (old,))
        with httpx.Client(base_url=server.url) as client:
            assert log_in(client, old.upper()).json()["data"]["email"] == old


def test_logging_out_everywhere_reaches_the_other_servers(postgres_url: str, make_server: MakeServer) -> None:
    """Within a poll, though they have the sessions in mind for much longer."""
    here = make_server(postgres_url)
    there = make_server(postgres_url, poll_ms=100, session_cache_seconds=3_600)
    email = sign_up(here.url)
    with httpx.Client(base_url=there.url) as lost_phone, httpx.Client(base_url=here.url) as client:
        assert log_in(lost_phone, email).status_code == log_in(client, email).status_code == 200
        assert lost_phone.get("/api/me").status_code == 200
        assert client.post("/api/log-out-everywhere", json={}).json()["data"] == {"endedSessions": 2}
        assert client.get("/api/me").status_code == 401
        until = time.monotonic() + 30
        while lost_phone.get("/api/me").status_code != 401:
            assert time.monotonic() < until
            time.sleep(0.05)


@pytest.mark.parametrize("shift_seconds", [-HOUR_SECONDS, HOUR_SECONDS])
def test_a_session_lasts_as_long_on_a_server_whose_clock_is_an_hour_off(
    postgres_url: str, make_server: MakeServer, shift_seconds: int
) -> None:
    right = make_server(postgres_url, session_hours=1)
    wrong = make_server(postgres_url, session_hours=1, program=(SHIFTED, str(shift_seconds)), afresh=True)
    email = sign_up(right.url)
    for one, other in ((right, wrong), (wrong, right)):
        with httpx.Client(base_url=one.url) as client:
            assert log_in(client, email).status_code == 200
            assert client.get("/api/me").status_code == 200
            assert client.get(f"{other.url}/api/me").status_code == 200


def test_a_lock_lasts_no_longer_because_a_server_has_a_wrong_clock(
    postgres_url: str, make_server: MakeServer
) -> None:
    settings = {"log_in_attempts_per_account": 2, "attempt_window_seconds": WINDOW_SECONDS}
    right = make_server(postgres_url, **settings)
    wrong = make_server(postgres_url, **settings, program=(SHIFTED, str(HOUR_SECONDS)), afresh=True)
    email = sign_up(right.url)
    with httpx.Client(base_url=wrong.url) as client:
        assert [log_in(client, email, "a guess").status_code for _ in range(3)] == [401, 401, 429]
    with httpx.Client(base_url=right.url) as client:
        refused = log_in(client, email, "a guess")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= WINDOW_SECONDS
