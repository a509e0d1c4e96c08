"""What a venue must be before seats can be sold from it."""

from dataclasses import replace

import pytest

from jari.domain import venues
from jari.domain.errors import BadPlan
from jari.domain.venues import Block, Grade, Seat, Section, Shape, Venue, place, validate


def seat(number, **changes):
    return replace(Seat(f"101-A-{number}", 1, number, "A", str(number), 10.0 * number, 5.0, "R"), **changes)


def block(*seats, name="101"):
    return Block(name, seats or (seat(1), seat(2)))


def venue(*blocks, **changes):
    sections = (Section("1루", "R", blocks or (block(),)),)
    return replace(
        Venue("극장", "KRW", 100.0, 50.0, (Grade("R", "R석", "#d64545", 1000),), sections), **changes
    )


def with_seat(**changes):
    return venue(block(seat(1), seat(2, **changes)))


def with_grade(**changes):
    return venue(grades=(replace(Grade("R", "R석", "#d64545", 1000), **changes),))


def with_shape(**changes):
    return venue(shapes=(replace(Shape("polygon", ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))), **changes),))


SEAT_2 = "section '1루', block '101', row 'A', seat '2'"
NAN = float("nan")
INFINITE = float("inf")

REFUSED = {
    "no grade": (venue(grades=()), "venue '극장'", "there is no grade"),
    "no section": (venue(sections=()), "venue '극장'", "there is no section"),
    "no block": (venue(sections=(Section("1루", "R", ()),)), "section '1루'", "there is no block"),
    "no seat": (venue(Block("101", ())), "section '1루', block '101'", "there is no seat"),
    "the same guid": (with_seat(guid="101-A-1"), SEAT_2, "the guid '101-A-1' is that of section '1루'"),
    "the same printed place": (
        with_seat(seat_label="1"),
        SEAT_2.replace("seat '2'", "seat '1'"),
        "there is a seat of this row and label in the block already",
    ),
    "the same row and col": (with_seat(col=1), SEAT_2, "row number 1, col 1 is that of section '1루'"),
    "the same block name": (
        venue(block(seat(1)), block(seat(2))),
        "section '1루', block '101'",
        "section '1루' has a block of this name already",
    ),
    "the same grade": (venue(grades=(*venue().grades, *venue().grades)), "grade 'R'", "two grades"),
    "a section's unknown grade": (
        venue(sections=(Section("1루", "VIP", (block(),)),)),
        "section '1루'",
        "there is no grade 'VIP'",
    ),
    "a seat's unknown grade": (with_seat(grade="VIP"), SEAT_2, "there is no grade 'VIP'"),
    "x is NaN": (with_seat(x=NAN), SEAT_2, "x is nan"),
    "y is infinite": (with_seat(y=-INFINITE), SEAT_2, "y is -inf"),
    "x is far away": (with_seat(x=1e7), SEAT_2, "further than 1000000"),
    "row 0": (with_seat(row=0), SEAT_2, "the row number 0 is not between 1 and 2147483647"),
    "col of 32 bits": (with_seat(col=2**31), SEAT_2, "the col 2147483648 is not between 1 and 2147483647"),
    "an empty row label": (
        with_seat(row_label=""),
        "section '1루', block '101', row '', seat '2'",
        "the row label is empty",
    ),
    "a blank seat label": (
        with_seat(seat_label="  "),
        "section '1루', block '101', row 'A', seat '  '",
        "the seat label is empty",
    ),
    "a long seat label": (
        with_seat(seat_label="1" * 51),
        "section '1루', block '101', row 'A', seat '111",
        "is 51 characters long; at most 50",
    ),
    "an empty guid": (with_seat(guid=""), SEAT_2, "the guid is empty"),
    "a NUL in a guid": (with_seat(guid="a\0"), SEAT_2, "contains a control character"),
    "a lone surrogate": (with_seat(guid="\ud800"), SEAT_2, "contains a control character"),
    "an empty venue name": (venue(name=""), "venue", "the name is empty"),
    "a long venue name": (venue(name="x" * 201), "venue", "201 characters long; at most 200"),
    "an empty section name": (venue(sections=(Section("", "R", (block(),)),)), "section ''", "is empty"),
    "an empty block name": (venue(block(name=" ")), "section '1루', block ' '", "the block's name is empty"),
    "an empty grade name": (with_grade(name=""), "grade 'R'", "the name is empty"),
    "a negative price": (with_grade(price=-1), "grade 'R'", "the price -1 is not between 0"),
    "too high a price": (with_grade(price=10**9 + 1), "grade 'R'", "the price 1000000001"),
    "a colour by name": (with_grade(color="red"), "grade 'R'", "the colour 'red' is not of the form #rrggbb"),
    "a colour and a newline": (with_grade(color="#d64545\n"), "grade 'R'", "#rrggbb"),
    "a currency sign": (venue(currency="₩"), "venue '극장'", "the currency '₩'"),
    "no width": (venue(width=0.0), "venue '극장'", "the width 0.0 is not above 0"),
    "a height that is NaN": (venue(height=NAN), "venue '극장'", "the height nan"),
    "an unknown shape": (with_shape(kind="blob"), "shape 1", "the kind 'blob'"),
    "a shape's colour": (with_shape(color="#fff"), "shape 1", "the colour '#fff'"),
    "two corners": (with_shape(points=((0.0, 0.0),) * 2), "shape 1", "a polygon has 3 to"),
    "a circle of two points": (
        with_shape(kind="circle", points=((0.0, 0.0),) * 2),
        "shape 1",
        "1 to 1 points",
    ),
    "a corner at NaN": (with_shape(points=((0.0, NAN),) * 3), "shape 1", "y is nan"),
    "a negative radius": (with_shape(radius=-1.0), "shape 1", "the radius -1.0"),
    "a caption without text": (with_shape(kind="text", points=((0.0, 0.0),)), "shape 1", "the text is empty"),
    "too many shapes": (venue(shapes=with_shape().shapes * 5001), "venue '극장'", "there are 5001 shapes"),
}


@pytest.mark.parametrize(("bad", "where", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_venue_that_cannot_be_sold_from_is_refused_with_place_and_reason(bad, where, reason):
    with pytest.raises(BadPlan) as refusal:
        validate(bad)
    assert refusal.value.detail.startswith(where)
    assert reason in refusal.value.detail


def test_a_sound_venue_is_accepted():
    validate(venue())


def test_seats_of_one_row_may_be_in_several_blocks():
    validate(venue(block(seat(1)), block(seat(2), name="102")))


def test_more_seats_than_the_limit_are_refused(monkeypatch):
    monkeypatch.setattr(venues, "MAX_SEATS", 1)
    with pytest.raises(BadPlan, match="there are 2 seats; at most 1 are allowed"):
        validate(venue())


def test_long_names_are_cut_short_in_a_sentence():
    assert place("x" * 500) == f"section '{'x' * 40}…'"


def test_a_place_names_only_what_is_known():
    assert place("1루", "101") == "section '1루', block '101'"
