"""Counted attempts in Redis, by its clock; in the database while Redis is away."""

from jari.adapters.redis.connection import Connection, Script
from jari.domain.errors import Unavailable
from jari.ports.accounts import AttemptStore

COUNT = Script(__file__, "count_attempt.lua")
FORGIVE = Script(__file__, "forgive_attempt.lua")


class RedisAttemptStore:
    """Counted attempts; see `jari.ports.accounts.AttemptStore`. Each bucket is a key that expires with its window."""

    def __init__(self, redis: Connection) -> None:
        self._redis = redis

    async def count_attempt(self, bucket: str, window_ms: int) -> tuple[int, int]:
        """Count one attempt in the bucket's window: how many there are now, and in how many ms the window ends."""
        count, wait_ms = await self._redis.run(COUNT, [_key(bucket)], window_ms)
        return count, wait_ms

    async def attempts_counted(self, bucket: str) -> int:
        """How many attempts there are in the bucket's window."""
        key = _key(bucket)
        async with self._redis.commands(key) as client:
            return int(await client.get(key) or 0)

    async def forgive_attempt(self, bucket: str) -> None:
        """Take one attempt back."""
        await self._redis.run(FORGIVE, [_key(bucket)])


class FallbackAttemptStore:
    """Counts in the first store, and in the second while the first is away; neither knows what the other has counted."""

    def __init__(self, first: AttemptStore, second: AttemptStore) -> None:
        self._first = first
        self._second = second

    async def count_attempt(self, bucket: str, window_ms: int) -> tuple[int, int]:
        """Count one attempt in the bucket's window: how many there are now, and in how many ms the window ends."""
        try:
            return await self._first.count_attempt(bucket, window_ms)
        except Unavailable:
            return await self._second.count_attempt(bucket, window_ms)

    async def attempts_counted(self, bucket: str) -> int:
        """How many attempts there are in the bucket's window."""
        try:
            return await self._first.attempts_counted(bucket)
        except Unavailable:
            return await self._second.attempts_counted(bucket)

    async def forgive_attempt(self, bucket: str) -> None:
        """Take one attempt back."""
        try:
            await self._first.forgive_attempt(bucket)
        except Unavailable:
            await self._second.forgive_attempt(bucket)


def _key(bucket: str) -> str:
    return f"jari:attempts:{bucket}"
