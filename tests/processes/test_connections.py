"""Clients that ask for too much, too slowly, or go without a word: what one of them may cost the others."""

import asyncio
import resource
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import httpx
import pytest

from support.connections import (
    PIECE_BYTES,
    RawConnection,
    connections,
    status_of,
    viewers,
    wait_until,
)
from support.servers import Server
from support.streams import Listener
from support.worlds import World

MEGABYTE = 1024 * 1024
LOG_IN = b"POST /api/log-in HTTP/1.1\r\nHost: jari\r\nContent-Type: application/json\r\n"
FEW_DESCRIPTORS = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (600, 600))
sys.argv = ["jari", "serve"]
runpy.run_module("jari", run_name="__main__")
"""
BROKEN_SERVER = str(Path(__file__).parents[1] / "support/broken_server.py")

MakeServer = Callable[..., Server]
MakeWorld = Callable[[str], World]


class TestPipelining:
    """One request at a time: what comes behind an unanswered one is dropped."""

    def test_viewers_who_ask_for_more_and_go_give_their_places_back(
        self, sqlite_url: str, make_world: MakeWorld, make_server: MakeServer
    ) -> None:
        match = make_world(sqlite_url).match()
        server = make_server(sqlite_url, max_viewers=40)
        path = f"/api/schedules/{match.id}/seats/stream"
        with ExitStack() as stack:
            clients = [stack.enter_context(RawConnection(server)) for _ in range(40)]
            for number, client in enumerate(clients):
                client.get(path)
                if number % 2:
                    client.read_until(b"event: ready")
                client.get("/livez")
            wait_until(lambda: viewers(server) == 40)
        wait_until(lambda: viewers(server) == 0)
        with Listener(server.url + path) as listener:
            listener.wait_for_opening()
        assert server.stop() < 5

    def test_what_comes_behind_a_stream_is_not_kept(
        self, sqlite_url: str, make_world: MakeWorld, make_server: MakeServer
    ) -> None:
        match = make_world(sqlite_url).match()
        server = make_server(sqlite_url)
        request = b"GET /livez HTTP/1.1\r\nHost: jari\r\n\r\n"
        with ExitStack() as stack:
            clients = [stack.enter_context(RawConnection(server)) for _ in range(20)]
            for client in clients:
                client.get(f"/api/schedules/{match.id}/seats/stream")
                client.read_until(b"event: ready")
            before = server.resident_bytes()
            for client in clients:
                client.send(request * (252 * 1024 // len(request)))
            # once it answers others it has looked at what came before them
            wait_until(lambda: viewers(server) == 20)
            assert server.resident_bytes() - before < 20 * MEGABYTE

    def test_the_first_request_is_answered_and_says_that_it_is_the_last(self, shared_server: Server) -> None:
        with RawConnection(shared_server) as client:
            client.send(b"GET /livez HTTP/1.1\r\nHost: jari\r\n\r\n" * 3)
            answer = client.read_to_the_end()
        assert answer.count(b"HTTP/1.1 200") == 1
        assert b"connection: close\r\n" in answer

    def test_what_is_no_request_does_not_stain_the_answer_before_it(
        self, shared_server: Server, shared_world: World
    ) -> None:
        match = shared_world.match()
        with RawConnection(shared_server) as client:
            client.get(f"/api/schedules/{match.id}/seats/stream")
            client.read_until(b"event: ready")
            client.send(b"\x00 nonsense \r\n\r\n")
            with httpx.Client() as other:
                other.get(f"{shared_server.url}/livez")
            assert client.stays_open(0.2)
            assert b"400" not in client.received

    def test_one_request_after_the_other_shares_a_connection(self, shared_server: Server) -> None:
        with RawConnection(shared_server) as client:
            for _ in range(3):
                client.received = b""
                client.get("/livez")
                assert status_of(client.read_until(b'"alive":true}}')) == 200


def test_a_viewer_whose_connection_ended_is_let_go_even_if_nobody_says_so(
    sqlite_url: str, make_world: MakeWorld, tmp_path: Path
) -> None:
    """The hub's own guard, with the protocol's out of order."""
    match = make_world(sqlite_url).match()
    server = Server(sqlite_url, tmp_path / "server.log", program=(BROKEN_SERVER, "telling")).start()
    try:
        with RawConnection(server) as client:
            client.get(f"/api/schedules/{match.id}/seats/stream")
            client.read_until(b"event: ready")
            assert viewers(server) == 1
        wait_until(lambda: viewers(server) == 0)
        assert "Exception" not in server.log()
    finally:
        server.kill()


class TestLargeHeads:
    """A limit on address and headers that holds while they arrive."""

    @pytest.mark.parametrize(
        ("first", "piece", "status"),
        [
            (b"GET /livez HTTP/1.1\r\nHost: jari\r\nCookie: ", b"x" * PIECE_BYTES, 431),
            (b"GET /livez?", b"x" * PIECE_BYTES, 414),
            (b"GET /livez HTTP/1.1\r\nHost: jari\r\n", b"a: b\r\n" * 1000, 431),
            (
                LOG_IN + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: ",
                b"x" * PIECE_BYTES,
                431,
            ),
            (LOG_IN + b"Transfer-Encoding: chunked\r\n\r\n2;", b"x" * PIECE_BYTES, 431),
        ],
        ids=["one header", "an address", "many headers", "a trailer", "an extension of a chunk"],
    )
    def test_without_an_end_is_stopped_and_closed(
        self, shared_server: Server, first: bytes, piece: bytes, status: int
    ) -> None:
        with RawConnection(shared_server) as client:
            sent = client.send_until_stopped(first, piece, 20 * MEGABYTE)
            answer = client.read_to_the_end()
        assert sent < 20 * MEGABYTE
        assert status_of(answer) == status
        assert b"application/problem+json" in answer

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            (["X: " + "x" * 31 * 1024], 200),
            (["X: " + "x" * 33 * 1024], 431),
            ([f"X-{number}: x" for number in range(99)], 200),
            ([f"X-{number}: x" for number in range(100)], 431),
        ],
        ids=["as long as it may be", "too long", "as many as there may be", "too many"],
    )
    def test_that_arrive_whole_are_held_to_the_same_limit(
        self, shared_server: Server, headers: list[str], status: int
    ) -> None:
        with RawConnection(shared_server) as client:
            client.get("/livez", *headers)
            assert status_of(client.read_until(b"}")) == status

    def test_a_trailer_is_no_header(self, shared_server: Server, shared_world: World) -> None:
        """Or it could say what a proxy before us has taken out of the headers."""
        buyer = shared_world.buyer()
        with RawConnection(shared_server) as client:
            client.send(
                b"POST /api/log-out HTTP/1.1\r\nHost: jari\r\nContent-Type: application/json\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nCookie: jari=%s\r\n\r\n"
                % buyer.token.encode()
            )
            assert status_of(client.read_until(b"}}")) == 200
        with buyer.client(shared_server.url) as client:
            assert client.get("/api/me").status_code == 200


class TestSlowClients:
    """Limits on the time that a request may take to arrive."""

    @pytest.fixture
    def server(self, sqlite_url: str, make_server: MakeServer) -> Server:
        return make_server(sqlite_url, request_head_seconds=1, request_body_seconds=1)

    def test_who_says_nothing_is_closed(self, server: Server) -> None:
        with RawConnection(server) as client:
            assert client.read_to_the_end() == b""

    @pytest.mark.parametrize(
        "part",
        [
            b"GET /li",
            b"GET /livez HTTP/1.1\r\nHost: ja",
            b"\r\n",
            LOG_IN + b"Content-Length: 50\r\n\r\n{",
        ],
        ids=["address", "header", "empty line", "body"],
    )
    def test_who_never_ends_is_told_and_closed(self, server: Server, part: bytes) -> None:
        with RawConnection(server) as client:
            client.send(part)
            assert status_of(client.read_to_the_end()) == 408

    @pytest.mark.parametrize(
        ("part", "more"),
        [
            (b"GET /livez HTTP/1.1\r\nHost: jari\r\nX: ", b"x"),
            (b"", b"\r\n"),
            (
                LOG_IN + b"Content-Length: 5000\r\n\r\n",
                b" ",
            ),
        ],
        ids=["header", "empty lines", "body"],
    )
    def test_dripping_does_not_buy_time(self, server: Server, part: bytes, more: bytes) -> None:
        with RawConnection(server) as client:
            client.send(part)
            until = time.monotonic() + 20
            while client.stays_open(0.1):
                client.send(more)
                assert time.monotonic() < until, "still open"
            assert status_of(client.read_to_the_end()) == 408

    def test_a_body_that_goes_on_after_its_answer_ends_too(self, server: Server) -> None:
        with RawConnection(server) as client:
            client.send(
                b"POST /api/log-in HTTP/1.1\r\nHost: jari\r\nContent-Length: 50\r\n"
                b"Content-Type: text/plain\r\n\r\n{"
            )
            assert status_of(client.read_to_the_end()) == 415

    def test_a_stream_whose_request_never_ends_is_ended(
        self, server: Server, sqlite_url: str, make_world: MakeWorld
    ) -> None:
        match = make_world(sqlite_url).match()
        with RawConnection(server) as client:
            client.get(f"/api/schedules/{match.id}/seats/stream", "Content-Length: 10")
            client.read_to_the_end()
        wait_until(lambda: viewers(server) == 0)

    def test_a_whole_request_is_given_its_time(
        self, server: Server, sqlite_url: str, make_world: MakeWorld
    ) -> None:
        match = make_world(sqlite_url).match()
        with RawConnection(server) as client:
            client.get(f"/api/schedules/{match.id}/seats/stream")
            client.read_until(b"event: ready")
            assert client.stays_open(3)


def test_a_connection_is_kept_for_longer_than_proxies_keep_theirs(
    sqlite_url: str, make_server: MakeServer
) -> None:
    """uvicorn's own 5 seconds are shorter than any proxy's, which then sends into a connection that is closing."""
    server = make_server(sqlite_url, request_head_seconds=1)
    with RawConnection(server) as client:
        client.get("/livez")
        client.read_until(b'"alive":true}}')
        assert client.stays_open(8)
        client.get("/readyz")
        client.read_until(b'"redis":null}}')


def open_connections(server: Server) -> int:
    """As the server counts them, that of the question among them."""
    figures = httpx.get(f"{server.url}/metrics").text
    return int(float(figures.rpartition("\njari_connections ")[2].partition("\n")[0]))


def test_a_client_that_goes_in_the_middle_of_its_body_is_no_fault_of_ours(
    sqlite_url: str, make_server: MakeServer
) -> None:
    server = make_server(sqlite_url)
    with RawConnection(server) as client:
        client.send(LOG_IN + b"Content-Length: 50\r\n\r\n{")
        wait_until(lambda: open_connections(server) > 1)
    wait_until(lambda: open_connections(server) == 1)
    assert 'status="500"' not in httpx.get(f"{server.url}/metrics").text
    assert "request_failed" not in server.log()


@pytest.mark.parametrize(
    ("heartbeat_seconds", "tcp_keepalive_seconds"), [(1, 60), (45, 1)], ids=["sent to", "quiet"]
)
def test_a_viewer_whose_network_is_gone_is_noticed(
    sqlite_url: str,
    make_world: MakeWorld,
    make_server: MakeServer,
    heartbeat_seconds: int,
    tcp_keepalive_seconds: int,
) -> None:
    """No end and no reset comes from it; left alone, the kernel would go on for a quarter of an hour."""
    match = make_world(sqlite_url).match()
    server = make_server(
        sqlite_url,
        heartbeat_seconds=heartbeat_seconds,
        tcp_keepalive_seconds=tcp_keepalive_seconds,
        tcp_user_timeout_seconds=1,
    )
    with RawConnection(server) as client:
        client.get(f"/api/schedules/{match.id}/seats/stream")
        client.read_until(b"event: ready")
        assert viewers(server) == 1
        client.go_deaf()
        wait_until(lambda: viewers(server) == 0, 30)


class TestManyConnections:
    """What happens at the limits of how many there may be."""

    def test_probes_are_answered_however_many_there_are(
        self, sqlite_url: str, make_server: MakeServer
    ) -> None:
        server = make_server(sqlite_url, max_connections=5)
        with ExitStack() as stack:
            for _ in range(6):
                stack.enter_context(RawConnection(server))
            for probe in ("/livez", "/readyz", "/metrics", "/livez?by=balancer"):
                assert httpx.get(server.url + probe).status_code == 200
            refused = httpx.get(f"{server.url}/api/matches")
        assert refused.status_code == 503
        assert refused.json()["code"] == "UNAVAILABLE"
        assert int(refused.headers["Retry-After"]) > 0

    def test_they_end_so_that_the_database_has_descriptors_left(
        self, sqlite_url: str, make_server: MakeServer
    ) -> None:
        """Whoever comes when the spare ones are taken, too, is dropped; those who were there go on."""
        server = make_server(sqlite_url, max_connections=5, spare_connections=3)
        wait_until(lambda: connections(server) == 1)  # the one that asks
        before = server.descriptors("socket:")
        with ExitStack() as stack:
            first = [stack.enter_context(RawConnection(server)) for _ in range(8)]
            late = [stack.enter_context(RawConnection(server)) for _ in range(30)]
            for client in late:
                assert client.read_to_the_end(5) == b""
            assert server.descriptors("socket:") <= before + 8
            first[0].get("/livez")
            answer = first[0].read_to_the_end(5)
            assert status_of(answer) == 200
            assert b"connection: close\r\n" in answer
            assert httpx.get(f"{server.url}/readyz").status_code == 200
        wait_until(lambda: connections(server) == 1)
        assert httpx.get(f"{server.url}/api/matches").status_code == 200

    def test_there_are_no_more_than_the_system_has_descriptors_for(
        self, sqlite_url: str, tmp_path: Path
    ) -> None:
        server = Server(
            sqlite_url, tmp_path / "server.log", program=("-c", FEW_DESCRIPTORS), afresh=True
        ).start()
        try:
            with ExitStack() as stack:
                for _ in range(700):
                    stack.enter_context(closing(socket.create_connection(("127.0.0.1", server.port))))
                for probe in ("/readyz", "/livez"):  # answered, or dropped, where the spare ones are taken
                    with suppress(httpx.TransportError):
                        assert httpx.get(server.url + probe).status_code == 200
                assert server.descriptors() < 500
            wait_until(lambda: server.descriptors("socket:") < 100)
            assert httpx.get(f"{server.url}/readyz").status_code == 200
            assert "few_descriptors" in server.log()
            assert "out_of_descriptors" not in server.log()
        finally:
            server.kill()

    def test_one_address_does_not_take_every_place(
        self, sqlite_url: str, make_world: MakeWorld, make_server: MakeServer
    ) -> None:
        match = make_world(sqlite_url).match()
        server = make_server(sqlite_url, max_viewers_per_address=2)
        path = f"/api/schedules/{match.id}/seats/stream"
        with ExitStack() as stack:
            mine = [stack.enter_context(RawConnection(server)) for _ in range(2)]
            for client in mine:
                client.get(path)
                client.read_until(b"event: ready")
            refused = httpx.get(server.url + path)
            assert refused.status_code == 429
            assert int(refused.headers["Retry-After"]) > 0
            another = stack.enter_context(RawConnection(server, source="127.0.0.2"))
            another.get(path)
            another.read_until(b"event: ready")

            mine[0].socket.close()
            wait_until(lambda: viewers(server) == 2)
            late = stack.enter_context(RawConnection(server))
            late.get(path)
            late.read_until(b"event: ready")

    def test_the_log_says_that_there_are_no_descriptors_left(
        self, sqlite_url: str, make_server: MakeServer
    ) -> None:
        server = make_server(sqlite_url)
        assert server.process is not None
        limit = server.descriptors() + 30
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
        with ExitStack() as stack:
            for _ in range(60):
                stack.enter_context(closing(socket.create_connection(("127.0.0.1", server.port))))
            wait_until(lambda: "out_of_descriptors" in server.log())
        wait_until(lambda: server.descriptors() < limit - 20)
        assert httpx.get(f"{server.url}/livez").status_code == 200
        assert server.log().count("out_of_descriptors") == 1

    async def test_ten_thousand_of_which_half_never_finish_a_request(
        self, sqlite_url: str, make_server: MakeServer
    ) -> None:
        """The unfinished are closed, the others live on, and in the end every descriptor is given back."""
        server = make_server(sqlite_url, request_head_seconds=10)
        before = server.descriptors("socket:")
        half = (min(10_000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 500)) // 2
        finished, unfinished = await _open(server, half, b"\r\n"), await _open(server, half, b"")
        for reader, _ in finished:
            assert (await reader.readuntil(b"}}")).startswith(b"HTTP/1.1 200")
        ends = await asyncio.gather(*(asyncio.wait_for(reader.read(), 40) for reader, _ in unfinished))
        assert {status_of(end) for end in ends} == {408}
        for _, writer in finished:
            writer.write(b"GET /livez HTTP/1.1\r\nHost: jari\r\n\r\n")
        for reader, _ in finished:
            assert (await reader.readuntil(b"}}")).startswith(b"HTTP/1.1 200")
        for _, writer in (*finished, *unfinished):
            writer.close()
        await asyncio.to_thread(wait_until, lambda: server.descriptors("socket:") <= before)
        assert await asyncio.to_thread(server.stop) < 5


async def _open(
    server: Server, count: int, end: bytes
) -> list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    opened = []
    for first in range(0, count, 500):
        opened += await asyncio.gather(
            *(
                asyncio.open_connection("127.0.0.1", server.port)
                for _ in range(first, min(first + 500, count))
            )
        )
    for _, writer in opened:
        writer.write(b"GET /livez HTTP/1.1\r\nHost: jari\r\n" + end)
    return opened
