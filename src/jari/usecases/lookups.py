"""Looking things up together: whoever asks while a query is under way shares the next one."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

from jari.domain.errors import Unavailable

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

BATCH_SIZE = 500  # keys in one query
FULL = "Too many people are asking for different things and nothing was done: try again in a moment."


class Asked(Generic[V]):
    """The answer about a key, which is still to come, and how many wait for it."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[V | None] = asyncio.get_running_loop().create_future()
        self.waiting = 0


class Lookup(Generic[K, V]):
    """Turns many single questions into few queries; a flood costs one query at a time, however many ask.

    If each key costs a query of its own, use a ``batch_size`` of 1: each is answered as soon as its query ends.
    Keys that are ``first`` wait for none of the others, and always have room: there must be few of them.
    """

    def __init__(
        self,
        find: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]],
        *,
        queue_size: int,
        batch_size: int = BATCH_SIZE,
        first: Callable[[K], bool] = lambda _: False,
    ) -> None:
        self._find = find
        self._queue_size = queue_size
        self._batch_size = batch_size
        self._first = first
        self._queue: OrderedDict[K, Asked[V]] = OrderedDict()
        self._working: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V | None:
        """What the store has under the key. Raises whatever the query raises.

        Raises:
            Unavailable: too many keys wait already.
        """
        asked = self._queue.get(key) or self._join(key)
        asked.waiting += 1
        try:
            return await asyncio.shield(asked.answer)
        finally:
            asked.waiting -= 1
            if asked.waiting == 0 and self._queue.get(key) is asked:
                del self._queue[key]  # all who asked have gone

    def _join(self, key: K) -> Asked[V]:
        first = self._first(key)
        if len(self._queue) >= self._queue_size and not first:
            raise Unavailable(FULL, retry_after_seconds=2)
        asked = self._queue[key] = Asked()
        if first:
            self._queue.move_to_end(key, last=False)
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return asked

    async def _work(self) -> None:
        while self._queue:
            batch = dict(
                self._queue.popitem(last=False) for _ in range(min(self._batch_size, len(self._queue)))
            )
            try:
                values = await self._find(list(batch))
            except Exception as error:  # noqa: BLE001 - handed to everybody who waits
                for asked in batch.values():
                    asked.answer.set_exception(error)
                    asked.answer.exception()  # it has been seen, though all who asked may have gone
                continue
            for key, asked in batch.items():
                asked.answer.set_result(values.get(key))
