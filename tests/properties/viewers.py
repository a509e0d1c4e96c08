"""Viewers for the hub: genuine ASGI peers, and screens that know only what the bytes have told them."""

import asyncio
import json
import re
from dataclasses import dataclass

from jari.domain.seatmap import Position

RETRY = re.compile(r"(retry: \d+\n)+")  # a connection that ended there has left one behind


@dataclass(frozen=True)
class Event:
    """A dispatched event; ``id`` is the last one seen so far, as browsers keep it."""

    name: str
    id: str
    data: object


class Parser:
    """Reads a stream as the WHATWG standard says; an id counts even where nothing is dispatched."""

    def __init__(self):
        self.last_id = ""
        self.names = []  # of what was dispatched, in order
        self._lead = ""

    def read(self, data):
        """The events in the data, which ends with an event; the first line of a stream may come before."""
        text, self._lead = self._lead + data.decode(), ""
        if RETRY.fullmatch(text):
            self._lead = text
            return []
        assert text.endswith("\n\n") or not text, "what is sent at once is whole events"
        return [event for part in text.split("\n\n")[:-1] if (event := self._event(part))]

    def _event(self, part):
        name, lines = "message", []
        for line in part.split("\n"):
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            match field:
                case "id":
                    self.last_id = value
                case "event":
                    name = value
                case "data":
                    lines.append(value)
                case _:
                    assert field in {"", "retry"}, f"an unknown field in {part!r}"
        if not lines:
            return None
        self.names.append(name)
        return Event(name, self.last_id, json.loads("\n".join(lines)))


class BlockScreen:
    """One block, seat by seat: an ``init``, then every ``update``."""

    def __init__(self):
        self.parser = Parser()
        self.seats = {}

    async def show(self, data):
        for event in self.parser.read(data):
            told = event.data["data"]
            if event.name == "init":
                self.seats = {seat["id"]: seat["status"] for seat in told["seats"]}
            else:
                assert event.name == "update"
                assert told["seatId"] in self.seats, "an update is about a seat of the block"
                self.seats[told["seatId"]] = told["status"]


class BatchScreen:
    """A block or a whole schedule in batches: a ``snapshot``, then every ``changes``."""

    def __init__(self, seat_ids):
        self.parser = Parser()
        self.seat_ids = seat_ids
        self.seats = {}

    async def show(self, data):
        for event in self.parser.read(data):
            told = event.data["data"]["seats"]
            if event.name == "snapshot":
                self.seats = dict.fromkeys(self.seat_ids, "AVAILABLE")
            else:
                assert event.name == "changes"
            self.seats |= {seat_id: status for status, ids in told.items() for seat_id in ids}


class ScheduleScreen:
    """The whole schedule by row and column: ``seat-status``, then every action on top of it.

    It loads ``seat-status`` again when ``ready`` names a newer version, or one of another epoch, than it has.
    """

    STATUS_AFTER = {"OCCUPIED": "HOLD", "CONFIRMED": "OCCUPIED", "RELEASED": "AVAILABLE"}  # noqa: RUF012

    def __init__(self, seat_at, load):
        self.parser = Parser()
        self.seat_at = seat_at
        self.load = load
        self.has = None
        self.seats = {}

    async def load_seats(self):
        """GET …/seat-status."""
        snapshot = await self.load()
        self.has = snapshot.position
        self.seats = dict.fromkeys(self.seat_at.values(), "AVAILABLE")
        for seat in json.loads(snapshot.plain)["data"]["seats"]:
            self.seats[self.seat_at[seat["row"], seat["col"]]] = seat["status"]

    async def show(self, data):
        for event in self.parser.read(data):
            if event.name == "ready":
                if self.is_behind(Position.parse(event.id)):
                    await self.load_seats()
                continue
            assert event.name == "message", "actions have no name"
            for seat in event.data["seats"]:
                seat_id = self.seat_at[seat["row"], seat["col"]]
                self.seats[seat_id] = self.STATUS_AFTER[event.data["action"]]
            self.has = Position.parse(event.id)

    def is_behind(self, position):
        return self.has is None or self.has.epoch != position.epoch or self.has.version < position.version


class Peer:
    """One connection: what an ASGI server hands to the application, with a client that may read or not.

    As in uvicorn, ``send`` waits while the client does not read, and drops what is sent after it has gone.
    """

    def __init__(self):
        self.received = []
        self.waited = 0
        self._arrived = asyncio.Event()
        self._reads = asyncio.Event()
        self._reads.set()
        self._gone = asyncio.Event()
        self._task = None

    def open(self, hub, schedule, block_id, *, batch, since):
        position = Position.parse(since) if since else None
        self._task = asyncio.create_task(
            hub.serve(
                schedule, block_id, batch=batch, position=position, receive=self.receive, send=self.send
            )
        )

    async def send(self, message):
        if not self._reads.is_set():
            self.waited += 1
            await self._reads.wait()
        if not self._gone.is_set():
            self.received.append(message)
            self._arrived.set()

    async def receive(self):
        await self._gone.wait()
        return {"type": "http.disconnect"}

    def stop_reading(self):
        self._reads.clear()

    def read_on(self):
        self._reads.set()

    async def close(self):
        self._gone.set()
        self._reads.set()
        await self._task

    async def until(self, text):
        """Until that has come; everything before it is forgotten."""
        while text not in self.take():
            self._arrived.clear()
            await self._arrived.wait()

    def take(self):
        """The bytes that have come since the last time."""
        messages, self.received = self.received, []
        return b"".join(each.get("body", b"") for each in messages)
