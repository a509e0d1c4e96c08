"""Queries for what must never be in the books of sales; see `jari.ports.ReservationStore.seat_faults`."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Select, and_, bindparam, func, or_, select

from jari.adapters.sql.tables import allocations, reservation_seats, reservations, schedules, seats
from jari.domain.reservations import ReservationStatus
from jari.domain.seating import Status

FROM_MS = bindparam("from_ms", type_=BigInteger)  # schedules that began before this time are left out
_TICKETS = (
    select(
        reservations.c.schedule_id,
        reservations.c.buyer_id,
        reservation_seats.c.seat_id,
        reservation_seats.c.block,
        reservation_seats.c.row_label,
        reservation_seats.c.seat_label,
    )
    .join(reservations, reservations.c.id == reservation_seats.c.reservation_id)
    .join(schedules, schedules.c.id == reservations.c.schedule_id)
    .where(
        schedules.c.starts_ms >= FROM_MS,
        reservations.c.status == ReservationStatus.CONFIRMED,
        reservation_seats.c.refund_id.is_(None),
    )
    .subquery("tickets")
)
_OWNED = and_(
    allocations.c.schedule_id == _TICKETS.c.schedule_id,
    allocations.c.seat_id == _TICKETS.c.seat_id,
    allocations.c.buyer_id == _TICKETS.c.buyer_id,
    allocations.c.status == Status.OCCUPIED,
)
_SEAT = and_(seats.c.id == allocations.c.seat_id, seats.c.venue_id == schedules.c.venue_id)
_PLACE = (_TICKETS.c.schedule_id, _TICKETS.c.block, _TICKETS.c.row_label, _TICKETS.c.seat_label)
FAULTS: Mapping[str, Select[Any]] = {
    "allocation_without_seat": select(allocations.c.seat_id)
    .outerjoin(schedules, schedules.c.id == allocations.c.schedule_id)
    .outerjoin(seats, _SEAT)
    .where(seats.c.id.is_(None), or_(schedules.c.id.is_(None), schedules.c.starts_ms >= FROM_MS)),
    "place_sold_twice": select(*_PLACE).group_by(*_PLACE).having(func.count() > 1),
    "ticket_without_seat": select(_TICKETS.c.seat_id)
    .outerjoin(allocations, _OWNED)
    .where(allocations.c.seat_id.is_(None)),
}
