"""Reservations over HTTP: made, looked at, cancelled."""

from collections.abc import Sequence
from typing import Annotated, Any, cast

from jari.domain.errors import (
    Invalid,
    KeptTooLong,
    NotFound,
    NothingHeld,
    PaymentUnderWay,
    ReservationClosed,
    SaleNotOpen,
    SeatsTaken,
    TooManySeats,
    UnknownSeats,
)
from jari.domain.payments import Payment, PaymentStatus, Refund, RefundStatus
from jari.domain.permissions import Action
from jari.domain.reservations import Reservation, ReservationStatus, ReservedSeat
from jari.domain.times import rfc3339
from jari.web.api.calls import Call, known_id
from jari.web.api.endpoints import Endpoint
from jari.web.api.shapes import Answer, Body, Count, Id, Nothing, Query, Time, described
from jari.web.services import Services

MAX_PAGE_SIZE = 100
ROOT = "/api/reservations"


class MakeReservation(Body, frozen=True):
    """The schedule whose held seats are to be reserved."""

    schedule_id: Id


class Place(Body, frozen=True):
    """A seat by its numbers."""

    row: Id
    col: Id


Places = Annotated[list[Place], described(minItems=1, uniqueItems=True)]


class StartBooking(Body, frozen=True):
    """The seats to hold and reserve, by row and column."""

    schedule_id: Id
    seats: Places


class BookingOptions(Query, frozen=True):
    """Which schedule a bare list of seats is in."""

    schedule_id: Id | None = None


class Part(Query, frozen=True):
    """Which part of a list: from the one behind ``before``, which is the ``next`` of the part before."""

    before: Id | None = None
    limit: Id | None = None


class SeatOfReservation(Answer, frozen=True):
    """A reserved seat as it was sold."""

    id: Id
    row: Id
    col: Id
    section: str
    block: str
    row_label: str
    seat_label: str
    grade: str
    price: Count
    refunded: bool
    checked_in_at: Time | None


class PaymentOfReservation(Answer, frozen=True):
    """The last try to pay; where it failed, with the gateway's words."""

    id: Id
    status: PaymentStatus
    amount: Count
    method: str
    code: str | None
    message: str | None


class RefundOfReservation(Answer, frozen=True):
    """Money that goes back."""

    id: Id
    amount: Count
    status: RefundStatus
    seat_ids: tuple[Id, ...]
    requested_at: Time


class ReservationAnswer(Answer, frozen=True):
    """A reservation with what it is for."""

    id: Id
    status: ReservationStatus
    order_id: str
    order_name: str
    amount: Count
    currency: str
    schedule_id: Id
    title: str
    venue_name: str
    starts_at: Time
    created_at: Time
    expires_at: Time | None
    server_time: Time
    seats: list[SeatOfReservation]
    payment: PaymentOfReservation | None
    refunds: list[RefundOfReservation]
    refundable_until: Time | None


class ReservationsPart(Answer, frozen=True):
    """A part of a list of reservations, and where the next one begins."""

    items: list[ReservationAnswer]
    next: Id | None


async def make(services: Services, call: Call[None, MakeReservation]) -> ReservationAnswer:
    """Reserve all that I hold."""
    schedule_id = known_id(call.body.schedule_id, "schedule")
    made = await services.reservations.reserve(call.user, schedule_id, call.request_key())
    return await shown_as_made(services, made)


async def start_booking(
    services: Services, call: Call[BookingOptions, StartBooking | Places]
) -> ReservationAnswer:
    """Hold seats named by row and column and reserve them, both or neither."""
    if isinstance(call.body, StartBooking):
        schedule_id, seats = call.body.schedule_id, call.body.seats
    elif call.query.schedule_id is not None:
        schedule_id, seats = call.query.schedule_id, call.body
    else:
        raise Invalid("Say which schedule: add ?scheduleId= to a bare list of seats.")
    made = await services.reservations.book(
        call.user,
        known_id(schedule_id, "schedule"),
        [(seat.row, seat.col) for seat in seats],
        call.request_key(),
    )
    return await shown_as_made(services, made)


async def mine(services: Services, call: Call[Part, None]) -> ReservationsPart:
    """My reservations, newest first."""
    limit = _limit(services, call.query)
    reservations = await services.reservations.mine(call.user, call.query.before, limit + 1)
    return await _part(services, reservations, limit)


async def of_schedule(services: Services, call: Call[Part, None], schedule_id: int) -> ReservationsPart:
    """The reservations of a schedule, for its organiser."""
    limit = _limit(services, call.query)
    reservations = await services.reservations.of_schedule(
        call.user, schedule_id, call.query.before, limit + 1
    )
    return await _part(services, reservations, limit)


async def one(services: Services, call: Call[None, None], reservation_id: int) -> ReservationAnswer:
    """One reservation."""
    return await shown(services, await services.reservations.one(call.user, reservation_id))


async def cancel(services: Services, call: Call[None, Nothing], reservation_id: int) -> ReservationAnswer:
    """Give up an unpaid reservation; send {}."""
    return await shown(services, await services.reservations.cancel(call.user, reservation_id))


async def shown(services: Services, reservation: Reservation) -> ReservationAnswer:
    """A reservation as it is now."""
    return await _shown(services, reservation, reservation.status_at(services.live.now_ms()))


async def shown_as_made(services: Services, reservation: Reservation) -> ReservationAnswer:
    """A reservation as it was when it was made; one that is answered again may have moved since."""
    return await _shown(services, reservation, reservation.status)


async def _shown(
    services: Services, reservation: Reservation, status: ReservationStatus
) -> ReservationAnswer:
    schedule = await services.catalogue.schedule(reservation.schedule_id)
    may_end = status is ReservationStatus.PENDING and reservation.paying is None
    confirmed = status is ReservationStatus.CONFIRMED
    return ReservationAnswer(
        id=reservation.id,
        status=status,
        order_id=reservation.order_id,
        order_name=reservation.order_name,
        amount=reservation.amount,
        currency=reservation.currency,
        schedule_id=reservation.schedule_id,
        title=schedule.title,
        venue_name=schedule.venue_name,
        starts_at=rfc3339(schedule.starts_ms),
        created_at=rfc3339(reservation.created_ms),
        expires_at=rfc3339(reservation.expires_ms) if may_end else None,
        server_time=rfc3339(services.live.now_ms()),
        seats=[_seat(each) for each in reservation.seats],
        payment=_payment(reservation.payments[-1]) if reservation.payments else None,
        refunds=[_refund(each) for each in reservation.refunds],
        refundable_until=rfc3339(services.refunds.deadline_ms(schedule)) if confirmed else None,
    )


async def _part(services: Services, reservations: Sequence[Reservation], limit: int) -> ReservationsPart:
    items = [await shown(services, each) for each in reservations[:limit]]
    return ReservationsPart(items, items[-1].id if len(reservations) > limit else None)


def _limit(services: Services, part: Part) -> int:
    return min(part.limit or services.settings.page_size, MAX_PAGE_SIZE)


def _seat(seat: ReservedSeat) -> SeatOfReservation:
    return SeatOfReservation(
        id=seat.seat_id,
        row=seat.row,
        col=seat.col,
        section=seat.section,
        block=seat.block,
        row_label=seat.row_label,
        seat_label=seat.seat_label,
        grade=seat.grade,
        price=seat.price,
        refunded=seat.refund_id is not None,
        checked_in_at=None if seat.checked_in_ms is None else rfc3339(seat.checked_in_ms),
    )


def _payment(payment: Payment) -> PaymentOfReservation:
    failed = payment.status is PaymentStatus.FAILED
    return PaymentOfReservation(
        id=payment.id,
        status=payment.status,
        amount=payment.amount,
        method=payment.method,
        code=payment.code if failed else None,
        message=payment.message if failed else None,
    )


def _refund(refund: Refund) -> RefundOfReservation:
    return RefundOfReservation(
        id=refund.id,
        amount=refund.amount,
        status=refund.status,
        seat_ids=refund.seat_ids,
        requested_at=rfc3339(refund.requested_ms),
    )


_BOOKING: Endpoint[BookingOptions, StartBooking | Places, ReservationAnswer] = Endpoint(
    "POST",
    "/api/bookings/start",
    start_booking,
    Action.RESERVE,
    query=BookingOptions,
    body=cast("Any", StartBooking | Places),
    answer=ReservationAnswer,
    status=201,
    refusals=(NotFound, SeatsTaken, KeptTooLong, SaleNotOpen, TooManySeats, UnknownSeats),
    takes_key=True,
)

ENDPOINTS = (
    _BOOKING,
    Endpoint(
        "POST",
        ROOT,
        make,
        Action.RESERVE,
        body=MakeReservation,
        answer=ReservationAnswer,
        status=201,
        refusals=(NotFound, NothingHeld),
        takes_key=True,
    ),
    Endpoint("GET", ROOT, mine, Action.SEE_RESERVATION, query=Part, answer=ReservationsPart),
    Endpoint("GET", ROOT + "/{reservation}", one, Action.SEE_RESERVATION, answer=ReservationAnswer),
    Endpoint(
        "POST",
        ROOT + "/{reservation}/cancel",
        cancel,
        Action.CANCEL_RESERVATION,
        body=Nothing,
        answer=ReservationAnswer,
        refusals=(ReservationClosed, PaymentUnderWay),
    ),
    Endpoint(
        "GET",
        "/api/{occasion}/{schedule}/reservations",
        of_schedule,
        Action.LIST_RESERVATIONS,
        query=Part,
        answer=ReservationsPart,
    ),
)
