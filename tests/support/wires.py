"""A wire to a server: a TCP proxy on loopback that a test may cut, hold, or lay to another server."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

T = TypeVar("T")

CHUNK_BYTES = 65_536


class Wire:
    """Carries connections from its own port to ``target``. Its loop runs in another thread."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._open: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._is_cut = False
        self._server: asyncio.Server | None = None

    def hold(self) -> None:
        """Carry nothing, as where packets are lost. Connections stay open, and new ones are accepted."""
        self._run(self._set(flowing=False))

    def cut(self) -> None:
        """End every connection, and each new one at once."""
        self._run(self._set(cut=True))

    def mend(self) -> None:
        """Carry everything again, what was held included."""
        self._run(self._set(flowing=True, cut=False))

    def lay_to(self, target: int) -> None:
        """End every connection; new ones lead to another server."""
        self.target = target
        self._run(self._drop())

    def start(self) -> "Wire":
        self._thread.start()
        self._run(self._listen())
        return self

    def close(self) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._flowing.set()
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _set(self, *, flowing: bool = True, cut: bool = False) -> None:
        self._is_cut = cut
        if flowing:
            self._flowing.set()
        else:
            self._flowing.clear()
        if cut:
            await self._drop()

    async def _drop(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _end(self) -> None:
        assert self._server is not None
        self._server.close()
        self._flowing.set()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await self._drop()
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = {writer}
        try:
            with suppress(OSError):
                if not self._is_cut:
                    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
                    ends.add(far_writer)
                    self._open |= ends
                    await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        finally:
            self._open -= ends
            for end in ends:
                end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK_BYTES):
            await self._flowing.wait()
            writer.write(data)
            await writer.drain()
        writer.transport.abort()


@contextmanager
def wire_to(target: int) -> Iterator[Wire]:
    wire = Wire(target).start()
    try:
        yield wire
    finally:
        wire.close()
