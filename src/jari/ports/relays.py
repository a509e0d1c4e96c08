"""Relays: how far each has passed the outbox on, and where events are sent."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from jari.domain.seatmap import Commit


@dataclass(frozen=True, slots=True)
class LoggedCommit:
    """A commit as the change log has it, its events included."""

    commit: Commit
    committed_ms: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """The next commits of a schedule for a relay: they lead it from the version ``cursor`` to ``reached``.

    ``lost`` tells how many commits were trimmed before the relay came to them.
    """

    schedule_id: int
    epoch: str
    cursor: int
    reached: int
    lost: int
    commits: Sequence[LoggedCommit]


class RelayStore(Protocol):
    """The cursors of relays, and what comes after them in the outbox."""

    async def next(self, relay: str, limit: int) -> Sequence[Stretch]:
        """What the relay has not passed on, about ``limit`` commits; each schedule that is behind has its share.

        A relay that is new to a schedule begins with what the change log still has. From then on that is kept for it.
        """

    async def move(self, relay: str, stretches: Sequence[Stretch]) -> None:
        """Remember that these were passed on. A cursor that somebody else has moved since stays where it is."""

    async def lags(self, patience_ms: int) -> Mapping[str, int]:
        """Relay → how many commits it has yet to pass on.

        A relay whose lease ended more than ``patience_ms`` ago is not set up any more: it is not among them.
        """


@dataclass(frozen=True, slots=True)
class OutgoingEvent:
    """An event as others get it: ``body`` is JSON, and events with the same ``key`` stay in order."""

    id: str
    kind: str
    key: str
    body: bytes


class NotSent(Exception):
    """Not all events were acknowledged, so some may have arrived. The message says why, and what to do."""


class EventSink(Protocol):
    """A log outside that keeps events."""

    async def send(self, events: Iterable[OutgoingEvent]) -> int:
        """Send these in order, and return how many there were once all are acknowledged.

        If it fails, what has arrived is the events of each key up to some event, with none left out. Ends soon after it
        is cancelled. Raises NotSent.
        """

    async def close(self) -> None:
        """Let go of the connections; no call may follow."""
