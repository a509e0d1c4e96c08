"""Framing of Server-Sent Events, pure: positions and commits in, bytes out.

Only the functions here know the two streams and their two forms apart. The last event of a commit carries the
position's id, so that a client never resumes inside a commit.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from jari.domain.seating import Status
from jari.domain.seatmap import Commit, Layout, Position
from jari.web.api.responses import envelope
from jari.web.api.shapes import Answer

_encode = msgspec.json.Encoder().encode

Action = Literal["OCCUPIED", "CONFIRMED", "RELEASED"]

OK = 200
STATUS_NAMES = tuple(status.name for status in Status)
ACTIONS: dict[Status, Action] = {
    Status.HOLD: "OCCUPIED",
    Status.OCCUPIED: "CONFIRMED",
    Status.AVAILABLE: "RELEASED",
}


class Place(Answer, frozen=True):
    """A seat by its numbers."""

    row: int
    col: int


class SeatsMoved(Answer, frozen=True):
    """What happened to which seats of a schedule."""

    action: Action
    seats: list[Place]


class SeatsByStatus(Answer, frozen=True):
    """The ids of seats by their status: all that are not AVAILABLE, or all that changed."""

    version: int
    seats: dict[str, list[int]]


def event(data: bytes, name: str = "", position: Position | None = None) -> bytes:
    """One event; ``data`` must hold no line break, which JSON does not."""
    lead = f"id: {position}\n" if position else ""
    title = f"event: {name}\n" if name else ""
    return b"%s%sdata: %s\n\n" % (lead.encode(), title.encode(), data)


def retry(delay_ms: int) -> bytes:
    """How long a client waits before it reconnects: one line, in the block that the first event ends.

    The line has no block of its own, because many clients would dispatch that as an empty event.
    """
    return b"retry: %d\n" % delay_ms


def heartbeat(position: Position) -> bytes:
    """A comment that keeps a quiet connection open. Its id carries the stream's position forward."""
    return f":\nid: {position}\n\n".encode()


FIRST_HEARTBEAT = b":\n"  # for a stream without events so far: it leaves the block of `retry` open


def block_init(position: Position, seats: bytes) -> bytes:
    """The block stream's ``init``; ``seats`` is the JSON list of all its seats."""
    return event(b'{"status":200,"data":{"seats":%s}}' % seats, "init", position)


def block_updates(epoch: str, commits: Sequence[Commit]) -> bytes:
    """The block stream's ``update`` events, one for each changed seat."""
    parts = []
    for commit in commits:
        seats = [(seat_id, change.status) for change in commit.changes for seat_id in change.seat_ids]
        for place, (seat_id, status) in enumerate(seats, start=1):
            if place == len(seats):
                parts.append(b"id: %s-%d\n" % (epoch.encode(), commit.version))
            parts.append(
                b'event: update\ndata: {"status":200,"data":{"seatId":%d,"status":"%s"}}\n\n'
                % (seat_id, STATUS_NAMES[status].encode())
            )
    return b"".join(parts)


def schedule_ready(position: Position) -> bytes:
    """The schedule stream's opening. A page whose seats are of an older version loads them again."""
    return event(b'{"version":%d}' % position.version, "ready", position)


def schedule_actions(epoch: str, commits: Sequence[Commit], layout: Layout) -> bytes:
    """The schedule stream's unnamed events, one for each change of a commit."""
    parts = []
    for commit in commits:
        for place, change in enumerate(commit.changes, start=1):
            seats = [
                Place(layout.rows[index], layout.cols[index])
                for seat_id in change.seat_ids
                if (index := layout.index_of.get(seat_id)) is not None
            ]
            position = Position(epoch, commit.version) if place == len(commit.changes) else None
            parts.append(event(_encode(SeatsMoved(ACTIONS[change.status], seats)), "", position))
    return b"".join(parts)


def batch_snapshot(position: Position, seats: dict[str, list[int]]) -> bytes:
    """All seats that are not AVAILABLE, by status. It replaces what the client knew."""
    return event(envelope(SeatsByStatus(position.version, seats), OK), "snapshot", position)


def batch_changes(epoch: str, commits: Sequence[Commit]) -> bytes:
    """All seats that changed in these commits, each once, by its status after the last commit."""
    status_of = {
        seat_id: change.status
        for commit in commits
        for change in commit.changes
        for seat_id in change.seat_ids
    }
    seats: dict[str, list[int]] = {}
    for seat_id, status in status_of.items():
        seats.setdefault(STATUS_NAMES[status], []).append(seat_id)
    position = Position(epoch, commits[-1].version)
    return event(envelope(SeatsByStatus(position.version, seats), OK), "changes", position)
