"""Reserving held seats, and giving a reservation up."""

from collections.abc import Sequence
from dataclasses import dataclass

from jari.domain.box_office import BoxOffice, Command, OfReservation
from jari.domain.commands.holds import Hold
from jari.domain.errors import NothingHeld, Unavailable
from jari.domain.events import EventKind
from jari.domain.needs import Needs
from jari.domain.payments import Payment, PaymentStatus
from jari.domain.reservations import (
    PriceList,
    Reservation,
    ReservationStatus,
    order_id,
    order_name,
    reserved_seat,
)
from jari.domain.seating import Allocation

FREE = "free"  # the gateway of what costs nothing


@dataclass(frozen=True, slots=True)
class Reserve(Command[Reservation]):
    """Make a reservation of all that the buyer holds. ``token`` is the part of its order that nobody can guess."""

    buyer_id: int
    schedule_id: int
    reservation_id: int
    token: str
    price_list: PriceList

    @property
    def needs(self) -> Needs:
        """All seats that the buyer has, and the reservations that these may be in."""
        return Needs(buyer_ids=(self.buyer_id,), open_of_buyers=(self.buyer_id,))

    def decide(self, office: BoxOffice) -> Reservation:
        """Reserve all that the buyer holds. If it is reserved already, return that reservation."""
        holds = office.seating.held_by(self.buyer_id)
        if not holds:
            raise NothingHeld(
                "You hold no seats here: their time is over, or a fault of ours has lost them. Nothing was charged: choose seats first."
            )
        return self.reserve(office, holds)

    def reserve(self, office: BoxOffice, holds: Sequence[Allocation]) -> Reservation:
        """Reserve the seats of these holds of the buyer."""
        seat_ids = tuple(each.seat_id for each in holds)
        self._require_offers(seat_ids)
        earlier = [
            each
            for each in office.open_of(self.buyer_id)
            if each.paying is None
            # One of another schedule may be here because of its payment key.
            and each.schedule_id == self.schedule_id
            and not set(each.seat_ids).isdisjoint(seat_ids)
        ]
        for each in earlier:
            if set(each.seat_ids) == set(seat_ids) and {hold.hold_id for hold in holds} == {each.hold_id}:
                return each
        seats = tuple(reserved_seat(seat_id, self.price_list.offers[seat_id]) for seat_id in seat_ids)
        for each in earlier:
            _give_up(office, each)
        hold_id, expires_ms = office.seating.join(holds)
        reservation = Reservation(
            id=self.reservation_id,
            schedule_id=self.schedule_id,
            buyer_id=self.buyer_id,
            hold_id=hold_id,
            status=ReservationStatus.PENDING,
            order_id=order_id(self.schedule_id, self.reservation_id, self.token),
            order_name=order_name(self.price_list.title, seats),
            amount=sum(each.price for each in seats),
            currency=self.price_list.currency,
            created_ms=office.now_ms,
            expires_ms=expires_ms,
            seats=seats,
        )
        office.move(reservation, EventKind.RESERVATION_CREATED)
        return _give_away(office, reservation) if reservation.amount == 0 else reservation

    def _require_offers(self, seat_ids: Sequence[int]) -> None:
        """Refuse seats that the price list does not have: the plan is being changed at this moment."""
        if missing := [seat_id for seat_id in seat_ids if seat_id not in self.price_list.offers]:
            raise Unavailable(
                "The prices of these seats are being changed: try again in a moment.",
                seat_ids=missing,
                retry_after_seconds=1,
            )


@dataclass(frozen=True, slots=True)
class Book(Command[Reservation]):
    """Hold seats and reserve them, both or neither."""

    hold: Hold
    reserve: Reserve

    @property
    def needs(self) -> Needs:
        """What both need."""
        return self.hold.needs + self.reserve.needs

    def decide(self, office: BoxOffice) -> Reservation:
        """Hold these seats and reserve them; other seats that the buyer holds are no part of it."""
        self.hold.decide(office)
        holds = office.seating.held_by(self.hold.buyer_id)
        return self.reserve.reserve(office, [each for each in holds if each.seat_id in self.hold.seat_ids])


@dataclass(frozen=True, slots=True)
class CancelReservation(OfReservation):
    """The buyer gives up an unpaid reservation; its seats are free."""

    buyer_id: int

    def decide(self, office: BoxOffice) -> Reservation:
        """Cancel it and free its seats. One that is cancelled stays so; one that is paid or being paid is refused."""
        reservation = office.own(self.reservation_id, self.buyer_id)
        if reservation.status is ReservationStatus.CANCELLED:
            return reservation
        reservation.require_undecided(office.now_ms)
        office.seating.drop(reservation.hold_id, reservation.seat_ids)
        return office.move(reservation.moved(ReservationStatus.CANCELLED), EventKind.RESERVATION_CANCELLED)


@dataclass(frozen=True, slots=True)
class ExpireReservation(OfReservation):
    """Close a reservation whose time is over."""

    def decide(self, office: BoxOffice) -> Reservation:
        """Mark it as EXPIRED and free its seats, unless it is paid or being paid, or its time is not over."""
        reservation = office.known(self.reservation_id)
        if reservation.status is not ReservationStatus.PENDING:
            return reservation
        if reservation.status_at(office.now_ms) is not ReservationStatus.EXPIRED:
            return reservation
        office.seating.drop(reservation.hold_id, reservation.seat_ids)
        return office.move(reservation.moved(ReservationStatus.EXPIRED), EventKind.RESERVATION_EXPIRED)


def _give_up(office: BoxOffice, reservation: Reservation) -> None:
    """Close a reservation because another takes its place; the seats stay held."""
    if reservation.status_at(office.now_ms) is ReservationStatus.EXPIRED:
        office.move(reservation.moved(ReservationStatus.EXPIRED), EventKind.RESERVATION_EXPIRED)
    else:
        office.move(reservation.moved(ReservationStatus.CANCELLED), EventKind.RESERVATION_CANCELLED)


def _give_away(office: BoxOffice, reservation: Reservation) -> Reservation:
    """Confirm a reservation that costs nothing: that needs no gateway."""
    office.seating.occupy(reservation.buyer_id, reservation.hold_id, reservation.seat_ids)
    payment = Payment(
        id=reservation.id,
        gateway=FREE,
        payment_key=f"{FREE}-{reservation.order_id}",
        amount=0,
        status=PaymentStatus.DONE,
        started_ms=office.now_ms,
        next_try_ms=office.now_ms,
    )
    confirmed = reservation.with_payment(payment).moved(ReservationStatus.CONFIRMED)
    return office.move(confirmed, EventKind.RESERVATION_CONFIRMED)
