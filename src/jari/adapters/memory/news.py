"""News within one process, where there is nothing that brings it to others."""

import asyncio
from collections.abc import AsyncIterator

from jari.ports.news import News

WAITING = 1_000  # news for one listener; the oldest are lost first


class MemoryNews:
    """See `jari.ports.news.NewsWire`."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[News]] = set()

    async def tell(self, news: News) -> None:
        """Tell those who listen."""
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(news)

    async def listen(self) -> AsyncIterator[News]:
        """What is told from now on, in order, until cancelled."""
        queue: asyncio.Queue[News] = asyncio.Queue(WAITING)
        self._queues.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._queues.discard(queue)
