"""A plan as a table."""

import pytest

from jari.domain.errors import BadPlan
from jari.domain.venues import Grade, Seat
from jari.plans import read_plan

HEADER = "section,block,row,seat,x,y,grade"


def table(*lines, header=HEADER):
    return "\r\n".join((header, *lines)).encode()


def read(*lines, header=HEADER, file="hall.csv"):
    return read_plan(table(*lines, header=header), file=file)


def test_a_line_is_a_seat():
    assert list(read("1루,101,A,1,1.5,-0,R").seats()) == [Seat("101-A-1", 1, 1, "A", "1", 1.5, 0.0, "R")]


def test_the_venue_is_called_after_the_file():
    assert read("1루,101,A,1,1,1,R", file="잠실.csv").name == "잠실"


def test_columns_may_come_in_any_order_and_case():
    venue = read("R,1,2,3,A,101,1루", header="Grade,Y,X,Seat,Row,Block,Section")
    assert list(venue.seats()) == [Seat("101-A-3", 1, 1, "A", "3", 2.0, 1.0, "R")]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_byte_order_mark_does_no_harm(mark):
    assert read_plan(mark + table("1루,101,A,1,1,1,R"), file="hall.csv").sections[0].name == "1루"


def test_blocks_and_rows_are_gathered_wherever_their_seats_stand():
    venue = read("s,b,A,1,1,1,R", "t,c,A,1,1,2,R", "s,b,A,2,2,1,R", "s,d,B,1,1,3,R", "", "t,c,B,1,1,4,R")
    assert [(section.name, block.name) for section, block in venue.blocks()] == [
        ("s", "b"),
        ("s", "d"),
        ("t", "c"),
    ]
    assert [(seat.row, seat.col) for seat in venue.seats()] == [(1, 1), (1, 2), (3, 1), (2, 1), (4, 1)]


def test_optional_columns_say_the_rest():
    header = f"{HEADER},price,color,accessible,companion,restricted_view,aisle,guid,row_number,col_number"
    venue = read("s,b,A,1,1,1,R,900,#112233,1,yes,TRUE,x,g,7,9", header=header)
    assert list(venue.seats()) == [Seat("g", 7, 9, "A", "1", 1.0, 1.0, "R", True, True, True, True)]
    assert venue.grades == (Grade("R", "R", "#112233", 900),)


def test_grades_without_price_and_colour_cost_nothing_and_take_the_palette():
    venue = read("s,b,A,1,1,1,R", "s,b,A,2,2,1,S", "s,b,A,3,3,1,S")
    assert venue.grades == (Grade("R", "R", "#d64545", 0), Grade("S", "S", "#e8833a", 0))
    assert venue.sections[0].grade == "S"


def test_a_price_may_stand_on_any_line_of_its_grade():
    venue = read("s,b,A,1,1,1,R,", "s,b,A,2,2,1,R,500", "s,b,A,3,3,1,R,", header=f"{HEADER},price")
    assert venue.grades[0].price == 500


def test_seats_beyond_the_origin_move_into_view_together():
    venue = read("s,b,A,1,-10,1,R", "s,b,A,2,20,5,R")
    assert [(seat.x, seat.y) for seat in venue.seats()] == [(50.0, 1.0), (80.0, 5.0)]
    assert (venue.width, venue.height) == (130.0, 55.0)


SEAT = "1루,101,A,1,1,1,R"
PRICED = f"{HEADER},price,color"

REFUSED = {
    "a missing column": (
        table("1", header="section,block"),
        "line 1",
        "the header lacks row, seat, x, y, grade",
    ),
    "semicolons": (table(header=HEADER.replace(",", ";")), "line 1", "parted by commas"),
    "an unknown column": (table(header=f"{HEADER},colour"), "line 1", "the column 'colour' is not known"),
    "a column twice": (table(header=f"{HEADER},x"), "line 1", "a column appears twice"),
    "no seats": (table(), "the table", "there is no seat"),
    "only blank lines": (b"\n ,\n", "the table", "there is no seat"),
    "a short line": (table(SEAT, "1루,101"), "line 3", "2 columns, but the header has 7"),
    "an open quote": (table(SEAT, '"1루'), "line 3", "not CSV"),
    "an empty label": (table("1루,101,A, ,1,1,R"), "line 2", "the column seat is empty"),
    "NaN": (table("1루,101,A,1,NaN,1,R"), "line 2", "x is 'NaN', which is not a finite number"),
    "infinity": (table("1루,101,A,1,1,1e999,R"), "line 2", "y is '1e999'"),
    "a decimal comma": (table('1루,101,A,1,"1,5",1,R'), "line 2", "x is '1,5'"),
    "contradicting prices": (
        table(f"{SEAT},100,", "1루,101,A,2,2,1,R,200,", header=PRICED),
        "line 3",
        "grade 'R' costs 200 here but 100 further up",
    ),
    "contradicting colours": (
        table(f"{SEAT},,#112233", "1루,101,A,2,2,1,R,,#445566", header=PRICED),
        "line 3",
        "grade 'R' is '#445566' here but #112233 further up",
    ),
    "half a won": (table(f"{SEAT},1.5,", header=PRICED), "line 2", "price is '1.5'"),
    "an unknown flag": (table(f"{SEAT},maybe", header=f"{HEADER},aisle"), "line 2", "aisle is 'maybe'"),
    "a block in two sections": (table(SEAT, "3루,101,A,2,2,1,R"), "line 3", "this block is in section '1루'"),
    "a seat twice": (table(SEAT, "1루,101,B,1,2,2,R", SEAT), "line 4", "'101-A-1' is on line 2 already"),
    "row and col twice": (
        table(f"{SEAT},5,5", "1루,101,B,2,2,1,R,5,5", header=f"{HEADER},row_number,col_number"),
        "line 3",
        "row number 5, col 5 is on line 2 already",
    ),
}


@pytest.mark.parametrize(("data", "where", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_table_is_refused_with_file_line_and_reason(data, where, reason):
    with pytest.raises(BadPlan) as refusal:
        read_plan(data, file="hall.csv")
    assert refusal.value.detail.startswith(f"hall.csv: {where}: ")
    assert reason in refusal.value.detail


def test_more_seats_than_the_limit_are_refused_while_reading(monkeypatch):
    monkeypatch.setattr("jari.plans.csv_plan.MAX_SEATS", 1)
    with pytest.raises(BadPlan, match=r"hall.csv: line 3: with this seat there are more than 1"):
        read(SEAT, "1루,101,A,2,2,1,R", "1루,101,A,3,3,1,R")
