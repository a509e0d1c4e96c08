"""Looking things up together: whoever asks while a query is under way shares the next one."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

BATCH_SIZE = 500  # keys in one query


class Lookup(Generic[K, V]):
    """Turns many single questions into few queries; a flood costs one query at a time, however many ask."""

    def __init__(self, find: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._find = find
        self._asked: dict[K, asyncio.Future[V | None]] = {}
        self._working: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V | None:
        """What the store has under the key; raises what the query raised."""
        asked = self._asked.get(key)
        if asked is None:
            asked = self._asked[key] = asyncio.get_running_loop().create_future()
            if self._working is None or self._working.done():
                self._working = asyncio.create_task(self._work())
        return await asyncio.shield(asked)

    async def _work(self) -> None:
        while self._asked:
            asked = {key: self._asked.pop(key) for key in list(self._asked)[:BATCH_SIZE]}
            try:
                found = await self._find(list(asked))
            except Exception as error:  # noqa: BLE001 - handed to everybody who waits
                for waiting in asked.values():
                    waiting.set_exception(error)
                continue
            for key, waiting in asked.items():
                waiting.set_result(found.get(key))
