"""Reservations: what a buyer is about to pay for, has paid for, or gave up.

::

    PENDING ──paid──▶ CONFIRMED ──every seat refunded──▶ CANCELLED
      │ ▲
      │ └──a payment that came late, if the seats are still free── EXPIRED
      ├──cancel, or paid after the seats were gone──▶ CANCELLED
      └──its hold has ended──▶ EXPIRED

A reservation is one immutable value with its seats, its payments and its refunds; every move makes a new one.
Its seats and prices are frozen when it is made: a new plan or price of the venue does not touch it. All its seats
are under one hold, and it ends with that hold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from jari.domain.errors import AmountMismatch, NotFound, NotRefundable, PaymentUnderWay, ReservationClosed
from jari.domain.ids import read_id
from jari.domain.payments import (
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
    in_time,
    status_with_refunds,
)
from jari.domain.tickets import printed_seat
from jari.domain.venues import Grade, Seat

MAX_ORDER_NAME_LENGTH = 100  # what gateways take
ORDER_ID_PARTS = 3


class ReservationStatus(StrEnum):
    """What has become of a reservation."""

    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class Offer:
    """A seat as it is sold: where it is, and its price grade."""

    section: str
    block: str
    seat: Seat
    grade: Grade


@dataclass(frozen=True, slots=True)
class PriceList:
    """What every seat of a schedule costs: seat id → offer, and what is sold."""

    title: str
    currency: str
    offers: Mapping[int, Offer]


@dataclass(frozen=True, slots=True)
class ReservedSeat:
    """A seat of a reservation with its frozen price. Once paid, it is a ticket.

    ``refund_id`` names the refund that took it back; ``checked_in_ms`` says when its holder came in.
    """

    seat_id: int
    row: int
    col: int
    section: str
    block: str
    row_label: str
    seat_label: str
    grade: str
    price: int
    refund_id: int | None = None
    checked_in_ms: int | None = None

    @property
    def place(self) -> str:
        """The printed place in short: block, row and seat, as in ``113 5-3``."""
        return printed_seat(self.block, self.row_label, self.seat_label)


@dataclass(frozen=True, slots=True)
class Reservation:
    """Seats, money and where both stand; times in milliseconds since 1970, money in the minor unit."""

    id: int
    schedule_id: int
    buyer_id: int
    hold_id: str
    status: ReservationStatus
    order_id: str
    order_name: str
    amount: int
    currency: str
    created_ms: int
    expires_ms: int
    seats: tuple[ReservedSeat, ...]
    payments: tuple[Payment, ...] = ()
    refunds: tuple[Refund, ...] = ()

    @property
    def seat_ids(self) -> tuple[int, ...]:
        """Every seat, refunded ones included."""
        return tuple(each.seat_id for each in self.seats)

    @property
    def kept(self) -> tuple[ReservedSeat, ...]:
        """The seats that no refund took back."""
        return tuple(each for each in self.seats if each.refund_id is None)

    @property
    def paying(self) -> Payment | None:
        """The payment that is under way: nobody knows yet whether its money moved."""
        return next((each for each in self.payments if each.status is PaymentStatus.CONFIRMING), None)

    def status_at(self, now_ms: int) -> ReservationStatus:
        """The status at this time. Once the time to pay is over it is EXPIRED, swept or not."""
        ended = self.status is ReservationStatus.PENDING and self.paying is None and self.expires_ms <= now_ms
        return ReservationStatus.EXPIRED if ended else self.status

    def payment(self, payment_id: int) -> Payment:
        """One of its payments.

        Raises:
            NotFound: it has no such payment.
        """
        for each in self.payments:
            if each.id == payment_id:
                return each
        raise NotFound(f"Reservation {self.id} has no payment {payment_id}: look at the reservation again.")

    def refund(self, refund_id: int) -> Refund:
        """One of its refunds.

        Raises:
            NotFound: it has no such refund.
        """
        for each in self.refunds:
            if each.id == refund_id:
                return each
        raise NotFound(f"Reservation {self.id} has no refund {refund_id}: look at the reservation again.")

    def seat(self, seat_id: int) -> ReservedSeat:
        """One of its seats.

        Raises:
            NotFound: it has no such seat.
        """
        for each in self.seats:
            if each.seat_id == seat_id:
                return each
        raise NotFound(f"Reservation {self.id} has no seat {seat_id}: look at the reservation again.")

    def bought_nothing(self, payment: Payment) -> bool:
        """Whether the payment was charged but got no seats: a refund that names no seats gives all of it back."""
        return any(not each.seat_ids for each in self.refunds if each.payment_id == payment.id)

    def require_not_paying(self) -> None:
        """Refuse to touch a reservation that is being paid for.

        Raises:
            PaymentUnderWay: nobody knows yet whether money moves.
        """
        if self.paying is not None:
            raise PaymentUnderWay(
                f"Reservation {self.id} is being paid for: wait until the payment has ended.",
                seat_ids=self.seat_ids,
                retry_after_seconds=1,
            )

    def require_undecided(self, now_ms: int) -> None:
        """Refuse to change a reservation that is paid, given up or being paid for.

        Raises:
            PaymentUnderWay, ReservationClosed.
        """
        self.require_not_paying()
        status = self.status_at(now_ms)
        if status is not ReservationStatus.PENDING:
            remedy = (
                "ask for a refund of its payment"
                if status is ReservationStatus.CONFIRMED
                else "choose seats and reserve them anew"
            )
            raise ReservationClosed(f"Reservation {self.id} is {status}: {remedy}.", seat_ids=self.seat_ids)

    def require_amount(self, amount: int) -> None:
        """Refuse to charge anything but the frozen amount.

        Raises:
            AmountMismatch: ``amount`` is another.
        """
        if amount != self.amount:
            raise AmountMismatch(
                f"The reservation costs {self.amount} {self.currency}, but {amount} was to be charged, so no money "
                "was taken by this request: open the checkout again."
            )

    def require_refundable(self, payment: Payment, seats: Sequence[ReservedSeat]) -> None:
        """Refuse a refund where the payment took no money for these seats, or the money has gone back.

        Raises:
            NotRefundable: one of the two; the detail says which.
        """
        unpaid = payment.status not in (PaymentStatus.DONE, PaymentStatus.REFUND_DUE)
        if unpaid or self.bought_nothing(payment) or not seats:
            raise NotRefundable(f"Payment {payment.id} is {payment.status}: there is nothing to give back.")
        if self.status is not ReservationStatus.CONFIRMED:
            raise NotRefundable(f"Reservation {self.id} is {self.status}: nothing was done.")
        if gone := [each.seat_id for each in seats if each.refund_id is not None]:
            raise NotRefundable(f"{len(gone)} of the seats were refunded before.", seat_ids=gone)

    def in_order(self) -> "Reservation":
        """The reservation with its parts in their one order: seats by id, payments and refunds by time."""
        return replace(
            self,
            seats=tuple(sorted(self.seats, key=lambda each: each.seat_id)),
            payments=tuple(sorted(self.payments, key=in_time)),
            refunds=tuple(sorted(self.refunds, key=lambda each: (each.requested_ms, each.id))),
        )

    def moved(self, status: ReservationStatus) -> "Reservation":
        """The reservation in another status."""
        return replace(self, status=status)

    def with_payment(self, payment: Payment) -> "Reservation":
        """The reservation with this payment, new or in its new state."""
        others = tuple(each for each in self.payments if each.id != payment.id)
        payments = tuple(sorted((*others, payment), key=in_time))
        return replace(self, payments=payments)

    def with_refund(self, refund: Refund) -> "Reservation":
        """The reservation with this refund, new or in its new state, and the payment's status that follows from it."""
        others = tuple(each for each in self.refunds if each.id != refund.id)
        refunds = tuple(sorted((*others, refund), key=lambda each: (each.requested_ms, each.id)))
        payment = self.payment(refund.payment_id)
        of_payment = [each for each in refunds if each.payment_id == payment.id]
        owing = replace(self, refunds=refunds)
        buys_seats = bool(self.kept) and not owing.bought_nothing(payment)
        status = status_with_refunds(of_payment, buys_seats=buys_seats)
        return owing.with_payment(replace(payment, status=status))

    def with_seat(self, seat: ReservedSeat) -> "Reservation":
        """The reservation with this seat in its new state."""
        return replace(
            self, seats=tuple(seat if each.seat_id == seat.seat_id else each for each in self.seats)
        )

    def owed(self) -> int:
        """Money that the gateway has not given back yet."""
        return sum(each.amount for each in self.refunds if each.status is RefundStatus.DUE)


def reserved_seat(seat_id: int, offer: Offer) -> ReservedSeat:
    """The seat at the price of this moment."""
    seat = offer.seat
    return ReservedSeat(
        seat_id,
        seat.row,
        seat.col,
        offer.section,
        offer.block,
        seat.row_label,
        seat.seat_label,
        offer.grade.name,
        offer.grade.price,
    )


def refund_deadline_ms(starts_ms: int, refund_until_hours: int) -> int:
    """The last moment at which a buyer may ask for money back: so many hours before the start."""
    return starts_ms - refund_until_hours * 3_600_000


def require_in_time(seats: Sequence[ReservedSeat], now_ms: int, deadline_ms: int) -> None:
    """Refuse what only an organiser may refund.

    Raises:
        NotRefundable: a ticket has been used, or the deadline has passed.
    """
    if used := [each.seat_id for each in seats if each.checked_in_ms is not None]:
        raise NotRefundable(f"{len(used)} of the tickets have been used.", seat_ids=used)
    if now_ms > deadline_ms:
        raise NotRefundable("It is too late for a refund here: ask the organiser.")


def order_id(schedule_id: int, reservation_id: int, token: str) -> str:
    """The order's name at the gateway: schedule, reservation, and a part that nobody can guess."""
    return f"{schedule_id}-{reservation_id}-{token}"


def read_order_id(text: str) -> tuple[int, int]:
    """The schedule and the reservation that an order's name carries.

    Raises:
        NotFound: no order of ours is named so.
    """
    parts = text.split("-", ORDER_ID_PARTS - 1)
    if len(parts) < ORDER_ID_PARTS:
        raise no_order()
    schedule_id, reservation_id = read_id(parts[0]), read_id(parts[1])
    if schedule_id is None or reservation_id is None:
        raise no_order()
    return schedule_id, reservation_id


def no_order() -> NotFound:
    """The refusal of an order that does not exist or is somebody else's."""
    return NotFound("You have no such order: look at your reservations.")


def no_reservation(reservation_id: int) -> NotFound:
    """The refusal of a reservation that does not exist or is somebody else's; it does not say which."""
    return NotFound(f"You have no reservation {reservation_id}: look at your reservations.")


def order_name(title: str, seats: tuple[ReservedSeat, ...]) -> str:
    """What the gateway's page and the card's statement call the order: the occasion and the first seat."""
    more = f" +{len(seats) - 1}" if len(seats) > 1 else ""
    place = f" · {seats[0].place}{more}"
    room = max(1, MAX_ORDER_NAME_LENGTH - len(place))
    name = (title if len(title) <= room else title[: room - 1] + "…") + place
    return name[:MAX_ORDER_NAME_LENGTH]
