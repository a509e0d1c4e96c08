"""Tickets over HTTP: as codes, pictures and paper; and the check at the door."""

from jari.domain.errors import BadTicket, NotFound, TicketUsed, TicketVoid, WrongDoor
from jari.domain.permissions import Action
from jari.domain.reservations import Reservation, ReservedSeat
from jari.domain.times import rfc3339
from jari.domain.users import User
from jari.web.api.calls import Call
from jari.web.api.endpoints import Endpoint, Kind, Limit
from jari.web.api.shapes import Answer, Body, Id, Time
from jari.web.replies import NO_STORE, Reply
from jari.web.services import Services
from jari.web.site.ticket_documents import TicketPrint, TicketSheet

ROOT = "/api/reservations/{reservation}/tickets"
SVG, PDF = "image/svg+xml", "application/pdf"


class CheckInTicket(Body, frozen=True):
    """The code on a ticket, and the schedule that the door lets in to."""

    token: str
    schedule_id: Id


class TicketCode(Answer, frozen=True):
    """A seat's ticket as a signed code; it opens the door once."""

    seat_id: Id
    token: str
    usable: bool
    checked_in_at: Time | None


class TicketCodes(Answer, frozen=True):
    """The tickets of a reservation."""

    items: list[TicketCode]


class CheckedIn(Answer, frozen=True):
    """Where the holder of a ticket sits."""

    reservation_id: Id
    schedule_id: Id
    seat_id: Id
    section: str
    block: str
    row_label: str
    seat_label: str
    checked_in_at: Time


class TicketKeys(Answer, frozen=True):
    """The public keys that tickets are signed for, as JSON Web Keys."""

    keys: list[dict[str, str]]


async def tickets(services: Services, call: Call[None, None], reservation_id: int) -> TicketCodes:
    """The tickets of a reservation, as signed codes."""
    _, coded = await _coded(services, call.user, reservation_id)
    return TicketCodes(
        [
            TicketCode(
                seat.seat_id,
                token,
                usable=seat.checked_in_ms is None,
                checked_in_at=None if seat.checked_in_ms is None else rfc3339(seat.checked_in_ms),
            )
            for seat, token in coded
        ]
    )


async def picture(services: Services, call: Call[None, None], reservation_id: int, seat_id: int) -> Reply:
    """One ticket's code as a picture."""
    _, coded = await _coded(services, call.user, reservation_id)
    for seat, token in coded:
        if seat.seat_id == seat_id:
            drawn = await services.printer.picture(token)
            return Reply(200, [NO_STORE, (b"content-type", SVG.encode())], drawn)
    raise NotFound(f"Reservation {reservation_id} has no ticket for seat {seat_id}: look at it again.")


async def paper(services: Services, call: Call[None, None], reservation_id: int) -> Reply:
    """All tickets to be printed.

    Each user waits for their own papers, one after the other.
    """
    async with services.printer.turn(call.user.id):
        reservation, coded = await _coded(services, call.user, reservation_id)
        if not coded:
            raise NotFound(f"Reservation {reservation.id} has no tickets: pay for it first.")
        schedule = await services.catalogue.schedule(reservation.schedule_id)
        sheet = TicketSheet(
            title=schedule.title,
            venue=schedule.venue_name,
            starts_ms=schedule.starts_ms,
            holder=call.user.name if call.user.id == reservation.buyer_id else "",
            order_id=reservation.order_id,
            tickets=tuple(_print(seat, token, reservation.currency) for seat, token in coded),
        )
        drawn = await services.printer.paper(sheet)
    disposition = b'attachment; filename="jari-%d.pdf"' % reservation.id
    headers = [NO_STORE, (b"content-type", PDF.encode()), (b"content-disposition", disposition)]
    return Reply(200, headers, drawn)


async def check_in(services: Services, call: Call[None, CheckInTicket]) -> CheckedIn:
    """Let a ticket's holder in, once; for organisers."""
    reservation, seat = await services.tickets.check_in(call.user, call.body.token, call.body.schedule_id)
    return CheckedIn(
        reservation_id=reservation.id,
        schedule_id=reservation.schedule_id,
        seat_id=seat.seat_id,
        section=seat.section,
        block=seat.block,
        row_label=seat.row_label,
        seat_label=seat.seat_label,
        checked_in_at=rfc3339(seat.checked_in_ms or 0),
    )


async def keys(services: Services, _: Call[None, None]) -> TicketKeys:
    """The public key that tickets are signed for.

    Whoever has it verifies tickets without asking us.
    """
    return TicketKeys([services.tickets.key()])


async def _coded(
    services: Services, user: User, reservation_id: int
) -> tuple[Reservation, list[tuple[ReservedSeat, str]]]:
    """A reservation, and its seats with their codes."""
    reservation = await services.reservations.one(user, reservation_id)
    return reservation, services.tickets.of(reservation)


def _print(seat: ReservedSeat, token: str, currency: str) -> TicketPrint:
    return TicketPrint(
        section=seat.section,
        block=seat.block,
        row_label=seat.row_label,
        seat_label=seat.seat_label,
        grade=seat.grade,
        price=seat.price,
        currency=currency,
        token=token,
    )


ENDPOINTS = (
    Endpoint("GET", ROOT, tickets, Action.SEE_RESERVATION, answer=TicketCodes),
    Endpoint(
        "GET", ROOT + ".pdf", paper, Action.SEE_RESERVATION, kind=Kind.FILE, media=PDF, limit=Limit.PAPERS
    ),
    Endpoint("GET", ROOT + "/{seat}/qr.svg", picture, Action.SEE_RESERVATION, kind=Kind.FILE, media=SVG),
    Endpoint("GET", "/api/tickets/keys", keys, Action.LOOK, answer=TicketKeys),
    Endpoint(
        "POST",
        "/api/tickets/check-in",
        check_in,
        Action.CHECK_IN,
        body=CheckInTicket,
        answer=CheckedIn,
        refusals=(NotFound, BadTicket, TicketUsed, TicketVoid, WrongDoor),
    ),
)
