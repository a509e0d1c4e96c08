"""Slow viewers, vanished viewers, and viewers when the server ends."""

import asyncio
import json
import re
import select
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Self

import httpx
import pytest

from support.connections import RawConnection
from support.servers import Server
from support.streams import Listener
from support.worlds import Buyer, Match, World

SLOW_VIEWERS = 40
MEGABYTE = 1024 * 1024

MakeServer = Callable[..., Server]
MakeWorld = Callable[[str], World]


def figure(server: Server, name: str) -> float:
    text = httpx.get(f"{server.url}/metrics").text
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    assert found is not None
    return float(found[1])


def wait_for_figure(server: Server, name: str, fits: Callable[[float], bool], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not fits(value := figure(server, name)):
        assert time.monotonic() < until, f"{name} stays {value}"
        time.sleep(0.02)


class SleepyViewer:
    """A client with a small receive buffer that opens a stream and does not read."""

    def __init__(self, server: Server, path: str) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", server.port))
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: jari\r\n\r\n".encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def read_until(self, fits: Callable[[dict[int, str]], bool], seconds: float = 20) -> dict[int, str]:
        """Wake up and read until the seats, as this viewer knows them, fit."""
        self.socket.settimeout(seconds)
        until, received = time.monotonic() + seconds, bytearray()
        while time.monotonic() < until:
            pause = (
                time.monotonic() + 0.5
            )  # to parse all that came over and over takes longer than to read it
            while time.monotonic() < pause and select.select([self.socket], [], [], 0.1)[0]:
                received += self.socket.recv(1 << 20)
            seats = _seats(_without_chunks(bytes(received)))
            if fits(seats):
                return seats
        raise AssertionError("the slow viewer never caught up")


def _without_chunks(answer: bytes) -> bytes:
    body, rest = b"", answer.partition(b"\r\n\r\n")[2]
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size or b"0", 16)
        body, rest = body + rest[:length], rest[length + 2 :]
    return body


def _seats(body: bytes) -> dict[int, str]:
    seats: dict[int, str] = {}
    for event in body.split(b"\n\n")[:-1]:
        data = next((line[6:] for line in event.split(b"\n") if line.startswith(b"data: ")), None)
        if data is None:
            continue
        content = json.loads(data)["data"]
        if "seats" in content:
            seats = {seat["id"]: seat["status"] for seat in content["seats"]}
        else:
            seats[content["seatId"]] = content["status"]
    return seats


async def toggle(server: Server, match: Match, buyers: list[Buyer], times: int) -> None:
    """Everybody holds and releases four seats of their own, again and again."""
    path = f"{server.url}/api/matches/{match.id}/allocations"
    async with httpx.AsyncClient(timeout=30) as client:

        async def toggle_own(number: int, buyer: Buyer) -> None:
            seat_ids, cookie = match.seat_ids[number * 4 : number * 4 + 4], {"Cookie": f"jari={buyer.token}"}
            for _ in range(times):
                held = await client.post(path, json={"seatIds": seat_ids}, headers=cookie)
                released = await client.delete(path, params={"seatId": seat_ids}, headers=cookie)
                assert (held.status_code, released.status_code) == (201, 200)

        await asyncio.gather(*(toggle_own(number, buyer) for number, buyer in enumerate(buyers)))


async def test_a_viewer_that_stops_reading_delays_nobody_costs_no_memory_and_is_right_again_later(
    sqlite_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    """The block is so large that its init alone fills the buffers of the kernel and of the server."""
    world = make_world(sqlite_url)
    match, buyers = world.match(rows=100, cols=200), world.buyers(21)
    last_seat = match.seat_ids[-1]
    server = make_server(sqlite_url)
    path = f"/api/matches/{match.id}/blocks/{match.block_id}/seats/status-stream"
    with ExitStack() as stack:
        sleepers = [stack.enter_context(SleepyViewer(server, path)) for _ in range(SLOW_VIEWERS)]
        listener = stack.enter_context(Listener(server.url + path))
        client = stack.enter_context(buyers[20].client(server.url))
        listener.wait_for_opening()
        await toggle(server, match, buyers[:20], 1)
        wait_for_figure(server, "jari_stalled_viewers", lambda value: value == SLOW_VIEWERS)
        before = server.resident_bytes()

        await toggle(server, match, buyers[:20], 20)
        started = time.monotonic()
        client.post(f"/api/matches/{match.id}/allocations", json={"seatIds": [last_seat]})
        listener.wait_for(lambda events: events[-1].data["data"].get("seatId") == last_seat)

        assert time.monotonic() - started < 2  # the others are served as if nobody slept
        # 400 rounds are 3,200 events of some 90 bytes for each sleeper: queued, they would be 11 MB
        assert server.resident_bytes() - before < 4 * MEGABYTE
        seats = sleepers[0].read_until(lambda seats: seats.get(last_seat) == "HOLD")
        fresh = client.get(path.removesuffix("-stream")).json()["data"]["seats"]
    assert seats == {seat["id"]: seat["status"] for seat in fresh}


async def test_a_viewer_that_never_reads_again_is_cut_off(
    sqlite_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    world = make_world(sqlite_url)
    match, buyer = world.match(rows=100, cols=200), world.buyer()
    server = make_server(sqlite_url, stall_seconds=1)
    path = f"/api/matches/{match.id}/blocks/{match.block_id}/seats/status-stream"
    with SleepyViewer(server, path):
        wait_for_figure(server, "jari_viewers", lambda value: value == 1)
        await toggle(server, match, [buyer], 3)
        wait_for_figure(server, "jari_viewers", lambda value: value == 0)


@pytest.mark.parametrize("streams", ["blocks/{block}/seats/status-stream", "seats/stream?events=batch"])
async def test_every_stream_is_ended_when_the_server_is_told_to_end(
    sqlite_url: str, make_world: MakeWorld, make_server: MakeServer, streams: str
) -> None:
    """1,000 streams, within 5 seconds, each with a proper end and not with a reset."""
    world = make_world(sqlite_url)
    match = world.match()
    server = make_server(sqlite_url)
    path = f"/api/matches/{match.id}/{streams.format(block=match.block_id)}"

    async def view() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: jari\r\n\r\n".encode())
        try:
            return await reader.read(-1)
        finally:
            writer.close()

    viewers = [asyncio.create_task(view()) for _ in range(1000)]
    await asyncio.to_thread(wait_for_figure, server, "jari_viewers", lambda value: value == 1000, 30)
    seconds = await asyncio.to_thread(server.stop)
    answers = await asyncio.gather(*viewers)

    assert seconds < 5
    assert server.process is not None
    assert server.process.returncode == 0
    assert {answer[:12] for answer in answers} == {b"HTTP/1.1 200"}
    assert {answer[-5:] for answer in answers} == {b"0\r\n\r\n"}  # the last chunk


def test_a_vanished_viewer_is_removed_at_once(
    sqlite_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    world = make_world(sqlite_url)
    match = world.match()
    server = make_server(sqlite_url)
    with Listener(f"{server.url}/api/schedules/{match.id}/seats/stream") as listener:
        listener.wait_for_opening()
        assert figure(server, "jari_viewers") == 1
    wait_for_figure(server, "jari_viewers", lambda value: value == 0, 2)


def test_a_dropped_stream_frees_no_seat(shared_server: Server, shared_world: World) -> None:
    match, buyer = shared_world.match(), shared_world.buyer()
    with Listener(f"{shared_server.url}/api/schedules/{match.id}/seats/stream") as listener:
        listener.wait_for_opening()
        with buyer.client(shared_server.url) as client:
            client.post(f"/api/matches/{match.id}/allocations", json={"seatIds": match.seat_ids[:1]})
    assert [each.seat_id for each in shared_world.allocations(match)] == match.seat_ids[:1]


def test_a_quiet_stream_gets_heartbeats_that_carry_its_position(
    sqlite_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    """What happened in another block moves the position of this one, so that a resume stays short."""
    world = make_world(sqlite_url)
    match, buyer = world.match(blocks=2), world.buyer()
    quiet, busy = match.block_ids["101"], match.seat_ids_of_block["102"][0]
    server = make_server(sqlite_url, heartbeat_seconds=1)
    url = f"{server.url}/api/matches/{match.id}/blocks/{quiet}/seats/status-stream"
    with Listener(url) as listener, buyer.client(server.url) as client:
        opening = listener.wait_for_opening()
        client.post(f"/api/matches/{match.id}/allocations", json={"seatIds": [busy]})
        until = time.monotonic() + 5
        while listener.last_id == opening.id:
            assert time.monotonic() < until
            time.sleep(0.02)
        assert listener.last_id == opening.id.replace("-0", "-1")
        assert len(listener.events) == 1


def test_heartbeats_before_the_first_event_are_no_event(
    sqlite_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    """Some clients show a block that holds no more than `retry` or an id; the first event is to end the first block."""
    world = make_world(sqlite_url)
    match, buyer = world.match(), world.buyer()
    server = make_server(sqlite_url, heartbeat_seconds=1)
    path = f"/api/matches/{match.id}/blocks/{match.block_id}/seats/status-stream"
    with Listener(server.url + path) as listener:
        position = listener.wait_for_opening().id
    with RawConnection(server) as viewer, buyer.client(server.url) as client:
        viewer.get(path, f"Last-Event-ID: {position}")
        viewer.read_until(b":\n\r\n2\r\n:\n")  # two heartbeats, each a chunk of its own
        first, _, _ = viewer.received.partition(b"\n\n")
        assert first == viewer.received
        seat_ids = match.seat_ids[:2]
        client.post(f"/api/matches/{match.id}/allocations", json={"seatIds": seat_ids}).raise_for_status()
        viewer.read_until(b"\n:\nid: ")
        assert viewer.received.count(b"\n\n") >= len(seat_ids)
    assert viewer.received.index(b"event: update") < viewer.received.index(b"\n\n")


def test_viewers_beyond_the_limit_are_told_when_to_come_back(
    sqlite_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    match = make_world(sqlite_url).match()
    server = make_server(sqlite_url, max_viewers=1)
    url = f"{server.url}/api/schedules/{match.id}/seats/stream"
    with Listener(url) as listener:
        listener.wait_for_opening()
        refused = httpx.get(url)
    assert refused.status_code == 503
    assert refused.json()["code"] == "UNAVAILABLE"
    assert int(refused.headers["Retry-After"]) > 0
