"""The seat map: a snapshot, and the commits that carry it forward."""

import pytest

from jari.domain.seating import Allocation, Change, Status
from jari.domain.seatmap import Commit, Gap, Layout, Position, SeatMap, by_block

ANN, BEN = 1, 2
NOW = 1_000_000

LAYOUT = Layout(
    seat_ids=[11, 12, 13, 22, 21, 31],
    rows=[1, 1, 2, 3, 3, 4],
    cols=[1, 2, 1, 1, 2, 1],
    block_ids=[900, 700, 800],
    block_starts=[0, 3, 5, 6],
    revision=4,
)


def held(seat_id, buyer=ANN, ends=NOW):
    return Allocation(seat_id, Status.HOLD, buyer, "h", ends)


def sold(seat_id, buyer=ANN):
    return Allocation(seat_id, Status.OCCUPIED, buyer, "h", None)


def seat_map(*allocations, version=0):
    return SeatMap(LAYOUT, "ab12", version, allocations)


def commit(version, *changes):
    return Commit(version, changes)


def hold(*seat_ids, buyer=ANN, ends=NOW):
    return Change(Status.HOLD, seat_ids, buyer, ends)


def free(*seat_ids):
    return Change(Status.AVAILABLE, seat_ids)


def pay(*seat_ids, buyer=ANN):
    return Change(Status.OCCUPIED, seat_ids, buyer)


def statuses(seats):
    return {seat_id: Status(seats.status[index]).name for seat_id, index in LAYOUT.index_of.items()}


def taken(seats):
    return {seat_id: status for seat_id, status in statuses(seats).items() if status != "AVAILABLE"}


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("ab12-0", Position("ab12", 0)),
        ("ab12-15", Position("ab12", 15)),
        ("a-b-7", Position("a-b", 7)),
        ("--7", Position("-", 7)),
        ("x-9999999999999999999", Position("x", 9_999_999_999_999_999_999)),
    ],
)
def test_a_position_is_written_and_read_back(text, position):
    assert Position.parse(text) == position
    assert str(position) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "ab12",
        "ab12-",
        "-15",
        "ab12-x",
        "ab12-1.5",
        "ab12--",
        "ab12- 1",
        "ab12-1 ",
        "ab12-+1",
        "ab12-٣",
        "ab12-²",
        "ab12-1\n",
        "ab12-10000000000000000000",
        "ab12-" + "9" * 5_000,
        "None",
        "15",
    ],
)
def test_what_is_no_position_is_none(text):
    assert Position.parse(text) is None


def test_a_layout_finds_seats_by_id_by_place_and_by_block():
    assert LAYOUT.index_of == {11: 0, 12: 1, 13: 2, 22: 3, 21: 4, 31: 5}
    assert LAYOUT.seat_at == {(1, 1): 11, (1, 2): 12, (2, 1): 13, (3, 1): 22, (3, 2): 21, (4, 1): 31}
    assert list(LAYOUT.block_at) == [0, 0, 0, 1, 1, 2]
    assert LAYOUT.block_of == {900: 0, 700: 1, 800: 2}
    assert [list(LAYOUT.block_range(block)) for block in range(3)] == [[0, 1, 2], [3, 4], [5]]
    assert list(LAYOUT.whole) == [0, 1, 2, 3, 4, 5]


def test_a_map_is_loaded_from_allocations_at_a_version():
    seats = seat_map(held(12), sold(21, BEN), version=7)
    assert taken(seats) == {12: "HOLD", 21: "OCCUPIED"}
    assert seats.position == Position("ab12", 7)
    assert seats.counts() == (4, 1, 1)
    assert (seats.buyer_ids[1], seats.expires_ms[1]) == (ANN, NOW)
    assert (seats.buyer_ids[4], seats.expires_ms[4]) == (BEN, 0)


def test_commits_are_applied_change_after_change():
    seats = seat_map(held(11), version=7)
    seats.apply(commit(8, free(11), hold(11, 12, buyer=BEN, ends=NOW + 5), pay(12, buyer=BEN), hold(31)))
    assert taken(seats) == {11: "HOLD", 12: "OCCUPIED", 31: "HOLD"}
    assert (seats.buyer_ids[0], seats.expires_ms[0]) == (BEN, NOW + 5)
    assert (seats.buyer_ids[1], seats.expires_ms[1]) == (BEN, 0)
    assert seats.version == 8
    seats.apply(commit(9, free(11, 12)))
    assert taken(seats) == {31: "HOLD"}
    assert (seats.buyer_ids[0], seats.expires_ms[0]) == (0, 0)
    assert seats.counts() == (5, 1, 0)


@pytest.mark.parametrize("version", [0, 6, 7, 9, 10])
def test_a_commit_that_is_not_the_next_one_is_refused_and_changes_nothing(version):
    seats = seat_map(version=7)
    with pytest.raises(Gap, match=f"at version 7, cannot take {version}"):
        seats.apply(commit(version, hold(11)))
    assert (seats.version, taken(seats)) == (7, {})


def test_seats_that_the_plan_has_dropped_are_of_no_interest():
    seats = seat_map(held(99), version=7)
    seats.apply(commit(8, hold(98, 11)))
    assert taken(seats) == {11: "HOLD"}
    assert by_block(commit(8, hold(98), free(99)), LAYOUT) == {}


def test_each_block_knows_when_it_last_changed():
    seats = seat_map(version=7)
    seats.apply(commit(8, hold(11), hold(31)))
    seats.apply(commit(9, free(31)))
    assert list(seats.block_changed_at) == [8, 7, 9]


@pytest.mark.parametrize(
    ("position", "resumes"),
    [
        (Position("ab12", 7), True),
        (Position("ab12", 8), True),
        (Position("ab12", 9), True),
        (Position("ab12", 6), False),
        (Position("ab12", 10), False),
        (Position("cd34", 8), False),
        (Position("", 8), False),
    ],
)
def test_viewers_between_the_floor_and_now_can_be_brought_up_to_date(position, resumes):
    seats = seat_map(version=7)
    seats.apply(commit(8, hold(11)))
    seats.apply(commit(9, hold(12)))
    assert seats.can_resume(position) is resumes


def test_catching_up_tells_each_changed_seat_once_as_it_is_now():
    seats = seat_map(version=7)
    seats.apply(commit(8, hold(11, 12, 31)))
    seats.apply(commit(9, free(11), hold(21)))
    seats.apply(commit(10, hold(11), pay(12)))
    changes = {change.status.name: change.seat_ids for change in seats.catch_up(7, LAYOUT.whole).changes}
    assert changes == {"HOLD": (11, 21, 31), "OCCUPIED": (12,)}
    assert seats.catch_up(8, LAYOUT.whole) == Commit(10, (hold2(11, 21), pay2(12)))
    assert seats.catch_up(9, LAYOUT.whole) == Commit(10, (hold2(11), pay2(12)))
    assert seats.catch_up(10, LAYOUT.whole) == Commit(10, ())


def hold2(*seat_ids):
    """As it is told to viewers: nobody's business whose it is."""
    return Change(Status.HOLD, seat_ids)


def pay2(*seat_ids):
    return Change(Status.OCCUPIED, seat_ids)


def test_catching_up_tells_of_seats_that_are_free_again():
    seats = seat_map(held(11), version=7)
    seats.apply(commit(8, free(11)))
    assert seats.catch_up(7, LAYOUT.whole) == Commit(8, (free(11),))


def test_catching_up_stays_within_a_block():
    seats = seat_map(version=7)
    seats.apply(commit(8, hold(11, 22, 31)))
    assert seats.catch_up(7, LAYOUT.block_range(1)) == Commit(8, (hold2(22),))
    assert seats.catch_up(7, range(0)) == Commit(8, ())


def test_a_loaded_map_remembers_the_last_commits_so_that_earlier_viewers_can_resume():
    seats = seat_map(held(11), version=9)
    assert not seats.can_resume(Position("ab12", 8))
    seats.remember([commit(8, hold(11), hold(99)), commit(9, hold(21), free(21))])
    assert seats.floor == 7
    assert seats.can_resume(Position("ab12", 7))
    assert not seats.can_resume(Position("ab12", 6))
    assert seats.catch_up(7, LAYOUT.whole) == Commit(9, (hold2(11), free(21)))
    assert seats.catch_up(8, LAYOUT.whole) == Commit(9, (free(21),))
    assert taken(seats) == {11: "HOLD"}


def test_remembering_nothing_leaves_the_floor_where_it_is():
    seats = seat_map(version=9)
    seats.remember([])
    assert seats.floor == 9


def test_a_commit_falls_apart_into_what_each_block_sees_in_order():
    whole = commit(8, hold(11, 31, 12, ends=5), free(12), pay(21, 22, buyer=BEN))
    assert by_block(whole, LAYOUT) == {
        0: commit(8, hold(11, 12, ends=5), free(12)),
        1: commit(8, pay(21, 22, buyer=BEN)),
        2: commit(8, hold(31, ends=5)),
    }


@pytest.mark.parametrize(
    ("there", "from_ms", "surely_taken"),
    [
        (held(11, BEN, ends=NOW), NOW - 1, True),
        (held(11, BEN, ends=NOW), NOW, False),
        (held(11, BEN, ends=NOW), NOW + 1, False),
        (held(11, BEN, ends=None), NOW, True),
        (sold(11, BEN), NOW, True),
        (held(11, ANN, ends=NOW + 9), NOW, False),
        (sold(11, ANN), NOW, False),
        (held(12, BEN, ends=NOW + 9), NOW, False),
    ],
    ids=[
        "held beyond the margin",
        "held up to the margin",
        "ended within the margin",
        "a hold that cannot end",
        "sold",
        "the buyer's own hold",
        "the buyer's own seat",
        "another seat",
    ],
)
def test_a_loser_is_refused_at_once_only_where_the_store_surely_would(there, from_ms, surely_taken):
    assert seat_map(there).taken_by_others([11], ANN, from_ms) == ([11] if surely_taken else [])


def test_all_taken_seats_are_named_in_the_order_asked():
    seats = seat_map(held(11, BEN, ends=NOW + 9), sold(31, BEN), held(12, ANN, ends=NOW + 9))
    assert seats.taken_by_others([31, 12, 13, 11], ANN, NOW) == [31, 11]
