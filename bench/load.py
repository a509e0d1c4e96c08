"""A load generator that costs little: raw HTTP/1.1 over asyncio protocols, one request under way per connection."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Result:
    """What came back: answers by status, and how long each took."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    received_bytes: int = 0

    @property
    def per_second(self) -> float:
        return sum(self.statuses.values()) / self.seconds

    def percentile_ms(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def get(path: str, headers: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n{headers}\r\n".encode()


def post(path: str, body: str, token: str) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nCookie: jari={token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


class Connection(asyncio.Protocol):
    """Sends the next request as soon as the last is answered, until none is left."""

    def __init__(self, requests: Iterator[bytes], result: Result, until: float) -> None:
        self.done = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._result = result
        self._until = until
        self._buffer = b""
        self._started = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        at = self._buffer.find(b"content-length: ")
        length = int(self._buffer[at + 16 : self._buffer.find(b"\r\n", at)]) if 0 <= at < end else 0
        if len(self._buffer) < end + 4 + length:
            return
        self._result.statuses[int(self._buffer[9:12])] += 1
        self._result.latencies.append(time.perf_counter() - self._started)
        self._result.received_bytes += len(self._buffer)
        self._buffer = b""
        self._next()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def _next(self) -> None:
        self._started = time.perf_counter()
        request = next(self._requests, None) if self._started < self._until else None
        if request is None:
            self._transport.close()
            if not self.done.done():
                self.done.set_result(None)
            return
        self._transport.write(request)


async def run(port: int, requests: Iterator[bytes], *, connections: int, seconds: float) -> Result:
    """Send requests over so many connections until none is left or the time is over."""
    result = Result()
    started = time.perf_counter()
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(
            lambda: Connection(requests, result, started + seconds), "127.0.0.1", port
        )
        for _ in range(connections)
    ]
    await asyncio.wait_for(asyncio.gather(*(protocol.done for _, protocol in made)), seconds + 60)
    result.seconds = time.perf_counter() - started
    return result


class Viewer(asyncio.Protocol):
    """Follows a stream. It counts events, and notes when it reached which version."""

    def __init__(self, request: bytes) -> None:
        self.events = 0
        self.arrivals: list[tuple[float, int]] = []
        self._request = request

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self.events += data.count(b'"seatId"')
        at = data.rfind(b"\nid: ")
        if at >= 0:
            identifier = data[at + 5 : data.find(b"\n", at + 5)]
            self.arrivals.append((time.time(), int(identifier.rpartition(b"-")[2] or 0)))


async def view(port: int, path: str, count: int) -> list[Viewer]:
    """Open so many streams."""
    loop = asyncio.get_running_loop()
    viewers = []
    for _ in range(count):
        _, viewer = await loop.create_connection(lambda: Viewer(get(path)), "127.0.0.1", port)
        viewers.append(viewer)
    return viewers
