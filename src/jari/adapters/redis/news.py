"""News over a small stream in Redis, which every process reads from its own position."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import structlog

from jari.adapters.redis.connection import Connection
from jari.domain.errors import Unavailable
from jari.ports.news import News
from jari.settings import RedisSettings

log = structlog.get_logger()

STREAM = "jari:{news}:stream"
FIELD = b"news"
PAGE_SIZE = 100


class RedisNews:
    """See `jari.ports.news.NewsWire`.

    What is told while Redis is away is lost, and so is what comes while a process has no connection to it. The processes
    find that with their next poll.
    """

    def __init__(self, redis: Connection, settings: RedisSettings) -> None:
        self._redis = redis
        self._size = settings.redis_news_size
        self._pause_seconds = settings.redis_pause_ms / 1000

    async def tell(self, news: News) -> None:
        """Tell the processes that listen."""
        try:
            async with self._redis.commands(STREAM) as client:
                await client.xadd(STREAM, {FIELD: msgspec.json.encode(news)}, maxlen=self._size)
        except Unavailable:
            log.warning("news_not_told", remedy="the other processes find it with their next poll")

    async def listen(self) -> AsyncIterator[News]:
        """What is told from now on, in order, until cancelled."""
        while True:
            try:
                position = await self._newest()
                while True:
                    entries = (await self._redis.read({STREAM: position}, PAGE_SIZE)).get(STREAM.encode(), ())
                    for entry_id, fields in entries:
                        position = entry_id.decode()
                        yield msgspec.json.decode(fields[FIELD], type=News)
            except Unavailable:  # a Redis that comes back may have other ids: do not wait for the old ones
                await asyncio.sleep(self._pause_seconds)

    async def _newest(self) -> str:
        async with self._redis.commands(STREAM) as client:
            newest: Any = await client.xrevrange(STREAM, count=1)
        return newest[0][0].decode() if newest else "0-0"
