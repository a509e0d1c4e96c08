"""Counting attempts, and refusing those who have used theirs up."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

from jari.caches import Cache
from jari.domain.errors import TooManyAttempts, Unavailable
from jari.domain.limits import Limit
from jari.ports.accounts import AttemptStore
from jari.ports.system import Clock
from jari.settings import AttemptSettings


@dataclass(slots=True)
class Refusal:
    """When the window of a refused bucket ends, and when to look whether it is still to be refused; both monotonic."""

    ends: float
    look_again: float


class Limits:
    """Counts in the store, and remembers who was refused.

    Only the first refusal costs the store anything: whoever goes on asking is refused from memory until the window
    ends. Where a success gives attempts back, it may have happened in another process: so we look at the store again
    now and then, if it is idle. Attempts in one bucket take turns, since they would wait for one row anyway, and few
    are counted at once. So an attack neither takes the connections that others need nor makes others wait behind it.
    """

    def __init__(self, attempts: AttemptStore, clock: Clock, settings: AttemptSettings) -> None:
        self._attempts = attempts
        self._clock = clock
        self._window_ms = settings.attempt_window_seconds * 1000
        self._refused: Cache[str, Refusal] = Cache(  # by bucket
            settings.refused_buckets_size,
            fresh_seconds=settings.attempt_window_seconds,
            clock=clock.seconds,
        )
        self._recheck_seconds = settings.refusal_recheck_seconds
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._few = asyncio.Semaphore(settings.attempts_counted_at_once)
        self._waiting = 0
        self._queue_size = settings.attempt_queue_size

    async def count(self, *limits: Limit) -> None:
        """Count one attempt against each of these limits, in this order; stop at the first that is used up.

        Raises:
            TooManyAttempts: with the time to wait.
            Unavailable: too many wait to be counted.
        """
        for limit in limits:
            await self._look_again(limit)
            self._refuse(limit.bucket)
        for limit in limits:
            await self._count(limit)

    async def forgive(self, limits: Sequence[Limit]) -> None:
        """Give the attempt back where a success does not count."""
        for limit in limits:
            if limit.failures_only:
                self._refused.pop(limit.bucket)
                async with self._few:
                    await self._attempts.forgive_attempt(limit.bucket)

    async def _look_again(self, limit: Limit) -> None:
        """Stop refusing a bucket that another process has forgiven; ask the store only if nobody else needs it."""
        refusal, now = self._refused.get(limit.bucket), self._clock.seconds()
        if refusal is None or not limit.failures_only or now < refusal.look_again or self._few.locked():
            return
        refusal.look_again = now + self._recheck_seconds
        async with self._few:
            count = await self._attempts.attempts_counted(limit.bucket)
        if count < limit.attempts and self._refused.get(limit.bucket) is refusal:
            self._refused.pop(limit.bucket)

    async def _count(self, limit: Limit) -> None:
        if self._waiting >= self._queue_size:
            raise Unavailable("Too many people are logging in: try again in a moment.", retry_after_seconds=5)
        self._waiting += 1
        try:
            turn = self._turns.setdefault(limit.bucket, asyncio.Lock())
            async with turn, self._few:
                self._refuse(limit.bucket)  # perhaps the attempt before this one used the limit up
                count, wait_ms = await self._attempts.count_attempt(limit.bucket, self._window_ms)
                if count > limit.attempts:
                    self._remember(limit.bucket, wait_ms / 1000)
                    self._refuse(limit.bucket)
        finally:
            self._waiting -= 1

    def _refuse(self, bucket: str) -> None:
        refusal = self._refused.get(bucket)
        if refusal is None:
            return
        left_seconds = refusal.ends - self._clock.seconds()
        if left_seconds > 0:
            wait_seconds = int(left_seconds) + 1
            raise TooManyAttempts(
                f"Too many attempts: try again in {wait_seconds} s.", retry_after_seconds=wait_seconds
            )
        self._refused.pop(bucket)

    def _remember(self, bucket: str, wait_seconds: float) -> None:
        now = self._clock.seconds()
        self._refused.put(bucket, Refusal(now + wait_seconds, now + self._recheck_seconds))
