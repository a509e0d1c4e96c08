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
