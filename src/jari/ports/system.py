"""Time and chance: what the use cases need from the machine."""

from typing import Protocol


class Clock(Protocol):
    """What time it is. Waiting needs no port: the event loop's own clock decides how long it takes."""

    def now_ms(self) -> int:
        """Milliseconds since 1970, by a clock that may be set."""

    def seconds(self) -> float:
        """Seconds since some moment, by a clock that nobody can set. Use it for spans of time."""


class Chance(Protocol):
    """What cannot be foreseen. Nobody can guess `random.SystemRandom`; `random.Random` repeats itself from a seed."""

    def randbytes(self, n: int, /) -> bytes:
        """``n`` bytes, for tokens, keys and names."""

    def random(self) -> float:
        """A number from 0 up to 1; it spreads out what would come at once."""
