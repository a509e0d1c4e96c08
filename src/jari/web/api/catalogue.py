"""Matches, schedules, sections, blocks and seats: what changes seldom, with ETags; and the seats' status."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from weakref import WeakKeyDictionary

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from jari.caches import Cache
from jari.domain.errors import Invalid, NotFound
from jari.domain.schedules import Filter, Kind, Listing, SaleStatus, Schedule
from jari.domain.times import rfc3339
from jari.domain.venues import Seat
from jari.settings import Settings
from jari.usecases.catalogue import Catalogue, Page, Plan
from jari.usecases.live import Live, LiveSchedule
from jari.web.api.requests import path_id, query_int, route
from jari.web.api.responses import Document, cached
from jari.web.live.snapshots import Snapshot, Snapshots

MAX_PAGE_SIZE = 200
SEAT_FLAGS = {
    "accessible": "accessible",
    "companion": "companion",
    "restrictedView": "restricted_view",
    "aisle": "aisle",
}


class Documents:
    """What was asked for of each plan, encoded; it is gone when the plan is."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._of: WeakKeyDictionary[Plan, dict[tuple[str, int], Document]] = WeakKeyDictionary()

    async def of(
        self, schedule: Schedule, name: str, make: Callable[[Plan], Any], block_id: int = 0
    ) -> Document:
        """The document, made if it is not there."""
        plan = await self._catalogue.plan(schedule)
        documents = self._of.setdefault(plan, {})
        document = documents.get((name, block_id))
        if document is None:
            document = documents[name, block_id] = Document(make(plan))
        return document


class Lists:
    """Encoded pages of the list, until it is looked at again or a sale on the page opens."""

    def __init__(self, catalogue: Catalogue, live: Live, settings: Settings) -> None:
        self._catalogue = catalogue
        self._live = live
        self._settings = settings
        self._kept: Cache[Page, tuple[Listing, float, Document]] = Cache(
            settings.schedule_pages_kept, idle_seconds=settings.idle_seconds
        )

    async def of(self, page: Page) -> Document:
        """The page as a document, made if it is not there."""
        listing, now_ms = await self._catalogue.schedules(page), self._live.now_ms()
        kept = self._kept.get(page)
        if kept is not None and kept[0] is listing and now_ms < kept[1]:
            return kept[2]
        document = Document(_listing_json(page, listing, now_ms, self._settings))
        openings = [each.sale.opens_ms for each in listing.items if each.sale.opens_ms > now_ms]
        self._kept.put(page, (listing, min(openings, default=math.inf), document))
        return document


class Handlers:
    """What answers the requests of the catalogue."""

    def __init__(self, catalogue: Catalogue, live: Live, snapshots: Snapshots, settings: Settings) -> None:
        self._catalogue = catalogue
        self._documents = Documents(catalogue)
        self._lists = Lists(catalogue, live, settings)
        self._live = live
        self._snapshots = snapshots
        self._settings = settings

    async def schedules(self, request: Request) -> Response:
        """A page of the list."""
        size = min(query_int(request, "limit", self._settings.page_size), MAX_PAGE_SIZE)
        page = Page(_filter(request), query_int(request, "page", 1), size)
        return (await self._lists.of(page)).response(request)

    async def schedule(self, request: Request) -> Response:
        """One schedule with its venue."""
        schedule = await self._wanted(request)
        plan = await self._catalogue.plan(schedule)
        return Document({**self._schedule_json(schedule), "venue": _venue_json(plan)}).response(request)

    async def sections(self, request: Request) -> Response:
        """The sections and their blocks."""
        return await self._document(request, "sections", _sections_json)

    async def blocks(self, request: Request) -> Response:
        """The blocks."""
        return await self._document(request, "blocks", _blocks_json)

    async def seats(self, request: Request) -> Response:
        """The whole layout."""
        return await self._document(request, "seats", _all_seats_json)

    async def block_seats(self, request: Request) -> Response:
        """The layout of a block."""
        block_id = path_id(request, "block_id", "block")
        return await self._document(
            request, "block", lambda plan: _block_seats_json(plan, block_id), block_id
        )

    async def block_status(self, request: Request) -> Response:
        """The status of each seat of a block."""
        schedule = await self._replica(request)
        block_id = path_id(request, "block_id", "block")
        block = schedule.seat_map.layout.block_of.get(block_id)
        if block is None:
            raise no_block(block_id)
        return _snapshot_response(request, self._snapshots.of(schedule).block(block))

    async def seat_status(self, request: Request) -> Response:
        """Every seat that is not AVAILABLE."""
        schedule = await self._replica(request)
        return _snapshot_response(request, await self._snapshots.of(schedule).whole())

    async def _wanted(self, request: Request) -> Schedule:
        return await self._catalogue.schedule(path_id(request, "schedule_id", "schedule"))

    async def _replica(self, request: Request) -> LiveSchedule:
        schedule_id = path_id(request, "schedule_id", "schedule")
        return await self._live.open(schedule_id)

    async def _document(
        self, request: Request, name: str, make: Callable[[Plan], Any], block_id: int = 0
    ) -> Response:
        document = await self._documents.of(await self._wanted(request), name, make, block_id)
        return document.response(request)

    def _schedule_json(self, schedule: Schedule) -> dict[str, Any]:
        return _schedule_json(schedule, self._live.now_ms(), self._settings)


def routes(catalogue: Catalogue, live: Live, snapshots: Snapshots, settings: Settings) -> list[BaseRoute]:
    """The routes of the catalogue."""
    handlers = Handlers(catalogue, live, snapshots, settings)
    root = "/api/{kind:occasion}"
    schedule = root + "/{schedule_id:id}"
    block = schedule + "/blocks/{block_id:id}/seats"
    return [
        route(block + "/status", settings, GET=handlers.block_status),
        route(schedule + "/seat-status", settings, GET=handlers.seat_status),
        route(root, settings, GET=handlers.schedules),
        route(schedule, settings, GET=handlers.schedule),
        route(schedule + "/sections", settings, GET=handlers.sections),
        route(schedule + "/blocks", settings, GET=handlers.blocks),
        route(schedule + "/seats", settings, GET=handlers.seats),
        route(block, settings, GET=handlers.block_seats),
    ]


def no_block(block_id: int) -> NotFound:
    """The refusal of a block that the schedule does not have."""
    return NotFound(f"There is no block {block_id} in this schedule: look at the list of its blocks.")


def _snapshot_response(request: Request, snapshot: Snapshot) -> Response:
    return cached(request, snapshot.etag, snapshot.plain, lambda: snapshot.packed)


def _kind(request: Request) -> Kind | None:
    return Kind.MATCH if request.path_params["kind"] == "matches" else None


def _filter(request: Request) -> Filter:
    status = request.query_params.get("status")
    if status is not None and status not in SaleStatus.__members__:
        raise Invalid(f"'status' is {status[:40]!r}, but must be one of {', '.join(SaleStatus)}.")
    return Filter(
        kind=_kind(request),
        status=SaleStatus(status) if status else None,
        from_ms=_time(request, "from"),
        to_ms=_time(request, "to"),
    )


def _time(request: Request, name: str) -> int | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise Invalid(f"'{name}' is {text[:40]!r}, but must be a date or an RFC 3339 time.") from None


def _listing_json(page: Page, listing: Listing, now_ms: int, settings: Settings) -> dict[str, Any]:
    return {
        "items": [_schedule_json(each, now_ms, settings) for each in listing.items],
        "page": page.number,
        "pages": max(1, -(-listing.total // page.size)),
        "total": listing.total,
    }


def _schedule_json(schedule: Schedule, now_ms: int, settings: Settings) -> dict[str, Any]:
    return {
        "id": schedule.id,
        "kind": schedule.kind,
        "title": schedule.title,
        "venueId": schedule.venue_id,
        "venueName": schedule.venue_name,
        "startsAt": rfc3339(schedule.starts_ms),
        "opensAt": rfc3339(schedule.sale.opens_ms),
        "status": schedule.sale.status(now_ms),
        "seatCount": schedule.seat_count,
        "maxSeats": settings.max_seats_per_buyer,
        "holdSeconds": settings.hold_seconds,
    }


def _venue_json(plan: Plan) -> dict[str, Any]:
    venue = plan.venue
    return {
        "id": plan.venue_id,
        "name": venue.name,
        "currency": venue.currency,
        "width": venue.width,
        "height": venue.height,
        "grades": venue.grades,
        "shapes": venue.shapes,
    }


def _sections_json(plan: Plan) -> dict[str, Any]:
    return {
        "sections": [
            {
                "name": section.name,
                "grade": section.grade,
                "blocks": [
                    {"id": plan.block_ids[block.name], "name": block.name, "seatCount": len(block.seats)}
                    for block in section.blocks
                ],
            }
            for section in plan.venue.sections
        ]
    }


def _blocks_json(plan: Plan) -> dict[str, Any]:
    return {
        "blocks": [
            {
                "id": plan.block_ids[block.name],
                "name": block.name,
                "section": section.name,
                "grade": section.grade,
                "seatCount": len(block.seats),
            }
            for section, block in plan.venue.blocks()
        ]
    }


def _block_seats_json(plan: Plan, block_id: int) -> dict[str, Any]:
    section, block = plan.block(block_id)
    return {
        "blockId": block_id,
        "block": block.name,
        "section": section.name,
        "seats": [_seat_json(plan.seat_ids[seat.guid], seat) for seat in block.seats],
    }


def _seat_json(seat_id: int, seat: Seat) -> dict[str, Any]:
    flags = {name: getattr(seat, field) for name, field in SEAT_FLAGS.items()}
    return {
        "id": seat_id,
        "row": seat.row,
        "col": seat.col,
        "rowLabel": seat.row_label,
        "seatLabel": seat.seat_label,
        "x": seat.x,
        "y": seat.y,
        "grade": seat.grade,
        **flags,
    }


def _all_seats_json(plan: Plan) -> dict[str, Any]:
    """The whole layout in columns, a fifth of the size that it has seat by seat."""
    seats = list(plan.venue.seats())
    ids = [plan.seat_ids[seat.guid] for seat in seats]
    return {
        "seats": {
            "id": ids,
            "blockId": [
                plan.block_ids[block.name]
                for _, block in plan.venue.blocks()
                for _ in range(len(block.seats))
            ],
            "row": [seat.row for seat in seats],
            "col": [seat.col for seat in seats],
            "rowLabel": [seat.row_label for seat in seats],
            "seatLabel": [seat.seat_label for seat in seats],
            "x": [seat.x for seat in seats],
            "y": [seat.y for seat in seats],
            "grade": [seat.grade for seat in seats],
        },
        **{
            name: [seat_id for seat_id, seat in zip(ids, seats, strict=True) if getattr(seat, field)]
            for name, field in SEAT_FLAGS.items()
        },
    }
