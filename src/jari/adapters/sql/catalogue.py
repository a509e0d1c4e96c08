"""Venues and schedules in SQL, for SQLite and PostgreSQL alike."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, Select, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from jari.adapters.sql.database import Database
from jari.adapters.sql.plans import save_plan
from jari.adapters.sql.rows import new_epoch
from jari.adapters.sql.tables import blocks, grades, schedules, seats, sections, venues
from jari.domain.schedules import Filter, Kind, Listing, Sale, SaleStatus, Schedule, no_schedule
from jari.domain.seatmap import Layout
from jari.domain.venues import Block, Grade, Seat, Section, Shape, Venue, no_venue
from jari.ports.catalogue import StoredPlan

SCHEDULES = select(schedules, venues.c.name.label("venue_name"), venues.c.seat_count).join(
    venues, venues.c.id == schedules.c.venue_id
)


class SqlCatalogueStore:
    """See `jari.ports.CatalogueStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save_venue(self, venue: Venue) -> tuple[int, bool]:
        """Insert the venue, or replace the plan of the one with its name: its id, and whether it is new."""
        return await save_plan(self._database, venue)

    async def venue(self, venue_id: int) -> Venue:
        """The whole plan."""
        async with self._database.read() as connection:
            return (await self._venue(connection, venue_id))[1]

    async def plan(self, venue_id: int) -> StoredPlan:
        """The whole plan with its ids, of one revision."""
        async with self._database.read() as connection:
            revision, venue = await self._venue(connection, venue_id)
            return StoredPlan(
                revision,
                venue,
                await _ids_by(connection, _block_ids(venue_id)),
                await _ids_by(connection, _seat_ids(venue_id)),
            )

    async def venues(self) -> Sequence[tuple[int, str, int]]:
        """Id, name and number of seats of each."""
        statement = select(venues.c.id, venues.c.name, venues.c.seat_count).order_by(venues.c.id)
        async with self._database.read() as connection:
            return [(row.id, row.name, row.seat_count) for row in await connection.execute(statement)]

    async def seat_ids(self, venue_id: int) -> Mapping[str, int]:
        """Guid → seat id."""
        async with self._database.read() as connection:
            return await _ids_by(connection, _seat_ids(venue_id))

    async def block_ids(self, venue_id: int) -> Mapping[str, int]:
        """Block name → block id."""
        async with self._database.read() as connection:
            return await _ids_by(connection, _block_ids(venue_id))

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
            .join(blocks, blocks.c.id == seats.c.block_id)
            .where(schedules.c.id == schedule_id)
            .order_by(blocks.c.ordinal, seats.c.ordinal)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(statement)).all()
        if not rows:
            raise no_schedule(schedule_id)
        block_ids = [row.block_id for row in rows]
        starts = [place for place, each in enumerate(block_ids) if place == 0 or each != block_ids[place - 1]]
        return Layout(
            seat_ids=[row.id for row in rows],
            rows=[row.row for row in rows],
            cols=[row.col for row in rows],
            block_ids=[block_ids[start] for start in starts],
            block_starts=[*starts, len(rows)],
            revision=rows[0].layout_revision,
            venue_id=rows[0].venue_id,
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
                raise no_venue(venue_id)
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
        """Open the sale at once, or close it."""
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
        """A page by start, then id. An index has that order: schedules behind the page are counted but not read."""
        conditions = self._conditions(chosen)
        order = (schedules.c.starts_ms, schedules.c.id)
        # The ids of the page come first: schedules before it are not joined to their venues.
        page = select(schedules.c.id).where(*conditions).order_by(*order).offset(offset).limit(limit)
        async with self._database.read() as connection:
            total = await connection.scalar(select(func.count()).select_from(schedules).where(*conditions))
            rows = await connection.execute(SCHEDULES.where(schedules.c.id.in_(page)).order_by(*order))
            return Listing(tuple(_schedule(row) for row in rows), int(total or 0))

    def _conditions(self, chosen: Filter) -> list[ColumnElement[bool]]:
        """The filter in SQL. Its status repeats `jari.domain.schedules.Sale.status`."""
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

    async def _venue(self, connection: AsyncConnection, venue_id: int) -> tuple[int, Venue]:
        row = (await connection.execute(select(venues).where(venues.c.id == venue_id))).one_or_none()
        if row is None:
            raise no_venue(venue_id)
        return row.revision, Venue(
            name=row.name,
            currency=row.currency,
            width=row.width,
            height=row.height,
            grades=await self._grades(connection, venue_id),
            sections=await self._sections(connection, venue_id),
            shapes=msgspec.json.decode(row.shapes, type=tuple[Shape, ...]),
        )

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
        seat_rows = (
            await connection.execute(
                select(seats).where(seats.c.venue_id == venue_id).order_by(seats.c.block_id, seats.c.ordinal)
            )
        ).all()
        # A stadium's seats take a while: meanwhile the event loop can serve other venues.
        return await asyncio.to_thread(_assemble, block_rows, seat_rows)


def _assemble(block_rows: Sequence[Row[Any]], seat_rows: Sequence[Row[Any]]) -> tuple[Section, ...]:
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


def _block_ids(venue_id: int) -> Select[tuple[str, int]]:
    return select(blocks.c.name, blocks.c.id).where(blocks.c.venue_id == venue_id)


def _seat_ids(venue_id: int) -> Select[tuple[str, int]]:
    return select(seats.c.guid.label("name"), seats.c.id).where(seats.c.venue_id == venue_id)


async def _ids_by(connection: AsyncConnection, statement: Select[tuple[str, int]]) -> dict[str, int]:
    return {row.name: row.id for row in await connection.execute(statement)}


SEAT_FIELDS = tuple(field for field in Seat.__dataclass_fields__ if field != "guid")


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
