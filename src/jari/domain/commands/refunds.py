"""Giving sold seats and their money back."""

from dataclasses import dataclass, replace

from jari.domain.box_office import BoxOffice, OfReservation
from jari.domain.events import EventKind
from jari.domain.payments import NoAnswer, NothingYet, Refund, RefundStatus, postponed
from jari.domain.reservations import Reservation, ReservationStatus, require_in_time
from jari.domain.seating import check_seat_ids


@dataclass(frozen=True, slots=True)
class RefundSeats(OfReservation):
    """Take sold seats back for money; no seats named means all. ``deadline_ms`` binds buyers only."""

    payment_id: int
    refund_id: int
    seat_ids: tuple[int, ...]
    reason: str
    patience_ms: int
    buyer_id: int | None  # None: the organiser does it
    deadline_ms: int

    def decide(self, office: BoxOffice) -> Reservation:
        """Free the seats, and owe their money."""
        reservation = office.known(self.reservation_id)
        if self.buyer_id is not None:
            reservation = office.own(self.reservation_id, self.buyer_id)
        payment = reservation.payment(self.payment_id)
        if self.seat_ids:
            check_seat_ids(self.seat_ids, len(self.seat_ids))
        seats = [reservation.seat(each) for each in self.seat_ids] or list(reservation.kept)
        reservation.require_refundable(payment, seats)
        if self.buyer_id is not None:
            require_in_time(seats, office.now_ms, self.deadline_ms)
        amount = sum(each.price for each in seats)
        refund = Refund(
            id=self.refund_id,
            payment_id=payment.id,
            amount=amount,
            seat_ids=tuple(each.seat_id for each in seats),
            reason=self.reason,
            status=RefundStatus.DUE if amount else RefundStatus.DONE,
            requested_ms=office.now_ms,
            next_try_ms=office.now_ms + self.patience_ms,
        )
        office.seating.vacate(reservation.buyer_id, refund.seat_ids)
        for each in seats:
            reservation = reservation.with_seat(replace(each, refund_id=refund.id))
        reservation = reservation.with_refund(refund)
        if not reservation.kept:
            cancelled = reservation.moved(ReservationStatus.CANCELLED)
            reservation = office.move(cancelled, EventKind.RESERVATION_CANCELLED)
        kind = EventKind.REFUND_DUE if amount else EventKind.REFUND_DONE
        return office.move(reservation, kind, refund.seat_ids, amount)


@dataclass(frozen=True, slots=True)
class SettleRefund(OfReservation):
    """The gateway has given the money back."""

    refund_id: int

    def decide(self, office: BoxOffice) -> Reservation:
        """Mark the refund as done; one that is done stays as it is."""
        reservation = office.known(self.reservation_id)
        refund = reservation.refund(self.refund_id)
        if refund.status is RefundStatus.DONE:
            return reservation
        done = reservation.with_refund(replace(refund, status=RefundStatus.DONE, code="", message=""))
        return office.move(done, EventKind.REFUND_DONE, refund.seat_ids, refund.amount)


@dataclass(frozen=True, slots=True)
class PostponeRefund(OfReservation):
    """The gateway has not given the money back yet: ask again after ``patience_ms``."""

    refund_id: int
    patience_ms: int
    answer: NothingYet | NoAnswer

    def decide(self, office: BoxOffice) -> Reservation:
        """Note when to ask again; the money is still owed."""
        reservation = office.known(self.reservation_id)
        refund = reservation.refund(self.refund_id)
        if refund.status is RefundStatus.DONE:
            return reservation
        later_ms = office.now_ms + self.patience_ms
        return office.move(reservation.with_refund(postponed(refund, self.answer, later_ms)))
