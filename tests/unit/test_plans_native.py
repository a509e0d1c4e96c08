"""The native plan: rows listed or generated, and everything that is wrong with a file."""

import json
from dataclasses import replace

import pytest

from jari.domain.errors import BadPlan
from jari.domain.venues import Seat
from jari.plans import native, read_plan

LINE = {"from": [0, 10], "to": [20, 10]}
ARC = {"center": [0, 0], "radius": 10, "from": 0, "to": 90}
SEAT = {"label": "1", "x": 1, "y": 2}
GENERATED = {"label": "A", "count": 3, "line": LINE}
LISTED = {"label": "A", "seats": [SEAT]}


def plan(*rows, **changes):
    whole = {
        "format": "jari-plan",
        "version": 1,
        "name": "극장",
        "currency": "KRW",
        "size": {"width": 100, "height": 50},
        "grades": [{"code": "R", "name": "R석", "color": "#d64545", "price": 1000}],
        "sections": [{"name": "1루", "grade": "R", "blocks": [{"name": "101", "rows": list(rows)}]}],
        "shapes": [],
    }
    return json.dumps(whole | changes).encode()


def seats(*rows):
    return list(read_plan(plan(*rows), file="a.json").seats())


def test_a_listed_seat_takes_what_it_does_not_say_from_its_row_and_section():
    assert seats(LISTED) == [Seat("101-A-1", 1, 1, "A", "1", 1.0, 2.0, "R")]


def test_a_listed_seat_says_everything_itself():
    said = {
        "col": 9,
        "guid": "g",
        "grade": "R",
        "accessible": True,
        "companion": True,
        "restrictedView": True,
        "aisle": True,
    }
    row = {"label": "A", "row": 7, "seats": [SEAT | said]}
    assert seats(row) == [Seat("g", 7, 9, "A", "1", 1.0, 2.0, "R", True, True, True, True)]


def test_a_line_spreads_its_seats_evenly_from_end_to_end():
    assert [(seat.seat_label, seat.x, seat.y) for seat in seats(GENERATED)] == [
        ("1", 0.0, 10.0),
        ("2", 10.0, 10.0),
        ("3", 20.0, 10.0),
    ]


def test_an_arc_turns_clockwise_on_the_screen():
    assert [(seat.x, seat.y) for seat in seats({"label": "A", "count": 3, "arc": ARC})] == [
        (10.0, 0.0),
        (7.07, 7.07),
        (0.0, 10.0),
    ]


def test_a_single_generated_seat_lies_in_the_middle():
    assert [seat.x for seat in seats(GENERATED | {"count": 1})] == [10.0]


def test_flags_of_a_generated_row_are_positions_from_one():
    flags = {"accessible": [1], "companion": [2], "restrictedView": [3], "aisle": [1, 3]}
    made = seats(GENERATED | flags | {"firstLabel": 11})
    assert [seat.seat_label for seat in made] == ["11", "12", "13"]
    assert [seat.accessible for seat in made] == [True, False, False]
    assert [seat.companion for seat in made] == [False, True, False]
    assert [seat.restricted_view for seat in made] == [False, False, True]
    assert [seat.aisle for seat in made] == [True, False, True]


def test_rows_without_a_number_go_on_from_the_highest_before():
    rows = [{"label": label, "seats": [SEAT]} for label in "ABCD"]
    rows[1]["row"] = 10
    rows[2]["row"] = 5
    assert [seat.row for seat in seats(*rows)] == [1, 10, 5, 11]


def test_shapes_are_read_in_file_order():
    shapes = [
        {"kind": "circle", "points": [[1, 2]], "radius": 3, "color": "#ffffff"},
        {"kind": "text", "points": [[1, 2]], "text": "무대"},
    ]
    venue = read_plan(plan(LISTED, shapes=shapes), file="a.json")
    assert [(shape.kind, shape.radius, shape.text, shape.color) for shape in venue.shapes] == [
        ("circle", 3.0, "", "#ffffff"),
        ("text", 0.0, "무대", "#dddddd"),
    ]


def test_a_written_plan_has_one_line_per_row():
    lines = native.write(read_plan(plan(LISTED, GENERATED | {"label": "B"}), file="a.json")).splitlines()
    assert next(line for line in lines if b'"label":"B"' in line).count(b'"x"') == 3


def test_a_shape_of_unknown_kind_is_not_written():
    venue = read_plan(plan(LISTED, shapes=[{"kind": "circle", "points": [[1, 2]]}]), file="a.json")
    with pytest.raises(BadPlan, match="the kind 'blob' cannot be written"):
        native.write(replace(venue, shapes=(replace(venue.shapes[0], kind="blob"),)))


ROW = "sections[0].blocks[0].rows[0]"
ROW_A = "section '1루', block '101', row 'A'"

REFUSED = {
    "another version": (plan(LISTED, version=2), "version", "2 is not known"),
    "another format": (plan(LISTED, format="x"), "format", "Invalid enum value 'x'"),
    "a misspelt field": (plan(LISTED | {"lable": 1}), ROW, "unknown field `lable`"),
    "a text for a number": (
        plan({"label": "A", "seats": [SEAT | {"x": "1"}]}),
        f"{ROW}.seats[0].x",
        "Expected `float`",
    ),
    "null for a number": (
        plan({"label": "A", "seats": [SEAT | {"y": None}]}),
        f"{ROW}.seats[0].y",
        "got `null`",
    ),
    "a missing label": (plan({"count": 1, "line": LINE}), ROW, "missing required field `label`"),
    "a missing name": (
        b'{"format":"jari-plan","version":1}',
        "the whole file",
        "missing required field `name`",
    ),
    "neither seats nor count": (plan({"label": "A"}), ROW_A, "give either seats, or count"),
    "arc and line": (plan(GENERATED | {"arc": ARC}), ROW_A, "one of arc and line"),
    "seats and count": (plan(LISTED | {"count": 1}), ROW_A, "it lists its seats"),
    "seats and flags": (plan(LISTED | {"aisle": [1]}), ROW_A, "it lists its seats"),
    "no count": (plan({"label": "A", "line": LINE}), ROW_A, "count must be 1 or more, not None"),
    "count 0": (plan(GENERATED | {"count": 0}), ROW_A, "count must be 1 or more, not 0"),
    "a flag beyond the row": (plan(GENERATED | {"aisle": [4]}), ROW_A, "a flag is at position 4"),
    "a billion seats": (plan(GENERATED | {"count": 10**9}), ROW_A, "more than 200000 seats"),
    "negative first label": (plan(GENERATED | {"firstLabel": -1}), ROW_A, "firstLabel must be"),
    "a number without end": (plan(GENERATED | {"firstLabel": 10**30}), ROW_A, "firstLabel must be"),
    "two rows of one number": (
        plan(LISTED | {"row": 1}, {"label": "B", "row": 1, "seats": [SEAT]}),
        "section '1루', block '101', row 'B', seat '1'",
        "row number 1, col 1 is that of section '1루'",
    ),
    "1e999": (plan(LISTED).replace(b'"x": 1', b'"x": 1e999'), f"{ROW}.seats[0].x", "out of range"),
    "an arc that overflows": (
        plan({"label": "A", "count": 2, "arc": ARC | {"radius": 1e308, "center": [1e308, 0]}}),
        "section '1루', block '101', row 'A', seat '1'",
        "x is inf",
    ),
}


@pytest.mark.parametrize(("data", "where", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_plan_is_refused_with_file_place_and_reason(data, where, reason):
    with pytest.raises(BadPlan) as refusal:
        read_plan(data, file="hall.json")
    assert refusal.value.detail.startswith(f"hall.json: {where}")
    assert reason in refusal.value.detail


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "nan", "inf"])
def test_a_position_that_is_no_number_is_named_with_its_path_and_line(word):
    data = plan(LISTED).replace(b'"y": 2', b'\n"y": ' + word.encode())
    with pytest.raises(BadPlan) as refusal:
        read_plan(data, file="hall.json")
    assert refusal.value.detail == (
        f"hall.json: {ROW}.seats[0].y (line 2, column 6): "
        f"{word} is not a number that a plan may carry; give a finite one"
    )
