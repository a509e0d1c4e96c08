"""Clocks that tests move."""


class StandingClock:
    """Time stands still between two moves."""

    def __init__(self, seconds: float = 1_000.0) -> None:
        self._seconds = seconds

    def pass_seconds(self, seconds: float) -> None:
        self._seconds += seconds

    def now_ms(self) -> int:
        return int(self._seconds * 1000)

    def seconds(self) -> float:
        return self._seconds
