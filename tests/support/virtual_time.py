"""An event loop whose time jumps: a sleep of an hour ends at once, and every run has the same order.

Only the loop's clock is virtual. Threads and other processes take real time.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

START_MS = 1_900_000_000_000
PATIENCE_SECONDS = 5.0  # of the real clock, for threads


class JumpingSelector(selectors.SelectSelector):
    """Where the loop would wait for its next timer, jumps to that timer's time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            ready = super().select(PATIENCE_SECONDS)
            if not ready:
                raise TimeoutError("all wait for something that nobody is going to do")
            return ready
        self.now += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


class LoopClock:
    """The loop's time, as an adapter of the clock's port."""

    def now_ms(self) -> int:
        return START_MS + int(self.seconds() * 1000)

    def seconds(self) -> float:
        return asyncio.get_running_loop().time()


def run_virtually(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
