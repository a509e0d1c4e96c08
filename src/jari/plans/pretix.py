"""The pretix seating plan: JSON of zones → rows → seats, whose positions add up.

The format has no blocks, prices or flags. A zone becomes a section with one block. A category becomes a grade that
costs 0 until the organiser prices it. Unknown fields are skipped.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final
from uuid import NAMESPACE_URL, uuid5

import msgspec

from jari.domain.errors import BadPlan
from jari.domain.venues import Block, Grade, Seat, Section, Shape, Venue
from jari.plans import colors, decoding
from jari.plans.grouping import commonest_grade

_ELLIPSE_CORNERS = 36
_DEFAULT_SEAT_RADIUS = 10
# A seat's radius as a share of the distance to the next seat, so that neighbouring discs do not touch.
_SEAT_RADIUS_SHARE = 0.4
_UUIDS: Final = uuid5(NAMESPACE_URL, "jari-plan")


class Position(msgspec.Struct, frozen=True):
    """A position relative to what contains it."""

    x: float = 0.0
    y: float = 0.0

    def plus(self, other: "Position") -> "Position":
        """Both added up."""
        return Position(self.x + other.x, self.y + other.y)


class Size(msgspec.Struct, frozen=True):
    """The size of the whole plan; written as whole numbers."""

    width: float
    height: float


class Category(msgspec.Struct, frozen=True):
    """A price level, by name only."""

    name: str
    color: str | None = None


class PretixSeat(msgspec.Struct, frozen=True, omit_defaults=True):
    """A seat; ``seat_guid`` is unique in the plan."""

    seat_guid: str
    seat_number: str
    position: Position
    category: str
    radius: float | None = None
    uuid: str | None = None


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """``row_number`` is a text and is what is printed; ``row_label`` describes the row in a sentence."""

    row_number: str
    seats: tuple[PretixSeat, ...]
    row_label: str | None = None
    row_number_position: str | None = None
    position: Position = Position()
    uuid: str | None = None


class Polygon(msgspec.Struct, frozen=True):
    """Corners relative to the area's position."""

    points: tuple[Position, ...]


class Rectangle(msgspec.Struct, frozen=True):
    """A rectangle to the right of and below the area's position."""

    width: float
    height: float


class Circle(msgspec.Struct, frozen=True):
    """Round the area's position."""

    radius: float


class Ellipse(msgspec.Struct, frozen=True):
    """Round the area's position."""

    radius: Position


class Text(msgspec.Struct, frozen=True, omit_defaults=True):
    """A caption, relative to the area's position."""

    text: str
    position: Position = Position()
    color: str = ""


class Area(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something drawn: a stage, a bar, a table. ``rotation`` is in degrees, clockwise about ``position``."""

    shape: str = ""
    position: Position = Position()
    color: str = ""
    rotation: float = 0.0
    polygon: Polygon | None = None
    rectangle: Rectangle | None = None
    circle: Circle | None = None
    ellipse: Ellipse | None = None
    text: Text | None = None


class Zone(msgspec.Struct, frozen=True):
    """A part of the venue. Its name may be missing, and need not be unique."""

    rows: tuple[Row, ...]
    position: Position = Position()
    name: str = ""
    zone_id: str = ""
    uuid: str = ""
    areas: tuple[Area, ...] = ()


class Plan(msgspec.Struct, frozen=True):
    """The whole file."""

    name: str
    categories: tuple[Category, ...]
    zones: tuple[Zone, ...]
    size: Size


def read(data: bytes) -> Venue:
    """The venue that a pretix plan describes; not validated yet.

    Raises:
        BadPlan: naming place and reason.
    """
    plan = decoding.json(data, Plan)
    return Venue(
        name=plan.name,
        currency="KRW",
        width=plan.size.width,
        height=plan.size.height,
        grades=tuple(
            Grade(category.name, category.name, _grade_color(category, index), 0)
            for index, category in enumerate(plan.categories)
        ),
        sections=tuple(_sections(plan.zones)),
        shapes=tuple(shape for zone in plan.zones for area in zone.areas for shape in _shapes(zone, area)),
    )


def _grade_color(category: Category, index: int) -> str:
    return colors.normalised(category.color or "", colors.palette(index))


def _sections(zones: Iterable[Zone]) -> Iterator[Section]:
    """One section per zone that has seats. Zones of the same name become ``name (2)``, ``name (3)``."""
    names = _Names()
    first_row = 1
    for index, zone in enumerate(zones, start=1):
        seats = tuple(_seats(zone, first_row))
        first_row += len(zone.rows)
        if seats:
            name = names.unique(zone.name.strip() or zone.zone_id.strip() or f"zone {index}")
            yield Section(name, commonest_grade(seats), (Block(name, seats),))


class _Names:
    """The names given so far, and how often each was asked for."""

    def __init__(self) -> None:
        self._given: set[str] = set()
        self._asked: Counter[str] = Counter()

    def unique(self, name: str) -> str:
        candidate = name
        while candidate in self._given:
            self._asked[name] += 1
            candidate = f"{name} ({self._asked[name] + 1})"
        self._given.add(candidate)
        return candidate


def _seats(zone: Zone, first_row: int) -> Iterator[Seat]:
    for number, row in enumerate(zone.rows, start=first_row):
        origin = zone.position.plus(row.position)
        # Plans of single tables leave the row's number out; something must be printed on the ticket.
        label = row.row_number.strip() or (row.row_label or "").strip() or str(number - first_row + 1)
        for col, seat in enumerate(row.seats, start=1):
            at = origin.plus(seat.position)
            yield Seat(
                guid=seat.seat_guid,
                row=number,
                col=col,
                row_label=label,
                seat_label=seat.seat_number.strip() or str(col),
                x=at.x,
                y=at.y,
                grade=seat.category,
            )


def _shapes(zone: Zone, area: Area) -> Iterator[Shape]:
    """What the area draws, and its caption. A shape of an unknown kind is left out; it bears no seats."""
    at = zone.position.plus(area.position)
    color = colors.normalised(area.color, colors.DEFAULT_SHAPE)
    if area.shape == "circle" and area.circle:
        yield Shape("circle", ((at.x, at.y),), color, radius=area.circle.radius)
    elif corners := _corners(area):
        yield Shape("polygon", tuple(_turned(corner, area.rotation, at) for corner in corners), color)
    if area.text and area.text.text.strip():
        where = _turned(area.text.position, area.rotation, at)
        caption = " ".join(area.text.text.split())
        yield Shape("text", (where,), colors.normalised(area.text.color, "#333333"), text=caption)


def _corners(area: Area) -> tuple[Position, ...]:
    """The corners of a polygon, rectangle or ellipse, relative to the area's position; none for other shapes."""
    if area.shape == "polygon" and area.polygon:
        return area.polygon.points
    if area.shape == "rectangle" and area.rectangle:
        width, height = area.rectangle.width, area.rectangle.height
        return Position(0, 0), Position(width, 0), Position(width, height), Position(0, height)
    if area.shape == "ellipse" and area.ellipse:
        radius = area.ellipse.radius
        angles = (math.tau * step / _ELLIPSE_CORNERS for step in range(_ELLIPSE_CORNERS))
        return tuple(Position(radius.x * math.cos(angle), radius.y * math.sin(angle)) for angle in angles)
    return ()


def _turned(point: Position, degrees: float, center: Position) -> tuple[float, float]:
    """``point`` (relative to ``center``) turned clockwise about it. Exact if ``degrees`` is 0."""
    if not degrees:
        return center.x + point.x, center.y + point.y
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return center.x + point.x * cos - point.y * sin, center.y + point.x * sin + point.y * cos


def write(venue: Venue) -> bytes:
    """The venue as a pretix plan: one zone per block, positions absolute, grades by code.

    Sections, prices and flags are lost: the format has no place for them.
    """
    shapes = tuple(_area(shape) for shape in venue.shapes)
    zones = tuple(
        _zone(block, shapes if index == 0 else ()) for index, (_, block) in enumerate(venue.blocks())
    )
    plan = Plan(
        name=venue.name,
        categories=tuple(Category(grade.code, grade.color) for grade in venue.grades),
        zones=zones,
        size=Size(math.ceil(venue.width), math.ceil(venue.height)),
    )
    return msgspec.json.encode(plan)


def _zone(block: Block, areas: tuple[Area, ...]) -> Zone:
    radius = _seat_radius(block)
    rows = groupby(block.seats, key=lambda seat: (seat.row, seat.row_label))
    return Zone(
        name=block.name,
        zone_id=block.name,
        uuid=_uuid("zone", block.name),
        rows=tuple(_row(label, tuple(seats), radius) for (_, label), seats in rows),
        areas=areas,
    )


def _row(label: str, seats: tuple[Seat, ...], radius: int) -> Row:
    return Row(
        row_number=label,
        row_number_position="both",
        uuid=_uuid("row", seats[0].guid),
        seats=tuple(
            PretixSeat(
                seat_guid=seat.guid,
                seat_number=seat.seat_label,
                position=Position(seat.x, seat.y),
                category=seat.grade,
                radius=radius,
                uuid=_uuid("seat", seat.guid),
            )
            for seat in seats
        ),
    )


def _seat_radius(block: Block) -> int:
    """The radius, a whole number, at which the seats of the block's rows do not touch."""
    pairs = zip(block.seats, block.seats[1:], strict=False)
    gaps = [math.dist((one.x, one.y), (other.x, other.y)) for one, other in pairs if one.row == other.row]
    return max(1, math.floor(min(gaps) * _SEAT_RADIUS_SHARE)) if gaps else _DEFAULT_SEAT_RADIUS


def _area(shape: Shape) -> Area:
    first = Position(*shape.points[0])
    if shape.kind == "circle":
        return Area("circle", first, shape.color, circle=Circle(max(1, round(shape.radius))))
    if shape.kind == "polygon":
        corners = tuple(Position(x, y) for x, y in shape.points)
        return Area("polygon", color=shape.color, polygon=Polygon(corners))
    if shape.kind == "text":
        return Area("text", first, text=Text(shape.text, color=shape.color))
    raise BadPlan(f"shapes: the kind {shape.kind!r} cannot be written as a pretix plan")


def _uuid(kind: str, name: str) -> str:
    """The same id for the same thing each time, so that an unchanged plan is written unchanged."""
    return str(uuid5(_UUIDS, f"{kind}/{name}"))
