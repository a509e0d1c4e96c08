"""Rows of the seating tables, as both databases give them, and what they mean."""

import secrets
from collections.abc import Iterable
from typing import Any

import msgspec

from jari.domain.schedules import Sale
from jari.domain.seating import Allocation, Change, Effect, Status
from jari.domain.seatmap import Commit
from jari.domain.tenures import Tenure
from jari.ports import ScheduleState

STATE = "epoch, version, enabled, opens_ms, layout_revision"
ALLOCATION = "seat_id, status, buyer_id, hold_id, expires_ms, since_ms"
TENURE = "seat_id, NULL, buyer_id, NULL, ended_ms, since_ms"  # a row of `ALLOCATION` that has no status
WEBHOOKS = "webhooks"  # the name of the relay that makes deliveries of commits

_Row = tuple[int, tuple[int, ...], int, int | None]
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[_Row])


def encode_changes(commit: Commit) -> str:
    """What stands in the change log's ``body``: a JSON list of ``[status, [seat ids], buyer id, expires_ms]``."""
    return _encoder.encode(
        [(int(each.status), each.seat_ids, each.buyer_id, each.expires_ms) for each in commit.changes]
    ).decode()


def decode_commit(version: int, body: str) -> Commit:
    """The commit that `encode_changes` wrote."""
    return Commit(
        version,
        tuple(
            Change(Status(status), seat_ids, buyer_id, expires_ms)
            for status, seat_ids, buyer_id, expires_ms in _decoder.decode(body)
        ),
    )


def split_effects(effects: list[Effect]) -> tuple[list[Effect], list[Effect], list[Effect]]:
    """The effects as rows to insert, to update and to delete."""
    inserts = [each for each in effects if each.before is None]
    updates = [each for each in effects if each.before is not None and each.after is not None]
    deletes = [each for each in effects if each.after is None]
    return inserts, updates, deletes


def state_of(row: Any) -> ScheduleState:
    """The schedule's state in a row that begins with `STATE`."""
    return ScheduleState(row[0], row[1], Sale(bool(row[2]), row[3]), row[4])


def allocation_of(row: Any) -> Allocation:
    """The allocation in a row of `ALLOCATION`."""
    return Allocation(row[0], Status(row[1]), *row[2:6])


def split_found(rows: Iterable[Any]) -> tuple[list[Allocation], list[Tenure]]:
    """The rows that a till reads, of `ALLOCATION` and of `TENURE`."""
    found: list[Allocation] = []
    earlier: list[Tenure] = []
    for row in rows:
        if row[1] is None:
            earlier.append(Tenure(row[0], row[2], row[5], row[4]))
        else:
            found.append(allocation_of(row))
    return found, earlier


def seats_by_schedule(rows: Iterable[Any]) -> dict[int, list[int]]:
    """Rows of schedule and seat → the seats of each schedule."""
    seats: dict[int, list[int]] = {}
    for schedule_id, seat_id in rows:
        seats.setdefault(schedule_id, []).append(seat_id)
    return seats


def new_epoch() -> str:
    """A name for a run of versions that no run has had."""
    return secrets.token_hex(4)
