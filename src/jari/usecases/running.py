"""Work that a saga has running: once for each number, up to a limit; it goes on when its caller has left."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar

import structlog

from jari.domain.errors import JariError, Unavailable
from jari.ports.reservations import Due

log = structlog.get_logger()

T = TypeVar("T")

LAST_MOMENT_SECONDS = 0.5  # short, since the ending server has waited for open requests already


class Running(Generic[T]):
    """Tasks by number. Whoever asks for a number whose task runs waits for that task."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._tasks: dict[int, asyncio.Task[T]] = {}

    def require_room(self) -> None:
        """Refuse to begin something while too much is under way.

        Raises:
            Unavailable: the limit is reached.
        """
        if len(self._tasks) >= self._limit:
            raise Unavailable(
                "Too many payments are under way at this moment and nothing was done: try again in a few seconds.",
                retry_after_seconds=3,
            )

    async def join(self, number: int, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The outcome of the work of this number, begun if it does not run; it goes on if the caller is cancelled."""
        task = self._tasks.get(number)
        if task is None:
            task = self._start(number, make())
        return await asyncio.shield(task)

    async def join_or(self, open_still: T, number: int, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The outcome of the work, or ``open_still`` if the work fails.

        Money may have moved, or is owed: the caller must not be told that nothing happened.
        """
        try:
            return await self.join(number, make)
        except Exception:
            log.exception("left_open", number=number)
            return open_still

    async def take_up(self, due: Sequence[Due], work: Callable[[Due], Awaitable[object]]) -> int:
        """Do the work that nobody looks after, and return how much could be done; the rest waits for the next call."""

        async def one(each: Due) -> bool:
            try:
                await work(each)
            except Exception:
                log.exception("not_taken_up", number=each.id)
                return False
            return True

        return sum(await asyncio.gather(*map(one, due)))

    def start(self, number: int, work: Coroutine[Any, Any, T]) -> None:
        """Begin the work of this number unless it runs; nobody waits for it."""
        if number in self._tasks:
            work.close()
            return
        self._start(number, work)

    async def close(self, seconds: float = LAST_MOMENT_SECONDS) -> None:
        """Give running tasks this time to end, then cancel them."""
        tasks = list(self._tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, number: int, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = self._tasks[number] = asyncio.create_task(work)
        task.add_done_callback(lambda _: self._tasks.pop(number, None))
        task.add_done_callback(_log_fault)  # perhaps nobody waits any more
        return task


def _log_fault(task: "asyncio.Task[Any]") -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, JariError):
        log.error("background_work_failed", exc_info=error)
