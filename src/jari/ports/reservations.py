"""Reservations as they are read outside the till, and the work that waits in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from jari.domain.reservations import Reservation


@dataclass(frozen=True, slots=True)
class Due:
    """Work that waits in a sale: a reservation to be closed, a payment to be settled or a refund to be given."""

    schedule_id: int
    reservation_id: int
    id: int


SEAT_FAULTS = ("allocation_without_seat", "place_sold_twice", "ticket_without_seat")


class ReservationStore(Protocol):
    """Reservations as they are read outside the till, and the numbers of new ones."""

    async def take_numbers(self, count: int) -> int:
        """Take ``count`` numbers that nobody has had, and return the first; the others follow it."""

    async def reservation(self, reservation_id: int) -> Reservation | None:
        """One reservation, whole."""

    async def reservation_of_payment(self, payment_id: int) -> Reservation | None:
        """The reservation that a payment pays."""

    async def of_buyer(self, buyer_id: int, before_id: int | None, limit: int) -> Sequence[Reservation]:
        """A buyer's reservations, newest first."""

    async def of_schedule(self, schedule_id: int, before_id: int | None, limit: int) -> Sequence[Reservation]:
        """A schedule's reservations, newest first."""

    async def ended(self, limit: int) -> Sequence[Due]:
        """PENDING reservations whose time is over and that are not being paid; ``id`` repeats the reservation's."""

    async def unsettled_payments(self, limit: int) -> Sequence[Due]:
        """CONFIRMING payments that somebody must look after by now."""

    async def due_refunds(self, limit: int) -> Sequence[Due]:
        """DUE refunds that somebody must look after by now."""

    async def has_unsettled(self) -> bool:
        """Whether any payment is CONFIRMING or any refund DUE, even if nobody need look after it yet."""

    async def seat_faults(self, since_start_ms: int) -> Mapping[str, int]:
        """Count what must never be, in one look: each of `SEAT_FAULTS` → how many.

        ``allocation_without_seat``: the venue's plan does not have the seat. ``place_sold_twice``: a schedule has two
        good tickets for one printed place. ``ticket_without_seat``: the seat is not the ticket's buyer's. Schedules
        that began longer ago than ``since_start_ms`` are left out.
        """
