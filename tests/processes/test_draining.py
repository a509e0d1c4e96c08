"""A server behind a proxy is told to end: it says so first, and answers until the proxy has noticed."""

import signal
from collections.abc import Callable
from contextlib import suppress

import httpx
import pytest

from support.connections import RawConnection, wait_until
from support.servers import Server
from support.streams import Listener
from support.worlds import World

DRAIN_SECONDS = 1
BEHIND_A_PROXY = {"trusted_proxies": "127.0.0.1", "drain_seconds": DRAIN_SECONDS}

MakeServer = Callable[..., Server]
MakeWorld = Callable[[str], World]


def refuses(server: Server) -> bool:
    """Whether nobody listens there any more."""
    try:
        RawConnection(server).socket.close()
    except ConnectionRefusedError:
        return True
    return False


def wait_for_the_end(server: Server) -> None:
    assert server.process is not None
    server.process.wait(20)
    assert server.process.returncode == 0
    assert "ended_by_force" not in server.log()
    assert "Traceback" not in server.log()


def test_it_is_not_ready_but_goes_on_and_ends_each_connection_with_its_answer(
    sqlite_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    world = make_world(sqlite_url)
    match, buyer = world.match(), world.buyer()
    server = make_server(sqlite_url, **BEHIND_A_PROXY)
    stream = f"{server.url}/api/matches/{match.id}/blocks/{match.block_id}/seats/status-stream"
    with Listener(stream) as listener, buyer.client(server.url) as client, RawConnection(server) as kept:
        listener.wait_for_opening()
        kept.get("/livez")
        kept.read_until(b'"alive":true}}')
        assert b"connection: close" not in kept.received
        server.signal(signal.SIGTERM)
        wait_until(lambda: client.get("/readyz").status_code == 503)
        kept.get("/livez")
        assert b"connection: close" in kept.read_to_the_end()
        held = client.post(f"/api/matches/{match.id}/allocations", json={"seatIds": match.seat_ids[:1]})
        assert held.status_code == 201
        assert held.headers["Connection"] == "close"
        listener.wait_for_status(match.seat_ids[0], "HOLD")  # viewers stay until their next server is sought
        assert listener.ended.wait(DRAIN_SECONDS + 5)
    wait_for_the_end(server)


def test_without_a_proxy_it_ends_at_once(sqlite_url: str, make_server: MakeServer) -> None:
    """If it drained, it would last an hour."""
    server = make_server(sqlite_url, drain_seconds=3600)
    server.signal(signal.SIGTERM)
    wait_for_the_end(server)


def test_a_second_word_to_end_ends_the_drain(sqlite_url: str, make_server: MakeServer) -> None:
    server = make_server(sqlite_url, trusted_proxies="127.0.0.1", drain_seconds=3600)
    server.signal(signal.SIGTERM)
    wait_until(lambda: httpx.get(f"{server.url}/readyz").status_code == 503)
    server.signal(signal.SIGTERM)
    wait_for_the_end(server)


@pytest.mark.parametrize("begun", ["", "GET /livez HTTP/1.1\r\nHost:"], ids=["connected", "half a head"])
@pytest.mark.parametrize(("settings", "is_answered"), [(BEHIND_A_PROXY, True), ({}, False)])
def test_who_came_last_is_answered_after_a_drain_and_cut_without_one(
    sqlite_url: str, make_server: MakeServer, begun: str, settings: dict, *, is_answered: bool
) -> None:
    """A proxy does not repeat a request that may have been heard."""
    request = "GET /livez HTTP/1.1\r\nHost: jari\r\n\r\n"
    server = make_server(sqlite_url, **settings)
    with RawConnection(server) as last:
        last.send(begun.encode())
        wait_until(lambda: httpx.get(f"{server.url}/livez").is_success)  # by now it has been accepted
        server.signal(signal.SIGTERM)
        wait_until(lambda: refuses(server))
        if is_answered:
            last.send(request.removeprefix(begun).encode())
        assert last.read_to_the_end().startswith(b"HTTP/1.1 200") is is_answered
    wait_for_the_end(server)


def test_workers_drain_and_their_parent_waits_for_them(postgres_url: str, make_server: MakeServer) -> None:
    server = make_server(postgres_url, workers=2, **BEHIND_A_PROXY)
    server.signal(signal.SIGTERM)
    statuses = set()
    with suppress(httpx.TransportError):  # refused, when the end has come
        while True:
            statuses.add(httpx.get(f"{server.url}/readyz").status_code)
    assert 503 in statuses
    wait_for_the_end(server)
