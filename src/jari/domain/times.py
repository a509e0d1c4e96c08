"""Times as they are written for others."""

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=64)  # all holds of a batch end at the same time
def rfc3339(time_ms: int) -> str:
    """A time in answers and webhooks: ``2026-03-28T05:00:00.000Z``."""
    moment = datetime.fromtimestamp(time_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
