"""The native plan: JSON that a person can write by hand and a program can draw.

A file is ``{"format": "jari-plan", "version": 1, …}`` with ``grades``, ``sections`` → ``blocks`` → ``rows``
and ``shapes``. A row either lists its ``seats`` or has them generated: ``count`` seats along an ``arc`` or a
``line``. Angles are degrees, 0 to the right and, since y points down, 90 downwards.
"""

import math
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final, Literal

import msgspec

from jari.domain.errors import BadPlan
from jari.domain.venues import MAX_NUMBER, MAX_SEATS, Block, Grade, Seat, Section, Shape, Venue, place, shown
from jari.plans import decoding

FORMAT: Final = "jari-plan"
VERSION: Final = 1

Point = tuple[float, float]

_GENERATED_DECIMALS = 2


class Strict(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """What all parts of the file share: names in camelCase, and unknown names are errors."""


class Size(Strict, frozen=True):
    """Plan units."""

    width: float
    height: float


class PlanGrade(Strict, frozen=True):
    """A price grade; ``price`` in the currency's minor unit."""

    code: str
    name: str
    color: str
    price: int


class PlanSeat(Strict, frozen=True):
    """A listed seat. ``col`` defaults to its place in the row, ``grade`` to the row's."""

    label: str
    x: float
    y: float
    col: int | None = None
    guid: str | None = None
    grade: str | None = None
    accessible: bool = False
    companion: bool = False
    restricted_view: bool = False
    aisle: bool = False


class Arc(Strict, frozen=True):
    """An arc from the angle ``start`` to ``end``, in degrees. Both ends have a seat."""

    center: Point
    radius: float
    start: float = msgspec.field(name="from")
    end: float = msgspec.field(name="to")


class Line(Strict, frozen=True):
    """A line from the point ``start`` to ``end``. Both ends have a seat."""

    start: Point = msgspec.field(name="from")
    end: Point = msgspec.field(name="to")


class PlanRow(Strict, frozen=True):
    """Either ``seats``, or ``count`` with an ``arc`` or a ``line``. With ``count``, flags are lists of positions from 1."""

    label: str
    row: int | None = None
    grade: str | None = None
    seats: tuple[PlanSeat, ...] | None = None
    count: int | None = None
    arc: Arc | None = None
    line: Line | None = None
    first_label: int = 1
    accessible: tuple[int, ...] = ()
    companion: tuple[int, ...] = ()
    restricted_view: tuple[int, ...] = ()
    aisle: tuple[int, ...] = ()


class PlanBlock(Strict, frozen=True):
    """A block and its rows, front to back."""

    name: str
    rows: tuple[PlanRow, ...]


class PlanSection(Strict, frozen=True):
    """A section; ``grade`` is that of every seat that names no other."""

    name: str
    grade: str
    blocks: tuple[PlanBlock, ...]


class PlanShape(Strict, frozen=True):
    """A shape beneath the seats. Shapes are drawn in file order."""

    kind: Literal["polygon", "circle", "text"]
    points: tuple[Point, ...]
    color: str = "#dddddd"
    radius: float = 0.0
    text: str = ""


class Plan(Strict, frozen=True, omit_defaults=False):
    """The whole file."""

    format: Literal["jari-plan"]
    version: int
    name: str
    size: Size
    grades: tuple[PlanGrade, ...]
    sections: tuple[PlanSection, ...]
    currency: str = "KRW"
    shapes: tuple[PlanShape, ...] = ()


def read(data: bytes) -> Venue:
    """The venue that a native plan describes; not validated yet.

    Raises:
        BadPlan: naming place and reason.
    """
    plan = decoding.json(data, Plan)
    if plan.version != VERSION:
        raise BadPlan(f"version: {plan.version} is not known; this program reads version {VERSION}")
    return Venue(
        name=plan.name,
        currency=plan.currency,
        width=plan.size.width,
        height=plan.size.height,
        grades=tuple(Grade(grade.code, grade.name, grade.color, grade.price) for grade in plan.grades),
        sections=_Sections().read(plan.sections),
        shapes=tuple(
            Shape(shape.kind, shape.points, shape.color, shape.radius, shape.text) for shape in plan.shapes
        ),
    )


def default_guid(block: str, row_label: str, seat_label: str) -> str:
    """The guid of a seat to which the plan gives none."""
    return f"{block}-{row_label}-{seat_label}"


class _Sections:
    """Sections read in file order. Their numbers run through the whole venue."""

    def __init__(self) -> None:
        self._last_row = 0
        self._seats = 0

    def read(self, sections: Iterable[PlanSection]) -> tuple[Section, ...]:
        return tuple(
            Section(
                section.name, section.grade, tuple(self._block(section, block) for block in section.blocks)
            )
            for section in sections
        )

    def _block(self, section: PlanSection, block: PlanBlock) -> Block:
        return Block(block.name, tuple(seat for row in block.rows for seat in self._row(section, block, row)))

    def _row(self, section: PlanSection, block: PlanBlock, row: PlanRow) -> Iterator[Seat]:
        where = place(section.name, block.name, row.label)
        # A row without a number takes the highest number so far plus one, so it collides with no earlier row.
        number = self._last_row + 1 if row.row is None else row.row
        self._last_row = max(self._last_row, number)
        for col, seat in enumerate(self._seats_of(row, where), start=1):
            yield Seat(
                guid=default_guid(block.name, row.label, seat.label) if seat.guid is None else seat.guid,
                row=number,
                col=col if seat.col is None else seat.col,
                row_label=row.label,
                seat_label=seat.label,
                x=seat.x,
                y=seat.y,
                grade=seat.grade or row.grade or section.grade,
                accessible=seat.accessible,
                companion=seat.companion,
                restricted_view=seat.restricted_view,
                aisle=seat.aisle,
            )

    def _seats_of(self, row: PlanRow, where: str) -> Iterable[PlanSeat]:
        _check_row(row, where)
        self._seats += len(row.seats) if row.seats is not None else row.count or 0
        # Count seats before making them: a file of a hundred bytes may ask for a billion seats.
        if self._seats > MAX_SEATS:
            raise BadPlan(f"{where}: with this row there are more than {MAX_SEATS} seats")
        curve = row.arc or row.line
        return row.seats or () if curve is None else _generated(row, curve)


def _check_row(row: PlanRow, where: str) -> None:
    """Refuse a row that is both listed and generated, or neither, or whose flags point to no seat."""
    flags = (*row.accessible, *row.companion, *row.restricted_view, *row.aisle)
    if row.seats is not None:
        if flags or (row.count, row.arc, row.line) != (None, None, None):
            raise BadPlan(
                f"{where}: it lists its seats, so count, arc, line and flags of the row are too much"
            )
        return
    if (row.arc is None) == (row.line is None):
        raise BadPlan(f"{where}: give either seats, or count with one of arc and line")
    if row.count is None or row.count < 1:
        raise BadPlan(f"{where}: count must be 1 or more, not {row.count}")
    if not 0 <= row.first_label <= MAX_NUMBER:
        raise BadPlan(f"{where}: firstLabel must be between 0 and {MAX_NUMBER}")
    for position in flags:
        if not 1 <= position <= row.count:
            raise BadPlan(
                f"{where}: a flag is at position {position}, but the row has seats 1 to {row.count}"
            )


def _generated(row: PlanRow, curve: Arc | Line) -> Iterator[PlanSeat]:
    flags = [frozenset(at) for at in (row.accessible, row.companion, row.restricted_view, row.aisle)]
    for position, (x, y) in enumerate(_points(curve, row.count or 0), start=1):
        accessible, companion, restricted_view, aisle = (position in at for at in flags)
        yield PlanSeat(
            label=str(row.first_label + position - 1),
            x=round(x, _GENERATED_DECIMALS),
            y=round(y, _GENERATED_DECIMALS),
            accessible=accessible,
            companion=companion,
            restricted_view=restricted_view,
            aisle=aisle,
        )


def _points(curve: Arc | Line, count: int) -> Iterator[Point]:
    """``count`` points from one end to the other. A single point lies in the middle."""
    for index in range(count):
        share = index / (count - 1) if count > 1 else 0.5
        yield _on_arc(curve, share) if isinstance(curve, Arc) else _on_line(curve, share)


def _on_arc(arc: Arc, share: float) -> Point:
    angle = math.radians(arc.start + share * (arc.end - arc.start))
    return arc.center[0] + arc.radius * math.cos(angle), arc.center[1] + arc.radius * math.sin(angle)


def _on_line(line: Line, share: float) -> Point:
    (from_x, from_y), (to_x, to_y) = line.start, line.end
    return from_x + share * (to_x - from_x), from_y + share * (to_y - from_y)


def write(venue: Venue) -> bytes:
    """The venue as a native plan with every seat listed; ``read`` gives back an equal venue."""
    return encode(
        Plan(
            format="jari-plan",
            version=VERSION,
            name=venue.name,
            currency=venue.currency,
            size=Size(width=venue.width, height=venue.height),
            grades=tuple(
                PlanGrade(code=grade.code, name=grade.name, color=grade.color, price=grade.price)
                for grade in venue.grades
            ),
            sections=tuple(_plan_section(section) for section in venue.sections),
            shapes=tuple(_plan_shape(shape) for shape in venue.shapes),
        )
    )


def _plan_section(section: Section) -> PlanSection:
    blocks = (PlanBlock(name=block.name, rows=tuple(_plan_rows(section, block))) for block in section.blocks)
    return PlanSection(name=section.name, grade=section.grade, blocks=tuple(blocks))


def _plan_rows(section: Section, block: Block) -> Iterator[PlanRow]:
    """Rows of neighbouring seats, in plan order. A row that another row interrupts appears twice."""
    for (number, label), seats in groupby(block.seats, key=lambda seat: (seat.row, seat.row_label)):
        yield PlanRow(label=label, row=number, seats=tuple(_plan_seat(section, seat) for seat in seats))


def _plan_seat(section: Section, seat: Seat) -> PlanSeat:
    return PlanSeat(
        label=seat.seat_label,
        x=seat.x,
        y=seat.y,
        col=seat.col,
        guid=seat.guid,
        grade=None if seat.grade == section.grade else seat.grade,
        accessible=seat.accessible,
        companion=seat.companion,
        restricted_view=seat.restricted_view,
        aisle=seat.aisle,
    )


def _plan_shape(shape: Shape) -> PlanShape:
    for kind in ("polygon", "circle", "text"):
        if shape.kind == kind:
            return PlanShape(
                kind=kind, points=shape.points, color=shape.color, radius=shape.radius, text=shape.text
            )
    raise BadPlan(f"shapes: the kind {shown(shape.kind)} cannot be written")


def encode(plan: Plan) -> bytes:
    """A plan as UTF-8 JSON with one grade, row or shape per line, for people and for ``diff``."""
    head = {
        "format": plan.format,
        "version": plan.version,
        "name": plan.name,
        "currency": plan.currency,
        "size": plan.size,
    }
    lines = [f"{_json(key)}: {_json(value)}" for key, value in head.items()]
    lines.append(f'"grades": {_listed(map(_json, plan.grades), 1)}')
    lines.append(f'"sections": {_listed(map(_section_text, plan.sections), 1)}')
    lines.append(f'"shapes": {_listed(map(_json, plan.shapes), 1)}')
    return ("{\n " + ",\n ".join(lines) + "\n}\n").encode()


def _section_text(section: PlanSection) -> str:
    blocks = _listed(map(_block_text, section.blocks), 2)
    return f'{{"name": {_json(section.name)}, "grade": {_json(section.grade)}, "blocks": {blocks}}}'


def _block_text(block: PlanBlock) -> str:
    return f'{{"name": {_json(block.name)}, "rows": {_listed(map(_json, block.rows), 3)}}}'


def _listed(items: Iterable[str], depth: int) -> str:
    indent = " " * depth
    body = ",\n".join(f"{indent} {item}" for item in items)
    return f"[\n{body}\n{indent}]" if body else "[]"


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
