"""Snapshots of seat maps as bytes, encoded once for each version.

A commit touches few blocks. So each block's JSON is kept until a commit touches that block, and larger answers are
joined from blocks. Compressing a whole venue takes long, so a thread does it, once for all who wait.
"""

import asyncio
import gzip
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary, WeakValueDictionary

from jari.domain.seating import Status
from jari.domain.seatmap import Layout, Position, SeatMap
from jari.usecases.live import LiveSchedule

_NAMES = [f'"{status.name}"}}'.encode() for status in Status]
_FAST = 1  # the compression level: five times faster than the default for a tenth more bytes


@dataclass(frozen=True)
class Snapshot:
    """An encoded answer at one position."""

    position: Position
    plain: bytes

    @cached_property
    def packed(self) -> bytes:
        """The answer for a client that takes gzip."""
        return gzip.compress(self.plain, _FAST, mtime=0)

    @property
    def etag(self) -> str:
        """Names this state of the seats."""
        return f'"{self.position}"'


class Prefixes:
    """The part of each seat's JSON that never changes. It is made for a block when the block is first asked for."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._by_id: dict[int, list[bytes]] = {}
        self._by_place: dict[int, list[bytes]] = {}

    def by_id(self, block: int) -> list[bytes]:
        """``{"id":101,"status":`` for each seat of a block."""
        if block not in self._by_id:
            ids = self._layout.seat_ids
            self._by_id[block] = [b'{"id":%d,"status":' % ids[i] for i in self._layout.block_range(block)]
        return self._by_id[block]

    def by_place(self, block: int) -> list[bytes]:
        """``{"row":1,"col":5,"status":`` for each seat of a block."""
        if block not in self._by_place:
            rows, cols = self._layout.rows, self._layout.cols
            self._by_place[block] = [
                b'{"row":%d,"col":%d,"status":' % (rows[i], cols[i]) for i in self._layout.block_range(block)
            ]
        return self._by_place[block]


class ScheduleSnapshots:
    """The encoded snapshots of one seat map."""

    def __init__(self, seat_map: SeatMap, prefixes: Prefixes | None = None) -> None:
        self.seat_map = seat_map
        self._prefixes = prefixes or Prefixes(seat_map.layout)
        self._blocks: dict[int, tuple[int, bytes]] = {}
        self._taken: dict[int, tuple[int, bytes]] = {}
        self._block_answers: dict[int, Snapshot] = {}
        self._whole: Snapshot | None = None
        self._packing: asyncio.Task[None] | None = None

    def block_seats(self, block: int) -> bytes:
        """The JSON list of every seat of a block."""
        version = self.seat_map.block_changed_at[block]
        encoded = self._blocks.get(block)
        if encoded is None or encoded[0] != version:
            status = self.seat_map.status
            seats = zip(self._prefixes.by_id(block), self.seat_map.layout.block_range(block), strict=True)
            encoded = version, b"[%s]" % b",".join([prefix + _NAMES[status[i]] for prefix, i in seats])
            self._blocks[block] = encoded
        return encoded[1]

    def block(self, block: int) -> Snapshot:
        """The answer of ``…/blocks/{id}/seats/status``."""
        position = self.seat_map.position
        answer = self._block_answers.get(block)
        if answer is None or answer.position.version != position.version:
            answer = Snapshot(position, _encode(position, self.block_seats(block)))
            self._block_answers[block] = answer
        return answer

    async def whole(self) -> Snapshot:
        """The answer of ``…/seat-status``, at least as new as the map at the call."""
        asked_version = self.seat_map.version
        while self._whole is None or self._whole.position.version < asked_version:
            if self._packing is None:
                self._packing = asyncio.create_task(self._pack())
            await asyncio.shield(self._packing)
        return self._whole

    def taken_by_status(self, within: range) -> dict[str, list[int]]:
        """HOLD and OCCUPIED → the ids of those seats."""
        status, seat_ids = self.seat_map.status, self.seat_map.layout.seat_ids
        return {
            each.name: [seat_ids[index] for index in within if status[index] == each]
            for each in (Status.HOLD, Status.OCCUPIED)
        }

    async def _pack(self) -> None:
        position = self.seat_map.position
        blocks = range(len(self.seat_map.layout.block_ids))
        seats = b"[%s]" % b",".join([part for block in blocks if (part := self._taken_seats(block))])
        try:
            self._whole = await asyncio.to_thread(_packed_snapshot, position, seats)
        finally:
            # Not in a callback of the task: a caller that came between the task's end and the callback would await
            # a task that is done. That returns at once, so the caller's loop would never let the callback run.
            self._packing = None

    def _taken_seats(self, block: int) -> bytes:
        """The seats of a block that are not AVAILABLE, with commas between."""
        version = self.seat_map.block_changed_at[block]
        encoded = self._taken.get(block)
        if encoded is None or encoded[0] != version:
            status = self.seat_map.status
            seats = zip(self._prefixes.by_place(block), self.seat_map.layout.block_range(block), strict=True)
            encoded = version, b",".join([prefix + _NAMES[status[i]] for prefix, i in seats if status[i]])
            self._taken[block] = encoded
        return encoded[1]


class Snapshots:
    """The snapshots of every schedule. They are made anew when its map is loaded anew, and go with the replica."""

    def __init__(self) -> None:
        self._of: WeakKeyDictionary[LiveSchedule, ScheduleSnapshots] = WeakKeyDictionary()
        # all schedules of a venue share one, as they share the layout
        self._prefixes: WeakValueDictionary[tuple[int, int], Prefixes] = WeakValueDictionary()

    def of(self, schedule: LiveSchedule) -> ScheduleSnapshots:
        """The snapshots of a schedule's present map."""
        snapshots = self._of.get(schedule)
        if snapshots is None or snapshots.seat_map is not schedule.seat_map:
            layout = schedule.seat_map.layout
            prefixes = self._prefixes.setdefault((layout.venue_id, layout.revision), Prefixes(layout))
            snapshots = self._of[schedule] = ScheduleSnapshots(schedule.seat_map, prefixes)
        return snapshots


def _encode(position: Position, seats: bytes) -> bytes:
    return b'{"status":200,"data":{"version":%d,"seats":%s}}' % (position.version, seats)


def _packed_snapshot(position: Position, seats: bytes) -> Snapshot:
    snapshot = Snapshot(position, _encode(position, seats))
    _ = snapshot.packed
    return snapshot
