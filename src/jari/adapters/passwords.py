"""Hashing passwords off the event loop, in a pool with a bounded queue."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from jari.domain.errors import Unavailable
from jari.settings import PasswordSettings

T = TypeVar("T")

# OWASP's second choice for argon2id: 19 MiB, two passes, one lane.
TIME_COST, MEMORY_KIB, PARALLELISM = 2, 19 * 1024, 1


class ArgonPasswords:
    """argon2id with a fixed cost; see `jari.ports.Passwords`."""

    def __init__(self, settings: PasswordSettings) -> None:
        self._hasher = PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=PARALLELISM)
        self._pool = ThreadPoolExecutor(settings.password_threads, thread_name_prefix="argon2")
        self._queue_size = settings.password_queue_size
        self._waiting = 0
        # Verified for an unknown account, so that its answer takes as long as that of a known one.
        self._dummy = self._hasher.hash("no account has this password")

    async def hash(self, password: str) -> str:
        """The hash to store."""
        return await self._in_pool(self._hasher.hash, password)

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Whether the password fits the hash. Without a hash the answer is False, and takes as long."""
        fits = await self._in_pool(self._verify, hashed or self._dummy, password)
        return fits and hashed is not None

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):  # InvalidHashError: the account has no password of ours
            return False

    async def _in_pool(self, work: Callable[..., T], *arguments: str) -> T:
        if self._waiting >= self._queue_size:
            raise Unavailable("Too many people are logging in: try again in a moment.", retry_after_seconds=5)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)
        finally:
            self._waiting -= 1
