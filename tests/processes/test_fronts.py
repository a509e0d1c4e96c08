"""Two servers on one PostgreSQL behind Caddy and nginx, set up as `deploy/` has it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from support import audience
from support.databases import Postgres
from support.fronts import Caddy, Front, Nginx
from support.servers import Server
from support.streams import Listener
from support.worlds import Match, World

TOO_MANY = 429
PUBLIC_URL = "https://localhost"
FRONTS = [Caddy, Nginx]
VIEWERS = 500

MakeServer = Callable[..., Server]
MakeWorld = Callable[[str], World]


@pytest.fixture(scope="module")
def url(postgres: Postgres) -> Iterator[str]:
    name = postgres.copy()
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture(scope="module")
def world(url: str) -> Iterator[World]:
    world = World(url)
    yield world
    world.close()


@pytest.fixture(scope="module")
def servers(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    directory = tmp_path_factory.mktemp("servers")
    made = [
        Server(
            url,
            directory / f"server-{number}.log",
            trusted_proxies="127.0.0.1",
            public_url=PUBLIC_URL,
            log_in_attempts_per_address=2,
            poll_ms=100,
        )
        for number in range(2)
    ]
    yield [server.start() for server in made]
    for server in made:
        server.kill()


@pytest.fixture(scope="module", params=FRONTS, ids=lambda kind: kind.__name__)
def front(
    request: pytest.FixtureRequest, servers: list[Server], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    with request.param(tmp_path_factory.mktemp("front"), servers) as front:
        yield front


def stream_of(match: Match) -> str:
    return f"/api/matches/{match.id}/blocks/{match.block_id}/seats/status-stream"


def hold(world: World, match: Match, server: Server, seat_id: int) -> None:
    """Hold a seat at this server, past the proxy."""
    cookies = {"__Host-jari": world.buyer().token}
    body = {"seatIds": [seat_id]}
    answer = httpx.post(f"{server.url}/api/matches/{match.id}/allocations", json=body, cookies=cookies)
    assert answer.status_code == 201


@pytest.mark.parametrize("http2", [False, True], ids=["HTTP/1.1", "HTTP/2"])
def test_an_event_comes_through_at_once(
    front: Front, servers: list[Server], world: World, *, http2: bool
) -> None:
    match = world.match()
    with Listener(front.url + stream_of(match), client=front.client(http2=http2)) as listener:
        listener.wait_for_opening()
        assert listener.headers is not None
        assert listener.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert listener.headers["Cache-Control"] == "no-store"
        for server, seat_id in zip(servers, match.seat_ids, strict=False):
            hold(world, match, server, seat_id)
            listener.wait_for_status(seat_id, "HOLD")


def test_it_would_not_if_the_proxy_gathered_it(servers: list[Server], world: World, tmp_path: Path) -> None:
    match = world.match()
    gathering = {'proxy_set_header Connection "";': "proxy_ignore_headers X-Accel-Buffering;"}
    with (
        Nginx(tmp_path, servers, gathering) as front,
        Listener(front.url + stream_of(match), client=front.client(timeout=2)) as listener,
    ):
        hold(world, match, servers[0], match.seat_ids[0])
        with pytest.raises(AssertionError, match="not seen within"):
            listener.wait_for_status(match.seat_ids[0], "HOLD", 2)


def test_browsers_get_http_2_and_cookies_for_https_alone(front: Front) -> None:
    account = {"email": f"{type(front).__name__}@example.com", "password": "long enough to pass"}
    with front.client(http2=True, headers={"Origin": PUBLIC_URL}) as client:
        client.post("/api/sign-up", json={**account, "name": "Kim"}).raise_for_status()
        answer = client.post("/api/log-in", json=account)
        assert (answer.status_code, answer.http_version) == (200, "HTTP/2")
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-")
        assert {"Secure", "HttpOnly", "Path=/"} <= set(cookie.split("; "))
        assert client.get("/api/me").is_success


def test_a_client_is_who_the_proxy_says_and_not_who_it_says_itself(front: Front) -> None:
    """It has two tries at logging in. Another address has two of its own."""

    def log_in(source: str, forwarded: str) -> int:
        nobody = {"email": "nobody@example.com", "password": "wrong, and long enough"}
        headers = {"Origin": PUBLIC_URL, "X-Forwarded-For": forwarded, "Forwarded": f"for={forwarded}"}
        with front.client(transport=front.transport(source), headers=headers) as client:
            return client.post("/api/log-in", json=nobody).status_code

    first, second = {Caddy: ("127.0.1.1", "127.0.1.2"), Nginx: ("127.0.2.1", "127.0.2.2")}[type(front)]
    assert [log_in(first, f"203.0.113.{number}") for number in range(3)] == [401, 401, TOO_MANY]
    assert log_in(second, first) == 401


def test_strangers_are_told_nothing_of_what_operators_ask_for(front: Front) -> None:
    with front.client() as client:
        assert {client.get(path).status_code for path in ("/livez", "/readyz", "/metrics")} == {404}


def test_many_streams_go_through_and_each_gets_each_event(
    front: Front, servers: list[Server], world: World
) -> None:
    match = world.match()
    command = [sys.executable, audience.__file__, front.url + stream_of(match), str(front.certificate)]
    with subprocess.Popen([*command, str(VIEWERS), "4"], stdout=subprocess.PIPE, text=True) as crowd:
        assert crowd.stdout is not None
        assert json.loads(crowd.stdout.readline()) == {"opened": VIEWERS}
        for server, seat_id in zip(servers * 2, match.seat_ids, strict=False):
            hold(world, match, server, seat_id)
        assert json.loads(crowd.stdout.readline())["complete"] == VIEWERS
