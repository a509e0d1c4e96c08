"""What stands on a ticket, read back from the printed pages."""

import base64
import re
import xml.etree.ElementTree as ET
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfoNotFoundError

import pytest
import segno
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reportlab.pdfbase import pdfmetrics

from jari.web.site import ticket_documents
from jari.web.site.ticket_documents import TicketPrint, TicketSheet, qr_svg, tickets_pdf

MM = 72 / 25.4
WIDTH, HEIGHT = 105 * MM, 148 * MM
SVG = "{http://www.w3.org/2000/svg}"
TOKEN = "header.claims." + "s" * 220
TICKET = TicketPrint(
    section="1루 레드석",
    block="113",
    row_label="5",
    seat_label="3",
    grade="레드",
    price=30000,
    currency="KRW",
    token=TOKEN,
)
SHEET = TicketSheet(
    title="두산 베어스 vs LG 트윈스",
    venue="잠실야구장",
    starts_ms=1_774_674_000_000,
    holder="김철수",
    order_id="order-1f0c9e2ab7d3",
    tickets=(TICKET,),
)
LONGEST = TicketSheet(
    title="제목 " * 66,
    venue="경기장" * 66,
    starts_ms=1_774_674_000_000,
    holder="이름" * 50,
    order_id="W" * 64,
    tickets=(
        replace(
            TICKET,
            section="W" * 200,
            block="블록" * 100,
            row_label="W" * 50,
            seat_label="W " * 25,
            grade="등급" * 100,
            price=10**9,
            currency="EUR",
            token="t" * 1000,
        ),
    ),
)


@dataclass(frozen=True)
class Line:
    """A line of text on a page: where its baseline begins, how large it is and what it says."""

    x: float
    y: float
    font: str
    size: float
    text: str

    @property
    def width(self):
        return pdfmetrics.stringWidth(self.text, self.font, self.size)

    def overlaps(self, other):
        beside = self.x + self.width <= other.x or other.x + other.width <= self.x
        apart = abs(self.y - other.y) >= (self.size if self.y < other.y else other.size) * 0.95
        return not (beside or apart)


def objects_of(pdf):
    return dict(re.findall(rb"\n(\d+) 0 obj\n(.*?)\nendobj", pdf, re.DOTALL))


def stream_of(stored):
    head, _, body = stored.partition(b"stream\n")
    body = body.rpartition(b"endstream")[0].strip(b"\r\n") if b"ASCII85" in head else body
    octets = base64.a85decode(body.strip().removesuffix(b"~>")) if b"ASCII85" in head else body
    return zlib.decompressobj().decompress(octets)


def fonts_of(objects):
    """For each font resource: its name, and the character of each code (a PDF writes glyphs by number)."""
    fonts = {}
    for stored in objects.values():
        if found := re.search(
            rb"/BaseFont /\w+\+(\w+).*?/Name /(\S+).*?/ToUnicode (\d+) 0 R", stored, re.DOTALL
        ):
            face, name, reference = found.groups()
            pairs = re.findall(rb"<([0-9A-F]{2})> <([0-9A-F]{4})>", stream_of(objects[reference]))
            fonts[name] = (face.decode(), {int(code, 16): chr(int(text, 16)) for code, text in pairs})
    return fonts


def unescaped(octets):
    def of(found):
        code = found[1]
        return (
            bytes([int(code, 8)])
            if code.isdigit()
            else {b"n": b"\n", b"r": b"\r", b"t": b"\t"}.get(code, code)
        )

    return re.sub(rb"\\([0-7]{3}|.)", of, octets, flags=re.DOTALL)


def page_streams(pdf):
    objects = objects_of(pdf)
    kids = re.search(rb"/Kids \[(.*?)\]", pdf)[1]
    pages = [objects[number] for number in re.findall(rb"(\d+) 0 R", kids)]
    return [stream_of(objects[re.search(rb"/Contents (\d+) 0 R", page)[1]]) for page in pages]


def pages_of(pdf):
    """The lines of each page, in the order in which they were drawn."""
    fonts = fonts_of(objects_of(pdf))
    return [[line_of(text, fonts) for text in texts_in(stream)] for stream in page_streams(pdf)]


def texts_in(stream):
    return re.findall(rb"BT 1 0 0 1 (\S+) (\S+) Tm (.*?) T\* ET", stream, re.DOTALL)


def line_of(found, fonts):
    x, y, shown = found
    text = ""
    for name, size, written in re.findall(
        rb"/(\S+) ([\d.]+) Tf (?:[\d.]+ TL )?\(((?:\\.|[^\\)])*)\) Tj", shown, re.DOTALL
    ):
        face, characters = fonts[name]
        text += "".join(characters[code] for code in unescaped(written))
        last = (face, float(size))
    return Line(float(x), float(y), *last, text) if text else Line(float(x), float(y), "NanumSquareR", 1, "")


def said(pdf, page=0):
    return [line.text for line in pages_of(pdf)[page]]


def matrix_in(stream, modules):
    """The dark modules of the code, from the rectangles on a page."""
    rectangles = [tuple(map(float, found)) for found in re.findall(rb"(\S+) (\S+) (\S+) (\S+) re\b", stream)]
    left = min(x for x, _, _, _ in rectangles)
    top = max(y + height for _, y, _, height in rectangles)
    module = rectangles[0][3]
    matrix = [bytearray(modules) for _ in range(modules)]
    for x, y, width, height in rectangles:
        start, length = round((x - left) / module), round(width / module)
        matrix[round((top - y - height) / module)][start : start + length] = b"\1" * length
    return [bytes(row) for row in matrix]


def matrix_of(token):
    return [bytes(row) for row in segno.make_qr(token, error="m").matrix]


def test_a_ticket_says_all_that_is_needed():
    assert said(tickets_pdf(SHEET)) == [
        "두산 베어스 vs LG 트윈스",
        "2026년 3월 28일 (토) 14:00",
        "Sat 28 Mar 2026 14:00 KST",
        "잠실야구장",
        "코드 하나로 한 번만 입장할 수 있습니다. / One entry per code. Do not share it.",
        *("등급 Grade", "레드", "가격 Price", "₩30,000", "예매자 Name", "김철수"),
        *("주문번호 Order", "order-1f0c9e2ab7d3", "매수 Ticket", "1 / 1"),
        *("구역 Section", "1루 레드석", "블록 Block", "113", "열 Row", "5", "좌석 Seat", "3"),
    ]


@pytest.mark.parametrize("count", [1, 2, 4])
def test_each_ticket_has_a_page_of_its_own(count):
    tickets = tuple(
        replace(TICKET, seat_label=f"S{number}", token=f"{TOKEN}{number}") for number in range(count)
    )
    pdf = tickets_pdf(replace(SHEET, tickets=tickets))
    assert pdf.startswith(b"%PDF-")
    assert pdf.count(b"/Type /Page\n") == count
    assert f"/MediaBox [ 0 0 {WIDTH:.4f} {HEIGHT:.4f} ]".encode() in pdf
    for number, (lines, stream) in enumerate(zip(pages_of(pdf), page_streams(pdf), strict=True)):
        texts = [line.text for line in lines]
        assert texts[-1] == f"S{number}"
        assert f"{number + 1} / {count}" in texts
        expected = matrix_of(f"{TOKEN}{number}")
        assert matrix_in(stream, len(expected)) == expected


def test_a_sheet_without_tickets_is_refused():
    with pytest.raises(ValueError, match="at least one ticket"):
        tickets_pdf(replace(SHEET, tickets=()))


def test_the_same_sheet_gives_the_same_octets():
    assert tickets_pdf(SHEET) == tickets_pdf(SHEET)
    assert tickets_pdf(SHEET) != tickets_pdf(replace(SHEET, holder="이영희"))


def test_sheets_may_be_drawn_at_the_same_time():
    sheets = [replace(SHEET, holder=chr(0xAC00 + 97 * number)) for number in range(12)]
    expected = [tickets_pdf(sheet) for sheet in sheets]
    with ThreadPoolExecutor(max_workers=6) as threads:
        assert list(threads.map(tickets_pdf, sheets)) == expected


def test_the_file_says_what_it_is():
    pdf = tickets_pdf(replace(SHEET, title="Opening (day)"))
    assert b"/Title (Opening \\(day\\))" in pdf
    assert b"/Author (jari)" in pdf
    assert b"/Lang (ko-KR)" in pdf
    assert b"Helvetica" not in pdf  # every font that is named is inside the file


@pytest.mark.parametrize(
    ("starts_ms", "time_zone", "korean", "english"),
    [
        (0, "Asia/Seoul", "1970년 1월 1일 (목) 09:00", "Thu 1 Jan 1970 09:00 KST"),
        (1_774_674_000_000, "UTC", "2026년 3월 28일 (토) 05:00", "Sat 28 Mar 2026 05:00 UTC"),
        (1_774_674_000_999, "Europe/Berlin", "2026년 3월 28일 (토) 06:00", "Sat 28 Mar 2026 06:00 CET"),
        (1_783_000_000_000, "Europe/Berlin", "2026년 7월 2일 (목) 15:46", "Thu 2 Jul 2026 15:46 CEST"),
        (1_774_674_000_000, "Asia/Dubai", "2026년 3월 28일 (토) 09:00", "Sat 28 Mar 2026 09:00 UTC+04"),
        (1_767_193_200_000, "Asia/Seoul", "2026년 1월 1일 (목) 00:00", "Thu 1 Jan 2026 00:00 KST"),
    ],
)
def test_the_start_is_told_in_the_time_of_the_place(starts_ms, time_zone, korean, english):
    assert said(tickets_pdf(replace(SHEET, starts_ms=starts_ms), time_zone))[1:3] == [korean, english]


def test_an_unknown_time_zone_is_refused():
    with pytest.raises(ZoneInfoNotFoundError):
        tickets_pdf(SHEET, "Asia/Nowhere")


@pytest.mark.parametrize(
    ("price", "currency", "printed"),
    [
        (0, "KRW", "₩0"),
        (1_000_000_000, "KRW", "₩1,000,000,000"),
        (30000, "JPY", "JPY 30,000"),
        (1250, "EUR", "EUR 12.50"),
        (5, "USD", "USD 0.05"),
        (123456, "USD", "USD 1,234.56"),
        (1005, "KWD", "KWD 1.005"),
        (100, "ABC", "ABC 1.00"),
    ],
)
def test_the_price_is_told_in_the_usual_unit(price, currency, printed):
    tickets = (replace(TICKET, price=price, currency=currency),)
    assert printed in said(tickets_pdf(replace(SHEET, tickets=tickets)))


@pytest.mark.parametrize(
    ("title", "printed"),
    [
        ('<b>x</b> & "y"', '<b>x</b> & "y"'),
        ("&lt;i&gt; <br/> <para>", "&lt;i&gt; <br/> <para>"),
        ("(a) \\b) Tj ET", "(a) \\b) Tj ET"),
        ("%s {0} $x", "%s {0} $x"),
        ("a\r\nb\tc\u2028d", "a b c d"),
        ("  열린   음악회 ", "열린 음악회"),
        ("\u1112\u1161\u11ab\u1100\u1173\u11af", "한글"),
        ("뷁쀍햏", "뷁쀍햏"),
        ("José Łukasz Ångström", "Jose Łukasz Angstrom"),
        ("쇼 \U0001f389!", "쇼 □!"),
        ("A\u0301\u200b\u202eB\x00C", "ABC"),
        ("春の祭典", "春の祭典"),
        ("a\ud800b", "ab"),
        ("\u05d0\u0e01", "□□"),
    ],
    ids=ascii,
)
def test_a_title_is_printed_as_it_is_or_as_near_as_the_fonts_allow(title, printed):
    assert said(tickets_pdf(replace(SHEET, title=title)))[0] == printed


def test_a_title_that_nothing_is_left_of_is_no_error():
    assert "2026년 3월 28일 (토) 14:00" in said(tickets_pdf(replace(SHEET, title="\u200b", holder="")))


def title_lines(title):
    """The lines above the start, which is the first that is not of the title."""
    lines = pages_of(tickets_pdf(replace(SHEET, title=title)))[0]
    return lines[: next(number for number, line in enumerate(lines) if "2026년" in line.text)]


def test_a_title_takes_more_lines_then_shrinks_then_is_cut():
    short, long, longer, longest = (title_lines("긴 제목 " * times) for times in (1, 6, 16, 66))
    assert [(line.size, line.text) for line in short] == [(17, "긴 제목")]
    assert [line.size for line in long] == [17, 17]
    assert len(longer) > len(long)
    assert 11 < longer[0].size < 17
    assert " ".join(line.text for line in longer) == ("긴 제목 " * 16).strip()
    assert {line.size for line in longest} == {11}
    assert longest[-1].text.endswith("…")


def test_a_word_longer_than_a_line_is_broken():
    lines = said(tickets_pdf(replace(SHEET, order_id="W" * 64)))
    start = lines.index("주문번호 Order") + 1
    end = lines.index("매수 Ticket")
    assert end - start > 1
    assert set("".join(lines[start:end])) <= {"W", "…"}


def require_that_nothing_overlaps(pdf):
    margin = 8 * MM
    for lines in pages_of(pdf):
        shown = [line for line in lines if line.text]
        for line in shown:
            assert line.x >= margin - 0.01
            assert line.x + line.width <= WIDTH - margin + 0.01
            assert margin - 2 <= line.y <= HEIGHT - margin - line.size * 0.7
        for number, line in enumerate(shown):
            assert not [other for other in shown[:number] if line.overlaps(other)]
            # The code and the four modules around it are left alone.
            in_the_way = line.x < 61 * MM and line.y < 67 * MM and line.y + line.size * 0.75 > 11 * MM
            assert not in_the_way
            # What stands beside the code does not hang lower than the code.
            assert line.x < 61 * MM or line.y >= 14 * MM


@pytest.mark.parametrize("sheet", [SHEET, LONGEST], ids=["usual", "longest"])
def test_nothing_overlaps(sheet):
    require_that_nothing_overlaps(tickets_pdf(sheet))


words = st.text(max_size=250)


@settings(max_examples=40, deadline=None)
@given(words, words, words, words, words, words)
@example("W" * 200, "W i" * 60, "i" * 200, "가 " * 60, "W" * 50, "1-")
def test_nothing_overlaps_whatever_the_names(title, venue, holder, section, block, grade):
    ticket = replace(TICKET, section=section, block=block, row_label=block, seat_label=title, grade=grade)
    sheet = replace(SHEET, title=title, venue=venue, holder=holder, order_id=venue, tickets=(ticket,))
    require_that_nothing_overlaps(tickets_pdf(sheet))


def test_the_fonts_have_all_of_hangul_and_basic_latin():
    glyphs = ticket_documents._glyphs()
    assert not set(range(0xAC00, 0xD7A4)) - glyphs
    assert not set(range(0x20, 0x7F)) - glyphs
    assert set(map(ord, "₩…□·")) <= glyphs


def test_the_licence_of_the_fonts_is_beside_them():
    folder = Path(ticket_documents.__file__).parent / "fonts"
    fonts = {path.name for path in folder.glob("*.ttf")}
    licence = (folder / "OFL.txt").read_text(encoding="utf-8")
    assert fonts == {"NanumSquareR.ttf", "NanumSquareB.ttf"}
    assert "SIL OPEN FONT LICENSE\n\nVersion 1.1" in licence
    assert all(name in licence for name in fonts)


def test_the_image_is_the_code_of_the_token():
    """Read back from the path: moves and horizontal strokes, one module high."""
    root = ET.fromstring(qr_svg(TOKEN))
    expected = matrix_of(TOKEN)
    size = len(expected) + 8
    assert root.tag == f"{SVG}svg"
    assert root.attrib == {"viewBox": f"0 0 {size} {size}", "shape-rendering": "crispEdges"}
    ground, code = root.findall(f"{SVG}path")
    assert (ground.get("fill"), ground.get("d")) == ("#fff", f"M0 0h{size}v{size}h-{size}z")
    assert code.get("stroke") == "#000"
    matrix = [bytearray(len(expected)) for _ in expected]
    x = y = 0.0
    for command, numbers in re.findall(r"([Mmh])([-\d. ]+)", code.get("d")):
        steps = [float(number) for number in re.findall(r"-?[\d.]+", numbers)]
        if command == "M":
            x, y = steps
        elif command == "m":
            x, y = x + steps[0], y + steps[1]
        else:
            start, length = round(x) - 4, round(steps[0])
            matrix[round(y - 0.5) - 4][start : start + length] = b"\1" * length
            x += length
    assert [bytes(row) for row in matrix] == expected


@pytest.mark.parametrize("token", ["x", "t" * 1000, '"><script>alert(1)</script>'])
def test_the_image_holds_nothing_of_the_text(token):
    image = qr_svg(token)
    assert {each.tag for each in ET.fromstring(image).iter()} == {f"{SVG}svg", f"{SVG}path"}
    assert b"script" not in image


@pytest.mark.parametrize("length", [1, 244, 1000])
def test_a_code_can_be_read_with_a_seventh_of_it_gone(length):
    assert ticket_documents._code("t" * length).error in {"M", "Q", "H"}
