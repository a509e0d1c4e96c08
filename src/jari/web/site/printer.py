"""Draws tickets without holding up the event loop: papers in a process, pictures in a thread.

What was drawn is kept, for the same sheet always gives the same octets. Each user has one paper drawn at a time, so a
user who asks often holds up nobody else. A drawing that has begun is finished, even if its callers give up.
"""

import asyncio
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import msgspec
import structlog

from jari.caches import Cache
from jari.domain.errors import TooManyAttempts, Unavailable
from jari.settings import DocumentSettings
from jari.web.site.press import LENGTH_BYTES, Job, framed
from jari.web.site.ticket_documents import TicketSheet, qr_svg

log = structlog.get_logger()

PRESS = (sys.executable, "-m", "jari.web.site.press")
TRIES = 2  # the press may have died of something other than this sheet
BUSY = "Too many tickets are being drawn and nothing was done: try again in a moment."


class Turns:
    """Lets each user do one thing at a time. A bounded number of the user's other requests wait."""

    def __init__(self, max_waiting: int, wait_seconds: float) -> None:
        self._max_waiting = max_waiting
        self._wait_seconds = wait_seconds
        self._asked: dict[int, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def of(self, user_id: int) -> AsyncIterator[None]:
        """The user's turn.

        Raises:
            TooManyAttempts: too many of the user's requests wait already.
            Unavailable: the turn did not come in time.
        """
        lock, asked = self._asked.get(user_id, (asyncio.Lock(), 0))
        if asked > self._max_waiting:
            raise TooManyAttempts(
                "You have asked for too many tickets at once: wait for the first ones.", retry_after_seconds=5
            )
        self._asked[user_id] = lock, asked + 1
        try:
            await _acquire(lock, self._wait_seconds)
            try:
                yield
            finally:
                lock.release()
        finally:
            lock, asked = self._asked.pop(user_id)
            if asked > 1:
                self._asked[user_id] = lock, asked - 1


class Press:
    """The process that draws. It begins when first needed, and anew after it died. Call ``close`` at the end."""

    def __init__(self, draw_seconds: float, command: Sequence[str] = PRESS) -> None:
        self._draw_seconds = draw_seconds
        self._command = command
        self._process: Process | None = None

    async def draw(self, job: bytes) -> bytes:
        """The document of an encoded job. The caller must ask for one at a time.

        Raises:
            Unavailable: it took too long, or the press died of it twice.
        """
        for _ in range(TRIES):
            try:
                async with asyncio.timeout(self._draw_seconds):
                    return await _exchange(await self._running(), job)
            except TimeoutError:
                log.warning("press_timed_out", seconds=self._draw_seconds)
                await self.close()
                break
            except (OSError, EOFError):
                log.warning("press_died")
                await self.close()
            except asyncio.CancelledError:
                await self.close()  # else the next job would get this job's document
                raise
        raise Unavailable("The tickets could not be drawn: try again in a moment.", retry_after_seconds=5)

    async def _running(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(*self._command, stdin=PIPE, stdout=PIPE)
        return self._process

    async def close(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


class Printer:
    """Draws papers and pictures, or finds them drawn."""

    def __init__(self, settings: DocumentSettings) -> None:
        self._settings = settings
        self._turns = Turns(settings.documents_waiting_per_user, settings.document_seconds)
        self._drawn: Cache[TicketSheet | str, bytes] = Cache(
            settings.document_cache_bytes, idle_seconds=settings.idle_seconds, size_of=len
        )
        self._press = Press(settings.document_seconds)
        self._pressing = asyncio.Lock()
        self._drawing: asyncio.Task[bytes] | None = None
        self._drew_seconds = 0.0  # how long the last paper took
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pictures")
        self._papers_waiting = 0
        self._pictures_waiting = 0

    def turn(self, user_id: int) -> AbstractAsyncContextManager[None]:
        """A user's turn to have a paper drawn. Raises TooManyAttempts, Unavailable."""
        return self._turns.of(user_id)

    async def paper(self, sheet: TicketSheet) -> bytes:
        """The tickets of a sheet as PDF.

        Raises:
            Unavailable: too much waits already, or it took too long.
        """
        if (drawn := self._drawn.get(sheet)) is not None:
            return drawn
        if self._line_is_full():
            raise Unavailable(BUSY, retry_after_seconds=5)
        self._papers_waiting += 1
        try:
            await _acquire(self._pressing, self._settings.document_seconds)
        finally:
            self._papers_waiting -= 1
        if (drawn := self._drawn.get(sheet)) is not None:  # somebody who gave up had begun it
            self._pressing.release()
            return drawn
        # From here on the drawing belongs to no request. If a request that gives up ended it, the next in line would
        # have as little time left and end its own, and a press under load would draw nothing.
        self._drawing = asyncio.create_task(self._draw(sheet))
        # Whoever still waits gets the drawing's failure. Read it here, too, so that asyncio does not report it.
        self._drawing.add_done_callback(lambda drawing: drawing.cancelled() or drawing.exception())
        return await asyncio.shield(self._drawing)

    def _line_is_full(self) -> bool:
        """Whether a new request would wait in vain: only so many wait as can be drawn within a request's time."""
        wait_seconds = self._papers_waiting * self._drew_seconds
        return (
            self._papers_waiting >= self._settings.document_queue_size
            or wait_seconds > self._settings.request_seconds
        )

    async def _draw(self, sheet: TicketSheet) -> bytes:
        """Draw a paper and keep it. Then let the next drawing begin."""
        try:
            started = time.monotonic()
            document = await self._press.draw(msgspec.msgpack.encode(Job(sheet, self._settings.time_zone)))
            self._drew_seconds = time.monotonic() - started
            self._drawn.put(sheet, document)
            return document
        finally:
            self._pressing.release()

    async def picture(self, token: str) -> bytes:
        """A ticket's code as SVG.

        Raises:
            Unavailable: too much waits already.
        """
        if (drawn := self._drawn.get(token)) is not None:
            return drawn
        if self._pictures_waiting >= self._settings.document_queue_size:
            raise Unavailable(BUSY, retry_after_seconds=5)
        self._pictures_waiting += 1
        try:
            document = await asyncio.get_running_loop().run_in_executor(self._thread, qr_svg, token)
        finally:
            self._pictures_waiting -= 1
        self._drawn.put(token, document)
        return document

    async def close(self) -> None:
        """End the thread and the process."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        if self._drawing is not None:
            self._drawing.cancel()  # else the drawing would begin another press
            await asyncio.wait([self._drawing])
        await self._press.close()


async def _acquire(lock: asyncio.Lock, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await lock.acquire()
    except TimeoutError:
        raise Unavailable(BUSY, retry_after_seconds=5) from None


async def _exchange(process: Process, job: bytes) -> bytes:
    """Send a job and read its document. Raises OSError or EOFError if the process is gone."""
    if process.stdin is None or process.stdout is None:
        raise EOFError
    try:
        process.stdin.write(framed(job))
    except RuntimeError as error:
        # uvloop raises this for a pipe that closed before uvloop learns that the process has ended
        raise EOFError from error
    await process.stdin.drain()
    head = await process.stdout.readexactly(LENGTH_BYTES)
    return await process.stdout.readexactly(int.from_bytes(head, "big"))
