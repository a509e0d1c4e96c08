"""Holding and releasing seats over HTTP."""

from typing import Annotated

from jari.domain.errors import KeptTooLong, NotYourSeats, SaleNotOpen, SeatsTaken, TooManySeats, UnknownSeats
from jari.domain.permissions import Action
from jari.domain.seating import Allocation, Status
from jari.domain.times import rfc3339
from jari.web.api.calls import Call
from jari.web.api.endpoints import Endpoint
from jari.web.api.shapes import Answer, Body, Id, Query, Time, described
from jari.web.services import Services

PATH = "/api/{occasion}/{schedule}/allocations"


class HoldSeats(Body, frozen=True):
    """The seats to hold, by id."""

    seat_ids: Annotated[tuple[Id, ...], described(minItems=1, uniqueItems=True)]


class SeatsToRelease(Query, frozen=True):
    """The seats to release: ``?seatId=101&seatId=102``."""

    seat_id: Annotated[list[Id], described(minItems=1, uniqueItems=True)]


class HeldSeats(Answer, frozen=True):
    """A hold: these seats are the buyer's until it ends."""

    hold_id: str
    seat_ids: tuple[Id, ...]
    expires_at: Time


class ReleasedSeats(Answer, frozen=True):
    """Seats that are free again."""

    seat_ids: tuple[Id, ...]


class MyHold(Answer, frozen=True):
    """A hold of mine; while it is being paid for it has no end."""

    hold_id: str
    seat_ids: list[Id]
    expires_at: Time | None


class MySeats(Answer, frozen=True):
    """What I hold and have bought in a schedule, and what time it is there."""

    server_time: Time
    holds: list[MyHold]
    occupied: list[Id]


async def hold(services: Services, call: Call[None, HoldSeats], schedule_id: int) -> HeldSeats:
    """Hold seats, all or none."""
    held = await services.holds.hold(call.user, schedule_id, call.body.seat_ids, call.request_key())
    return HeldSeats(held.hold_id, held.seat_ids, rfc3339(held.expires_ms))


async def release(services: Services, call: Call[SeatsToRelease, None], schedule_id: int) -> ReleasedSeats:
    """Release my held seats, all or none."""
    return ReleasedSeats(await services.holds.release(call.user, schedule_id, tuple(call.query.seat_id)))


async def mine(services: Services, call: Call[None, None], schedule_id: int) -> MySeats:
    """What I hold and have bought."""
    now_ms, allocations = await services.holds.mine(call.user, schedule_id)
    # of one hold a part may be being paid for, and end no more
    holds: dict[tuple[str, int | None], list[Allocation]] = {}
    for each in allocations:
        if each.status is Status.HOLD:
            holds.setdefault((each.hold_id, each.expires_ms), []).append(each)
    return MySeats(
        rfc3339(now_ms),
        [
            MyHold(
                hold_id, [each.seat_id for each in seats], None if expires_ms is None else rfc3339(expires_ms)
            )
            for (hold_id, expires_ms), seats in holds.items()
        ],
        [each.seat_id for each in allocations if each.status is Status.OCCUPIED],
    )


ENDPOINTS = (
    Endpoint(
        "POST",
        PATH,
        hold,
        Action.HOLD_SEATS,
        body=HoldSeats,
        answer=HeldSeats,
        status=201,
        refusals=(SeatsTaken, KeptTooLong, SaleNotOpen, TooManySeats, UnknownSeats),
        takes_key=True,
    ),
    Endpoint(
        "DELETE",
        PATH,
        release,
        Action.HOLD_SEATS,
        query=SeatsToRelease,
        answer=ReleasedSeats,
        refusals=(NotYourSeats,),
    ),
    Endpoint("GET", PATH, mine, Action.HOLD_SEATS, answer=MySeats),
)
