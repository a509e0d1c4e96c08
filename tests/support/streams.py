"""A real SSE client: a thread reads a stream from a socket and stores what came."""

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

import httpx
from httpx_sse import connect_sse


@dataclass(frozen=True)
class Event:
    """One event, and when it came (monotonic seconds)."""

    name: str
    id: str
    data: Any
    at: float


class Listener:
    """Follows a stream until closed. ``events`` may be read at any time."""

    def __init__(
        self,
        url: str,
        *,
        last_event_id: str | None = None,
        client: httpx.Client | None = None,
        **parameters: str,
    ) -> None:
        self.events: list[Event] = []
        self.headers: httpx.Headers | None = None
        self.last_id = ""  # where this client would resume
        self.ended = threading.Event()
        self._arrived = threading.Condition()
        self._client = client or httpx.Client(timeout=httpx.Timeout(10, read=60))
        self._url = url
        self._parameters = parameters
        self._request_headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
        self._response: httpx.Response | None = None
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait_for(self, fits: Callable[[list[Event]], bool], seconds: float = 5.0) -> list[Event]:
        """Wait until the events fit, and return them; else fail and show what came instead."""
        until = time.monotonic() + seconds
        with self._arrived:
            while not fits(self.events):
                left = until - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"not seen within {seconds} s; seen: {self.events[-20:]}")
                self._arrived.wait(left)
            return list(self.events)

    def wait_for_opening(self) -> Event:
        """Wait for the first event."""
        return self.wait_for(lambda events: len(events) > 0)[0]

    def statuses(self) -> dict[int, str]:
        """The seats of a block stream as this client knows them: the init and every later update."""
        seats: dict[int, str] = {}
        for event in list(self.events):
            if event.name == "init":
                seats = {seat["id"]: seat["status"] for seat in event.data["data"]["seats"]}
            elif event.name == "update":
                seats[event.data["data"]["seatId"]] = event.data["data"]["status"]
        return seats

    def wait_for_status(self, seat_id: int, status: str, seconds: float = 5.0) -> None:
        """Wait until this client knows the seat to have this status."""
        self.wait_for(lambda _: self.statuses().get(seat_id) == status, seconds)

    def close(self) -> None:
        if self._response is not None:
            self._shut(self._response)
        self._thread.join(5)
        self._client.close()

    def _read(self) -> None:
        try:
            with connect_sse(
                self._client, "GET", self._url, params=self._parameters, headers=self._request_headers
            ) as source:
                self._response = source.response
                self.headers = source.response.headers
                for event in source.iter_sse():
                    self.last_id = event.id
                    if not event.data:  # a retry or a heartbeat: browsers dispatch neither
                        continue
                    with self._arrived:
                        self.events.append(
                            Event(event.event, event.id, json.loads(event.data), time.monotonic())
                        )
                        self._arrived.notify_all()
        except (httpx.HTTPError, httpx.StreamError, OSError):
            pass
        finally:
            self.ended.set()
            with self._arrived:
                self._arrived.notify_all()

    @staticmethod
    def _shut(response: httpx.Response) -> None:
        """Close the socket while another thread waits to read from it."""
        stream = response.extensions.get("network_stream")
        sock = stream.get_extra_info("socket") if stream is not None else None
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
