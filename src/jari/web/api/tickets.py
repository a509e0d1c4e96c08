"""Tickets over HTTP: as codes, pictures and paper; and the check at the door."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from jari.domain.errors import NotFound
from jari.domain.reservations import Reservation, ReservedSeat
from jari.domain.times import rfc3339
from jari.domain.users import User
from jari.settings import Settings
from jari.usecases.catalogue import Catalogue
from jari.usecases.reservations import Reservations
from jari.usecases.tickets import Tickets
from jari.web.api.requests import Body, Id, Reader, path_id, route
from jari.web.api.responses import NO_STORE, success
from jari.web.site.printer import Printer
from jari.web.site.ticket_documents import TicketPrint, TicketSheet


class CheckInTicket(Body):
    """The code on a ticket, and the schedule that the door lets in to."""

    token: str
    schedule_id: Id


class Handlers:
    """What answers the requests about tickets."""

    def __init__(
        self,
        tickets: Tickets,
        reservations: Reservations,
        catalogue: Catalogue,
        printer: Printer,
        reader: Reader,
    ) -> None:
        self._tickets = tickets
        self._reservations = reservations
        self._catalogue = catalogue
        self._printer = printer
        self._reader = reader
        self._decoder = msgspec.json.Decoder(CheckInTicket)

    async def tickets(self, request: Request) -> Response:
        """The codes of a reservation's tickets."""
        _, tickets = await self._wanted(request, await self._reader.user(request))
        return success(
            {
                "items": [
                    {
                        "seatId": seat.seat_id,
                        "token": token,
                        "usable": seat.checked_in_ms is None,
                        "checkedInAt": None if seat.checked_in_ms is None else rfc3339(seat.checked_in_ms),
                    }
                    for seat, token in tickets
                ]
            }
        )

    async def picture(self, request: Request) -> Response:
        """One ticket's code as a picture."""
        reservation, tickets = await self._wanted(request, await self._reader.user(request))
        seat_id = path_id(request, "seat_id", "seat")
        for seat, token in tickets:
            if seat.seat_id == seat_id:
                drawn = await self._printer.picture(token)
                return Response(drawn, headers=NO_STORE, media_type="image/svg+xml")
        raise NotFound(f"Reservation {reservation.id} has no ticket for seat {seat_id}: look at it again.")

    async def paper(self, request: Request) -> Response:
        """All tickets of a reservation to be printed; each user waits for their own papers, one after the other."""
        user = await self._reader.user(request)
        async with self._printer.turn(user.id):
            reservation, tickets = await self._wanted(request, user)
            if not tickets:
                raise NotFound(f"Reservation {reservation.id} has no tickets: pay for it first.")
            schedule = await self._catalogue.schedule(reservation.schedule_id)
            sheet = TicketSheet(
                title=schedule.title,
                venue=schedule.venue_name,
                starts_ms=schedule.starts_ms,
                holder=user.name if user.id == reservation.buyer_id else "",
                order_id=reservation.order_id,
                tickets=tuple(_print(seat, token, reservation.currency) for seat, token in tickets),
            )
            drawn = await self._printer.paper(sheet)
        name = f"jari-{reservation.id}.pdf"
        headers = {**NO_STORE, "Content-Disposition": f'attachment; filename="{name}"'}
        return Response(drawn, headers=headers, media_type="application/pdf")

    async def check_in(self, request: Request) -> Response:
        """Let a ticket's holder in, once."""
        user = await self._reader.user(request)
        body, _ = await self._reader.body(request, self._decoder)
        reservation, seat = await self._tickets.check_in(user, body.token, body.schedule_id)
        return success(
            {
                "reservationId": reservation.id,
                "scheduleId": reservation.schedule_id,
                "seatId": seat.seat_id,
                "section": seat.section,
                "block": seat.block,
                "rowLabel": seat.row_label,
                "seatLabel": seat.seat_label,
                "checkedInAt": rfc3339(seat.checked_in_ms or 0),
            }
        )

    async def keys(self, _: Request) -> Response:
        """The public key, for those who verify tickets without asking us."""
        return success({"keys": [self._tickets.key()]})

    async def _wanted(
        self, request: Request, user: User
    ) -> tuple[Reservation, list[tuple[ReservedSeat, str]]]:
        reservation = await self._reservations.one(user, path_id(request, "reservation_id", "reservation"))
        return reservation, self._tickets.of(reservation)


def routes(handlers: Handlers, settings: Settings) -> list[BaseRoute]:
    """The routes of tickets."""
    root = "/api/reservations/{reservation_id:id}/tickets"
    return [
        route(root, settings, GET=handlers.tickets),
        route(root + ".pdf", settings, GET=handlers.paper),
        route(root + "/{seat_id:id}/qr.svg", settings, GET=handlers.picture),
        route("/api/tickets/keys", settings, GET=handlers.keys),
        route("/api/tickets/check-in", settings, POST=handlers.check_in),
    ]


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
