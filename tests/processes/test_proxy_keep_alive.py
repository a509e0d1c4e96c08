"""A proxy keeps its connections to jari for later requests, and jari must not be the first to close them."""

import http.client
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from support.connections import connections, wait_until
from support.fronts import Caddy, Front, Nginx
from support.servers import Server

AT_ONCE = 16
TRIES = 10
SHORT_SECONDS = 1
REQUEST = ("POST", "/api/log-out", "{}", {"Content-Type": "application/json", "Origin": "https://localhost"})
SHORT = {Caddy: {"keepalive 60s": "keepalive 1s"}, Nginx: {"keepalive_timeout 60s;": "keepalive_timeout 1s;"}}
FRONTS = pytest.mark.parametrize("kind", [Caddy, Nginx], ids=lambda kind: kind.__name__)

MakeServer = Callable[..., Server]


def statuses_after_a_pause(front: Front, pause: Callable[[], None]) -> set[int]:
    """What requests get that come while the proxy stands still, as a busy machine may let it.

    When it goes on, it finds the requests first, and then what has become of the connections that it has kept.
    """
    with ExitStack() as opened:
        clients = [
            opened.enter_context(
                closing(http.client.HTTPSConnection("localhost", front.port, context=front.trust))
            )
            for _ in range(AT_ONCE)
        ]
        for client in clients:
            client.request(*REQUEST)
        for client in clients:
            client.getresponse().read()
        front.signal(signal.SIGSTOP)
        try:
            for client in clients:
                client.request(*REQUEST)
            pause()
        finally:
            front.signal(signal.SIGCONT)
        return {client.getresponse().status for client in clients}


@FRONTS
def test_no_request_is_lost_while_the_proxy_is_the_first_to_close(
    sqlite_url: str, make_server: MakeServer, tmp_path: Path, kind: type[Front]
) -> None:
    server = make_server(sqlite_url, public_url="https://localhost", trusted_proxies="127.0.0.1")
    with kind(tmp_path, [server, server], SHORT[kind]) as front:
        for _ in range(2):
            assert statuses_after_a_pause(front, lambda: time.sleep(SHORT_SECONDS)) == {200}


@FRONTS
def test_requests_are_lost_where_jari_is_the_first_to_close(
    sqlite_url: str, make_server: MakeServer, tmp_path: Path, kind: type[Front]
) -> None:
    server = make_server(sqlite_url, public_url="https://localhost", keep_alive_seconds=SHORT_SECONDS)

    def until_jari_has_closed() -> None:
        wait_until(lambda: connections(server) < AT_ONCE / 2)

    with kind(tmp_path, [server, server]) as front:
        assert any(502 in statuses_after_a_pause(front, until_jari_has_closed) for _ in range(TRIES))
