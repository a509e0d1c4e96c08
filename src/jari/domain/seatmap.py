"""The seat map of a schedule as viewers know it: a snapshot, and the commits that carry it forward.

The rule that everything live rests on: *snapshot + every later commit = the store's state*. A `SeatMap` takes
commits strictly in the order of their versions and refuses a gap.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from jari.domain.events import Event
from jari.domain.ids import is_number
from jari.domain.seating import Allocation, Change, Status


@dataclass(frozen=True, slots=True)
class Commit:
    """What one transaction changed. Versions count the commits of a schedule without a gap.

    ``events`` are for those outside; a commit that is read back for viewers comes without.
    """

    version: int
    changes: tuple[Change, ...]
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Position:
    """How far a viewer has come: the id of a stream, ``<epoch>-<version>`` on the wire."""

    epoch: str
    version: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.version}"

    @classmethod
    def parse(cls, text: str) -> "Position | None":
        """The position that ``text`` writes, or None if it is not one."""
        epoch, _, version = text.rpartition("-")
        return cls(epoch, int(version)) if epoch and is_number(version) else None


@dataclass(frozen=True)
class Layout:
    """The seats of a venue in a fixed order, block after block; every per-seat array follows that order.

    ``block_starts`` has one entry more than ``block_ids``: block *i* is the seats from ``block_starts[i]`` up
    to ``block_starts[i + 1]``.
    """

    seat_ids: Sequence[int]
    rows: Sequence[int]
    cols: Sequence[int]
    block_ids: Sequence[int]
    block_starts: Sequence[int]
    revision: int = 0
    venue_id: int = 0

    @cached_property
    def index_of(self) -> dict[int, int]:
        """Seat id → place in the order."""
        return {seat_id: index for index, seat_id in enumerate(self.seat_ids)}

    @cached_property
    def seat_at(self) -> dict[tuple[int, int], int]:
        """(row, col) → seat id."""
        return dict(zip(zip(self.rows, self.cols, strict=True), self.seat_ids, strict=True))

    @cached_property
    def block_at(self) -> "array[int]":
        """Place in the order → which block, as a place in ``block_ids``."""
        return array("i", [block for block in range(len(self.block_ids)) for _ in self.block_range(block)])

    @property
    def whole(self) -> range:
        """Every seat, as places in the order."""
        return range(len(self.seat_ids))

    @cached_property
    def block_of(self) -> dict[int, int]:
        """Block id → place in ``block_ids``."""
        return {block_id: place for place, block_id in enumerate(self.block_ids)}

    def block_range(self, block: int) -> range:
        """The seats of a block, as places in the order."""
        return range(self.block_starts[block], self.block_starts[block + 1])


def by_block(commit: Commit, layout: Layout) -> dict[int, Commit]:
    """The commit as each block sees it: block (as a place in ``block_ids``) → what changed there, in order."""
    parts: dict[int, list[Change]] = {}
    for change in commit.changes:
        seats: dict[int, list[int]] = {}
        for seat_id in change.seat_ids:
            if (index := layout.index_of.get(seat_id)) is not None:
                seats.setdefault(layout.block_at[index], []).append(seat_id)
        for block, seat_ids in seats.items():
            part = Change(change.status, tuple(seat_ids), change.buyer_id, change.expires_ms)
            parts.setdefault(block, []).append(part)
    return {block: Commit(commit.version, tuple(changes)) for block, changes in parts.items()}


class Gap(Exception):
    """A commit came whose predecessor has not: fetch the missing ones first."""


class SeatMap:
    """Every seat's status at one version, with what a resuming viewer and a quick refusal need.

    The arrays take 25 bytes a seat: status, end of the hold (0: none), owner (0: nobody) and version of the last
    change (``block_changed_at``: of a whole block). The map knows the last changes from version ``floor`` on: changes
    alone bring a viewer at or past it up to date.
    """

    def __init__(self, layout: Layout, epoch: str, version: int, allocations: Iterable[Allocation]) -> None:
        size = len(layout.seat_ids)
        self.layout = layout
        self.epoch = epoch
        self.version = version
        self.floor = version
        self.status = bytearray(size)
        self.expires_ms = array("q", bytes(8 * size))
        self.buyer_ids = array("q", bytes(8 * size))
        self.changed_at = array("q", bytes(8 * size))
        self.block_changed_at = array("q", [version]) * len(layout.block_ids)
        for each in allocations:
            self._set(each.seat_id, each.status, each.buyer_id, each.expires_ms)

    @property
    def position(self) -> Position:
        """The position of a viewer who knows this map."""
        return Position(self.epoch, self.version)

    def apply(self, commit: Commit) -> None:
        """Take the next commit.

        Raises:
            Gap: it is not the next one.
        """
        if commit.version != self.version + 1:
            raise Gap(f"at version {self.version}, cannot take {commit.version}")
        for change in commit.changes:
            for seat_id in change.seat_ids:
                index = self._set(seat_id, change.status, change.buyer_id, change.expires_ms)
                if index is not None:
                    self.changed_at[index] = commit.version
                    self.block_changed_at[self.layout.block_at[index]] = commit.version
        self.version = commit.version

    def remember(self, commits: Sequence[Commit]) -> None:
        """Learn when seats last changed, from commits that the map already contains: oldest first, up to its version.

        Afterwards a viewer who knows the state before the first of them can resume.
        """
        for commit in commits:
            for seat_id in (seat_id for change in commit.changes for seat_id in change.seat_ids):
                if (index := self.layout.index_of.get(seat_id)) is not None:
                    self.changed_at[index] = commit.version
        if commits:
            self.floor = commits[0].version - 1

    def catch_up(self, version: int, within: range) -> Commit:
        """One commit that brings a viewer from ``version`` to the map's: each changed seat once, as it is now."""
        seats: dict[Status, list[int]] = {}
        changed_at, status, seat_ids = self.changed_at, self.status, self.layout.seat_ids
        for index in within:
            if changed_at[index] > version:
                seats.setdefault(Status(status[index]), []).append(seat_ids[index])
        return Commit(self.version, tuple(Change(each, tuple(ids)) for each, ids in seats.items()))

    def can_resume(self, position: Position) -> bool:
        """Whether changes alone bring a viewer at ``position`` up to date."""
        return position.epoch == self.epoch and self.floor <= position.version <= self.version

    def taken_by_others(self, seat_ids: Iterable[int], buyer_id: int, from_ms: int) -> list[int]:
        """Those seats that somebody else surely has: sold, or held beyond ``from_ms``."""
        taken, index_of, available = [], self.layout.index_of, Status.AVAILABLE
        for seat_id in seat_ids:
            index = index_of[seat_id]
            if self.status[index] != available and self.buyer_ids[index] != buyer_id:
                end = self.expires_ms[index]
                if end == 0 or end > from_ms:
                    taken.append(seat_id)
        return taken

    def counts(self) -> tuple[int, int, int]:
        """How many seats are AVAILABLE, HOLD and OCCUPIED."""
        held, occupied = self.status.count(Status.HOLD), self.status.count(Status.OCCUPIED)
        return len(self.status) - held - occupied, held, occupied

    def _set(self, seat_id: int, status: Status, buyer_id: int, expires_ms: int | None) -> int | None:
        index = self.layout.index_of.get(seat_id)
        if index is not None:  # else a newer plan has dropped the seat, and nobody looks at it
            self.status[index] = status
            self.buyer_ids[index] = buyer_id
            self.expires_ms[index] = expires_ms or 0
        return index
