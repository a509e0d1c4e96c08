"""Many viewers of one stream behind a proxy, in a process of their own.

``python audience.py URL CERTIFICATE COUNT EVENTS`` opens so many streams, and writes a line as soon as each has its
snapshot. It writes another as soon as each has so many events, or when its time is over. Each line is a JSON object; the
second says how many viewers have their events, and when each had its last one (monotonic seconds).
"""

import asyncio
import json
import ssl
import sys
from pathlib import Path
from urllib.parse import urlsplit

OPENING_AT_ONCE = 32
OPENING_SECONDS = 120.0
EVENTS_SECONDS = 60.0
EVENT = b"event: update"


class Viewer(asyncio.Protocol):
    """Counts the events of a stream until there are enough."""

    def __init__(self, request: bytes, enough: int) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.done: asyncio.Future[float] = loop.create_future()
        self._loop = loop
        self._request = request
        self._missing = enough
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        text = self._tail + data  # a name may come in two parts
        if not self.opened.done() and b"event: init" in text:
            self.opened.set_result(None)
        self._missing -= text.count(EVENT)
        self._tail = text[-len(EVENT) + 1 :]
        if self._missing <= 0 and not self.done.done():
            self.done.set_result(self._loop.time())

    def connection_lost(self, error: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(error or ConnectionError("the stream ended before it began"))


async def watch(url: str, certificate: Path, count: int, events: int) -> None:
    address = urlsplit(url)
    trust = ssl.create_default_context(cafile=certificate)
    request = f"GET {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode()
    loop, places = asyncio.get_running_loop(), asyncio.Semaphore(OPENING_AT_ONCE)

    async def view() -> Viewer:
        async with places:
            _, viewer = await loop.create_connection(
                lambda: Viewer(request, events),
                "127.0.0.1",
                address.port or 443,
                ssl=trust,
                server_hostname="localhost",
            )
            await viewer.opened
        return viewer

    viewers = await asyncio.wait_for(asyncio.gather(*(view() for _ in range(count))), OPENING_SECONDS)
    tell({"opened": len(viewers)})
    done, _ = await asyncio.wait([viewer.done for viewer in viewers], timeout=EVENTS_SECONDS)
    tell({"complete": len(done), "at": sorted(each.result() for each in done)})


def tell(what: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(watch(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
