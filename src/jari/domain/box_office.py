"""The box office: seats, reservations and money of one schedule, decided together.

`Seating` knows who has which seat, `Reservation` what may become of a sale; here a command moves both or
neither. Every command is decided within one transaction on fresh state, so that one that comes twice, or late,
or from a process that was thought dead, finds what the first has left.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from jari.domain.errors import (
    AmountMismatch,
    JariError,
    NothingHeld,
    NotYourSeats,
    PaymentUnderWay,
    ReservationClosed,
    ReservationExpired,
    SeatsTaken,
    TicketUsed,
    TicketVoid,
    Unavailable,
    UnknownSeats,
)
from jari.domain.events import Event
from jari.domain.payments import (
    Charged,
    NotCharged,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
    postponed,
)
from jari.domain.reservations import (
    Reservation,
    ReservationStatus,
    no_order,
    no_reservation,
    order_id,
    order_name,
    require_in_time,
    reserved_seat,
)
from jari.domain.sales import (
    BeginPayment,
    Book,
    CancelReservation,
    CheckIn,
    ExpireReservation,
    PostponePayment,
    PostponeRefund,
    RefundSeats,
    Reserve,
    SaleCommand,
    SettlePayment,
    SettleRefund,
)
from jari.domain.seating import (
    Allocation,
    Command,
    Expire,
    Hold,
    Occupy,
    Outcome,
    Release,
    Seating,
    check_seat_ids,
)

FREE = "free"  # the gateway of what costs nothing


@dataclass(frozen=True, slots=True)
class Update:
    """What the store must write for one reservation: ``before`` as it was read (None: new), and after."""

    before: Reservation | None
    after: Reservation


class BoxOffice:
    """Decides commands one after the other on a seating and the reservations that they are about."""

    def __init__(self, seating: Seating, reservations: Iterable[Reservation]) -> None:
        self.seating = seating
        self.events: list[Event] = []
        self._before = {each.id: each for each in reservations}
        self._after = dict(self._before)

    def decide(self, command: Command | SaleCommand) -> Outcome | Reservation | JariError:
        """Carry out one command, or say why not; a refusal changes nothing and is returned, not raised."""
        try:
            if isinstance(command, Hold | Occupy | Expire):
                return self.seating.decide(command)
            return DECISIONS[type(command)](self, command)
        except JariError as refusal:
            return refusal

    def updates(self) -> list[Update]:
        """What the store must write, one for each reservation that is no longer as it was read."""
        return [
            Update(self._before.get(each.id), each)
            for each in self._after.values()
            if self._before.get(each.id) != each
        ]

    # Before the payment

    def release(self, command: Release) -> Outcome | JariError:
        """Seats that are given back leave their unpaid reservation without its amount: it is given up."""
        hold_ids = self.seating.hold_ids(command.seat_ids)
        reserved = [
            each
            for each in self._open_of(command.buyer_id)
            if each.hold_id in hold_ids and not set(each.seat_ids).isdisjoint(command.seat_ids)
        ]
        for each in reserved:
            each.require_not_paying()
        outcome = self.seating.decide(command)
        if not isinstance(outcome, JariError):
            for each in reserved:
                self._move(each.moved(ReservationStatus.CANCELLED), "reservation.cancelled")
        return outcome

    def reserve(self, command: Reserve) -> Reservation:
        """Make a reservation of all that the buyer holds; the same seats again give the same one again."""
        holds = self.seating.held_by(command.buyer_id)
        if not holds:
            raise NothingHeld("You hold no seats here, or their time is over: choose seats first.")
        return self._reserve(command, holds)

    def book(self, command: Book) -> Reservation:
        """Hold and reserve, both or neither; what else the buyer holds is no part of it."""
        _require_offers(command.reserve, command.hold.seat_ids)
        outcome = self.seating.decide(command.hold)
        if isinstance(outcome, JariError):
            raise outcome
        held = self.seating.held_by(command.hold.buyer_id)
        return self._reserve(
            command.reserve, [each for each in held if each.seat_id in command.hold.seat_ids]
        )

    def _reserve(self, command: Reserve, holds: list[Allocation]) -> Reservation:
        seat_ids = tuple(each.seat_id for each in holds)
        _require_offers(command, seat_ids)
        earlier = [
            each
            for each in self._open_of(command.buyer_id)
            if each.paying is None
            and each.schedule_id == command.schedule_id  # another one's may be here for its payment key
            and not set(each.seat_ids).isdisjoint(seat_ids)
        ]
        for each in earlier:
            if set(each.seat_ids) == set(seat_ids) and {hold.hold_id for hold in holds} == {each.hold_id}:
                return each
        seats = tuple(reserved_seat(seat_id, command.price_list.offers[seat_id]) for seat_id in seat_ids)
        for each in earlier:
            self._give_up(each)
        hold_id, expires_ms = self.seating.join(holds)
        reservation = Reservation(
            id=command.reservation_id,
            schedule_id=command.schedule_id,
            buyer_id=command.buyer_id,
            hold_id=hold_id,
            status=ReservationStatus.PENDING,
            order_id=order_id(command.schedule_id, command.reservation_id, command.token),
            order_name=order_name(command.price_list.title, seats),
            amount=sum(each.price for each in seats),
            currency=command.price_list.currency,
            created_ms=self._now_ms,
            expires_ms=expires_ms,
            seats=seats,
        )
        self._move(reservation, "reservation.created")
        return self._give_away(reservation) if reservation.amount == 0 else reservation

    def _give_up(self, reservation: Reservation) -> None:
        """Another reservation takes the place of this one; the seats stay held."""
        if reservation.status_at(self._now_ms) is ReservationStatus.EXPIRED:
            self._move(reservation.moved(ReservationStatus.EXPIRED), "reservation.expired")
        else:
            self._move(reservation.moved(ReservationStatus.CANCELLED), "reservation.cancelled")

    def _give_away(self, reservation: Reservation) -> Reservation:
        """What costs nothing needs no gateway."""
        self.seating.occupy(reservation.buyer_id, reservation.hold_id, reservation.seat_ids)
        payment = Payment(
            id=reservation.id,
            gateway=FREE,
            payment_key=f"{FREE}-{reservation.order_id}",
            amount=0,
            status=PaymentStatus.DONE,
            started_ms=self._now_ms,
            next_try_ms=self._now_ms,
        )
        confirmed = reservation.with_payment(payment).moved(ReservationStatus.CONFIRMED)
        return self._move(confirmed, "reservation.confirmed")

    def cancel(self, command: CancelReservation) -> Reservation:
        """Give up an unpaid reservation with its seats."""
        reservation = self._own(command.reservation_id, command.buyer_id)
        if reservation.status is ReservationStatus.CANCELLED:
            return reservation
        reservation.require_undecided(self._now_ms)
        self.seating.drop(reservation.hold_id, reservation.seat_ids)
        return self._move(reservation.moved(ReservationStatus.CANCELLED), "reservation.cancelled")

    def expire(self, command: ExpireReservation) -> Reservation:
        """Close a reservation whose time is over."""
        reservation = self._known(command.reservation_id)
        if reservation.status is not ReservationStatus.PENDING:
            return reservation
        if reservation.status_at(self._now_ms) is not ReservationStatus.EXPIRED:
            return reservation
        self.seating.drop(reservation.hold_id, reservation.seat_ids)
        return self._move(reservation.moved(ReservationStatus.EXPIRED), "reservation.expired")

    # The payment

    def begin_payment(self, command: BeginPayment) -> Reservation:
        """Make the hold unable to end, and remember which payment is about to be asked for."""
        reservation = self._own(command.reservation_id, command.buyer_id)
        if reservation.order_id != command.order_id:
            raise no_order()
        if any(each.payment_key == command.payment_key for each in reservation.payments):
            reservation.require_amount(command.amount)
            return reservation
        if self._was_used(command.payment_key):
            raise AmountMismatch("That payment was made for another reservation: open the checkout again.")
        self._require_payable(reservation, command)
        hold, seats = reservation.hold_id, reservation.seat_ids
        try:
            self.seating.firm(command.buyer_id, hold, seats, command.max_seats, command.limit)
        except (SeatsTaken, UnknownSeats) as refusal:
            gone = isinstance(refusal, UnknownSeats)
            what = "the venue no longer has some of the seats" if gone else "the seats are no longer kept"
            raise ReservationExpired(
                f"The time to pay is over and {what}; no money was taken: choose seats anew.",
                seat_ids=refusal.seat_ids,
            ) from None
        payment = Payment(
            id=command.payment_id,
            gateway=command.gateway,
            payment_key=command.payment_key,
            amount=reservation.amount,
            status=PaymentStatus.CONFIRMING,
            started_ms=self._now_ms,
            next_try_ms=self._now_ms + command.patience_ms,
        )
        return self._move(reservation.moved(ReservationStatus.PENDING).with_payment(payment))

    def _require_payable(self, reservation: Reservation, command: BeginPayment) -> None:
        if reservation.paying is not None:
            raise PaymentUnderWay(
                "Another payment of this reservation is under way, so this one was not begun and no money was "
                "taken by it: wait until the first has ended.",
                retry_after_seconds=1,
            )
        if reservation.status in (ReservationStatus.CONFIRMED, ReservationStatus.CANCELLED):
            raise ReservationClosed(
                f"Reservation {reservation.id} is {reservation.status}, so no money was taken: look at your "
                "reservations."
            )
        reservation.require_amount(command.amount)
        if reservation.currency != command.currency:
            raise AmountMismatch(
                f"The reservation is in {reservation.currency}, but the payment gateway here charges in "
                f"{command.currency} only, so no money was taken: ask the organiser."
            )
        if reservation.expires_ms + command.grace_ms < self._now_ms:
            raise ReservationExpired("The time to pay is over; no money was taken: choose seats anew.")
        if len(reservation.payments) >= command.max_tries:
            raise ReservationClosed(
                f"This reservation was tried to be paid {len(reservation.payments)} times: cancel it and begin anew."
            )

    def settle_payment(self, command: SettlePayment) -> Reservation:
        """Finish a payment by what the gateway said; what was settled before stays as it is."""
        reservation = self._known(command.reservation_id)
        payment = reservation.payment(command.payment_id)
        if isinstance(command.result, NotCharged):
            return self._not_paid(reservation, payment, command.result)
        if payment.status in (PaymentStatus.CONFIRMING, PaymentStatus.FAILED):
            return self._paid(reservation, payment, command.result)
        return reservation  # it has been settled before

    def _paid(self, reservation: Reservation, payment: Payment, charged: Charged) -> Reservation:
        """Money has moved: it buys the seats, or it goes back without anybody asking."""
        asked = (payment.payment_key, reservation.order_id, payment.amount)
        fits = (charged.payment_key, charged.order_id, charged.amount) == asked
        paid = replace(payment, charged=charged.amount, method=charged.method, code="", message="")
        if fits and payment.status is PaymentStatus.CONFIRMING:
            try:
                self.seating.occupy(reservation.buyer_id, reservation.hold_id, reservation.seat_ids)
            except NotYourSeats:
                pass
            else:
                confirmed = reservation.with_payment(replace(paid, status=PaymentStatus.DONE))
                return self._move(confirmed.moved(ReservationStatus.CONFIRMED), "reservation.confirmed")
        refund = Refund(
            id=payment.id,  # numbers are used once, and a payment is refunded like this once
            payment_id=payment.id,
            amount=charged.amount,
            seat_ids=(),
            reason=self._why_gone(reservation),
            status=RefundStatus.DUE,
            requested_ms=self._now_ms,
            next_try_ms=self._now_ms,
        )
        owed = reservation.with_payment(paid).with_refund(refund)
        if payment.status is PaymentStatus.CONFIRMING:
            self.seating.drop(reservation.hold_id, reservation.seat_ids)
            owed = self._move(owed.moved(ReservationStatus.CANCELLED), "reservation.cancelled")
        return self._move(owed, "refund.due", (), charged.amount)

    def _why_gone(self, reservation: Reservation) -> str:
        """The reason that the buyer reads on the statement."""
        unknown = self.seating.unknown(reservation.seat_ids)
        return f"{'the venue no longer had the seats' if unknown else 'the seats were gone'} when the payment came"

    def _not_paid(self, reservation: Reservation, payment: Payment, result: NotCharged) -> Reservation:
        if payment.status is not PaymentStatus.CONFIRMING:
            return reservation
        failed = replace(payment, status=PaymentStatus.FAILED, code=result.code, message=result.message)
        reservation = self._move(reservation.with_payment(failed), "payment.failed")
        self.seating.loosen(reservation.hold_id, reservation.seat_ids, reservation.expires_ms)
        return self.expire(ExpireReservation(reservation.id))

    def postpone_payment(self, command: PostponePayment) -> Reservation:
        """Leave a payment open, to be looked after later."""
        reservation = self._known(command.reservation_id)
        payment = reservation.payment(command.payment_id)
        if payment.status is not PaymentStatus.CONFIRMING:
            return reservation
        later_ms = self._now_ms + command.patience_ms
        return self._move(reservation.with_payment(postponed(payment, command.answer, later_ms)))

    # After the payment

    def refund_seats(self, command: RefundSeats) -> Reservation:
        """Take sold seats back; from now on their money is owed."""
        reservation = self._known(command.reservation_id)
        if command.buyer_id is not None:
            reservation = self._own(command.reservation_id, command.buyer_id)
        payment = reservation.payment(command.payment_id)
        if command.seat_ids:
            check_seat_ids(command.seat_ids, len(command.seat_ids))
        seats = [reservation.seat(each) for each in command.seat_ids] or list(reservation.kept)
        reservation.require_refundable(payment, seats)
        if command.buyer_id is not None:
            require_in_time(seats, self._now_ms, command.deadline_ms)
        amount = sum(each.price for each in seats)
        refund = Refund(
            id=command.refund_id,
            payment_id=payment.id,
            amount=amount,
            seat_ids=tuple(each.seat_id for each in seats),
            reason=command.reason,
            status=RefundStatus.DUE if amount else RefundStatus.DONE,
            requested_ms=self._now_ms,
            next_try_ms=self._now_ms + command.patience_ms,
        )
        self.seating.vacate(reservation.buyer_id, refund.seat_ids)
        for each in seats:
            reservation = reservation.with_seat(replace(each, refund_id=refund.id))
        reservation = reservation.with_refund(refund)
        if not reservation.kept:
            reservation = self._move(reservation.moved(ReservationStatus.CANCELLED), "reservation.cancelled")
        kind = "refund.due" if amount else "refund.done"
        return self._move(reservation, kind, refund.seat_ids, amount)

    def settle_refund(self, command: SettleRefund) -> Reservation:
        """The money that was owed has gone back."""
        reservation = self._known(command.reservation_id)
        refund = reservation.refund(command.refund_id)
        if refund.status is RefundStatus.DONE:
            return reservation
        done = reservation.with_refund(replace(refund, status=RefundStatus.DONE, code="", message=""))
        return self._move(done, "refund.done", refund.seat_ids, refund.amount)

    def postpone_refund(self, command: PostponeRefund) -> Reservation:
        """Go on owing the money, to be looked after later."""
        reservation = self._known(command.reservation_id)
        refund = reservation.refund(command.refund_id)
        if refund.status is RefundStatus.DONE:
            return reservation
        later_ms = self._now_ms + command.patience_ms
        return self._move(reservation.with_refund(postponed(refund, command.answer, later_ms)))

    def check_in(self, command: CheckIn) -> Reservation:
        """Mark a ticket as used, once."""
        reservation = self._known(command.reservation_id)
        seat = reservation.seat(command.seat_id)
        if seat.refund_id is not None or reservation.status is not ReservationStatus.CONFIRMED:
            raise TicketVoid(f"The ticket for {seat.place} was given back: do not let its holder in.")
        if seat.checked_in_ms is not None:
            seconds = (self._now_ms - seat.checked_in_ms) // 1000
            raise TicketUsed(f"Somebody came in with the ticket for {seat.place} {seconds} s ago.")
        used = reservation.with_seat(replace(seat, checked_in_ms=self._now_ms))
        return self._move(used, "ticket.checked_in", (seat.seat_id,))

    # What everything needs

    def _was_used(self, payment_key: str) -> bool:
        """Whether a payment with this key moves or moved money; one that failed claims nothing."""
        return any(
            each.payment_key == payment_key and each.status is not PaymentStatus.FAILED
            for reservation in self._after.values()
            for each in reservation.payments
        )

    @property
    def _now_ms(self) -> int:
        return self.seating.now_ms

    def _open_of(self, buyer_id: int) -> list[Reservation]:
        return [
            each
            for each in self._after.values()
            if each.buyer_id == buyer_id and each.status is ReservationStatus.PENDING
        ]

    def _known(self, reservation_id: int) -> Reservation:
        found = self._after.get(reservation_id)
        if found is None:
            raise no_reservation(reservation_id)
        return found

    def _own(self, reservation_id: int, buyer_id: int) -> Reservation:
        found = self._known(reservation_id)
        if found.buyer_id != buyer_id:
            raise no_reservation(reservation_id)
        return found

    def _move(
        self,
        reservation: Reservation,
        kind: str = "",
        seat_ids: tuple[int, ...] | None = None,
        amount: int | None = None,
    ) -> Reservation:
        self._after[reservation.id] = reservation
        if kind:
            self.events.append(
                Event(
                    kind,
                    reservation.id,
                    reservation.order_id,
                    reservation.buyer_id,
                    reservation.seat_ids if seat_ids is None else seat_ids,
                    reservation.amount if amount is None else amount,
                    reservation.currency,
                )
            )
        return reservation


def _require_offers(command: Reserve, seat_ids: Iterable[int]) -> None:
    """Refuse seats that the price list does not have: the plan is being changed at this moment."""
    if missing := [seat_id for seat_id in seat_ids if seat_id not in command.price_list.offers]:
        raise Unavailable(
            "The prices of these seats are being changed: try again in a moment.",
            seat_ids=missing,
            retry_after_seconds=1,
        )


DECISIONS: dict[type, Callable[[BoxOffice, Any], Outcome | Reservation | JariError]] = {
    Release: BoxOffice.release,
    Reserve: BoxOffice.reserve,
    Book: BoxOffice.book,
    CancelReservation: BoxOffice.cancel,
    ExpireReservation: BoxOffice.expire,
    BeginPayment: BoxOffice.begin_payment,
    SettlePayment: BoxOffice.settle_payment,
    PostponePayment: BoxOffice.postpone_payment,
    RefundSeats: BoxOffice.refund_seats,
    SettleRefund: BoxOffice.settle_refund,
    PostponeRefund: BoxOffice.postpone_refund,
    CheckIn: BoxOffice.check_in,
}
