"""Requests that are refused before they have come whole: what the client reads is true, and it can read it."""

from collections.abc import Callable

import httpx
import pytest

from support.connections import RawConnection, status_of
from support.servers import Server
from support.worlds import World

BROKEN_CHUNK = b"\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\n"

MakeServer = Callable[..., Server]
MakeWorld = Callable[[str], World]


@pytest.fixture
def server(sqlite_url: str, make_server: MakeServer) -> Server:
    return make_server(sqlite_url)


def test_a_broken_body_that_came_without_waiting_for_a_word_is_no_fault_of_ours(server: Server) -> None:
    """The client has said that it would wait to be told to go on, and is told so no more."""
    with RawConnection(server) as client:
        client.send(
            b"POST /api/log-in HTTP/1.1\r\nHost: jari\r\nContent-Type: application/json\r\n"
            b"Expect: 100-continue" + BROKEN_CHUNK
        )
        answer = client.read_to_the_end()
    assert status_of(answer) == 400
    assert b"100 Continue" not in answer
    assert 'status="500"' not in httpx.get(f"{server.url}/metrics").text
    assert "Traceback" not in server.log()


class TestNothingWasDone:
    """Where a refusal says so, it is so."""

    @pytest.mark.parametrize(
        ("body", "status"),
        [(BROKEN_CHUNK, 400), (b"\r\nContent-Length: 2\r\n\r\n{", 408)],
        ids=["broken", "never whole"],
    )
    def test_seats_are_not_given_back_by_a_request_that_is_refused(
        self, sqlite_url: str, make_world: MakeWorld, make_server: MakeServer, body: bytes, status: int
    ) -> None:
        server = make_server(sqlite_url, request_body_seconds=1)
        world = make_world(sqlite_url)
        match, (holder, other) = world.match(), world.buyers(2)
        path = f"/api/matches/{match.id}/allocations"
        with holder.client(server.url) as client, RawConnection(server) as raw:
            client.post(path, json={"seatIds": match.seat_ids[:1]}).raise_for_status()
            raw.send(
                b"DELETE %s?seatId=%d HTTP/1.1\r\nHost: jari\r\nCookie: jari=%s"
                % (path.encode(), match.seat_ids[0], holder.token.encode())
                + body
            )
            answer = raw.read_to_the_end()
        with other.client(server.url) as client:  # behind whatever was asked of the till before
            client.post(path, json={"seatIds": match.seat_ids[1:2]}).raise_for_status()
        assert status_of(answer) == status
        assert b"nothing was done" in answer
        assert [each.seat_id for each in world.allocations(match)] == match.seat_ids[:2]

    def test_seats_are_given_back_by_a_request_whose_body_is_whole(
        self, server: Server, sqlite_url: str, make_world: MakeWorld
    ) -> None:
        world = make_world(sqlite_url)
        match, buyer = world.match(), world.buyer()
        path = f"/api/matches/{match.id}/allocations"
        with buyer.client(server.url) as client:
            client.post(path, json={"seatIds": match.seat_ids[:1]}).raise_for_status()
            query = {"seatId": match.seat_ids[0]}
            client.request("DELETE", path, params=query, content=b"{}").raise_for_status()
            too_large = client.request("DELETE", path, params=query, content=b"x" * 100_000)
        assert too_large.status_code == 413
        assert world.allocations(match) == []


def test_who_finds_no_room_may_send_on_and_read_why(sqlite_url: str, make_server: MakeServer) -> None:
    """A close at once would reset what is still on its way, and the client might never read the answer."""
    server = make_server(sqlite_url, max_connections=1)
    with RawConnection(server), RawConnection(server) as client:
        client.send(
            b"POST /api/log-in HTTP/1.1\r\nHost: jari\r\nContent-Type: application/json\r\n"
            b"Content-Length: 1000000\r\n\r\n"
        )
        assert not client.stays_open(10)
        for _ in range(10):
            client.send(b"x" * 100_000)
        answer = client.read_to_the_end()
    assert status_of(answer) == 503
    assert b"retry-after: " in answer.lower()
    assert b"connection: close" in answer


def test_refused_requests_leave_nothing_behind(server: Server) -> None:
    def refuse(count: int) -> None:
        for _ in range(count):
            with RawConnection(server) as client:
                client.get("/livez", "X: " + "x" * 40_000)
                assert status_of(client.read_to_the_end()) == 431

    refuse(200)  # what is made once
    before = server.resident_bytes()
    refuse(1_000)
    assert server.resident_bytes() - before < 10_000_000


def test_an_answer_that_is_complete_is_sent_whole_whatever_comes_of_its_request(
    sqlite_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    match = make_world(sqlite_url).match(rows=100, cols=100)
    server = make_server(sqlite_url, send_buffer_bytes=4096)
    with RawConnection(server) as client:
        client.get(f"/api/matches/{match.id}/blocks/{match.block_id}/seats", "Transfer-Encoding: chunked")
        client.read_until(b"HTTP/1.1 200")
        client.send(BROKEN_CHUNK)
        answer = client.read_to_the_end()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in head
