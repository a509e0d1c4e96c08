"""Venues and schedules in SQL, for SQLite and PostgreSQL alike."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from jari.adapters.sql.database import Database
from jari.adapters.sql.rows import new_epoch, no_schedule
from jari.adapters.sql.tables import allocations, blocks, grades, schedules, seats, sections, venues
from jari.domain.errors import NotFound, PlanDropsSeats
from jari.domain.schedules import Filter, Kind, Listing, Sale, SaleStatus, Schedule
from jari.domain.seatmap import Layout
from jari.domain.venues import Block, Grade, Seat, Section, Shape, Venue, dropped_seats

SCHEDULES = select(schedules, venues.c.name.label("venue_name"), venues.c.seat_count).join(
    venues, venues.c.id == schedules.c.venue_id
)
NAMED_SEATS = 5  # how many seats an error message names before it says "and N more"


class SqlCatalogue:
    """See `jari.ports.Catalogue`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save_venue(self, venue: Venue) -> tuple[int, bool]:
        """Insert, or replace the plan of the venue of that name: its id, and whether it is new."""
        values = {
            "currency": venue.currency,
            "width": venue.width,
            "height": venue.height,
            "shapes": msgspec.json.encode(venue.shapes).decode(),
            "seat_count": sum(1 for _ in venue.seats()),
        }
        async with self._database.write() as connection:
            venue_id = await connection.scalar(
                select(venues.c.id).where(venues.c.name == venue.name).with_for_update()
            )
            is_new = venue_id is None
            if venue_id is None:
                venue_id = await connection.scalar(
                    insert(venues).values(name=venue.name, revision=1, **values).returning(venues.c.id)
                )
            else:
                await self._lock_schedules(connection, venue_id)
                await connection.execute(
                    update(venues)
                    .where(venues.c.id == venue_id)
                    .values(revision=venues.c.revision + 1, **values)
                )
            await self._replace_plan(connection, int(venue_id or 0), venue)
        return int(venue_id or 0), is_new

    async def venue(self, venue_id: int) -> Venue:
        """The whole plan."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(venues).where(venues.c.id == venue_id))).one_or_none()
            if row is None:
                raise NotFound(f"There is no venue {venue_id}: see 'jari venue list'.")
            return Venue(
                name=row.name,
                currency=row.currency,
                width=row.width,
                height=row.height,
                grades=await self._grades(connection, venue_id),
                sections=await self._sections(connection, venue_id),
                shapes=msgspec.json.decode(row.shapes, type=tuple[Shape, ...]),
            )

    async def venues(self) -> Sequence[tuple[int, str, int]]:
        """Id, name and number of seats of each."""
        statement = select(venues.c.id, venues.c.name, venues.c.seat_count).order_by(venues.c.id)
        async with self._database.read() as connection:
            return [(row[0], row[1], row[2]) for row in await connection.execute(statement)]

    async def seat_ids(self, venue_id: int) -> Mapping[str, int]:
        """Guid → seat id."""
        async with self._database.read() as connection:
            return await _ids_by(
                connection, select(seats.c.guid, seats.c.id).where(seats.c.venue_id == venue_id)
            )

    async def block_ids(self, venue_id: int) -> Mapping[str, int]:
        """Block name → block id."""
        async with self._database.read() as connection:
            return await _ids_by(
                connection, select(blocks.c.name, blocks.c.id).where(blocks.c.venue_id == venue_id)
            )

    async def layout(self, schedule_id: int) -> Layout:
        """The seats of the schedule's venue in plan order."""
        statement = (
            select(
                seats.c.id,
                seats.c.row,
                seats.c.col,
                seats.c.block_id,
                schedules.c.layout_revision,
                seats.c.venue_id,
            )
            .join(schedules, schedules.c.venue_id == seats.c.venue_id)
            .where(schedules.c.id == schedule_id)
            .order_by(seats.c.ordinal)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(statement)).all()
        if not rows:
            raise no_schedule(schedule_id)
        starts = [place for place in range(len(rows)) if place == 0 or rows[place][3] != rows[place - 1][3]]
        return Layout(
            seat_ids=[row[0] for row in rows],
            rows=[row[1] for row in rows],
            cols=[row[2] for row in rows],
            block_ids=[rows[start][3] for start in starts],
            block_starts=[*starts, len(rows)],
            revision=rows[0][4],
            venue_id=rows[0][5],
        )

    async def create_schedule(
        self, *, venue_id: int, kind: Kind, title: str, starts_ms: int, sale: Sale
    ) -> int:
        """The new schedule's id."""
        async with self._database.write() as connection:
            revision = await connection.scalar(
                select(venues.c.revision).where(venues.c.id == venue_id).with_for_update()
            )
            if revision is None:
                raise NotFound(f"There is no venue {venue_id}: see 'jari venue list'.")
            schedule_id = await connection.scalar(
                insert(schedules)
                .values(
                    venue_id=venue_id,
                    kind=kind,
                    title=title,
                    starts_ms=starts_ms,
                    enabled=sale.enabled,
                    opens_ms=sale.opens_ms,
                    epoch=new_epoch(),
                    version=0,
                    layout_revision=revision,
                )
                .returning(schedules.c.id)
            )
        return int(schedule_id or 0)

    async def set_sale(self, schedule_id: int, *, enabled: bool) -> None:
        """Open at once, or close."""
        earlier = func.min if self._database.is_sqlite else func.least
        statement = (
            update(schedules)
            .where(schedules.c.id == schedule_id)
            .values(
                enabled=enabled,
                opens_ms=earlier(schedules.c.opens_ms, self._database.now_ms)
                if enabled
                else schedules.c.opens_ms,
            )
        )
        async with self._database.write() as connection:
            if (await connection.execute(statement)).rowcount == 0:
                raise no_schedule(schedule_id)

    async def renew_epochs(self) -> None:
        """Name a new run of versions in every schedule: the database is a copy, and later versions were seen."""
        async with self._database.write() as connection:
            for schedule_id in (await connection.scalars(select(schedules.c.id))).all():
                await connection.execute(
                    update(schedules).where(schedules.c.id == schedule_id).values(epoch=new_epoch())
                )

    async def schedule(self, schedule_id: int) -> Schedule:
        """One schedule."""
        async with self._database.read() as connection:
            row = (await connection.execute(SCHEDULES.where(schedules.c.id == schedule_id))).one_or_none()
        if row is None:
            raise no_schedule(schedule_id)
        return _schedule(row)

    async def schedules(self, chosen: Filter, *, offset: int, limit: int) -> Listing:
        """A page by start, then id. The index has that order: what lies behind the page is counted and not read."""
        conditions = self._conditions(chosen)
        order = (schedules.c.starts_ms, schedules.c.id)
        # The page first, by ids alone: what is passed over is not joined to its venue either.
        page = select(schedules.c.id).where(*conditions).order_by(*order).offset(offset).limit(limit)
        async with self._database.read() as connection:
            total = await connection.scalar(select(func.count()).select_from(schedules).where(*conditions))
            rows = await connection.execute(SCHEDULES.where(schedules.c.id.in_(page)).order_by(*order))
            return Listing(tuple(_schedule(row) for row in rows), int(total or 0))

    def _conditions(self, chosen: Filter) -> list[ColumnElement[bool]]:
        """The filter in SQL; the status is `jari.domain.schedules.Sale.status` once more."""
        conditions: list[ColumnElement[bool]] = []
        if chosen.kind is not None:
            conditions.append(schedules.c.kind == chosen.kind)
        if chosen.from_ms is not None:
            conditions.append(schedules.c.starts_ms >= chosen.from_ms)
        if chosen.to_ms is not None:
            conditions.append(schedules.c.starts_ms < chosen.to_ms)
        if chosen.status is not None:
            conditions.append(schedules.c.enabled == (chosen.status is not SaleStatus.CLOSED))
        if chosen.status is SaleStatus.OPEN:
            conditions.append(schedules.c.opens_ms <= self._database.now_ms)
        if chosen.status is SaleStatus.UPCOMING:
            conditions.append(schedules.c.opens_ms > self._database.now_ms)
        return conditions

    async def _lock_schedules(self, connection: AsyncConnection, venue_id: int) -> None:
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

    async def _replace_plan(self, connection: AsyncConnection, venue_id: int, venue: Venue) -> None:
        known = await _ids_by(
            connection, select(seats.c.guid, seats.c.id).where(seats.c.venue_id == venue_id)
        )
        await self._drop_seats(connection, venue_id, dropped_seats(known, venue), known)
        await connection.execute(delete(grades).where(grades.c.venue_id == venue_id))
        await connection.execute(
            insert(grades), [_grade_values(venue_id, *each) for each in enumerate(venue.grades)]
        )
        old_sections = (
            await connection.scalars(select(sections.c.id).where(sections.c.venue_id == venue_id))
        ).all()
        block_of_seat = await self._write_blocks(connection, venue_id, venue)
        rows = [
            _seat_values(venue_id, block_of_seat[seat.guid], ordinal, seat)
            for ordinal, seat in enumerate(venue.seats())
        ]
        await self._write_seats(connection, venue_id, known, rows)
        used = select(seats.c.block_id).where(seats.c.venue_id == venue_id)
        await connection.execute(
            delete(blocks).where(blocks.c.venue_id == venue_id, blocks.c.id.not_in(used))
        )
        for section_id in old_sections:
            await connection.execute(delete(sections).where(sections.c.id == section_id))

    async def _drop_seats(
        self, connection: AsyncConnection, venue_id: int, dropped: Iterable[str], known: Mapping[str, int]
    ) -> None:
        """Delete the seats that the new plan no longer has, unless somebody has one of them."""
        ids = {known[guid]: guid for guid in dropped}
        if not ids:
            return
        now_ms = await connection.scalar(select(self._database.now_ms))
        here = allocations.c.schedule_id.in_(select(schedules.c.id).where(schedules.c.venue_id == venue_id))
        live = or_(allocations.c.expires_ms.is_(None), allocations.c.expires_ms > now_ms)
        taken = await connection.scalars(
            select(allocations.c.seat_id).distinct().where(here, live).order_by(allocations.c.seat_id)
        )
        refused = [seat_id for seat_id in taken if seat_id in ids]
        if refused:
            names = ", ".join(ids[seat_id] for seat_id in refused[:NAMED_SEATS])
            more = f" and {len(refused) - NAMED_SEATS} more" if len(refused) > NAMED_SEATS else ""
            raise PlanDropsSeats(
                f"The new plan drops {len(refused)} seats that are held or sold ({names}{more}), so nothing was "
                "imported: keep them in the plan, or refund and release them first.",
                seat_ids=refused,
            )
        rows = [{"dropped_id": seat_id} for seat_id in ids]
        # What is left of the seats' allocations has ended; no till knows the seats any more to sweep them.
        left = delete(allocations).where(here, allocations.c.seat_id == bindparam("dropped_id"))
        await connection.execute(left, rows)
        await connection.execute(delete(seats).where(seats.c.id == bindparam("dropped_id")), rows)

    async def _write_blocks(self, connection: AsyncConnection, venue_id: int, venue: Venue) -> dict[str, int]:
        """Sections anew, blocks kept by name: guid → block id."""
        known = await _ids_by(
            connection, select(blocks.c.name, blocks.c.id).where(blocks.c.venue_id == venue_id)
        )
        block_of_seat: dict[str, int] = {}
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
                    block_id = await connection.scalar(
                        insert(blocks)
                        .values(venue_id=venue_id, name=block.name, **values)
                        .returning(blocks.c.id)
                    )
                else:
                    await connection.execute(update(blocks).where(blocks.c.id == block_id).values(**values))
                block_of_seat.update((seat.guid, int(block_id or 0)) for seat in block.seats)
                ordinal += 1
        return block_of_seat

    async def _write_seats(
        self,
        connection: AsyncConnection,
        venue_id: int,
        known: Mapping[str, int],
        rows: Sequence[dict[str, Any]],
    ) -> None:
        kept = [row for row in rows if row["guid"] in known]
        if kept:
            # (row, col) may move between kept seats: first out of the way, then into place.
            await connection.execute(
                update(seats).where(seats.c.venue_id == venue_id).values(row=-seats.c.id, col=-seats.c.id)
            )
            columns = [name for name in kept[0] if name not in {"guid", "venue_id"}]
            statement = (
                update(seats)
                .where(seats.c.id == bindparam("seat_id"))
                .values({name: bindparam(f"new_{name}") for name in columns})
            )
            await connection.execute(
                statement,
                [
                    {"seat_id": known[row["guid"]], **{f"new_{name}": row[name] for name in columns}}
                    for row in kept
                ],
            )
        if new := [row for row in rows if row["guid"] not in known]:
            await connection.execute(insert(seats), new)

    async def _grades(self, connection: AsyncConnection, venue_id: int) -> tuple[Grade, ...]:
        rows = await connection.execute(
            select(grades).where(grades.c.venue_id == venue_id).order_by(grades.c.ordinal)
        )
        return tuple(Grade(row.code, row.name, row.color, row.price) for row in rows)

    async def _sections(self, connection: AsyncConnection, venue_id: int) -> tuple[Section, ...]:
        block_rows = (
            await connection.execute(
                select(blocks, sections.c.name.label("section_name"), sections.c.grade)
                .join(sections, sections.c.id == blocks.c.section_id)
                .where(blocks.c.venue_id == venue_id)
                .order_by(blocks.c.ordinal)
            )
        ).all()
        seat_rows = await connection.execute(
            select(seats).where(seats.c.venue_id == venue_id).order_by(seats.c.ordinal)
        )
        seats_of_block: dict[int, list[Seat]] = {}
        for row in seat_rows:
            seats_of_block.setdefault(row.block_id, []).append(_seat(row))
        blocks_of_section: dict[int, list[Block]] = {}
        section_of: dict[int, tuple[str, str]] = {}
        for row in block_rows:
            section_of[row.section_id] = row.section_name, row.grade
            block = Block(row.name, tuple(seats_of_block.get(row.id, ())))
            blocks_of_section.setdefault(row.section_id, []).append(block)
        return tuple(
            Section(name, grade, tuple(blocks_of_section[section_id]))
            for section_id, (name, grade) in section_of.items()
        )


async def _ids_by(connection: AsyncConnection, statement: Any) -> dict[str, int]:
    return {row[0]: row[1] for row in await connection.execute(statement)}


def _grade_values(venue_id: int, ordinal: int, grade: Grade) -> dict[str, Any]:
    return {
        "venue_id": venue_id,
        "ordinal": ordinal,
        "code": grade.code,
        "name": grade.name,
        "color": grade.color,
        "price": grade.price,
    }


SEAT_FIELDS = tuple(field for field in Seat.__dataclass_fields__ if field != "guid")


def _seat_values(venue_id: int, block_id: int, ordinal: int, seat: Seat) -> dict[str, Any]:
    values = {field: getattr(seat, field) for field in SEAT_FIELDS}
    return {"venue_id": venue_id, "block_id": block_id, "ordinal": ordinal, "guid": seat.guid, **values}


def _seat(row: Row[Any]) -> Seat:
    return Seat(guid=row.guid, **{field: getattr(row, field) for field in SEAT_FIELDS})


def _schedule(row: Row[Any]) -> Schedule:
    return Schedule(
        id=row.id,
        kind=Kind(row.kind),
        title=row.title,
        venue_id=row.venue_id,
        venue_name=row.venue_name,
        seat_count=row.seat_count,
        starts_ms=row.starts_ms,
        sale=Sale(row.enabled, row.opens_ms),
        layout_revision=row.layout_revision,
    )
