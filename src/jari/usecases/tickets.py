"""Tickets: a confirmed reservation gives its buyer one for each seat, and the door checks them."""

from jari.domain.errors import WrongDoor
from jari.domain.permissions import Action, require
from jari.domain.reservations import Reservation, ReservationStatus, ReservedSeat
from jari.domain.tickets import Ticket
from jari.domain.users import User
from jari.ports.tickets import TicketSigner
from jari.usecases.reservations import Reservations


class Tickets:
    """Signs tickets, and lets their holders in."""

    def __init__(self, reservations: Reservations, signer: TicketSigner) -> None:
        self._reservations = reservations
        self._signer = signer

    def of(self, reservation: Reservation) -> list[tuple[ReservedSeat, str]]:
        """The seats that are paid for and were not given back, each with its signed code."""
        if reservation.status is not ReservationStatus.CONFIRMED:
            return []
        return [(seat, self._signer.sign(_ticket(reservation, seat))) for seat in reservation.kept]

    async def check_in(self, user: User, token: str, schedule_id: int) -> tuple[Reservation, ReservedSeat]:
        """Let the holder of a ticket in to a schedule, once.

        Raises:
            BadTicket: it is none of ours.
            Forbidden: a buyer asks.
            WrongDoor: it is for another schedule; it stays good for that.
            TicketUsed, TicketVoid, NotFound, Unavailable.
        """
        require(user, Action.CHECK_IN)
        ticket = self._signer.verify(token)
        if ticket.schedule_id != schedule_id:
            raise WrongDoor(f"The ticket for {ticket.seat} is for another occasion: show its holder the way.")
        reservation = await self._reservations.check_in(
            user, ticket.schedule_id, ticket.reservation_id, ticket.seat_id
        )
        return reservation, reservation.seat(ticket.seat_id)

    def key(self) -> dict[str, str]:
        """The public key that tickets are verified with, as a JSON Web Key."""
        return self._signer.public_jwk()


def _ticket(reservation: Reservation, seat: ReservedSeat) -> Ticket:
    return Ticket(reservation.id, reservation.schedule_id, seat.seat_id, seat.place)
