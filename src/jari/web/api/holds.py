"""Holding and releasing seats over HTTP."""

from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from jari.domain.errors import Invalid
from jari.domain.ids import read_id
from jari.domain.seating import Allocation, Held, Status
from jari.domain.times import rfc3339
from jari.settings import Settings
from jari.usecases.holds import Holds
from jari.web.api.requests import (
    Body,
    Id,
    Reader,
    described,
    path_id,
    request_key,
    route,
)
from jari.web.api.responses import success


class HoldSeats(Body):
    """The seats to hold, by id."""

    seat_ids: Annotated[list[Id], described(minItems=1, uniqueItems=True)]


def held_json(held: Held) -> dict[str, Any]:
    """A hold as the API shows it."""
    return {"holdId": held.hold_id, "seatIds": held.seat_ids, "expiresAt": rfc3339(held.expires_ms)}


def routes(holds: Holds, reader: Reader, settings: Settings) -> list[BaseRoute]:
    """The routes of holding."""
    hold_decoder = msgspec.json.Decoder(HoldSeats)

    async def hold(request: Request) -> Response:
        buyer = await reader.user(request)
        body, data = await reader.body(request, hold_decoder)
        held = await holds.hold(
            buyer,
            path_id(request, "schedule_id", "schedule"),
            tuple(body.seat_ids),
            request_key(request, buyer, data),
        )
        return success(held_json(held), 201)

    async def release(request: Request) -> Response:
        buyer = await reader.user(request)
        seat_ids = _seat_ids(request)
        released = await holds.release(buyer, path_id(request, "schedule_id", "schedule"), seat_ids)
        return success({"seatIds": released})

    async def mine(request: Request) -> Response:
        buyer = await reader.user(request)
        now_ms, allocations = await holds.mine(buyer, path_id(request, "schedule_id", "schedule"))
        return success({"serverTime": rfc3339(now_ms), **_mine_json(allocations)})

    path = "/api/{kind:occasion}/{schedule_id:id}/allocations"
    return [route(path, settings, POST=hold, DELETE=release, GET=mine)]


def _seat_ids(request: Request) -> tuple[int, ...]:
    texts = request.query_params.getlist("seatId")
    seat_ids = tuple(number for text in texts if (number := read_id(text)) is not None)
    if len(seat_ids) < len(texts):
        raise Invalid("Each seatId must be a positive whole number, as in ?seatId=101&seatId=102.")
    return seat_ids


def _mine_json(allocations: list[Allocation]) -> dict[str, Any]:
    # of one hold a part may be being paid for, and end no more
    holds: dict[tuple[str, int | None], list[Allocation]] = {}
    for each in allocations:
        if each.status is Status.HOLD:
            holds.setdefault((each.hold_id, each.expires_ms), []).append(each)
    return {
        "holds": [
            {
                "holdId": hold_id,
                "seatIds": [each.seat_id for each in seats],
                "expiresAt": None if expires_ms is None else rfc3339(expires_ms),
            }
            for (hold_id, expires_ms), seats in holds.items()
        ],
        "occupied": [each.seat_id for each in allocations if each.status is Status.OCCUPIED],
    }
