"""The status stream: each schedule's seats and commits once more, where every process sees them at once.

It decides nothing and may be empty, late or away at any time: the store remembers. Everything here raises Unavailable
while it is away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from jari.domain.seating import Allocation
from jari.domain.seatmap import Commit, Position
from jari.ports.seating import LoadedSeating


@dataclass(frozen=True, slots=True)
class ShownSeating:
    """A schedule's seats at its head, and the last commits that led there. The allocations have no hold ids."""

    head: Position
    allocations: Sequence[Allocation]
    commits: Sequence[Commit]


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """One commit of a schedule, and the epoch that it belongs to."""

    schedule_id: int
    epoch: str
    commit: Commit


class StatusStream(Protocol):
    """Shows every schedule's state to every process."""

    async def heads(self, schedule_ids: Sequence[int]) -> Mapping[int, Position]:
        """The heads of those schedules that have one. Where only a part of it is away, that part's are missing, too."""

    async def publish(self, schedule_id: int, epoch: str, commits: Sequence[Commit]) -> Position | None:
        """Apply those commits that follow the head one by one, in its epoch, and return the head afterwards.

        Commits up to the head are shown already; one beyond the next cannot be applied, and neither can those after it.
        """

    async def rebuild(self, schedule_id: int, head: Position | None, seating: LoadedSeating) -> bool:
        """Show this state instead, at once, if the head is still this one. Return whether that was done."""

    async def read(self, schedule_id: int) -> ShownSeating | None:
        """What is shown of a schedule; None if nothing is."""

    def shard_of(self, schedule_id: int) -> int:
        """Schedules of one shard can be followed together."""

    async def follow(self, versions: Mapping[int, int]) -> Sequence[StreamEntry]:
        """The next entries of these schedules, of one shard, after these versions, in order.

        Waits for some, but not for ever: after a time, or after `wake`, there may be none. Entries that were trimmed
        are left out; a gap in the versions tells.
        """

    async def wake(self) -> None:
        """Have `follow` return in every process, so that it is called for the schedules of now."""
