"""Paying for a reservation: begin, settle, postpone."""

from dataclasses import dataclass, replace

from jari.domain.box_office import BoxOffice, Command, OfReservation
from jari.domain.commands.reservations import ExpireReservation
from jari.domain.errors import (
    AmountMismatch,
    NotYourSeats,
    PaymentUnderWay,
    ReservationClosed,
    ReservationExpired,
    SeatsTaken,
    UnknownSeats,
)
from jari.domain.events import EventKind
from jari.domain.needs import Needs
from jari.domain.payments import (
    Charged,
    NoAnswer,
    NotCharged,
    NothingYet,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
    postponed,
)
from jari.domain.reservations import Reservation, ReservationStatus, no_order
from jari.domain.tenures import NO_LIMIT, KeepLimit


@dataclass(frozen=True, slots=True)
class BeginPayment(Command[Reservation]):
    """Firm up the hold before the gateway is asked. If the same payment comes again, nothing more is done.

    A reservation may be paid until ``grace_ms`` after its end, if its seats are free. At most ``max_tries`` payments
    may be begun for it. ``currency`` is the gateway's.
    """

    reservation_id: int
    buyer_id: int
    order_id: str
    amount: int
    payment_id: int
    gateway: str
    payment_key: str
    patience_ms: int
    max_seats: int
    max_tries: int
    currency: str
    grace_ms: int
    limit: KeepLimit = NO_LIMIT

    @property
    def needs(self) -> Needs:
        """The reservation, those that used the key, and all that the buyer has: an ended hold may be taken again."""
        return Needs(
            buyer_ids=(self.buyer_id,),
            reservation_ids=(self.reservation_id,),
            payment_keys=(self.payment_key,),
        )

    def decide(self, office: BoxOffice) -> Reservation:
        """Make the hold unable to end, and record the payment that the gateway is about to be asked for."""
        reservation = office.own(self.reservation_id, self.buyer_id)
        if reservation.order_id != self.order_id:
            raise no_order()
        if any(each.payment_key == self.payment_key for each in reservation.payments):
            reservation.require_amount(self.amount)
            return reservation
        if office.was_used(self.payment_key):
            raise AmountMismatch("That payment was made for another reservation: open the checkout again.")
        self._require_payable(reservation, office.now_ms)
        self._firm(office, reservation)
        payment = Payment(
            id=self.payment_id,
            gateway=self.gateway,
            payment_key=self.payment_key,
            amount=reservation.amount,
            status=PaymentStatus.CONFIRMING,
            started_ms=office.now_ms,
            next_try_ms=office.now_ms + self.patience_ms,
        )
        return office.move(reservation.moved(ReservationStatus.PENDING).with_payment(payment))

    def _require_payable(self, reservation: Reservation, now_ms: int) -> None:
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
        reservation.require_amount(self.amount)
        if reservation.currency != self.currency:
            raise AmountMismatch(
                f"The reservation is in {reservation.currency}, but the payment gateway here charges in "
                f"{self.currency} only, so no money was taken: ask the organiser."
            )
        if reservation.expires_ms + self.grace_ms < now_ms:
            raise ReservationExpired("The time to pay is over; no money was taken: choose seats anew.")
        if len(reservation.payments) >= self.max_tries:
            raise ReservationClosed(
                f"This reservation was tried to be paid {len(reservation.payments)} times: cancel it and begin anew."
            )

    def _firm(self, office: BoxOffice, reservation: Reservation) -> None:
        hold_id, seat_ids = reservation.hold_id, reservation.seat_ids
        try:
            office.seating.firm(self.buyer_id, hold_id, seat_ids, self.max_seats, self.limit)
        except (SeatsTaken, UnknownSeats) as refusal:
            gone = isinstance(refusal, UnknownSeats)
            what = "the venue no longer has some of the seats" if gone else "the seats are no longer kept"
            raise ReservationExpired(
                f"The time to pay is over and {what}; no money was taken: choose seats anew.",
                seat_ids=refusal.seat_ids,
            ) from None


@dataclass(frozen=True, slots=True)
class SettlePayment(OfReservation):
    """The gateway has said for good whether it took the money."""

    payment_id: int
    result: Charged | NotCharged

    def decide(self, office: BoxOffice) -> Reservation:
        """Settle the payment. One that is settled stays as it is, unless it had failed and money came after all."""
        reservation = office.known(self.reservation_id)
        payment = reservation.payment(self.payment_id)
        if isinstance(self.result, NotCharged):
            return _not_paid(office, reservation, payment, self.result)
        if payment.status in (PaymentStatus.CONFIRMING, PaymentStatus.FAILED):
            return _paid(office, reservation, payment, self.result)
        return reservation


@dataclass(frozen=True, slots=True)
class PostponePayment(OfReservation):
    """Nothing is settled yet: ask again after ``patience_ms``."""

    payment_id: int
    patience_ms: int
    answer: NothingYet | NoAnswer

    def decide(self, office: BoxOffice) -> Reservation:
        """Note when to ask again. A payment that is settled stays as it is."""
        reservation = office.known(self.reservation_id)
        payment = reservation.payment(self.payment_id)
        if payment.status is not PaymentStatus.CONFIRMING:
            return reservation
        later_ms = office.now_ms + self.patience_ms
        return office.move(reservation.with_payment(postponed(payment, self.answer, later_ms)))


def _paid(office: BoxOffice, reservation: Reservation, payment: Payment, charged: Charged) -> Reservation:
    """The gateway took money: it buys the seats, or goes back without anybody asking."""
    asked = (payment.payment_key, reservation.order_id, payment.amount)
    fits = (charged.payment_key, charged.order_id, charged.amount) == asked
    taken = replace(payment, charged=charged.amount, method=charged.method, code="", message="")
    if fits and payment.status is PaymentStatus.CONFIRMING:
        try:
            office.seating.occupy(reservation.buyer_id, reservation.hold_id, reservation.seat_ids)
        except NotYourSeats:
            pass
        else:
            confirmed = reservation.with_payment(replace(taken, status=PaymentStatus.DONE))
            return office.move(confirmed.moved(ReservationStatus.CONFIRMED), EventKind.RESERVATION_CONFIRMED)
    refund = Refund(
        id=payment.id,  # numbers are used once, and a payment is refunded like this once
        payment_id=payment.id,
        amount=charged.amount,
        seat_ids=(),
        reason=_why_gone(office, reservation),
        status=RefundStatus.DUE,
        requested_ms=office.now_ms,
        next_try_ms=office.now_ms,
    )
    owed = reservation.with_payment(taken).with_refund(refund)
    if payment.status is PaymentStatus.CONFIRMING:
        office.seating.drop(reservation.hold_id, reservation.seat_ids)
        owed = office.move(owed.moved(ReservationStatus.CANCELLED), EventKind.RESERVATION_CANCELLED)
    return office.move(owed, EventKind.REFUND_DUE, (), charged.amount)


def _why_gone(office: BoxOffice, reservation: Reservation) -> str:
    """The reason that the buyer reads on the statement."""
    unknown = office.seating.unknown(reservation.seat_ids)
    return (
        f"{'the venue no longer had the seats' if unknown else 'the seats were gone'} when the payment came"
    )


def _not_paid(
    office: BoxOffice, reservation: Reservation, payment: Payment, result: NotCharged
) -> Reservation:
    """No money moved: the payment has failed, and the hold gets back the end that it had."""
    if payment.status is not PaymentStatus.CONFIRMING:
        return reservation
    failed = replace(payment, status=PaymentStatus.FAILED, code=result.code, message=result.message)
    office.move(reservation.with_payment(failed), EventKind.PAYMENT_FAILED)
    office.seating.loosen(reservation.hold_id, reservation.seat_ids, reservation.expires_ms)
    return ExpireReservation(reservation.id).decide(office)
