"""A plan as a table: one line per seat, as a spreadsheet writes it.

The first line names the columns: ``section,block,row,seat,x,y,grade`` and, if wanted,
``price,color,accessible,companion,restricted_view,aisle,guid,row_number,col_number``, in any order.
"""

import csv
import io
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from jari.domain.errors import BadPlan
from jari.domain.venues import MAX_SEATS, Block, Grade, Seat, Section, Venue, place, shown
from jari.plans import colors, decoding
from jari.plans.grouping import commonest_grade
from jari.plans.native import default_guid

REQUIRED: Final = ("section", "block", "row", "seat", "x", "y", "grade")
FLAGS: Final = ("accessible", "companion", "restricted_view", "aisle")
OPTIONAL: Final = ("price", "color", *FLAGS, "guid", "row_number", "col_number")

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_INTEGER = re.compile(r"\d{1,10}", re.ASCII)
_YES = frozenset({"1", "true", "yes", "y", "x", "o"})
_NO = frozenset({"", "0", "false", "no", "n"})
# Space around the seats, in plan units: a table does not give the size of the picture.
_MARGIN = 50.0


def read(data: bytes, name: str) -> Venue:
    """The venue called ``name`` that a table describes; not validated yet.

    Raises:
        BadPlan: naming the line and the reason.
    """
    table = _Table()
    for line, cells in _lines(decoding.text(data)):
        try:
            table.add(line, cells)
        except BadPlan as refusal:
            raise BadPlan(f"line {line}: {refusal.detail}") from refusal
    return table.venue(name)


def _lines(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Each line of the table, by column, with its number in the file. Blank lines are skipped."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: tuple[str, ...] = ()
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = _header(cells, reader.line_num)
            elif len(cells) != len(header):
                raise BadPlan(
                    f"line {reader.line_num}: {len(cells)} columns, but the header has {len(header)}"
                )
            else:
                yield reader.line_num, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise BadPlan(f"line {reader.line_num}: not CSV: {error}") from error


def _header(cells: Iterable[str], line: int) -> tuple[str, ...]:
    header = tuple(cell.strip().lower() for cell in cells)
    missing = [column for column in REQUIRED if column not in header]
    unknown = [column for column in header if column not in (*REQUIRED, *OPTIONAL)]
    if missing:
        raise BadPlan(f"line {line}: the header lacks {', '.join(missing)} (columns are parted by commas)")
    if unknown:
        raise BadPlan(f"line {line}: the column {shown(unknown[0])} is not known")
    if len(set(header)) < len(header):
        raise BadPlan(f"line {line}: a column appears twice")
    return header


class _Table:
    """The lines read so far."""

    def __init__(self) -> None:
        self._seats: dict[str, list[Seat]] = {}
        self._section_of_block: dict[str, str] = {}
        self._rows: dict[tuple[str, str], int] = {}
        self._last_row = 0
        self._last_col: dict[int, int] = {}
        self._grades = _Grades()
        self._line_of: dict[object, int] = {}

    def add(self, line: int, cells: Mapping[str, str]) -> None:
        """Take one line. A ``BadPlan`` raised here does not name the line; the caller adds it."""
        section, block, grade = (_text(cells, column) for column in ("section", "block", "grade"))
        if self._section_of_block.setdefault(block, section) != section:
            there = shown(self._section_of_block[block])
            raise BadPlan(f"{place(section, block)}: this block is in section {there} further up")
        self._grades.add(grade, _integer(cells, "price"), cells.get("color", "").strip())
        seat = self._seat(cells, block, grade)
        where = place(section, block, seat.row_label, seat.seat_label)
        self._once(("guid", seat.guid), line, f"{where}: the guid {shown(seat.guid)}")
        self._once((seat.row, seat.col), line, f"{where}: row number {seat.row}, col {seat.col}")
        self._seats.setdefault(block, []).append(seat)
        if len(self._line_of) > 2 * MAX_SEATS:
            raise BadPlan(f"with this seat there are more than {MAX_SEATS}")

    def _once(self, key: object, line: int, what: str) -> None:
        if (there := self._line_of.setdefault(key, line)) != line:
            raise BadPlan(f"{what} is on line {there} already")

    def _seat(self, cells: Mapping[str, str], block: str, grade: str) -> Seat:
        row_label, seat_label = _text(cells, "row"), _text(cells, "seat")
        row = self._row(block, row_label, _integer(cells, "row_number"))
        col = _integer(cells, "col_number")
        if col is None:
            col = self._last_col.get(row, 0) + 1
        self._last_col[row] = max(col, self._last_col.get(row, 0))
        accessible, companion, restricted_view, aisle = (_flag(cells, flag) for flag in FLAGS)
        return Seat(
            guid=cells.get("guid", "").strip() or default_guid(block, row_label, seat_label),
            row=row,
            col=col,
            row_label=row_label,
            seat_label=seat_label,
            x=_number(cells, "x"),
            y=_number(cells, "y"),
            grade=grade,
            accessible=accessible,
            companion=companion,
            restricted_view=restricted_view,
            aisle=aisle,
        )

    def _row(self, block: str, label: str, given: int | None) -> int:
        """The row's number in the venue: the given one, or the one that the row had before, or the next."""
        if given is None:
            given = self._rows.get((block, label), self._last_row + 1)
        self._last_row = max(self._last_row, given)
        self._rows[block, label] = given
        return given

    def venue(self, name: str) -> Venue:
        """The venue of all lines. If seats lie left of or above the origin, all seats move into view."""
        if not self._seats:
            raise BadPlan("the table: there is no seat below the header")
        right, down = self._shift(lambda seat: seat.x), self._shift(lambda seat: seat.y)
        blocks: dict[str, list[Block]] = {}
        for block, seats in self._seats.items():
            moved = (replace(seat, x=seat.x + right, y=seat.y + down) for seat in seats)
            in_view = tuple(moved if right or down else seats)
            blocks.setdefault(self._section_of_block[block], []).append(Block(block, in_view))
        return Venue(
            name=name,
            currency="KRW",
            width=self._furthest(lambda seat: seat.x) + right + _MARGIN,
            height=self._furthest(lambda seat: seat.y) + down + _MARGIN,
            grades=self._grades.grades(),
            sections=tuple(_section(section, tuple(inside)) for section, inside in blocks.items()),
        )

    def _shift(self, along: Callable[[Seat], float]) -> float:
        nearest = min(along(seat) for seats in self._seats.values() for seat in seats)
        return _MARGIN - nearest if nearest < 0 else 0.0

    def _furthest(self, along: Callable[[Seat], float]) -> float:
        return max(along(seat) for seats in self._seats.values() for seat in seats)


def _section(name: str, blocks: tuple[Block, ...]) -> Section:
    return Section(name, commonest_grade(seat for block in blocks for seat in block.seats), blocks)


class _Grades:
    """The grades seen so far. Prices and colours may stand on any line, but must not contradict each other."""

    def __init__(self) -> None:
        self._prices: dict[str, int | None] = {}
        self._colors: dict[str, str] = {}

    def add(self, code: str, price: int | None, color: str) -> None:
        known = self._prices.setdefault(code, price)
        if price is not None and known is not None and price != known:
            raise BadPlan(f"grade {shown(code)} costs {price} here but {known} further up")
        if known is None:
            self._prices[code] = price
        if color and self._colors.setdefault(code, color) != color:
            raise BadPlan(f"grade {shown(code)} is {shown(color)} here but {self._colors[code]} further up")

    def grades(self) -> tuple[Grade, ...]:
        return tuple(
            Grade(code, code, self._colors.get(code) or colors.palette(index), price or 0)
            for index, (code, price) in enumerate(self._prices.items())
        )


def _text(cells: Mapping[str, str], column: str) -> str:
    if text := cells[column].strip():
        return text
    raise BadPlan(f"the column {column} is empty")


def _integer(cells: Mapping[str, str], column: str) -> int | None:
    """A whole number, or ``None`` if the column is missing or empty."""
    text = cells.get(column, "").strip()
    if not text:
        return None
    if not _INTEGER.fullmatch(text):
        raise BadPlan(f"{column} is {shown(text)}, which is not a whole number from 0 up")
    return int(text)


def _number(cells: Mapping[str, str], column: str) -> float:
    text = cells[column].strip()
    if _NUMBER.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    raise BadPlan(f"{column} is {shown(text)}, which is not a finite number")


def _flag(cells: Mapping[str, str], column: str) -> bool:
    text = cells.get(column, "").strip().lower()
    if text not in _YES | _NO:
        raise BadPlan(f"{column} is {shown(text)}; write 1 or leave it empty")
    return text in _YES


def write(venue: Venue) -> bytes:
    """The venue as a table with all columns, marked as UTF-8 for spreadsheets.

    The table has no place for names of grades, the currency, the size and shapes; they are lost.
    """
    grades = {grade.code: grade for grade in venue.grades}
    sheet = io.StringIO(newline="")
    writer = csv.writer(sheet)
    writer.writerow((*REQUIRED, *OPTIONAL))
    for section, block in venue.blocks():
        writer.writerows(_cells(section, block, seat, grades[seat.grade]) for seat in block.seats)
    return sheet.getvalue().encode("utf-8-sig")


def _cells(section: Section, block: Block, seat: Seat, grade: Grade) -> tuple[str | float, ...]:
    """One line, in the order of the columns."""
    labels = (section.name, block.name, seat.row_label, seat.seat_label)
    flags = tuple(int(getattr(seat, flag)) for flag in FLAGS)
    return (
        *labels,
        seat.x,
        seat.y,
        seat.grade,
        grade.price,
        grade.color,
        *flags,
        seat.guid,
        seat.row,
        seat.col,
    )
