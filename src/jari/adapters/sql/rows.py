"""Rows of the seating tables, as both databases give them, and what they mean.

We read a row by the names of its columns: asyncpg's records, sqlite3's rows and SQLAlchemy's mappings all know them.
"""

import secrets
from collections.abc import Iterable
from typing import Any, Protocol

from jari.adapters.changes import decode_changes
from jari.domain.schedules import Sale
from jari.domain.seating import Allocation, Effect, Status
from jari.domain.seatmap import Commit
from jari.domain.tenures import Tenure
from jari.ports.seating import ScheduleState

STATE = "epoch, version, enabled, opens_ms, layout_revision"
ALLOCATION = "seat_id, status, buyer_id, hold_id, expires_ms, since_ms"
TENURE = "seat_id, NULL, buyer_id, NULL, ended_ms, since_ms"  # as `ALLOCATION`, but without a status


class Row(Protocol):
    """A row of either driver, or a mapping of one of SQLAlchemy's."""

    def __getitem__(self, column: str, /) -> Any: ...


def commit_of(row: Row) -> Commit:
    """The commit in a row with the change log's ``version`` and ``body``."""
    return Commit(row["version"], decode_changes(row["body"]))


def split_effects(effects: list[Effect]) -> tuple[list[Effect], list[Effect], list[Effect]]:
    """The effects as rows to insert, to update and to delete."""
    inserts = [each for each in effects if each.before is None]
    updates = [each for each in effects if each.before is not None and each.after is not None]
    deletes = [each for each in effects if each.after is None]
    return inserts, updates, deletes


def state_of(row: Row) -> ScheduleState:
    """The schedule's state in a row with `STATE`."""
    sale = Sale(bool(row["enabled"]), row["opens_ms"])
    return ScheduleState(row["epoch"], row["version"], sale, row["layout_revision"])


def allocation_of(row: Row) -> Allocation:
    """The allocation in a row with `ALLOCATION`."""
    return Allocation(
        row["seat_id"],
        Status(row["status"]),
        row["buyer_id"],
        row["hold_id"],
        row["expires_ms"],
        row["since_ms"],
    )


def split_tenures(rows: Iterable[Row]) -> tuple[list[Allocation], list[Tenure]]:
    """The rows that a till reads, of `ALLOCATION` and of `TENURE`."""
    allocations: list[Allocation] = []
    tenures: list[Tenure] = []
    for row in rows:
        if row["status"] is None:
            tenures.append(Tenure(row["seat_id"], row["buyer_id"], row["since_ms"], row["expires_ms"]))
        else:
            allocations.append(allocation_of(row))
    return allocations, tenures


def seats_by_schedule(rows: Iterable[Row]) -> dict[int, list[int]]:
    """Rows of ``schedule_id`` and ``seat_id`` → the seats of each schedule."""
    seats: dict[int, list[int]] = {}
    for row in rows:
        seats.setdefault(row["schedule_id"], []).append(row["seat_id"])
    return seats


def new_epoch() -> str:
    """A name for a run of versions that no run has had."""
    return secrets.token_hex(4)
