"""Reservations read in SQL, outside the till, for SQLite and PostgreSQL alike."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, exists, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from jari.adapters.sql.audits import FAULTS
from jari.adapters.sql.database import Database
from jari.adapters.sql.sale_rows import PARTS, assemble
from jari.adapters.sql.tables import counters, payments, refunds, reservations
from jari.domain.payments import PaymentStatus, RefundStatus
from jari.domain.reservations import Reservation, ReservationStatus
from jari.ports.reservations import Due

NUMBERS = "sales"


class SqlReservationStore:
    """See `jari.ports.ReservationStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take_numbers(self, count: int) -> int:
        """Take ``count`` numbers that nobody has had, and return the first; the others follow it."""
        statement = (
            update(counters)
            .where(counters.c.name == NUMBERS)
            .values(next=counters.c.next + count)
            .returning(counters.c.next)
        )
        async with self._database.write() as connection:
            return int(await connection.scalar(statement) or 0) - count

    async def reservation(self, reservation_id: int) -> Reservation | None:
        """One reservation, whole."""
        matching = await self._load(select(reservations).where(reservations.c.id == reservation_id))
        return matching[0] if matching else None

    async def reservation_of_payment(self, payment_id: int) -> Reservation | None:
        """The reservation that a payment pays."""
        owner = select(payments.c.reservation_id).where(payments.c.id == payment_id).scalar_subquery()
        matching = await self._load(select(reservations).where(reservations.c.id == owner))
        return matching[0] if matching else None

    async def of_buyer(self, buyer_id: int, before_id: int | None, limit: int) -> Sequence[Reservation]:
        """A buyer's reservations, newest first."""
        return await self._page(reservations.c.buyer_id == buyer_id, before_id, limit)

    async def of_schedule(self, schedule_id: int, before_id: int | None, limit: int) -> Sequence[Reservation]:
        """A schedule's reservations, newest first."""
        return await self._page(reservations.c.schedule_id == schedule_id, before_id, limit)

    async def ended(self, limit: int) -> Sequence[Due]:
        """PENDING reservations whose time is over and that are not being paid."""
        being_paid = exists().where(
            payments.c.reservation_id == reservations.c.id, payments.c.status == PaymentStatus.CONFIRMING
        )
        statement = (
            select(reservations.c.schedule_id, reservations.c.id.label("reservation_id"), reservations.c.id)
            .where(
                reservations.c.status == ReservationStatus.PENDING,
                reservations.c.expires_ms <= select(self._database.now_ms).scalar_subquery(),
                ~being_paid,
            )
            .order_by(reservations.c.expires_ms)
            .limit(limit)
        )
        return await self._dues(statement)

    async def unsettled_payments(self, limit: int) -> Sequence[Due]:
        """CONFIRMING payments that somebody must look after by now."""
        return await self._dues(self._waiting(payments, PaymentStatus.CONFIRMING, limit))

    async def due_refunds(self, limit: int) -> Sequence[Due]:
        """DUE refunds that somebody must look after by now."""
        return await self._dues(self._waiting(refunds, RefundStatus.DUE, limit))

    async def seat_faults(self, since_start_ms: int) -> Mapping[str, int]:
        """Count what must never be, in one look."""
        async with self._database.read() as connection:
            from_ms = (await connection.scalar(select(self._database.now_ms)) or 0) - since_start_ms
            return {
                kind: await connection.scalar(
                    select(func.count()).select_from(rows.subquery()), {"from_ms": from_ms}
                )
                or 0
                for kind, rows in FAULTS.items()
            }

    async def has_unsettled(self) -> bool:
        """Whether any payment is CONFIRMING or any refund DUE, even if nobody need look after it yet."""
        paying = select(payments.c.id).where(payments.c.status == PaymentStatus.CONFIRMING).limit(1)
        owed = select(refunds.c.id).where(refunds.c.status == RefundStatus.DUE).limit(1)
        return await self._scalar(paying) is not None or await self._scalar(owed) is not None

    def _waiting(self, table: Table, status: str, limit: int) -> Select[Any]:
        return (
            select(reservations.c.schedule_id, table.c.reservation_id, table.c.id)
            .join(reservations, reservations.c.id == table.c.reservation_id)
            .where(
                table.c.status == status,
                table.c.next_try_ms <= select(self._database.now_ms).scalar_subquery(),
            )
            .order_by(table.c.next_try_ms)
            .limit(limit)
        )

    async def _page(
        self, condition: ColumnElement[bool], before_id: int | None, limit: int
    ) -> Sequence[Reservation]:
        """Newest first, by time: numbers alone do not tell, since each process takes them from blocks of its own."""
        age = (reservations.c.created_ms, reservations.c.id)
        statement = (
            select(reservations).where(condition).order_by(*(each.desc() for each in age)).limit(limit)
        )
        if before_id is not None:
            before = select(reservations.c.created_ms).where(reservations.c.id == before_id).scalar_subquery()
            statement = statement.where(tuple_(*age) < tuple_(before, before_id))
        return await self._load(statement)

    async def _load(self, statement: Select[Any]) -> list[Reservation]:
        async with self._database.read() as connection:
            heads = (await connection.execute(statement)).mappings().all()
            if not heads:
                return []
            ids = [row["id"] for row in heads]
            return assemble(heads, *[await _part(connection, table, ids) for table in PARTS])

    async def _scalar(self, statement: Select[tuple[int]]) -> int | None:
        async with self._database.read() as connection:
            value: int | None = await connection.scalar(statement)
            return value

    async def _dues(self, statement: Select[Any]) -> list[Due]:
        async with self._database.read() as connection:
            rows = await connection.execute(statement)
            return [Due(row.schedule_id, row.reservation_id, row.id) for row in rows]


async def _part(connection: AsyncConnection, table: Table, ids: Sequence[int]) -> Sequence[Any]:
    statement = select(table).where(table.c.reservation_id.in_(ids))
    return (await connection.execute(statement)).mappings().all()
