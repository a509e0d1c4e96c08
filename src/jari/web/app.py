"""The ASGI application: streams first, then everything else through Starlette's router."""

import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.routing import BaseRoute, Mount, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from jari.domain.errors import Invalid, JariError
from jari.domain.seatmap import Position
from jari.settings import Settings
from jari.usecases.accounts import Accounts
from jari.usecases.catalogue import Catalogue
from jari.usecases.holds import Holds
from jari.usecases.live import Live
from jari.usecases.payments import Payments
from jari.usecases.refunds import Refunds
from jari.usecases.reservations import Reservations
from jari.usecases.tickets import Tickets
from jari.web.api import accounts as accounts_routes
from jari.web.api import catalogue as catalogue_routes
from jari.web.api import documentation, operations
from jari.web.api import holds as holds_routes
from jari.web.api import payments as payments_routes
from jari.web.api import reservations as reservations_routes
from jari.web.api import tickets as tickets_routes
from jari.web.api.requests import Reader, client_address, nothing_here
from jari.web.api.reservations import ReservationJson
from jari.web.deadlines import Deadlines, GivenUp
from jari.web.errors import problem, unexpected
from jari.web.live.snapshots import Snapshots
from jari.web.live.streams import Hub
from jari.web.site import pages
from jari.web.site.printer import Printer

Lifespan = Callable[[Any], AbstractAsyncContextManager[None]]

STREAM = re.compile(
    r"/api/(?:matches|schedules)/(\d{1,18})/(?:blocks/(\d{1,18})/seats/status-stream|seats/stream)"
)


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases that the web translates to."""

    accounts: Accounts
    catalogue: Catalogue
    holds: Holds
    live: Live
    reservations: Reservations
    payments: Payments
    refunds: Refunds
    tickets: Tickets
    figures: Callable[[], Awaitable[bytes]]  # of this process, or of all workers


class Streams:
    """Answers stream requests itself, before any router: an open stream should cost one task and no more."""

    def __init__(self, app: ASGIApp, live: Live, hub: Hub, deadlines: Deadlines) -> None:
        self._app = app
        self._live = live
        self._hub = hub
        self._deadlines = deadlines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        found = STREAM.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if found is None or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        try:
            with self._hub.place(client_address(Request(scope))):
                await self._stream(found, scope, receive, send)
        except GivenUp:
            pass
        except JariError as refusal:
            await problem(refusal)(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - logged and answered
            await unexpected(error, scope["path"])(scope, receive, send)

    async def _stream(self, found: re.Match[str], scope: Scope, receive: Receive, send: Send) -> None:
        block_id = int(found[2]) if found[2] else None
        async with self._deadlines.bound(scope, receive, send):
            schedule = await self._live.open(int(found[1]))
        if block_id is not None and block_id not in schedule.seat_map.layout.block_of:
            raise catalogue_routes.no_block(block_id)
        batch, position = _stream_options(Request(scope))
        await self._hub.serve(schedule, block_id, batch=batch, position=position, receive=receive, send=send)


def _stream_options(request: Request) -> tuple[bool, Position | None]:
    """Single events or batches, and where to go on: an automatic reconnect's header before the query."""
    text = request.headers.get("last-event-id") or request.query_params.get("since")
    events = request.query_params.getlist("events")
    for each in events:
        if each != "batch":
            raise Invalid(f"'events' is {each[:40]!r}, but must be 'batch', or left out for single events.")
    return bool(events), Position.parse(text) if text else None


def all_routes(
    services: Services, snapshots: Snapshots, printer: Printer, settings: Settings
) -> list[BaseRoute]:
    """Every route of our own but the streams'."""
    reader = Reader(services.accounts, settings)
    writer = ReservationJson(services.catalogue, services.refunds, services.live)
    tickets = tickets_routes.Handlers(
        services.tickets, services.reservations, services.catalogue, printer, reader
    )
    return [
        *holds_routes.routes(services.holds, reader, settings),
        *reservations_routes.routes(services.reservations, writer, reader, settings),
        *payments_routes.routes(services.payments, services.refunds, writer, reader, settings),
        *tickets_routes.routes(tickets, settings),
        *catalogue_routes.routes(services.catalogue, services.live, snapshots, settings),
        *accounts_routes.routes(services.accounts, reader, settings),
        *operations.routes(services.live, services.figures, settings),
        *documentation.routes(settings),
        *pages.routes(settings),
    ]


def build_app(
    services: Services,
    hub: Hub,
    deadlines: Deadlines,
    snapshots: Snapshots,
    printer: Printer,
    settings: Settings,
    lifespan: Lifespan,
    mounts: Mapping[str, ASGIApp],
) -> ASGIApp:
    """The whole application; ``mounts`` are other applications at paths of their own."""
    routes = [
        *all_routes(services, snapshots, printer, settings),
        *(Mount(path, app) for path, app in mounts.items()),
    ]
    # A bare router: every endpoint answers its own refusals and faults, so no middleware stands before it.
    router = Router(routes, default=nothing_here, lifespan=lifespan, redirect_slashes=False)
    return Streams(deadlines.around(router), services.live, hub, deadlines)
