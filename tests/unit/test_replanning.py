"""What a new plan does to the seats of a venue whose seats are on sale."""

from dataclasses import replace

import pytest

from jari.domain.errors import PlanDropsSeats
from jari.domain.replanning import replan
from jari.domain.seating import Allocation, Status
from jari.domain.venues import SeatName
from support.imports import with_seats
from support.worlds import hall

NOW = 1_000_000
ANN = 1


def without(venue, *guids):
    return with_seats(venue, lambda each: None if each.guid in guids else each)


def moved(venue, which, **changes):
    return with_seats(venue, lambda each: replace(each, **changes) if each.guid == which else each)


def numbered(venue):
    return {name: number for number, name in enumerate(venue.seats_by_name(), start=1)}


PLAN = hall(rows=1, cols=3, name="Hall")
SEATS = numbered(PLAN)


def test_the_same_plan_changes_nothing():
    change = replan(SEATS, {}, PLAN)
    assert (change.kept, change.returning, change.added, change.dropped) == (SEATS, {}, {}, {})


def test_what_is_drawn_or_priced_otherwise_is_kept():
    plan = with_seats(PLAN, lambda each: replace(each, x=each.x + 5, aisle=True, accessible=True))
    assert replan(SEATS, {}, plan).kept == SEATS


def test_a_seat_that_is_left_out_is_dropped_and_comes_back_with_its_id():
    gone = replan(SEATS, {}, without(PLAN, "101-1-2"))
    assert list(gone.dropped) == [2]
    assert list(gone.kept.values()) == [1, 3]
    back = replan(gone.kept, {name: seat_id for seat_id, name in gone.dropped.items()}, PLAN)
    assert (list(back.returning.values()), dict(back.added), dict(back.dropped)) == ([2], {}, {})


@pytest.mark.parametrize(
    "place",
    [{"col": 9}, {"row": 9}, {"row_label": "9"}, {"seat_label": "9"}, {"guid": "another"}],
    ids=lambda place: next(iter(place)),
)
def test_a_seat_at_another_place_or_of_another_guid_is_another_seat(place):
    plan = moved(PLAN, "101-1-2", **place)
    change = replan(SEATS, {}, plan)
    assert list(change.dropped) == [2]
    assert [(name.guid, name.col) for name in change.added] == [
        (place.get("guid", "101-1-2"), place.get("col", 2))
    ]


def test_seats_of_a_renamed_block_are_other_seats():
    (section,) = PLAN.sections
    renamed = replace(section, blocks=(replace(section.blocks[0], name="B"),))
    change = replan(SEATS, {}, replace(PLAN, sections=(renamed,)))
    assert (list(change.dropped), dict(change.kept)) == ([1, 2, 3], {})


def test_a_name_has_all_that_a_ticket_prints():
    assert SeatName._fields == ("guid", "block", "row", "col", "row_label", "seat_label")


@pytest.mark.parametrize(
    ("status", "expires_ms"),
    [(Status.HOLD, NOW + 1), (Status.HOLD, None), (Status.OCCUPIED, None)],
    ids=["held", "being paid", "sold"],
)
def test_what_somebody_has_is_not_dropped(status, expires_ms):
    change = replan(SEATS, {}, without(PLAN, "101-1-2", "101-1-3"))
    with pytest.raises(PlanDropsSeats, match=r"drops or moves 1 seats .*\(101-1-3\)") as refused:
        change.require_unowned([Allocation(3, status, ANN, "h", expires_ms)], NOW)
    assert refused.value.seat_ids == (3,)


def test_what_has_ended_or_is_had_in_two_schedules_is_counted_once():
    change = replan(SEATS, {}, without(PLAN, "101-1-2"))
    change.require_unowned([Allocation(2, Status.HOLD, ANN, "h", NOW)], NOW)
    twice = [Allocation(2, Status.OCCUPIED, buyer, "h", None) for buyer in (1, 2)]
    with pytest.raises(PlanDropsSeats) as refused:
        change.require_unowned(twice, NOW)
    assert refused.value.seat_ids == (2,)
