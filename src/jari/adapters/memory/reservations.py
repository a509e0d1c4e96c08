"""Reservations read in memory, outside the till."""

from collections.abc import Callable, Mapping, Sequence

from jari.adapters.memory.audits import count_faults
from jari.adapters.memory.tables import Memory
from jari.domain.payments import PaymentStatus, RefundStatus
from jari.domain.reservations import Reservation, ReservationStatus
from jari.ports.reservations import Due


class MemoryReservationStore:
    """See `jari.ports.ReservationStore`."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def take_numbers(self, count: int) -> int:
        """Take ``count`` numbers that nobody has had, and return the first; the others follow it."""
        return self._memory.take_numbers("sale", count)

    async def reservation(self, reservation_id: int) -> Reservation | None:
        """One reservation, whole."""
        return self._memory.sales.by_id.get(reservation_id)

    async def reservation_of_payment(self, payment_id: int) -> Reservation | None:
        """The reservation that a payment pays."""
        owners = self._those(lambda each: any(payment.id == payment_id for payment in each.payments))
        return owners[0] if owners else None

    async def of_buyer(self, buyer_id: int, before_id: int | None, limit: int) -> Sequence[Reservation]:
        """A buyer's reservations, newest first."""
        return self._page(self._those(lambda each: each.buyer_id == buyer_id), before_id, limit)

    async def of_schedule(self, schedule_id: int, before_id: int | None, limit: int) -> Sequence[Reservation]:
        """A schedule's reservations, newest first."""
        return self._page(self._those(lambda each: each.schedule_id == schedule_id), before_id, limit)

    async def ended(self, limit: int) -> Sequence[Due]:
        """PENDING reservations whose time is over and that are not being paid."""
        now_ms = self._memory.now_ms()
        ended = self._those(
            lambda each: (
                each.status is ReservationStatus.PENDING
                and each.status_at(now_ms) is ReservationStatus.EXPIRED
            )
        )
        return _in_turn([(each.expires_ms, each, each.id) for each in ended], now_ms, limit)

    async def unsettled_payments(self, limit: int) -> Sequence[Due]:
        """CONFIRMING payments that somebody must look after by now."""
        return _in_turn(self._unsettled(), self._memory.now_ms(), limit)

    async def due_refunds(self, limit: int) -> Sequence[Due]:
        """DUE refunds that somebody must look after by now."""
        return _in_turn(self._owed(), self._memory.now_ms(), limit)

    async def has_unsettled(self) -> bool:
        """Whether any payment is CONFIRMING or any refund DUE, even if nobody need look after it yet."""
        return bool(self._unsettled() or self._owed())

    async def seat_faults(self, since_start_ms: int) -> Mapping[str, int]:
        """Count what must never be, in one look."""
        return count_faults(self._memory, self._memory.now_ms() - since_start_ms)

    def _those(self, are_meant: Callable[[Reservation], bool]) -> list[Reservation]:
        return [each for each in self._memory.sales.by_id.values() if are_meant(each)]

    def _unsettled(self) -> list["Waiting"]:
        return [
            (payment.next_try_ms, each, payment.id)
            for each in self._memory.sales.by_id.values()
            for payment in each.payments
            if payment.status is PaymentStatus.CONFIRMING
        ]

    def _owed(self) -> list["Waiting"]:
        return [
            (refund.next_try_ms, each, refund.id)
            for each in self._memory.sales.by_id.values()
            for refund in each.refunds
            if refund.status is RefundStatus.DUE
        ]

    def _page(
        self, reservations: Sequence[Reservation], before_id: int | None, limit: int
    ) -> list[Reservation]:
        newest_first = sorted(reservations, key=_age, reverse=True)
        if before_id is not None:
            before = self._memory.sales.by_id.get(before_id)
            newest_first = [each for each in newest_first if before and _age(each) < _age(before)]
        return newest_first[:limit]


Waiting = tuple[int, Reservation, int]  # from when on, where, and what


def _in_turn(waiting: Sequence[Waiting], now_ms: int, limit: int) -> list[Due]:
    """What is due by now, the longest first."""
    due = sorted((each for each in waiting if each[0] <= now_ms), key=lambda each: each[0])
    return [Due(where.schedule_id, where.id, number) for _, where, number in due[:limit]]


def _age(reservation: Reservation) -> tuple[int, int]:
    """What reservations are sorted by; numbers alone do not rise from one process to the other."""
    return reservation.created_ms, reservation.id
