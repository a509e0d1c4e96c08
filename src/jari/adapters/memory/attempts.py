"""What a single process can keep in memory."""

from collections import OrderedDict

from jari.ports import Clock

MAX_BUCKETS = 100_000  # the longest unused is forgotten first


class MemoryAttemptStore:
    """Counted attempts; see `jari.ports.AttemptStore`. They begin anew with the process.

    A window is a span of time, so the clock that nobody can set counts.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[int, int]] = OrderedDict()

    async def count_attempt(self, bucket: str, window_ms: int) -> tuple[int, int]:
        """Count one attempt in the bucket's window: how many there are now, and in how many ms the window ends."""
        now_ms = int(self._clock.seconds() * 1000)
        count, window_ends_ms = self._buckets.get(bucket, (0, 0))
        if window_ends_ms <= now_ms:
            count, window_ends_ms = 0, now_ms + window_ms
        self._buckets[bucket] = count + 1, window_ends_ms
        self._buckets.move_to_end(bucket)
        if len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)
        return count + 1, window_ends_ms - now_ms

    async def attempts_counted(self, bucket: str) -> int:
        """How many attempts there are in the bucket's window."""
        count, window_ends_ms = self._buckets.get(bucket, (0, 0))
        return count if window_ends_ms > int(self._clock.seconds() * 1000) else 0

    async def forgive_attempt(self, bucket: str) -> None:
        """Take one attempt back."""
        count, window_ends_ms = self._buckets.get(bucket, (0, 0))
        if count > 0:
            self._buckets[bucket] = count - 1, window_ends_ms
