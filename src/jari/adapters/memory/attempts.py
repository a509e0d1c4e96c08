"""Counted attempts in memory, for a process that is alone."""

from jari.caches import Cache
from jari.ports.system import Clock
from jari.settings import AttemptSettings

NONE = (0, 0)  # attempts, and the end of their window
DEFAULTS = AttemptSettings()


class MemoryAttemptStore:
    """Counted attempts; see `jari.ports.AttemptStore`. They begin anew with the process.

    A window is a span of time, so it is measured by the clock that nobody can set.
    """

    def __init__(self, clock: Clock, settings: AttemptSettings = DEFAULTS) -> None:
        self._clock = clock
        self._buckets: Cache[str, tuple[int, int]] = Cache(
            settings.attempt_buckets_size, idle_seconds=settings.attempt_window_seconds, clock=clock.seconds
        )

    async def count_attempt(self, bucket: str, window_ms: int) -> tuple[int, int]:
        """Count one attempt in the bucket's window: how many there are now, and in how many ms the window ends."""
        now_ms = int(self._clock.seconds() * 1000)
        count, window_ends_ms = self._buckets.get(bucket) or NONE
        if window_ends_ms <= now_ms:
            count, window_ends_ms = 0, now_ms + window_ms
        self._buckets.put(bucket, (count + 1, window_ends_ms))
        return count + 1, window_ends_ms - now_ms

    async def attempts_counted(self, bucket: str) -> int:
        """How many attempts there are in the bucket's window."""
        count, window_ends_ms = self._buckets.get(bucket) or NONE
        return count if window_ends_ms > int(self._clock.seconds() * 1000) else 0

    async def forgive_attempt(self, bucket: str) -> None:
        """Take one attempt back."""
        count, window_ends_ms = self._buckets.get(bucket) or NONE
        if count > 0:
            self._buckets.put(bucket, (count - 1, window_ends_ms))
