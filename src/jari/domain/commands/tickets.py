"""Coming in with a ticket."""

from dataclasses import dataclass, replace

from jari.domain.box_office import BoxOffice, OfReservation
from jari.domain.errors import TicketUsed, TicketVoid
from jari.domain.events import EventKind
from jari.domain.reservations import Reservation, ReservationStatus


@dataclass(frozen=True, slots=True)
class CheckIn(OfReservation):
    """Let the holder of a ticket in, once."""

    seat_id: int

    def decide(self, office: BoxOffice) -> Reservation:
        """Mark the ticket as used."""
        reservation = office.known(self.reservation_id)
        seat = reservation.seat(self.seat_id)
        if seat.refund_id is not None or reservation.status is not ReservationStatus.CONFIRMED:
            raise TicketVoid(f"The ticket for {seat.place} was given back: do not let its holder in.")
        if seat.checked_in_ms is not None:
            seconds = (office.now_ms - seat.checked_in_ms) // 1000
            raise TicketUsed(f"Somebody came in with the ticket for {seat.place} {seconds} s ago.")
        used = reservation.with_seat(replace(seat, checked_in_ms=office.now_ms))
        return office.move(used, EventKind.TICKET_CHECKED_IN, (seat.seat_id,))
