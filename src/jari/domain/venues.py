"""Venues: sections → blocks → rows → seats.

A venue is what a seating plan describes, whatever file it came from. Positions are in the plan's own units,
x to the right and y down, within ``width`` by ``height``.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from jari.domain.errors import BadPlan, NotFound

MAX_SEATS: Final = 200_000
"""Seats in a venue: twice the largest stadium there is."""

MAX_NUMBER: Final = 2**31 - 1
"""Row and column numbers are stored, and sent to clients, as 31-bit integers."""

MAX_PRICE: Final = 1_000_000_000
"""In the minor unit: fits 31 bits, and four such seats still fit a double exactly."""

MAX_POSITION: Final = 1_000_000.0
"""Plan units from the origin, either way; beyond it a seat map has lost its meaning."""

MAX_NAME_CHARS: Final = 200
MAX_LABEL_CHARS: Final = 50
MAX_GRADES: Final = 1_000
MAX_SHAPES: Final = 5_000
MAX_SHAPE_POINTS: Final = 5_000

SHAPE_KINDS: Final = ("polygon", "circle", "text")

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_CURRENCY = re.compile(r"[A-Z]{3}")
# Control characters and lone surrogates: databases refuse them, and nobody can print them.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SHOWN_CHARS = 40


@dataclass(frozen=True, slots=True)
class Grade:
    """A price grade; ``price`` in the currency's minor unit (KRW has none, so won)."""

    code: str
    name: str
    color: str
    price: int


class SeatName(NamedTuple):
    """What makes a seat the one that it is: its guid in the plan, and the place that its ticket names.

    A seat's id stands for its name for ever. If a new plan puts a guid elsewhere, that is another seat: a ticket's
    holder sits where the ticket says.
    """

    guid: str
    block: str
    row: int
    col: int
    row_label: str
    seat_label: str


@dataclass(frozen=True, slots=True)
class Seat:
    """One physical place.

    ``guid`` identifies the seat across re-imports; ``row`` and ``col`` are numbers, unique together within
    the venue; the labels are what is printed on the building and on the ticket.
    """

    guid: str
    row: int
    col: int
    row_label: str
    seat_label: str
    x: float
    y: float
    grade: str
    accessible: bool = False
    companion: bool = False
    restricted_view: bool = False
    aisle: bool = False

    def name_in(self, block: str) -> SeatName:
        """The seat's name, where it stands in this block."""
        return SeatName(self.guid, block, self.row, self.col, self.row_label, self.seat_label)


@dataclass(frozen=True, slots=True)
class Block:
    """The unit a buyer looks at and a stream carries, e.g. 113."""

    name: str
    seats: tuple[Seat, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A priced part of the venue; its grade is the default of its seats."""

    name: str
    grade: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """What is drawn beneath the seats: the field, the stage. ``kind`` is polygon, circle or text."""

    kind: str
    points: tuple[tuple[float, float], ...]
    color: str = "#dddddd"
    radius: float = 0.0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Venue:
    """A building with a seating plan."""

    name: str
    currency: str
    width: float
    height: float
    grades: tuple[Grade, ...]
    sections: tuple[Section, ...]
    shapes: tuple[Shape, ...] = ()

    def blocks(self) -> Iterator[tuple[Section, Block]]:
        """Every block with its section, in plan order."""
        return ((section, block) for section in self.sections for block in section.blocks)

    def seats(self) -> Iterator[Seat]:
        """Every seat, in plan order."""
        return (seat for _, block in self.blocks() for seat in block.seats)

    def seats_by_name(self) -> dict[SeatName, Seat]:
        """Every seat under its name, in plan order."""
        return {seat.name_in(block.name): seat for _, block in self.blocks() for seat in block.seats}


def no_venue(venue_id: int) -> NotFound:
    """The refusal of a venue that does not exist."""
    return NotFound(f"There is no venue {venue_id}: see 'jari venue list'.")


def place(
    section: str | None = None, block: str | None = None, row: str | None = None, seat: str | None = None
) -> str:
    """Where something is, for people: ``section 'A', block '113', row '5', seat '3'``."""
    parts = (("section", section), ("block", block), ("row", row), ("seat", seat))
    return ", ".join(f"{kind} {shown(name)}" for kind, name in parts if name is not None)


def shown(text: str) -> str:
    """``text`` quoted, escaped and cut short, fit for an error's sentence."""
    return repr(text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "…")


def validate(venue: Venue) -> None:
    """Accept a venue that seats can be sold from.

    Raises:
        BadPlan: naming the place (section, block, row, seat) and the reason.
    """
    _check_frame(venue)
    codes = _check_grades(venue.grades)
    _check_sections(venue.sections, codes)
    _check_seats(venue, codes)
    for number, shape in enumerate(venue.shapes, start=1):
        _check_shape(shape, f"shape {number}")


def _refuse(where: str, reason: str) -> BadPlan:
    return BadPlan(f"{where}: {reason}")


def _check_text(text: str, what: str, where: str, max_chars: int = MAX_NAME_CHARS) -> None:
    if not text.strip():
        raise _refuse(where, f"the {what} is empty")
    if len(text) > max_chars:
        raise _refuse(where, f"the {what} is {len(text)} characters long; at most {max_chars} are allowed")
    if _UNPRINTABLE.search(text):
        raise _refuse(where, f"the {what} {shown(text)} contains a control character")


def _check_color(color: str, where: str) -> None:
    if not _COLOR.fullmatch(color):
        raise _refuse(where, f"the colour {shown(color)} is not of the form #rrggbb")


def _check_frame(venue: Venue) -> None:
    """Check the venue's own fields, and that it has all parts and not too many of any."""
    _check_text(venue.name, "name", "venue")
    where = f"venue {shown(venue.name)}"
    if not _CURRENCY.fullmatch(venue.currency):
        raise _refuse(where, f"the currency {shown(venue.currency)} is not three capital letters, e.g. KRW")
    for what, length in (("width", venue.width), ("height", venue.height)):
        # Written so that NaN, which compares false with everything, is refused too.
        if not 0 < length <= MAX_POSITION:
            raise _refuse(where, f"the {what} {length} is not above 0 and at most {MAX_POSITION:.0f}")
    if not venue.grades:
        raise _refuse(where, "there is no grade")
    if not venue.sections:
        raise _refuse(where, "there is no section")
    counts = (
        ("grades", len(venue.grades), MAX_GRADES),
        ("seats", sum(len(block.seats) for _, block in venue.blocks()), MAX_SEATS),
        ("shapes", len(venue.shapes), MAX_SHAPES),
    )
    for what, count, limit in counts:
        if count > limit:
            raise _refuse(where, f"there are {count} {what}; at most {limit} are allowed")


def _check_grades(grades: tuple[Grade, ...]) -> frozenset[str]:
    codes: set[str] = set()
    for grade in grades:
        where = f"grade {shown(grade.code)}"
        _check_text(grade.code, "code", where)
        _check_text(grade.name, "name", where)
        _check_color(grade.color, where)
        if not 0 <= grade.price <= MAX_PRICE:
            raise _refuse(where, f"the price {grade.price} is not between 0 and {MAX_PRICE}")
        if grade.code in codes:
            raise _refuse(where, "there are two grades of this code")
        codes.add(grade.code)
    return frozenset(codes)


def _check_sections(sections: tuple[Section, ...], codes: frozenset[str]) -> None:
    section_of_block: dict[str, str] = {}
    for section in sections:
        where = place(section.name)
        _check_text(section.name, "section's name", where)
        if section.grade not in codes:
            raise _refuse(where, f"there is no grade {shown(section.grade)}")
        if not section.blocks:
            raise _refuse(where, "there is no block in it")
        for block in section.blocks:
            where = place(section.name, block.name)
            _check_text(block.name, "block's name", where)
            if not block.seats:
                raise _refuse(where, "there is no seat in it")
            if block.name in section_of_block:
                other = shown(section_of_block[block.name])
                raise _refuse(where, f"section {other} has a block of this name already")
            section_of_block[block.name] = section.name


def _check_seats(venue: Venue, codes: frozenset[str]) -> None:
    place_of_guid: dict[str, str] = {}
    place_of_number: dict[tuple[int, int], str] = {}
    for section, block in venue.blocks():
        printed: set[tuple[str, str]] = set()
        for seat in block.seats:
            where = place(section.name, block.name, seat.row_label, seat.seat_label)
            _check_seat(seat, where, codes)
            if seat.guid in place_of_guid:
                raise _refuse(where, f"the guid {shown(seat.guid)} is that of {place_of_guid[seat.guid]} too")
            number = (seat.row, seat.col)
            if number in place_of_number:
                there = place_of_number[number]
                raise _refuse(where, f"row number {seat.row}, col {seat.col} is that of {there} too")
            labels = (seat.row_label, seat.seat_label)
            if labels in printed:  # two tickets for one place would be printed
                raise _refuse(where, "there is a seat of this row and label in the block already")
            printed.add(labels)
            place_of_guid[seat.guid] = place_of_number[number] = where


def _check_seat(seat: Seat, where: str, codes: frozenset[str]) -> None:
    _check_text(seat.row_label, "row label", where, MAX_LABEL_CHARS)
    _check_text(seat.seat_label, "seat label", where, MAX_LABEL_CHARS)
    _check_text(seat.guid, "guid", where)
    for what, number in (("row number", seat.row), ("col", seat.col)):
        if not 1 <= number <= MAX_NUMBER:
            raise _refuse(where, f"the {what} {number} is not between 1 and {MAX_NUMBER}")
    _check_position(seat.x, seat.y, where)
    if seat.grade not in codes:
        raise _refuse(where, f"there is no grade {shown(seat.grade)}")


def _check_position(x: float, y: float, where: str) -> None:
    for axis, value in (("x", x), ("y", y)):
        if not math.isfinite(value):
            raise _refuse(where, f"{axis} is {value}, which is no position")
        if abs(value) > MAX_POSITION:
            raise _refuse(where, f"{axis} is {value}, further than {MAX_POSITION:.0f} from the origin")


def _check_shape(shape: Shape, where: str) -> None:
    if shape.kind not in SHAPE_KINDS:
        raise _refuse(where, f"the kind {shown(shape.kind)} is none of {', '.join(SHAPE_KINDS)}")
    _check_color(shape.color, where)
    fewest, most = (3, MAX_SHAPE_POINTS) if shape.kind == "polygon" else (1, 1)
    if not fewest <= len(shape.points) <= most:
        raise _refuse(where, f"a {shape.kind} has {fewest} to {most} points, not {len(shape.points)}")
    for x, y in shape.points:
        _check_position(x, y, where)
    if not 0 <= shape.radius <= MAX_POSITION:
        raise _refuse(where, f"the radius {shape.radius} is not between 0 and {MAX_POSITION:.0f}")
    if shape.kind == "text" or shape.text:
        _check_text(shape.text, "text", where)
