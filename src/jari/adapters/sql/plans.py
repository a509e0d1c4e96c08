"""Writing a venue's plan, new or in the place of another.

What changes is worked out before anything is locked; then one transaction keeps every till of the venue out, holds
the change against what has been sold meanwhile, and writes no more than the differences.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import BindParameter, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from jari.adapters.sql.database import Database
from jari.adapters.sql.rows import new_epoch
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
from jari.domain.seating import Allocation, Status
from jari.domain.venues import Grade, SeatName, Venue

SAVE_TRIES = 5  # another plan of the venue may be imported meanwhile, but not for ever

# What a plan may change about a seat that stays the seat that it is.
FEATURES = ("x", "y", "grade", "accessible", "companion", "restricted_view", "aisle")


@dataclass(frozen=True, slots=True)
class Present:
    """A venue as it stands before the import; ``features`` are by seat id, the block's id and the order first."""

    venue_id: int
    revision: int
    seats: Mapping[SeatName, int]
    former: Mapping[SeatName, int]
    features: Mapping[int, tuple[Any, ...]]


class PlanChanged(Exception):
    """Another plan of the venue was imported while this one was being worked out."""


async def save_plan(database: Database, venue: Venue) -> tuple[int, bool]:
    """Insert a venue, or replace the plan of the one of that name: its id, and whether it is new.

    Raises:
        PlanDropsSeats: the plan drops or moves seats that somebody has.
        Unavailable: others import plans of this venue all the time.
    """
    for _ in range(SAVE_TRIES):
        async with database.read() as connection:
            present = await _present(connection, venue.name)
        try:
            async with database.write() as connection:
                if present is None:
                    return await _insert_venue(connection, venue), True
                await _replace(database, connection, present, venue)
                return present.venue_id, False
        except PlanChanged:
            continue
    raise Unavailable("Other plans of this venue are being imported: try again when they are.")


async def _present(connection: AsyncConnection, name: str) -> Present | None:
    row = (
        await connection.execute(select(venues.c.id, venues.c.revision).where(venues.c.name == name))
    ).one_or_none()
    if row is None:
        return None
    rows = (
        await connection.execute(
            select(
                seats.c.guid, blocks.c.name, seats.c.row, seats.c.col, seats.c.row_label, seats.c.seat_label,
                seats.c.id, seats.c.block_id, seats.c.ordinal, *(seats.c[name] for name in FEATURES),
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
        {SeatName(*each[:6]): each[6] for each in rows},
        {SeatName(*each[:6]): each[6] for each in gone},
        {each[6]: tuple(each[7:]) for each in rows},
    )


async def _insert_venue(connection: AsyncConnection, venue: Venue) -> int:
    statement = insert(venues).values(name=venue.name, revision=1, **_venue_values(venue))
    try:
        venue_id = await connection.scalar(statement.returning(venues.c.id))
    except IntegrityError:
        raise PlanChanged from None
    new = Present(int(venue_id or 0), 1, {}, {}, {})
    await _write_plan(connection, new, replan({}, {}, venue), venue)
    return new.venue_id


async def _replace(database: Database, connection: AsyncConnection, present: Present, venue: Venue) -> None:
    revision = await connection.scalar(
        select(venues.c.revision).where(venues.c.id == present.venue_id).with_for_update()
    )
    if revision != present.revision:
        raise PlanChanged
    change = replan(present.seats, present.former, venue)
    await connection.execute(
        update(venues)
        .where(venues.c.id == present.venue_id)
        .values(revision=present.revision + 1, **_venue_values(venue))
    )
    await _lock_schedules(connection, present.venue_id)
    await _drop_seats(database, connection, present.venue_id, change)
    await _write_plan(connection, present, change, venue)


async def _lock_schedules(connection: AsyncConnection, venue_id: int) -> None:
    """Keep every till of the venue out until the new plan stands, and make all look at it afterwards.

    Tills compare the revision; viewers find their positions of another epoch and start over.
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
    """Move the seats that the plan no longer has to the former ones, unless somebody has one of them."""
    if not change.dropped:
        return
    now_ms = await connection.scalar(select(database.now_ms))
    here = allocations.c.schedule_id.in_(select(schedules.c.id).where(schedules.c.venue_id == venue_id))
    rows = await connection.execute(
        select(
            allocations.c.seat_id, allocations.c.status, allocations.c.buyer_id, allocations.c.hold_id,
            allocations.c.expires_ms,
        ).where(here)
    )  # fmt: skip
    left = [Allocation(row[0], Status(row[1]), *row[2:]) for row in rows if row[0] in change.dropped]
    change.require_unowned(left, now_ms or 0)
    if left:  # holds that have ended; no till knows the seats any more to sweep them
        await connection.execute(
            delete(allocations).where(here, allocations.c.seat_id == bindparam("dropped_id")),
            [{"dropped_id": seat_id} for seat_id in {each.seat_id for each in left}],
        )
    await connection.execute(
        insert(former_seats),
        [{"id": seat_id, "venue_id": venue_id, **name._asdict()} for seat_id, name in change.dropped.items()],
    )
    await connection.execute(
        delete(seats).where(seats.c.id == bindparam("dropped_id")),
        [{"dropped_id": seat_id} for seat_id in change.dropped],
    )


async def _write_plan(connection: AsyncConnection, present: Present, change: Replan, venue: Venue) -> None:
    """Grades and sections anew, blocks kept by name; of the seats what is new or different."""
    venue_id = present.venue_id
    await connection.execute(delete(grades).where(grades.c.venue_id == venue_id))
    await connection.execute(
        insert(grades), [_grade_values(venue_id, *each) for each in enumerate(venue.grades)]
    )
    old_sections = (
        await connection.scalars(select(sections.c.id).where(sections.c.venue_id == venue_id))
    ).all()
    await _write_seats(
        connection, present, change, _rows(venue, await _write_blocks(connection, venue_id, venue))
    )
    used = select(seats.c.block_id).where(seats.c.venue_id == venue_id)
    await connection.execute(delete(blocks).where(blocks.c.venue_id == venue_id, blocks.c.id.not_in(used)))
    await connection.execute(delete(sections).where(sections.c.id.in_(old_sections)))


def _rows(venue: Venue, block_ids: Mapping[str, int]) -> dict[SeatName, dict[str, Any]]:
    """Each seat as its row may change from plan to plan: its block and order, and its features."""
    return {
        seat.name_in(block.name): {
            "block_id": block_ids[block.name],
            "ordinal": ordinal,  # within the block, so that a new seat moves no more than its block
            **{feature: getattr(seat, feature) for feature in FEATURES},
        }
        for _, block in venue.blocks()
        for ordinal, seat in enumerate(block.seats)
    }


async def _write_seats(
    connection: AsyncConnection, present: Present, change: Replan, rows: Mapping[SeatName, dict[str, Any]]
) -> None:
    changed = [
        {"seat_id": seat_id, **{f"new_{column}": value for column, value in rows[name].items()}}
        for name, seat_id in change.kept.items()
        if present.features[seat_id] != tuple(rows[name].values())
    ]
    if changed:
        values: dict[str, BindParameter[Any]] = {
            column: bindparam(f"new_{column}") for column in ("block_id", "ordinal", *FEATURES)
        }
        await connection.execute(
            update(seats).where(seats.c.id == bindparam("seat_id")).values(values), changed
        )
    if change.returning:
        await connection.execute(
            delete(former_seats).where(former_seats.c.id == bindparam("returned_id")),
            [{"returned_id": seat_id} for seat_id in change.returning.values()],
        )
        await connection.execute(
            insert(seats),
            [
                {"id": seat_id, **_labels(present.venue_id, name), **rows[name]}
                for name, seat_id in change.returning.items()
            ],
        )
    if change.added:
        await connection.execute(
            insert(seats), [{**_labels(present.venue_id, name), **rows[name]} for name in change.added]
        )


async def _write_blocks(connection: AsyncConnection, venue_id: int, venue: Venue) -> dict[str, int]:
    """Sections anew, blocks kept by name: block name → block id."""
    rows = await connection.execute(select(blocks.c.name, blocks.c.id).where(blocks.c.venue_id == venue_id))
    known = {row[0]: row[1] for row in rows}
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


def _labels(venue_id: int, name: SeatName) -> dict[str, Any]:
    return {
        "venue_id": venue_id,
        "guid": name.guid,
        "row": name.row,
        "col": name.col,
        "row_label": name.row_label,
        "seat_label": name.seat_label,
    }
