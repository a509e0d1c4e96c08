"""The clocks and the chance of the machine."""

import secrets
import time

from jari.ports.system import Chance, Clock


class SystemClock:
    """See `jari.ports.Clock`."""

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def seconds(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()


CLOCK: Clock = SystemClock()
CHANCE: Chance = secrets.SystemRandom()
