"""What is written can be read again: exactly in the native format, and as far as they go in the others."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jari.domain.venues import Block, Grade, Seat, Section, Shape, Venue, validate
from jari.plans import SAMPLES, csv_plan, native, pretix, read_plan, sample, write_plan

labels = st.text("가나ABC12 ,;\"'=(){}·é😀", min_size=1, max_size=6).map(str.strip).filter(bool)
positions = st.floats(0, 1e6)
colors = st.integers(0, 0xFFFFFF).map("#{:06x}".format)
points = st.tuples(positions, positions)
shapes = st.one_of(
    st.builds(Shape, st.just("polygon"), st.lists(points, min_size=3, max_size=4).map(tuple), colors),
    st.builds(Shape, st.just("circle"), st.tuples(points), colors, radius=st.floats(0, 1e6)),
    st.builds(Shape, st.just("text"), st.tuples(points), colors, text=labels),
)
slow = settings(max_examples=40, deadline=None)


@st.composite
def venues(draw):
    """A valid venue of a few blocks, with nothing regular about it."""
    codes = draw(st.lists(labels, min_size=1, max_size=3, unique=True))
    names = draw(st.lists(labels, min_size=1, max_size=4, unique=True))
    numbers = st.tuples(st.integers(1, 2**31 - 1), st.integers(1, 2**31 - 1))
    seats = [
        Seat(
            f"{guid}",
            row,
            col,
            *draw(st.tuples(labels, labels, positions, positions, st.sampled_from(codes))),
        )
        for guid, (row, col) in enumerate(
            draw(st.lists(numbers, min_size=len(names), max_size=9, unique=True))
        )
    ]
    printed = set()  # a place is printed once in a block, and no block has all of them
    for index, seat in enumerate(seats):
        block, label = index % len(names), seat.seat_label
        while (block, seat.row_label, label) in printed:
            label = f"{label}{index}"
        printed.add((block, seat.row_label, label))
        seats[index] = replace(seat, seat_label=label)
    flags = ("accessible", "companion", "restricted_view", "aisle")
    seats = [replace(seat, **{flag: draw(st.booleans()) for flag in flags}) for seat in seats]
    blocks = [Block(name, tuple(seats[index :: len(names)])) for index, name in enumerate(names)]
    cut = draw(st.integers(1, len(blocks)))
    parts = [part for part in (blocks[:cut], blocks[cut:]) if part]
    section_names = draw(st.lists(labels, min_size=2, max_size=2, unique=True))
    venue = Venue(
        draw(labels),
        "EUR",
        *draw(st.tuples(st.floats(1, 1e6), st.floats(1, 1e6))),
        tuple(Grade(code, draw(labels), draw(colors), draw(st.integers(0, 10**9))) for code in codes),
        tuple(
            Section(name, draw(st.sampled_from(codes)), tuple(part))
            for name, part in zip(section_names, parts, strict=False)
        ),
        tuple(draw(st.lists(shapes, max_size=3))),
    )
    validate(venue)
    return venue


@slow
@given(venues())
def test_a_native_plan_gives_back_the_very_same_venue(venue):
    assert native.read(native.write(venue)) == venue


@slow
@given(venues())
def test_a_table_gives_back_every_seat_in_its_section_and_block(venue):
    again = csv_plan.read(csv_plan.write(venue), venue.name)
    assert list(again.blocks())
    assert [(section.name, block) for section, block in again.blocks()] == [
        (section.name, block) for section, block in venue.blocks()
    ]
    assert csv_plan.read(csv_plan.write(again), venue.name) == again


@slow
@given(venues())
def test_a_pretix_plan_gives_back_every_seat_in_its_block_without_flags(venue):
    def kept(block):
        return block.name, [(s.guid, s.row_label, s.seat_label, s.x, s.y, s.grade) for s in block.seats]

    again = pretix.read(pretix.write(venue))
    assert [kept(block) for _, block in again.blocks()] == [kept(block) for _, block in venue.blocks()]
    assert [grade.code for grade in again.grades] == [grade.code for grade in venue.grades]
    assert [(shape.kind, shape.points, shape.color) for shape in again.shapes] == [
        (shape.kind, shape.points, shape.color) for shape in venue.shapes
    ]
    assert pretix.read(pretix.write(again)) == again


@pytest.mark.parametrize("kind", ["native", "pretix", "csv"])
@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_keeps_its_seats_in_every_format(name, kind):
    venue = read_plan(sample(name), file=f"{name}.json")
    again = read_plan(write_plan(venue, kind), file="again", name=venue.name)
    assert [(seat.guid, seat.x, seat.y, seat.grade) for seat in again.seats()] == [
        (seat.guid, seat.x, seat.y, seat.grade) for seat in sorted_like(again, venue)
    ]


def sorted_like(again, venue):
    """The venue's seats in the order of the other: a table gathers sections, the others keep the order."""
    by_guid = {seat.guid: seat for seat in venue.seats()}
    assert len(by_guid) == sum(1 for _ in again.seats())
    return [by_guid[seat.guid] for seat in again.seats()]
