"""Matches, schedules, sections, blocks and seats: what changes seldom, with ETags; and the seats' status."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from jari.domain.errors import Invalid, NotFound
from jari.domain.permissions import Action
from jari.domain.schedules import Filter, Kind, Listing, SaleStatus, Schedule
from jari.domain.times import rfc3339
from jari.domain.venues import Grade, Seat, Shape
from jari.settings import Settings
from jari.usecases.catalogue import Page, Plan
from jari.web.api.calls import Call
from jari.web.api.endpoints import Endpoint, Handler
from jari.web.api.endpoints import Kind as Answering
from jari.web.api.queries import MAX_SHOWN
from jari.web.api.responses import Document
from jari.web.api.shapes import Answer, Count, DayOrTime, Id, Query, SeatStatus, Time
from jari.web.live.snapshots import Snapshot
from jari.web.services import Services

A = TypeVar("A")

MAX_PAGE_SIZE = 200
ONE = "/api/{occasion}/{schedule}"
BLOCK = ONE + "/blocks/{block}/seats"


class ListOptions(Query, frozen=True):
    """Which schedules to list: a status, and from when to when they start."""

    page: Id = 1
    limit: Id | None = None
    status: SaleStatus | None = None
    from_: DayOrTime | None = msgspec.field(name="from", default=None)
    to: DayOrTime | None = None


class ScheduleAnswer(Answer, frozen=True):
    """A schedule, and by which rules it is sold."""

    id: Id
    kind: Kind
    title: str
    venue_id: Id
    venue_name: str
    starts_at: Time
    opens_at: Time
    status: SaleStatus
    seat_count: Count
    max_seats: Id
    hold_seconds: Id


class VenueAnswer(Answer, frozen=True):
    """What a map needs to know of a venue besides its seats."""

    id: Id
    name: str
    currency: str
    width: float
    height: float
    grades: tuple[Grade, ...]
    shapes: tuple[Shape, ...]


class ScheduleWithVenue(ScheduleAnswer, frozen=True):
    """A schedule with its venue."""

    venue: VenueAnswer


class SchedulesPage(Answer, frozen=True):
    """A page of the list, by start."""

    items: list[ScheduleAnswer]
    page: Id
    pages: Id
    total: Count


class BlockOfSection(Answer, frozen=True):
    """A block where its section is known."""

    id: Id
    name: str
    seat_count: Count


class SectionAnswer(Answer, frozen=True):
    """A section with its blocks."""

    name: str
    grade: str
    blocks: list[BlockOfSection]


class Sections(Answer, frozen=True):
    """All sections."""

    sections: list[SectionAnswer]


class BlockAnswer(Answer, frozen=True):
    """A block."""

    id: Id
    name: str
    section: str
    grade: str
    seat_count: Count


class Blocks(Answer, frozen=True):
    """All blocks."""

    blocks: list[BlockAnswer]


class SeatAnswer(Answer, frozen=True):
    """A seat: where it is, what it is called and what it is like."""

    id: Id
    row: Id
    col: Id
    row_label: str
    seat_label: str
    x: float
    y: float
    grade: str
    accessible: bool
    companion: bool
    restricted_view: bool
    aisle: bool


class BlockSeats(Answer, frozen=True):
    """The layout of a block."""

    block_id: Id
    block: str
    section: str
    seats: list[SeatAnswer]


class SeatColumns(Answer, frozen=True):
    """All seats of a venue, a list for each of their fields; what stands at one place belongs to one seat."""

    id: list[Id]
    block_id: list[Id]
    row: list[Id]
    col: list[Id]
    row_label: list[str]
    seat_label: list[str]
    x: list[float]
    y: list[float]
    grade: list[str]


class LayoutAnswer(Answer, frozen=True):
    """The whole layout in columns, a fifth of the size that it has seat by seat; and the ids of special seats."""

    seats: SeatColumns
    accessible: list[Id]
    companion: list[Id]
    restricted_view: list[Id]
    aisle: list[Id]


class StatusById(Answer, frozen=True):
    """A seat's status."""

    id: Id
    status: SeatStatus


class StatusByPlace(Answer, frozen=True):
    """The status of a seat named by its numbers."""

    row: Id
    col: Id
    status: SeatStatus


class BlockStatus(Answer, frozen=True):
    """The status of each seat of a block."""

    version: Count
    seats: list[StatusById]


class TakenSeats(Answer, frozen=True):
    """Every seat that is not AVAILABLE."""

    version: Count
    seats: list[StatusByPlace]


async def matches(services: Services, call: Call[ListOptions, None]) -> Document:
    """List matches by start."""
    return await _list(services, call.query, Kind.MATCH)


async def schedules(services: Services, call: Call[ListOptions, None]) -> Document:
    """List occasions by start."""
    return await _list(services, call.query, None)


async def schedule(services: Services, _: Call[None, None], schedule_id: int) -> Document:
    """One occasion with its venue."""
    wanted = await services.catalogue.schedule(schedule_id)
    plan = await services.catalogue.plan(wanted)
    return Document(_with_venue(_schedule(wanted, services.live.now_ms(), services.settings), _venue(plan)))


async def sections(services: Services, _: Call[None, None], schedule_id: int) -> Document:
    """The sections and their blocks."""
    return await _document(services, schedule_id, "sections", _sections)


async def blocks(services: Services, _: Call[None, None], schedule_id: int) -> Document:
    """The blocks."""
    return await _document(services, schedule_id, "blocks", _blocks)


async def seats(services: Services, _: Call[None, None], schedule_id: int) -> Document:
    """The whole layout in columns."""
    return await _document(services, schedule_id, "seats", _layout)


async def block_seats(services: Services, _: Call[None, None], schedule_id: int, block_id: int) -> Document:
    """The seats of a block."""
    return await _document(
        services, schedule_id, "block", lambda plan: _block_seats(plan, block_id), block_id
    )


async def block_status(services: Services, _: Call[None, None], schedule_id: int, block_id: int) -> Snapshot:
    """The status of each seat of a block."""
    replica = await services.live.open(schedule_id)
    block = replica.seat_map.layout.block_of.get(block_id)
    if block is None:
        raise no_block(block_id)
    return services.snapshots.of(replica).block(block)


async def seat_status(services: Services, _: Call[None, None], schedule_id: int) -> Snapshot:
    """Every seat that is not AVAILABLE."""
    return await services.snapshots.of(await services.live.open(schedule_id)).whole()


def no_block(block_id: int) -> NotFound:
    """The refusal of a block that the schedule does not have."""
    return NotFound(f"There is no block {block_id} in this schedule: look at the list of its blocks.")


async def _list(services: Services, options: ListOptions, kind: Kind | None) -> Document:
    settings = services.settings
    chosen = Filter(
        kind=kind,
        status=options.status,
        from_ms=_moment_ms("from", options.from_),
        to_ms=_moment_ms("to", options.to),
    )
    page = Page(chosen, options.page, min(options.limit or settings.page_size, MAX_PAGE_SIZE))

    def page_of(listing: Listing, now_ms: int) -> SchedulesPage:
        return SchedulesPage(
            items=[_schedule(each, now_ms, settings) for each in listing.items],
            page=page.number,
            pages=max(1, -(-listing.total // page.size)),
            total=listing.total,
        )

    return await services.lists.of(page, page_of)


async def _document(
    services: Services, schedule_id: int, name: str, make: Callable[[Plan], Answer], block_id: int = 0
) -> Document:
    wanted = await services.catalogue.schedule(schedule_id)
    return await services.documents.of(wanted, name, make, block_id)


def _moment_ms(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise Invalid(f"'{name}' is {text[:MAX_SHOWN]!r}, but must be a date or an RFC 3339 time.") from None


def _schedule(schedule: Schedule, now_ms: int, settings: Settings) -> ScheduleAnswer:
    return ScheduleAnswer(
        id=schedule.id,
        kind=schedule.kind,
        title=schedule.title,
        venue_id=schedule.venue_id,
        venue_name=schedule.venue_name,
        starts_at=rfc3339(schedule.starts_ms),
        opens_at=rfc3339(schedule.sale.opens_ms),
        status=schedule.sale.status(now_ms),
        seat_count=schedule.seat_count,
        max_seats=settings.max_seats_per_buyer,
        hold_seconds=settings.hold_seconds,
    )


def _with_venue(schedule: ScheduleAnswer, venue: VenueAnswer) -> ScheduleWithVenue:
    return ScheduleWithVenue(**msgspec.structs.asdict(schedule), venue=venue)


def _venue(plan: Plan) -> VenueAnswer:
    venue = plan.venue
    return VenueAnswer(
        id=plan.venue_id,
        name=venue.name,
        currency=venue.currency,
        width=venue.width,
        height=venue.height,
        grades=venue.grades,
        shapes=venue.shapes,
    )


def _sections(plan: Plan) -> Sections:
    return Sections(
        [
            SectionAnswer(
                section.name,
                section.grade,
                [
                    BlockOfSection(plan.block_ids[block.name], block.name, len(block.seats))
                    for block in section.blocks
                ],
            )
            for section in plan.venue.sections
        ]
    )


def _blocks(plan: Plan) -> Blocks:
    return Blocks(
        [
            BlockAnswer(plan.block_ids[block.name], block.name, section.name, section.grade, len(block.seats))
            for section, block in plan.venue.blocks()
        ]
    )


def _block_seats(plan: Plan, block_id: int) -> BlockSeats:
    section, block = plan.block(block_id)
    return BlockSeats(
        block_id, block.name, section.name, [_seat(plan.seat_ids[seat.guid], seat) for seat in block.seats]
    )


def _seat(seat_id: int, seat: Seat) -> SeatAnswer:
    return SeatAnswer(
        id=seat_id,
        row=seat.row,
        col=seat.col,
        row_label=seat.row_label,
        seat_label=seat.seat_label,
        x=seat.x,
        y=seat.y,
        grade=seat.grade,
        accessible=seat.accessible,
        companion=seat.companion,
        restricted_view=seat.restricted_view,
        aisle=seat.aisle,
    )


def _layout(plan: Plan) -> LayoutAnswer:
    seats = list(plan.venue.seats())
    ids = [plan.seat_ids[seat.guid] for seat in seats]
    blocks_of_seats = [
        plan.block_ids[block.name] for _, block in plan.venue.blocks() for _ in range(len(block.seats))
    ]
    numbered = list(zip(ids, seats, strict=True))
    return LayoutAnswer(
        SeatColumns(
            id=ids,
            block_id=blocks_of_seats,
            row=[seat.row for seat in seats],
            col=[seat.col for seat in seats],
            row_label=[seat.row_label for seat in seats],
            seat_label=[seat.seat_label for seat in seats],
            x=[seat.x for seat in seats],
            y=[seat.y for seat in seats],
            grade=[seat.grade for seat in seats],
        ),
        accessible=[seat_id for seat_id, seat in numbered if seat.accessible],
        companion=[seat_id for seat_id, seat in numbered if seat.companion],
        restricted_view=[seat_id for seat_id, seat in numbered if seat.restricted_view],
        aisle=[seat_id for seat_id, seat in numbered if seat.aisle],
    )


def _row(path: str, handle: Handler[None, None, A], answer: type[A]) -> Endpoint[None, None, A]:
    return Endpoint("GET", path, handle, Action.LOOK, answer=answer, kind=Answering.DOCUMENT)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/matches",
        matches,
        Action.LOOK,
        query=ListOptions,
        answer=SchedulesPage,
        kind=Answering.DOCUMENT,
    ),
    Endpoint(
        "GET",
        "/api/schedules",
        schedules,
        Action.LOOK,
        query=ListOptions,
        answer=SchedulesPage,
        kind=Answering.DOCUMENT,
    ),
    _row(ONE, schedule, ScheduleWithVenue),
    _row(ONE + "/sections", sections, Sections),
    _row(ONE + "/blocks", blocks, Blocks),
    _row(ONE + "/seats", seats, LayoutAnswer),
    _row(BLOCK, block_seats, BlockSeats),
    _row(BLOCK + "/status", block_status, BlockStatus),
    _row(ONE + "/seat-status", seat_status, TakenSeats),
)
