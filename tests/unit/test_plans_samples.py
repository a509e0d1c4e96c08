"""The plans that are shipped: as many seats as promised, none on top of another, all in the picture."""

import math
import runpy
from collections import Counter, defaultdict
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from jari.plans import SAMPLES, read_plan, sample

PROGRAM = Path(__file__).parents[2] / "scripts" / "sample_plans.py"
CELL = 40.0


@cache
def venue(name):
    return read_plan(sample(name), file=f"{name}.json")


def neighbours(name):
    """Pairs of seats at most about a gangway apart, with their blocks and their distance."""
    cells = defaultdict(list)
    for _, block in venue(name).blocks():
        for seat in block.seats:
            here = (int(seat.x // CELL), int(seat.y // CELL))
            for across in (-1, 0, 1):
                for down in (-1, 0, 1):
                    for other_block, other in cells.get((here[0] + across, here[1] + down), ()):
                        yield block, other_block, math.dist((seat.x, seat.y), (other.x, other.y))
            cells[here].append((block, seat))


@pytest.mark.parametrize(
    ("name", "title", "seats", "blocks"),
    [
        ("ballpark", "잠실 규모 야구장", 23_750, 104),
        ("theatre", "1,200석 극장", 1_200, 6),
        ("stadium", "6만석 종합경기장", 60_000, 96),
    ],
)
def test_a_sample_has_its_name_and_its_exact_number_of_seats_and_blocks(name, title, seats, blocks):
    assert venue(name).name == title
    assert sum(1 for _ in venue(name).seats()) == seats
    assert sum(1 for _ in venue(name).blocks()) == blocks


@pytest.mark.parametrize("name", SAMPLES)
def test_no_two_seats_overlap_and_gangways_part_the_blocks(name):
    """Seats are 10 units wide; between blocks there is room for three more."""
    within, between = [], []
    for block, other, distance in neighbours(name):
        (within if block is other else between).append(distance)
    assert min(within) >= 9.9
    assert min(between, default=CELL) >= 33


@pytest.mark.parametrize("name", SAMPLES)
def test_every_seat_lies_well_inside_the_picture(name):
    width, height = venue(name).width, venue(name).height
    assert all(20 <= seat.x <= width - 20 and 20 <= seat.y <= height - 20 for seat in venue(name).seats())


@pytest.mark.parametrize("name", SAMPLES)
def test_every_shape_lies_inside_the_picture(name):
    width, height = venue(name).width, venue(name).height
    corners = [point for shape in venue(name).shapes for point in shape.points]
    assert corners
    assert all(0 <= x <= width and 0 <= y <= height for x, y in corners)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_ends_of_every_row_are_flagged_as_aisles(name):
    for _, block in venue(name).blocks():
        ends = [(one, other) for one, other in pairwise(block.seats) if one.row != other.row]
        assert block.seats[0].aisle
        assert block.seats[-1].aisle
        assert all(one.aisle and other.aisle for one, other in ends)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_place_for_a_wheelchair_has_one_for_company_beside_it(name):
    places = Counter()
    for _, block in venue(name).blocks():
        companions = {(seat.row, seat.col) for seat in block.seats if seat.companion}
        accessible = {(seat.row, seat.col) for seat in block.seats if seat.accessible}
        assert len(companions) == len(accessible)
        assert all({(row, col - 1), (row, col + 1)} & companions for row, col in accessible)
        places["accessible"] += len(accessible)
    assert places["accessible"] >= 12


def test_the_ballpark_has_the_blocks_of_a_large_korean_ground():
    blocks = {block.name for _, block in venue("ballpark").blocks()}
    ranges = ((101, 122), (201, 226), (301, 334), (401, 422))
    assert blocks == {str(number) for first, last in ranges for number in range(first, last + 1)}


def test_the_ballparks_sections_carry_five_grades():
    sections = {section.name: section.grade for section in venue("ballpark").sections}
    assert sections["1루 레드석"] == "RED"
    assert sections["3루 블루석"] == "BLUE"
    assert {grade.name: grade.price for grade in venue("ballpark").grades} == {
        "블루석": 22_000,
        "레드석": 17_000,
        "오렌지석": 20_000,
        "네이비석": 14_000,
        "그린석(외야)": 9_000,
    }


def test_the_first_base_side_is_to_the_right_of_the_third_base_side():
    middle = venue("ballpark").width / 2
    for section, block in venue("ballpark").blocks():
        right = all(seat.x > middle for seat in block.seats)
        assert right == section.name.startswith("1루")


def test_the_theatre_has_seats_of_four_grades_dearest_in_front():
    seats = Counter(seat.grade for seat in venue("theatre").seats())
    assert set(seats) == {"VIP", "R", "S", "A"}
    assert min(seat.y for seat in venue("theatre").seats() if seat.grade == "VIP") < 300


def test_the_theatre_has_seats_with_a_restricted_view():
    assert any(seat.restricted_view for seat in venue("theatre").seats())


@pytest.mark.parametrize("name", SAMPLES)
def test_the_shipped_plan_is_what_the_program_draws(name):
    program = runpy.run_path(str(PROGRAM))
    assert program["encode"](program[name]()) == sample(name)
