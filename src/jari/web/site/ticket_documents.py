"""Tickets to print and to show: the code as SVG, the sheet as PDF.

Everything here takes processor time, so call it outside the event loop (see `jari.web.site.printer`). The only I/O is
reading the fonts once. No text is read as markup. A character that the fonts lack is written without its accents, or
as an empty box.
"""

import io
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import groupby
from pathlib import Path
from threading import Lock
from typing import Final
from zoneinfo import ZoneInfo

import segno
from reportlab.lib.pagesizes import A6
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

_FONTS: Final = Path(__file__).parent / "fonts"
_REGULAR: Final = "NanumSquareR"
_BOLD: Final = "NanumSquareB"

# A scanner reads the symbol even if a seventh of it is unreadable (level M), or more where there is room for a higher
# level. ISO/IEC 18004 asks for a quiet zone of four modules around it.
_ERROR_CORRECTION: Final = "m"
_QUIET_MODULES: Final = 4

_MAX_SHOWN_CHARACTERS: Final = 400  # a title has at most 200; the rest of a longer text would not fit anyway
_BOX: Final = "□"

_WIDTH, _HEIGHT = A6
_MARGIN: Final = 8 * mm
_INNER: Final = _WIDTH - 2 * _MARGIN
_CODE: Final = 50 * mm  # 0.82 mm per module at the usual 61 of them
_CODE_BOTTOM: Final = 14 * mm
_QUIET: Final = 4 * mm  # the empty space around the code: more than the four modules asked for above
_GAP: Final = 3 * mm
_FIELD: Final = 15 * mm
_LEADING: Final = 1.2  # the height of a line, in sizes of its font
_INK: Final = 0.08
_PALE_INK: Final = 0.42
_RULE_INK: Final = 0.8

_WEEKDAYS: Final = ("월", "화", "수", "목", "금", "토", "일")
_ENGLISH_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

# ISO 4217: currencies whose minor unit is not a hundredth. Codes have three letters: ``in`` finds none but whole ones.
_WHOLE_CURRENCIES: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THOUSANDTH_CURRENCIES: Final = "BHD IQD JOD KWD LYD OMR TND"

# The library's fonts share a cursor in their file, so one document is drawn at a time.
_drawing = Lock()


@dataclass(frozen=True, slots=True)
class TicketPrint:
    """One ticket in print; ``price`` in the currency's minor unit, ``token`` as it was signed."""

    section: str
    block: str
    row_label: str
    seat_label: str
    grade: str
    price: int
    currency: str
    token: str


@dataclass(frozen=True, slots=True)
class TicketSheet:
    """All tickets of one reservation; ``starts_ms`` since 1970, UTC."""

    title: str
    venue: str
    starts_ms: int
    holder: str
    order_id: str
    tickets: tuple[TicketPrint, ...]


@dataclass(frozen=True, slots=True)
class _Style:
    """How a text is set, in points. It shrinks from ``size`` down to ``min_size`` until its lines fit into ``height``."""

    font: str
    size: float
    min_size: float
    height: float
    ink: float = _INK


_TITLE = _Style(_BOLD, 17, 11, height=62)
_START = _Style(_BOLD, 10.5, 7, height=13)
_START_ENGLISH = _Style(_REGULAR, 9, 6, height=11, ink=_PALE_INK)
_VENUE = _Style(_REGULAR, 9.5, 7, height=23)
_LABEL = _Style(_REGULAR, 6.5, 6.5, height=8, ink=_PALE_INK)
_SECTION = _Style(_BOLD, 14, 7, height=27)
_PLACE = _Style(_BOLD, 22, 7, height=27)
_DETAIL = _Style(_BOLD, 9, 5.5, height=20)
_ORDER = _Style(_REGULAR, 7.5, 5.5, height=20)
_SMALL = _Style(_REGULAR, 6.5, 6.5, height=8, ink=_PALE_INK)


def qr_svg(token: str) -> bytes:
    """The code of a token as an SVG image: black on white, with its quiet zone, without a fixed size."""
    out = io.BytesIO()
    _code(token).save(
        out,
        kind="svg",
        border=_QUIET_MODULES,
        dark="#000",
        light="#fff",
        omitsize=True,
        svgclass=None,
        lineclass=None,
    )
    # Scanners read a code by its edges. Without this, browsers blur edges that fall between two pixels.
    return out.getvalue().replace(b"<svg ", b'<svg shape-rendering="crispEdges" ', 1)


def tickets_pdf(sheet: TicketSheet, time_zone: str = "Asia/Seoul") -> bytes:
    """The tickets as a PDF with one A6 page each. The same input gives the same octets.

    Raises:
        ValueError: there is no ticket on the sheet.
        ZoneInfoNotFoundError: there is no such time zone here.
    """
    if not sheet.tickets:
        raise ValueError("a sheet has at least one ticket")
    starts = datetime.fromtimestamp(sheet.starts_ms / 1000, UTC).astimezone(ZoneInfo(time_zone))
    out = io.BytesIO()
    with _drawing:
        _load_fonts()
        canvas = Canvas(out, pagesize=A6, invariant=1, lang="ko-KR", initialFontName=_REGULAR)
        canvas.setTitle(_writable(sheet.title))
        canvas.setAuthor("jari")
        canvas.setCreator("jari")
        canvas.setSubject(_writable(f"{_korean_time(starts)} · {sheet.venue}"))
        for number, ticket in enumerate(sheet.tickets, start=1):
            _draw_page(canvas, sheet, ticket, starts, f"{number} / {len(sheet.tickets)}")
            canvas.showPage()
        canvas.save()
    return out.getvalue()


def _draw_page(canvas: Canvas, sheet: TicketSheet, ticket: TicketPrint, starts: datetime, count: str) -> None:
    top = _HEIGHT - _MARGIN
    top = _draw_text(canvas, sheet.title, _TITLE, _MARGIN, top, _INNER) - 1.5 * mm
    top = _draw_text(canvas, _korean_time(starts), _START, _MARGIN, top, _INNER)
    top = _draw_text(canvas, _english_time(starts), _START_ENGLISH, _MARGIN, top, _INNER) - 1 * mm
    _draw_text(canvas, sheet.venue, _VENUE, _MARGIN, top, _INNER)

    # From here on the page is built from its bottom, so that every ticket has the code in the same place.
    small_print = "코드 하나로 한 번만 입장할 수 있습니다. / One entry per code. Do not share it."
    _draw_text(canvas, small_print, _SMALL, _MARGIN, _CODE_BOTTOM - _QUIET, _INNER)
    _draw_code(canvas, ticket.token)
    _draw_details(canvas, sheet, ticket, count)
    _draw_place(canvas, ticket, _CODE_BOTTOM + _CODE + _QUIET)


def _draw_place(canvas: Canvas, ticket: TicketPrint, bottom: float) -> None:
    """Section over block, row and seat, with a line above, between and below."""
    canvas.setStrokeGray(_RULE_INK)
    canvas.setLineWidth(0.7)
    for number in range(3):
        canvas.line(_MARGIN, bottom + number * _FIELD, _WIDTH - _MARGIN, bottom + number * _FIELD)
    _draw_field(canvas, "구역 Section", ticket.section, _SECTION, _MARGIN, bottom + 2 * _FIELD, _INNER)
    column = _INNER / 3
    fields = (("블록 Block", ticket.block), ("열 Row", ticket.row_label), ("좌석 Seat", ticket.seat_label))
    for number, (label, text) in enumerate(fields):
        left = _MARGIN + number * column
        _draw_field(canvas, label, text, _PLACE, left, bottom + _FIELD, column - _GAP)


def _draw_field(
    canvas: Canvas, label: str, text: str, style: _Style, left: float, top: float, width: float
) -> None:
    top = _draw_text(canvas, label, _LABEL, left, top - 1.2 * mm, width)
    _draw_text(canvas, text, style, left, top, width)


def _draw_details(canvas: Canvas, sheet: TicketSheet, ticket: TicketPrint, count: str) -> None:
    """What stands beside the code. All heights and gaps together are at most as high as the code."""
    left = _MARGIN + _CODE + _QUIET
    width = _WIDTH - _MARGIN - left
    fields = (
        ("등급 Grade", ticket.grade, _DETAIL),
        ("가격 Price", _price(ticket.price, ticket.currency), _DETAIL),
        ("예매자 Name", sheet.holder, _DETAIL),
        ("주문번호 Order", sheet.order_id, _ORDER),
        ("매수 Ticket", count, _ORDER),
    )
    top = _CODE_BOTTOM + _CODE
    for label, text, style in fields:
        top = _draw_text(canvas, label, _LABEL, left, top, width)
        top = _draw_text(canvas, text, style, left, top - 1, width) - 1.5 * mm


def _draw_code(canvas: Canvas, token: str) -> None:
    """The code as one path, so that no viewer shows seams between the modules."""
    rows = _code(token).matrix
    module = _CODE / len(rows)
    canvas.setFillGray(0)
    path = canvas.beginPath()
    for number, row in enumerate(rows, start=1):
        lower = _CODE_BOTTOM + _CODE - number * module
        for start, length in _dark_runs(row):
            path.rect(_MARGIN + start * module, lower, length * module, module)
    canvas.drawPath(path, stroke=0, fill=1)


def _dark_runs(row: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Start and length of each run of dark modules."""
    start = 0
    for dark, run in groupby(row):
        length = sum(1 for _ in run)
        if dark:
            yield start, length
        start += length


def _code(token: str) -> segno.QRCode:
    return segno.make_qr(token, error=_ERROR_CORRECTION)


def _draw_text(canvas: Canvas, text: str, style: _Style, left: float, top: float, width: float) -> float:
    """Set a text with its upper edge at ``top``, within ``width``. Returns the lower edge."""
    size, lines = _fitted(_writable(text), style, width)
    canvas.setFillGray(style.ink)
    canvas.setFont(style.font, size)
    for line in lines:
        top -= size * _LEADING
        canvas.drawString(left, top + size * 0.25, line)
    return top


def _fitted(text: str, style: _Style, width: float) -> tuple[float, list[str]]:
    """The largest size at which the text fits into the style's height, and its lines. At the least size it is cut."""
    size = style.size
    while True:
        lines = _wrapped(text, style.font, size, width)
        max_lines = max(1, int(style.height / (size * _LEADING)))
        if len(lines) <= max_lines:
            return size, lines
        if size <= style.min_size:
            break
        size = max(style.min_size, size - 0.5)
    shown = lines[:max_lines]
    while shown[-1] and _width(shown[-1] + "…", style.font, size) > width:
        shown[-1] = shown[-1][:-1]
    shown[-1] += "…"
    return size, shown


def _wrapped(text: str, font: str, size: float, width: float) -> list[str]:
    """The text in lines of whole words. A word that is longer than a line breaks anywhere."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if _width(joined, font, size) <= width:
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        for character in word:
            if lines[-1] and _width(lines[-1] + character, font, size) > width:
                lines.append("")
            lines[-1] += character
    return lines


def _width(text: str, font: str, size: float) -> float:
    return float(pdfmetrics.stringWidth(text, font, size))


def _writable(text: str) -> str:
    """The text in characters that the fonts have, on one line."""
    glyphs = _glyphs()
    # Compose first: a Mac writes Hangul in parts, and the fonts have whole syllables.
    composed = " ".join(unicodedata.normalize("NFC", text[:_MAX_SHOWN_CHARACTERS]).split())
    return "".join(
        character if ord(character) in glyphs else _replacement(character, glyphs) for character in composed
    )


def _replacement(character: str, glyphs: frozenset[int]) -> str:
    plain = "".join(part for part in unicodedata.normalize("NFKD", character) if ord(part) in glyphs)
    if plain:
        return plain
    # Marks, joiners and directions are nothing on their own.
    return "" if unicodedata.category(character)[0] in "MC" else _BOX


@cache
def _glyphs() -> frozenset[int]:
    """The visible characters that both fonts have. The fonts have a glyph for NUL, too, which is left out."""
    _load_fonts()
    faces = (pdfmetrics.getFont(name).face for name in (_REGULAR, _BOLD))
    shared = frozenset.intersection(*(frozenset(face.charToGlyph) for face in faces))
    return frozenset(code for code in shared if chr(code).isprintable())


@cache
def _load_fonts() -> None:
    for name in (_REGULAR, _BOLD):
        pdfmetrics.registerFont(TTFont(name, _FONTS / f"{name}.ttf"))


def _korean_time(time: datetime) -> str:
    return f"{time.year}년 {time.month}월 {time.day}일 ({_WEEKDAYS[time.weekday()]}) {time:%H:%M}"


def _english_time(time: datetime) -> str:
    # Not %a and %b: they speak the language of the machine.
    day = f"{_ENGLISH_WEEKDAYS[time.weekday()]} {time.day} {_MONTHS[time.month - 1]} {time.year}"
    zone = time.tzname() or ""
    return f"{day} {time:%H:%M} {'UTC' if zone[:1] in '+-' else ''}{zone}"


def _price(price: int, currency: str) -> str:
    if currency == "KRW":
        return f"₩{price:,}"
    digits = 0 if currency in _WHOLE_CURRENCIES else 3 if currency in _THOUSANDTH_CURRENCIES else 2
    whole, rest = divmod(price, 10**digits)
    return f"{currency} {whole:,}" + (f".{rest:0{digits}}" if digits else "")
