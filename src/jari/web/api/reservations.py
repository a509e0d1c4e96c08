"""Reservations over HTTP: made, looked at, cancelled."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from jari.domain.errors import Invalid
from jari.domain.payments import Payment, PaymentStatus, Refund
from jari.domain.reservations import Reservation, ReservationStatus, ReservedSeat
from jari.domain.times import rfc3339
from jari.settings import Settings
from jari.usecases.catalogue import Catalogue
from jari.usecases.live import Live
from jari.usecases.refunds import Refunds
from jari.usecases.reservations import Reservations
from jari.web.api.requests import (
    Body,
    Id,
    Nothing,
    Reader,
    described,
    known_id,
    path_id,
    query_int,
    request_key,
    route,
)
from jari.web.api.responses import success

MAX_PAGE_SIZE = 100


class MakeReservation(Body):
    """The schedule whose held seats are to be reserved."""

    schedule_id: Id


class Place(Body):
    """A seat by its numbers."""

    row: Id
    col: Id


Places = Annotated[list[Place], described(minItems=1, uniqueItems=True)]


class StartBooking(Body):
    """The seats to hold and reserve, by row and column."""

    schedule_id: Id
    seats: Places


class ReservationJson:
    """Writes reservations as the API shows them."""

    def __init__(self, catalogue: Catalogue, refunds: Refunds, live: Live) -> None:
        self._catalogue = catalogue
        self._refunds = refunds
        self._live = live

    async def made(self, reservation: Reservation) -> dict[str, Any]:
        """A reservation as it was when it was made; one that is answered again may have moved since."""
        return await self._write(reservation, reservation.status)

    async def one(self, reservation: Reservation) -> dict[str, Any]:
        """A reservation with what it is for."""
        return await self._write(reservation, reservation.status_at(self._live.now_ms()))

    async def _write(self, reservation: Reservation, status: ReservationStatus) -> dict[str, Any]:
        schedule = await self._catalogue.schedule(reservation.schedule_id)
        now_ms = self._live.now_ms()
        may_end = status is ReservationStatus.PENDING and reservation.paying is None
        confirmed = status is ReservationStatus.CONFIRMED
        return {
            "id": reservation.id,
            "status": status,
            "orderId": reservation.order_id,
            "orderName": reservation.order_name,
            "amount": reservation.amount,
            "currency": reservation.currency,
            "scheduleId": reservation.schedule_id,
            "title": schedule.title,
            "venueName": schedule.venue_name,
            "startsAt": rfc3339(schedule.starts_ms),
            "createdAt": rfc3339(reservation.created_ms),
            "expiresAt": rfc3339(reservation.expires_ms) if may_end else None,
            "serverTime": rfc3339(now_ms),
            "seats": [_seat_json(each) for each in reservation.seats],
            "payment": _payment_json(reservation.payments[-1]) if reservation.payments else None,
            "refunds": [_refund_json(each) for each in reservation.refunds],
            "refundableUntil": rfc3339(self._refunds.deadline_ms(schedule)) if confirmed else None,
        }

    async def page(self, found: Sequence[Reservation], limit: int) -> dict[str, Any]:
        """A page of them, and where the next one begins."""
        items = [await self.one(each) for each in found[:limit]]
        return {"items": items, "next": items[-1]["id"] if len(found) > limit else None}


class Handlers:
    """What answers the requests about reservations."""

    def __init__(
        self, reservations: Reservations, writer: ReservationJson, reader: Reader, settings: Settings
    ) -> None:
        self._reservations = reservations
        self._writer = writer
        self._reader = reader
        self._settings = settings
        self._make_decoder = msgspec.json.Decoder(MakeReservation)
        self._booking_decoder = msgspec.json.Decoder(StartBooking | Places)
        self._nothing_decoder = msgspec.json.Decoder(Nothing)

    async def make(self, request: Request) -> Response:
        """Reserve what the buyer holds."""
        buyer = await self._reader.user(request)
        body, data = await self._reader.body(request, self._make_decoder)
        made = await self._reservations.reserve(
            buyer, known_id(body.schedule_id, "schedule"), request_key(request, buyer, data)
        )
        return success(await self._writer.made(made), 201)

    async def start_booking(self, request: Request) -> Response:
        """Hold and reserve at once."""
        buyer = await self._reader.user(request)
        body, data = await self._reader.body(request, self._booking_decoder)
        schedule_id = query_int(request, "scheduleId", 0)
        if isinstance(body, list):
            seats = body
            if schedule_id == 0:
                raise Invalid("Say which schedule: add ?scheduleId= to a bare list of seats.")
        else:
            schedule_id, seats = body.schedule_id, body.seats
        made = await self._reservations.book(
            buyer,
            known_id(schedule_id, "schedule"),
            [(seat.row, seat.col) for seat in seats],
            request_key(request, buyer, data),
        )
        return success(await self._writer.made(made), 201)

    async def mine(self, request: Request) -> Response:
        """The buyer's own, newest first."""
        buyer = await self._reader.user(request)
        before_id, limit = self._page_of(request)
        return success(
            await self._writer.page(await self._reservations.mine(buyer, before_id, limit + 1), limit)
        )

    async def of_schedule(self, request: Request) -> Response:
        """A schedule's, for its organiser."""
        user = await self._reader.user(request)
        before_id, limit = self._page_of(request)
        schedule_id = path_id(request, "schedule_id", "schedule")
        found = await self._reservations.of_schedule(user, schedule_id, before_id, limit + 1)
        return success(await self._writer.page(found, limit))

    async def one(self, request: Request) -> Response:
        """One of them."""
        user = await self._reader.user(request)
        found = await self._reservations.one(user, path_id(request, "reservation_id", "reservation"))
        return success(await self._writer.one(found))

    async def cancel(self, request: Request) -> Response:
        """Give one up."""
        buyer = await self._reader.user(request)
        await self._reader.body(request, self._nothing_decoder)
        reservation_id = path_id(request, "reservation_id", "reservation")
        return success(await self._writer.one(await self._reservations.cancel(buyer, reservation_id)))

    def _page_of(self, request: Request) -> tuple[int | None, int]:
        limit = min(query_int(request, "limit", self._settings.page_size), MAX_PAGE_SIZE)
        return query_int(request, "before", 0) or None, limit


def routes(
    reservations: Reservations, writer: ReservationJson, reader: Reader, settings: Settings
) -> list[BaseRoute]:
    """The routes of reservations."""
    handlers = Handlers(reservations, writer, reader, settings)
    one = "/api/reservations/{reservation_id:id}"
    return [
        route("/api/bookings/start", settings, POST=handlers.start_booking),
        route("/api/reservations", settings, POST=handlers.make, GET=handlers.mine),
        route(one, settings, GET=handlers.one),
        route(one + "/cancel", settings, POST=handlers.cancel),
        route("/api/{kind:occasion}/{schedule_id:id}/reservations", settings, GET=handlers.of_schedule),
    ]


def _seat_json(seat: ReservedSeat) -> dict[str, Any]:
    return {
        "id": seat.seat_id,
        "row": seat.row,
        "col": seat.col,
        "section": seat.section,
        "block": seat.block,
        "rowLabel": seat.row_label,
        "seatLabel": seat.seat_label,
        "grade": seat.grade,
        "price": seat.price,
        "refunded": seat.refund_id is not None,
        "checkedInAt": None if seat.checked_in_ms is None else rfc3339(seat.checked_in_ms),
    }


def _payment_json(payment: Payment) -> dict[str, Any]:
    failed = payment.status is PaymentStatus.FAILED
    return {
        "id": payment.id,
        "status": payment.status,
        "amount": payment.amount,
        "method": payment.method,
        "code": payment.code if failed else None,
        "message": payment.message if failed else None,
    }


def _refund_json(refund: Refund) -> dict[str, Any]:
    return {
        "id": refund.id,
        "amount": refund.amount,
        "status": refund.status,
        "seatIds": refund.seat_ids,
        "requestedAt": rfc3339(refund.requested_ms),
    }
