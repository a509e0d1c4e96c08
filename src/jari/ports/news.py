"""What processes tell one another, so that each looks at the store again at once instead of with its next poll."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class News:
    """What is not in the store any more as a process may remember it. It only makes processes forget."""

    ended_sessions: tuple[bytes, ...] = ()  # hashes of their tokens
    changed_schedules: tuple[int, ...] = ()
    changed_venues: tuple[int, ...] = ()


class NewsWire(Protocol):
    """Brings news to all processes that listen. Some may be lost, never changed or told twice: all of it is polled, too."""

    async def tell(self, news: News) -> None:
        """Tell the processes that listen, this one among them. It raises nothing, and does not wait long."""

    def listen(self) -> AsyncIterator[News]:
        """What is told from now on, in order, until cancelled."""
