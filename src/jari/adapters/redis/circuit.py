"""The circuit: while Redis is away, nobody waits for it. Pure: the time is an argument, in monotonic seconds."""


class Circuit:
    """Closed while Redis answers. After so many failures in a row it is open: Redis counts as away.

    An open circuit admits one try in each pause, whoever comes first; what becomes of the others is for the caller to
    know. The first success closes it. A try that never tells its outcome costs one pause, no more.
    """

    def __init__(self, *, failures: int, pause_seconds: float) -> None:
        self._limit = failures
        self._pause_seconds = pause_seconds
        self._failures = 0
        self._next_try = 0.0

    @property
    def is_open(self) -> bool:
        """Whether Redis counts as away."""
        return self._failures >= self._limit

    def admits(self, now: float) -> bool:
        """Whether somebody may ask Redis now; of those who come while it is away, one in each pause."""
        if not self.is_open:
            return True
        if now < self._next_try:
            return False
        self._next_try = now + self._pause_seconds
        return True

    def succeeded(self) -> None:
        """Redis has answered."""
        self._failures = 0

    def failed(self, now: float) -> None:
        """Redis has not answered. While it is away already, this neither shortens nor prolongs the pause."""
        self._failures += 1
        if self._failures == self._limit:
            self._next_try = now + self._pause_seconds
