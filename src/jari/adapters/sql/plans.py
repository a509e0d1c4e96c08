"""Writing a venue's plan, new or in the place of another.

First we work out what changes, without a lock. Then one transaction keeps every till of the venue out, checks the
change against the seats that somebody has by now, and writes no more than the differences.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from jari.adapters.sql.database import Database
from jari.adapters.sql.rows import ALLOCATION, allocation_of, new_epoch
from jari.adapters.sql.tables import (
    allocations,
    blocks,
    former_seats,
    grades,
    schedules,
    seats,
    sections,
    venues,
)
from jari.domain.errors import Unavailable
from jari.domain.replanning import Replan, replan
from jari.domain.seating import Allocation
from jari.domain.venues import Grade, SeatName, Venue

PAGE = 1_000  # seats that one statement names
SAVE_TRIES = 5  # another plan of the venue may be imported meanwhile, but not for ever

# What a plan may change about a seat while it stays the same seat.
FEATURES = ("x", "y", "grade", "accessible", "companion", "restricted_view", "aisle")
COLUMNS = ("ordinal", *FEATURES)
NEW_COLUMNS = [
    f"new_{column}" for column in COLUMNS
]  # a parameter may not have the name of the column that it sets
CHANGE_SEAT = (
    update(seats)
    .where(seats.c.id == bindparam("seat_id"))
    .values({column: bindparam(new) for column, new in zip(COLUMNS, NEW_COLUMNS, strict=True)})
)
_name_of = attrgetter(*SeatName._fields)
_features_of = attrgetter(*COLUMNS)
LEFT = select(*(allocations.c[column] for column in ALLOCATION.split(", ")))
FORMER = select(
    seats.c.id, seats.c.venue_id, seats.c.guid, blocks.c.name.label("block"), seats.c.row, seats.c.col,
    seats.c.row_label, seats.c.seat_label,
).join(blocks, blocks.c.id == seats.c.block_id)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Present:
    """A venue before the import; ``features`` is seat id → its order in the block, then its `FEATURES`."""

    venue_id: int
    revision: int
    seats: Mapping[SeatName, int]
    former: Mapping[SeatName, int]
    features: Mapping[int, tuple[Any, ...]]


NOTHING = Present(0, 0, {}, {}, {})


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be written of a plan. The rows of returning and added seats lack the ids of venue and block as yet."""

    venue: Venue
    change: Replan
    changed: Sequence[dict[str, Any]]
    returning: Mapping[SeatName, dict[str, Any]]
    added: Mapping[SeatName, dict[str, Any]]


class PlanChanged(Exception):
    """Another plan of the venue was imported while this one was being worked out."""


async def save_plan(database: Database, venue: Venue) -> tuple[int, bool]:
    """Insert the venue, or replace the plan of the one with its name: its id, and whether it is new.

    Raises:
        PlanDropsSeats: the plan drops or moves seats that somebody has.
        Unavailable: others kept importing plans of this venue.
    """
    for _ in range(SAVE_TRIES):
        async with database.read() as connection:
            present = await _present(connection, venue.name)
        draft = _draft(present, venue)
        try:
            async with database.write() as connection:
                if present is NOTHING:
                    return await _insert_venue(connection, draft), True
                await _replace(database, connection, present, draft)
                return present.venue_id, False
        except PlanChanged:
            continue
    raise Unavailable("Other plans of this venue are being imported: try again when they are.")


async def _present(connection: AsyncConnection, name: str) -> Present:
    row = (
        await connection.execute(select(venues.c.id, venues.c.revision).where(venues.c.name == name))
    ).one_or_none()
    if row is None:
        return NOTHING
    rows = (
        await connection.execute(
            select(
                seats.c.guid, blocks.c.name.label("block"), seats.c.row, seats.c.col, seats.c.row_label, seats.c.seat_label,
                seats.c.id, seats.c.ordinal, *(seats.c[name] for name in FEATURES),
            )
            .join(blocks, blocks.c.id == seats.c.block_id)
            .where(seats.c.venue_id == row.id)
            .order_by(blocks.c.ordinal, seats.c.ordinal)
        )
    ).all()  # fmt: skip
    gone = await connection.execute(
        select(*(former_seats.c[field] for field in SeatName._fields), former_seats.c.id).where(
            former_seats.c.venue_id == row.id
        )
    )
    return Present(
        row.id,
        row.revision,
        {SeatName(*_name_of(each)): each.id for each in rows},
        {SeatName(*_name_of(each)): each.id for each in gone},
        {each.id: _features_of(each) for each in rows},
    )


def _draft(present: Present, venue: Venue) -> Draft:
    """Work out, without a lock, what is to be written."""
    change = replan(present.seats, present.former, venue)
    changed: list[dict[str, Any]] = []
    returning: dict[SeatName, dict[str, Any]] = {}
    added: dict[SeatName, dict[str, Any]] = {}
    for _, block in venue.blocks():
        for ordinal, seat in enumerate(block.seats):  # so a new seat moves only seats of its block
            name = seat.name_in(block.name)
            values = (ordinal, *(getattr(seat, feature) for feature in FEATURES))
            if (seat_id := change.kept.get(name)) is not None:
                if present.features[seat_id] != values:
                    changed.append({"seat_id": seat_id, **dict(zip(NEW_COLUMNS, values, strict=True))})
                continue
            row = {**name._asdict(), **dict(zip(COLUMNS, values, strict=True))}
            if (former_id := change.returning.get(name)) is not None:
                returning[name] = {"id": former_id, **row}
            else:
                added[name] = row
    return Draft(venue, change, changed, returning, added)


async def _insert_venue(connection: AsyncConnection, draft: Draft) -> int:
    statement = insert(venues).values(name=draft.venue.name, revision=1, **_venue_values(draft.venue))
    try:
        venue_id = await connection.scalar(statement.returning(venues.c.id))
    except IntegrityError:
        raise PlanChanged from None
    await _write_plan(connection, int(venue_id or 0), draft)
    return int(venue_id or 0)


async def _replace(database: Database, connection: AsyncConnection, present: Present, draft: Draft) -> None:
    revision = await connection.scalar(
        select(venues.c.revision).where(venues.c.id == present.venue_id).with_for_update()
    )
    if revision != present.revision:
        raise PlanChanged
    await connection.execute(
        update(venues)
        .where(venues.c.id == present.venue_id)
        .values(revision=present.revision + 1, **_venue_values(draft.venue))
    )
    if draft.changed:  # no till reads these columns, so none need wait for this
        await connection.execute(CHANGE_SEAT, draft.changed)
    await _lock_schedules(connection, present.venue_id)
    await _drop_seats(database, connection, present.venue_id, draft.change)
    await _write_plan(connection, present.venue_id, draft)


async def _lock_schedules(connection: AsyncConnection, venue_id: int) -> None:
    """Keep every till of the venue out until the new plan is written, and make all read it afterwards.

    Tills compare the revision and load the plan. Viewers see that their positions are of another epoch and start over.
    """
    mine = schedules.c.venue_id == venue_id
    ids = (await connection.scalars(select(schedules.c.id).where(mine).order_by(schedules.c.id))).all()
    for schedule_id in ids:
        await connection.execute(
            update(schedules)
            .where(schedules.c.id == schedule_id)
            .values(layout_revision=schedules.c.layout_revision + 1, epoch=new_epoch())
        )


async def _drop_seats(database: Database, connection: AsyncConnection, venue_id: int, change: Replan) -> None:
    """Move the seats that the plan no longer has to the former ones. Refuse if somebody has one of these."""
    if not change.dropped:
        return
    now_ms = await connection.scalar(select(database.now_ms))
    here = allocations.c.schedule_id.in_(select(schedules.c.id).where(schedules.c.venue_id == venue_id))
    pages = list(_pages([*change.dropped]))
    left: list[Allocation] = []
    for ids in pages:
        rows = await connection.execute(LEFT.where(here, allocations.c.seat_id.in_(ids)))
        left += [allocation_of(row) for row in rows.mappings()]
    change.require_unowned(left, now_ms or 0)
    ended = {each.seat_id for each in left}  # no till will know these seats any more, so none can sweep them
    for ids in _pages([*ended]):
        await connection.execute(delete(allocations).where(here, allocations.c.seat_id.in_(ids)))
    for ids in pages:
        await connection.execute(
            insert(former_seats).from_select(
                [column.name for column in FORMER.selected_columns], FORMER.where(seats.c.id.in_(ids))
            )
        )
        await connection.execute(delete(seats).where(seats.c.id.in_(ids)))


def _pages(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + PAGE] for start in range(0, len(ids), PAGE))


async def _write_plan(connection: AsyncConnection, venue_id: int, draft: Draft) -> None:
    """Write grades and sections anew, keep blocks by their names, and write the seats that come back or are new."""
    await connection.execute(delete(grades).where(grades.c.venue_id == venue_id))
    await connection.execute(
        insert(grades), [_grade_values(venue_id, *each) for each in enumerate(draft.venue.grades)]
    )
    old_sections = (
        await connection.scalars(select(sections.c.id).where(sections.c.venue_id == venue_id))
    ).all()
    block_ids = await _write_blocks(connection, venue_id, draft.venue)
    await _write_seats(connection, venue_id, draft, block_ids)
    used = select(seats.c.block_id).where(seats.c.venue_id == venue_id)
    await connection.execute(delete(blocks).where(blocks.c.venue_id == venue_id, blocks.c.id.not_in(used)))
    await connection.execute(delete(sections).where(sections.c.id.in_(old_sections)))


async def _write_seats(
    connection: AsyncConnection, venue_id: int, draft: Draft, block_ids: Mapping[str, int]
) -> None:
    for ids in _pages([row["id"] for row in draft.returning.values()]):
        await connection.execute(delete(former_seats).where(former_seats.c.id.in_(ids)))
    for rows in (draft.returning, draft.added):
        if rows:
            await connection.execute(
                insert(seats),
                [
                    {column: value for column, value in row.items() if column != "block"}
                    | {"venue_id": venue_id, "block_id": block_ids[name.block]}
                    for name, row in rows.items()
                ],
            )


async def _write_blocks(connection: AsyncConnection, venue_id: int, venue: Venue) -> dict[str, int]:
    """Write sections anew, keep blocks by their names, and return block name → block id."""
    rows = await connection.execute(select(blocks.c.name, blocks.c.id).where(blocks.c.venue_id == venue_id))
    known = {row.name: row.id for row in rows}
    block_ids: dict[str, int] = {}
    ordinal = 0
    for place, section in enumerate(venue.sections):
        section_id = await connection.scalar(
            insert(sections)
            .values(venue_id=venue_id, ordinal=place, name=section.name, grade=section.grade)
            .returning(sections.c.id)
        )
        for block in section.blocks:
            values = {"section_id": section_id, "ordinal": ordinal}
            block_id = known.get(block.name)
            if block_id is None:
                new = insert(blocks).values(venue_id=venue_id, name=block.name, **values)
                block_id = await connection.scalar(new.returning(blocks.c.id))
            else:
                await connection.execute(update(blocks).where(blocks.c.id == block_id).values(**values))
            block_ids[block.name] = int(block_id or 0)
            ordinal += 1
    return block_ids


def _venue_values(venue: Venue) -> dict[str, Any]:
    return {
        "currency": venue.currency,
        "width": venue.width,
        "height": venue.height,
        "shapes": msgspec.json.encode(venue.shapes).decode(),
        "seat_count": sum(1 for _ in venue.seats()),
    }


def _grade_values(venue_id: int, ordinal: int, grade: Grade) -> dict[str, Any]:
    return {
        "venue_id": venue_id,
        "ordinal": ordinal,
        "code": grade.code,
        "name": grade.name,
        "color": grade.color,
        "price": grade.price,
    }
