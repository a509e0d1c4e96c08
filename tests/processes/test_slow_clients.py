"""Clients that send or read slowly: each waits for its own, and none for ever."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from support.connections import RawConnection, status_of
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
