"""Clients that send or read slowly: each waits for its own, and none for ever."""

import socket
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from support.connections import RawConnection, connections, status_of, viewers, wait_until
from support.servers import Server
from support.worlds import World

HEAD = b"POST %s HTTP/1.1\r\nHost: jari\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n"

MakeServer = Callable[..., Server]
MakeWorld = Callable[[str], World]


class TestSlowBodies:
    """The time of a body is the client's; the time of a request that is whole is the store's."""

    @pytest.fixture
    def server(self, sqlite_url: str, make_server: MakeServer) -> Server:
        return make_server(sqlite_url, request_seconds=1, request_body_seconds=4, database_timeout_seconds=20)

    def test_one_that_takes_longer_than_an_answer_may_is_answered(self, server: Server) -> None:
        with RawConnection(server) as client:
            client.send(HEAD % (b"/api/log-out", 2, b"") + b"{")
            assert client.stays_open(2)
            client.send(b"}")
            assert status_of(client.read_until(b"}}")) == 200

    def test_one_that_never_ends_is_told_that_it_was_too_slow(self, server: Server) -> None:
        with RawConnection(server) as client:
            client.send(HEAD % (b"/api/log-out", 2, b"") + b"{")
            assert status_of(client.read_to_the_end()) == 408

    def test_a_request_that_was_slow_to_come_is_still_answered_in_time(
        self, server: Server, sqlite_url: str, make_world: MakeWorld
    ) -> None:
        """Its clock has only begun later: a store that is away is told of long before the store's own limit."""
        world = make_world(sqlite_url)
        match, buyer = world.match(), world.buyer()
        with buyer.client(server.url) as known:
            path = f"/api/matches/{match.id}/allocations"
            known.get(path).raise_for_status()
        body = b'{"seatIds":[%d]}' % match.seat_ids[0]
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as lock:
            lock.execute("BEGIN IMMEDIATE")
            with RawConnection(server) as client:
                cookie = b"Cookie: jari=%s\r\n" % buyer.token.encode()
                client.send(HEAD % (path.encode(), len(body), cookie) + body[:-1])
                assert client.stays_open(2)
                client.send(body[-1:])
                whole_at = time.monotonic()
                assert status_of(client.read_until(b"UNAVAILABLE")) == 503
                assert time.monotonic() - whole_at < 8
            lock.execute("ROLLBACK")


def test_a_body_that_ends_after_its_answer_leaves_the_connection_its_time(
    sqlite_url: str, make_server: MakeServer
) -> None:
    """What has come was no beginning of a next request."""
    server = make_server(sqlite_url, request_head_seconds=1)
    with RawConnection(server) as client:
        client.send(
            b"POST /api/log-in HTTP/1.1\r\nHost: jari\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\n{"
        )
        assert status_of(client.read_until(b"}")) == 415
        client.send(b"}")
        assert client.stays_open(4)
        client.received = b""
        client.send(b"GET /li")
        assert status_of(client.read_to_the_end()) == 408  # which is bounded as ever


class TestSlowReaders:
    """What is written for a client that does not read is not kept for ever."""

    @pytest.fixture
    def server(self, sqlite_url: str, make_server: MakeServer) -> Server:
        return make_server(sqlite_url, answer_seconds=2, send_buffer_bytes=4096)

    @pytest.fixture
    def seats(self, sqlite_url: str, make_world: MakeWorld) -> str:
        """The address of a block whose seats take more than what waits on the way."""
        match = make_world(sqlite_url).match(rows=100, cols=100)
        return f"/api/matches/{match.id}/blocks/{match.block_id}/seats"

    @pytest.mark.parametrize("header", ["Connection: keep-alive", "Connection: close"])
    def test_who_reads_a_drop_now_and_then_is_dropped(self, server: Server, seats: str, header: str) -> None:
        with reader(server) as client:
            client.get(seats, header)
            wait_until(lambda: connections(server) == 2)
            until = time.monotonic() + 20
            while connections(server) == 2:
                client.socket.recv(100)
                assert time.monotonic() < until, "still there"
                time.sleep(0.1)

    def test_who_asks_again_without_having_read_is_dropped(self, server: Server, seats: str) -> None:
        with reader(server) as client:
            for _ in range(2):
                client.get(seats)
            wait_until(lambda: connections(server) == 2)
            wait_until(lambda: connections(server) == 1)

    def test_who_reads_all_in_time_stays(self, server: Server, seats: str) -> None:
        with RawConnection(server) as client:
            for _ in range(2):
                client.received = b""
                client.get(seats)
                head, _, _ = client.read_until(b"\r\n\r\n").partition(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split()[0])
                assert length > 1_000_000
                client.read(len(head) + 4 + length)
                assert client.stays_open(3)

    def test_a_viewer_has_the_time_that_viewers_have(self, server: Server, seats: str) -> None:
        with reader(server) as client:
            client.get(f"{seats}/status-stream")
            assert not client.stays_open(5)
            time.sleep(4)  # longer than others have
            assert viewers(server) == 1


def reader(server: Server) -> RawConnection:
    """A client for whom little waits on the way."""
    client = RawConnection(server)
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return client
