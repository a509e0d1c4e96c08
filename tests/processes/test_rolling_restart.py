"""Two servers behind a proxy are restarted one after the other while people buy and watch."""

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import httpx
import pytest
from httpx_sse import EventSource, connect_sse

from support.connections import wait_until
from support.fronts import Caddy, Front, Nginx
from support.servers import Server
from support.worlds import Buyer, Match, World

BUYERS, VIEWERS = 8, 4
SEATS_OF_A_BUYER = 4
OK = 200
SETTINGS = {
    "trusted_proxies": "127.0.0.1",
    "public_url": "https://localhost",
    "drain_seconds": 1,
    "linger_seconds": 1,
    "heartbeat_seconds": 1,  # at which a viewer sees that it is over
    "poll_ms": 100,
    "keep_seconds": 3_600,  # a buyer may hold the same seats again and again
}
# Caddy must look at least twice within the drain; in `deploy/` both are longer.
CHANGES = {
    Caddy: {"health_interval 1s": "health_interval 200ms", "fail_duration 2s": "fail_duration 200ms"},
    Nginx: {},
}

MakeServer = Callable[..., Server]
MakeWorld = Callable[[str], World]


class Crowd:
    """Buyers who hold and release seats of their own, each in a thread, until the block ends."""

    def __init__(self, front: Front, match: Match, buyers: list[Buyer]) -> None:
        self.statuses: Counter[int] = Counter()
        self.failures: list[str] = []
        self._front = front
        self._path = f"/api/matches/{match.id}/allocations"
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._buy, args=(number, buyer, match))
            for number, buyer in enumerate(buyers)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _buy(self, number: int, buyer: Buyer, match: Match) -> None:
        seat_ids = match.seat_ids[number * SEATS_OF_A_BUYER : (number + 1) * SEATS_OF_A_BUYER]
        with self._front.client(cookies={"__Host-jari": buyer.token}, http2=number % 2 == 0) as client:
            while not self._over.is_set():
                self._ask(lambda: client.post(self._path, json={"seatIds": seat_ids}))
                self._ask(lambda: client.get(self._path))
                self._ask(lambda: client.delete(self._path, params={"seatId": seat_ids[1:]}))
                self._ask(lambda: client.delete(self._path, params={"seatId": seat_ids[:1]}))
                self._over.wait(0.02)

    def _ask(self, request: Callable[[], httpx.Response]) -> None:
        try:
            answer = request()
        except httpx.HTTPError as error:
            self.failures.append(repr(error))
        else:
            self.statuses[answer.status_code] += 1
            if not answer.is_success:
                self.failures.append(f"{answer.status_code} {answer.text}")


class Viewer:
    """Comes back with its position whenever its stream ends, as a browser does, until the block ends."""

    def __init__(self, front: Front, match: Match) -> None:
        self.shown: dict[int, str] = {}
        self.streams = 0
        self.failures: list[str] = []
        self._front = front
        self._path = f"/api/matches/{match.id}/blocks/{match.block_id}/seats/status-stream"
        self._position = ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._stay)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _stay(self) -> None:
        with self._front.client() as client:
            while not self._over.is_set():
                headers = {"Last-Event-ID": self._position} if self._position else {}
                try:
                    with connect_sse(client, "GET", self._path, headers=headers) as source:
                        self._follow(source)
                except httpx.RemoteProtocolError:
                    pass  # cut off, which is no harm to a stream
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))

    def _follow(self, source: EventSource) -> None:
        if source.response.status_code != OK:  # a browser would give up
            self.failures.append(f"{source.response.status_code}")
            return
        self.streams += 1
        for event in source.iter_sse():
            self._position = event.id or self._position
            if event.event == "init":
                self.shown = {seat["id"]: seat["status"] for seat in event.json()["data"]["seats"]}
            elif event.event == "update":
                self.shown[event.json()["data"]["seatId"]] = event.json()["data"]["status"]
            if self._over.is_set():
                return


def restart(server: Server) -> None:
    """Let the server drain and end, begin it anew, and wait until the proxy sends requests to it again."""
    server.stop()
    assert server.process is not None
    assert server.process.returncode == 0
    server.start()
    wait_until(lambda: figure(server, 'jari_requests_total{status="201"}') > 0)


def figure(server: Server, name: str) -> float:
    lines = httpx.get(f"{server.url}/metrics").text.splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), 0)


@pytest.mark.parametrize("kind", [Caddy, Nginx], ids=lambda kind: kind.__name__)
def test_no_request_fails_and_no_map_is_wrong(
    postgres_url: str, make_world: MakeWorld, make_server: MakeServer, tmp_path: Path, kind: type[Front]
) -> None:
    world = make_world(postgres_url)
    match, buyers = world.match(), world.buyers(BUYERS)
    servers = [make_server(postgres_url, **SETTINGS) for _ in range(2)]
    with ExitStack() as stack:
        front = stack.enter_context(kind(tmp_path, servers, CHANGES[kind]))
        viewers = [stack.enter_context(Viewer(front, match)) for _ in range(VIEWERS)]
        with Crowd(front, match, buyers) as crowd:
            wait_until(lambda: all(viewer.shown for viewer in viewers))
            for server in servers:
                restart(server)
        held = {each.seat_id for each in world.allocations(match)}
        stored = {seat_id: "HOLD" if seat_id in held else "AVAILABLE" for seat_id in match.seat_ids}
        wait_until(lambda: all(viewer.shown == stored for viewer in viewers))
    assert crowd.failures == [], front.log()
    assert crowd.statuses.keys() == {200, 201}
    assert [viewer.failures for viewer in viewers] == [[]] * VIEWERS
    assert max(viewer.streams for viewer in viewers) > 1
