"""The clocks and the chance of the machine."""

import secrets
import time

from jari.ports.system import Chance, Clock


class SystemClock:
    """See `jari.ports.Clock`."""

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    seconds = staticmethod(time.monotonic)  # many calls for each request: no function of ours around it


CLOCK: Clock = SystemClock()
CHANCE: Chance = secrets.SystemRandom()
