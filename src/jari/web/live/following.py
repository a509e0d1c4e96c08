"""Following seats over HTTP: the two streams. An open stream costs its task and as few stack frames as possible."""

from collections.abc import Awaitable
from typing import Literal

import msgspec
from starlette.types import Receive, Scope, Send

from jari.domain.permissions import Action
from jari.domain.seatmap import Position
from jari.web.api.calls import Call
from jari.web.api.catalogue import no_block
from jari.web.api.endpoints import Endpoint, Kind, Limit
from jari.web.api.shapes import Query
from jari.web.services import Services

SSE = "text/event-stream"


class StreamOptions(Query, frozen=True):
    """Single events or batches, and where to go on for a client that cannot send ``Last-Event-ID``."""

    events: list[Literal["batch"]] = msgspec.field(default_factory=list)
    since: str = ""


def follow_block(
    services: Services, call: Call[StreamOptions, None], schedule_id: int, block_id: int
) -> Awaitable[None]:
    """A block's changes, live."""
    return _follow(services, call, schedule_id, block_id)


def follow_schedule(services: Services, call: Call[StreamOptions, None], schedule_id: int) -> Awaitable[None]:
    """A schedule's changes, live."""
    return _follow(services, call, schedule_id, None)


def _follow(
    services: Services, call: Call[StreamOptions, None], schedule_id: int, block_id: int | None
) -> Awaitable[None]:
    # A browser that reconnects repeats the address, so its header is newer than `since`.
    text = call.header(b"last-event-id") or call.query.since
    return _open(
        services,
        schedule_id,
        block_id,
        address=call.address,
        batch=bool(call.query.events),
        position=Position.parse(text) if text else None,
        asgi=(call.scope, call.receive, call.send),
    )


async def _open(
    services: Services,
    schedule_id: int,
    block_id: int | None,
    *,
    address: str,
    batch: bool,
    position: Position | None,
    asgi: tuple[Scope, Receive, Send],
) -> None:
    with services.hub.place(address, schedule_id):
        with services.deadlines.bound(services.settings.request_seconds, *asgi):
            schedule = await services.live.open(schedule_id)
        if block_id is not None and block_id not in schedule.seat_map.layout.block_of:
            raise no_block(block_id)
        _, receive, send = asgi
        await services.hub.serve(
            schedule, block_id, batch=batch, position=position, receive=receive, send=send
        )


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/{occasion}/{schedule}/blocks/{block}/seats/status-stream",
        follow_block,
        Action.LOOK,
        query=StreamOptions,
        kind=Kind.STREAM,
        media=SSE,
        limit=Limit.VIEWERS,
    ),
    Endpoint(
        "GET",
        "/api/{occasion}/{schedule}/seats/stream",
        follow_schedule,
        Action.LOOK,
        query=StreamOptions,
        kind=Kind.STREAM,
        media=SSE,
        limit=Limit.VIEWERS,
    ),
)
