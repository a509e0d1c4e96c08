"""Who gets which seat: every rule of the domain, decided without a clock, a loop or a database."""

import pytest

from jari.domain.box_office import BoxOffice
from jari.domain.commands.holds import Expire, Expired, Hold, Release, Released
from jari.domain.errors import Invalid, NotYourSeats, SaleNotOpen, SeatsTaken, TooManySeats, UnknownSeats
from jari.domain.schedules import Sale
from jari.domain.seating import Allocation, Change, Effect, Held, Seating, Status, check_seat_ids
from support.deciding import outcome_of

NOW = 1_000_000
LATER = NOW + 60_000
OPEN = Sale(enabled=True, opens_ms=0)
ANN, BEN = 1, 2
PLAN = range(1, 1_000)


def held(seat_id, buyer=ANN, *, hold_id="h1", ends=LATER):
    return Allocation(seat_id, Status.HOLD, buyer, hold_id, ends, NOW)


def sold(seat_id, buyer=ANN, *, hold_id="h1"):
    return Allocation(seat_id, Status.OCCUPIED, buyer, hold_id, None)


def hold(buyer, *seat_ids, hold_id="new", hold_ms=300_000, max_seats=4):
    return Hold(buyer, seat_ids, hold_id, hold_ms, max_seats)


def seating(*allocations, sale=OPEN, now=NOW, plan=PLAN):
    return Seating(allocations, sale, now, plan)


def decide(deciding, command):
    """What the command leads to, or why it is refused."""
    return outcome_of(BoxOffice(deciding, ()), command)


def nothing_changed(deciding):
    return deciding.changes == [] and deciding.effects() == []


def test_free_seats_are_held_together_until_the_hold_ends():
    deciding = seating()
    assert decide(deciding, hold(ANN, 1, 2)) == Held("new", (1, 2), NOW + 300_000)
    assert deciding.changes == [Change(Status.HOLD, (1, 2), ANN, NOW + 300_000)]
    assert deciding.effects() == [
        Effect(None, held(1, hold_id="new", ends=NOW + 300_000)),
        Effect(None, held(2, hold_id="new", ends=NOW + 300_000)),
    ]


@pytest.mark.parametrize(
    ("there", "asked", "taken"),
    [
        ([held(2, BEN)], (1, 2, 3), (2,)),
        ([sold(2, BEN)], (1, 2, 3), (2,)),
        ([held(1, BEN), sold(3, BEN)], (1, 2, 3), (1, 3)),
        ([held(1, BEN, ends=None)], (1,), (1,)),
        ([sold(1, ANN)], (1,), (1,)),
        ([held(1, ANN)], (1, 2), (1,)),
        ([held(1, ANN, hold_id="h1"), held(2, ANN, hold_id="h2")], (1, 2), (1, 2)),
        ([held(1, ANN, ends=None)], (1,), (1,)),
        ([held(1, ANN), sold(2, ANN)], (2, 1), (2, 1)),
        ([held(1, ANN), sold(2, ANN)], (1, 2), (1, 2)),
    ],
    ids=[
        "one is held by another",
        "one is sold",
        "one is held and one sold",
        "a hold that cannot end",
        "the buyer's own sold seat",
        "an own seat with one more",
        "two own holds at once",
        "an own hold that cannot end",
        "an own hold of which a part is paid",
        "the same in another order",
    ],
)
def test_one_taken_seat_refuses_all_and_the_refusal_names_it(there, asked, taken):
    deciding = seating(*there)
    refusal = decide(deciding, hold(ANN, *asked))
    assert isinstance(refusal, SeatsTaken)
    assert refusal.seat_ids == taken
    assert nothing_changed(deciding)


@pytest.mark.parametrize(
    ("there", "asked", "max_seats"),
    [
        ([], (1, 2, 3), 2),
        ([held(8), held(9)], (1, 2, 3), 4),
        ([sold(8), sold(9)], (1, 2, 3), 4),
        ([held(7), sold(8), sold(9, hold_id="h2")], (1, 2), 4),
        ([held(9, ends=None)], (1,), 1),
    ],
    ids=["in one request", "with held ones", "with bought ones", "with both", "with a hold that cannot end"],
)
def test_a_buyer_gets_no_more_seats_than_the_limit(there, asked, max_seats):
    deciding = seating(*there)
    refusal = decide(deciding, hold(ANN, *asked, max_seats=max_seats))
    assert isinstance(refusal, TooManySeats)
    assert refusal.seat_ids == asked
    assert nothing_changed(deciding)


@pytest.mark.parametrize(
    "there",
    [
        [],
        [held(7), sold(8)],
        [held(7, BEN), sold(8, BEN), held(9, BEN)],
        [held(7, ends=NOW), held(8, ends=NOW - 1), sold(9)],
    ],
    ids=["nothing yet", "two already", "others' seats do not count", "ended holds do not count"],
)
def test_a_buyer_gets_seats_up_to_the_limit(there):
    assert isinstance(decide(seating(*there), hold(ANN, 1, 2)), Held)


def test_the_limit_counts_what_the_same_batch_gave_and_took():
    deciding = seating()
    assert isinstance(decide(deciding, hold(ANN, 1, 2, 3, hold_id="a")), Held)
    assert isinstance(decide(deciding, hold(ANN, 4, 5, hold_id="b")), TooManySeats)
    assert isinstance(decide(deciding, Release(ANN, (3,))), Released)
    assert isinstance(decide(deciding, hold(ANN, 4, 5, hold_id="c")), Held)


@pytest.mark.parametrize(("ends", "free"), [(NOW - 1, True), (NOW, True), (NOW + 1, False), (None, False)])
def test_a_hold_is_free_from_the_very_millisecond_of_its_end(ends, free):
    there = held(1, BEN, ends=ends)
    assert there.is_free(NOW) is free
    outcome = decide(seating(there), hold(ANN, 1))
    assert isinstance(outcome, Held if free else SeatsTaken)


def test_a_sold_seat_is_never_free():
    assert not Allocation(1, Status.OCCUPIED, ANN, "h1", NOW - 1).is_free(NOW)


def test_taking_an_ended_hold_replaces_its_allocation_in_one_write():
    ended = held(1, BEN, ends=NOW)
    deciding = seating(ended)
    decide(deciding, hold(ANN, 1, hold_ms=10))
    assert deciding.effects() == [Effect(ended, held(1, ANN, hold_id="new", ends=NOW + 10))]
    assert deciding.changes == [Change(Status.HOLD, (1,), ANN, NOW + 10)]


@pytest.mark.parametrize("asked", [(1, 2), (2, 1), (1,), (2,)])
def test_asking_again_for_an_own_hold_gives_it_again_with_its_first_end(asked):
    deciding = seating(held(1), held(2))
    assert decide(deciding, hold(ANN, *asked)) == Held("h1", asked, LATER)
    assert nothing_changed(deciding)


def test_an_own_hold_can_be_asked_for_again_at_the_limit():
    deciding = seating(held(1), held(2))
    assert isinstance(decide(deciding, hold(ANN, 1, 2, max_seats=2)), Held)


def test_an_own_hold_that_has_ended_is_taken_anew():
    deciding = seating(held(1, ends=NOW))
    assert decide(deciding, hold(ANN, 1, hold_ms=5)) == Held("new", (1,), NOW + 5)


def test_anothers_hold_is_not_given_again_even_under_the_same_name():
    assert isinstance(decide(seating(held(1, BEN)), hold(ANN, 1, hold_id="h1")), SeatsTaken)


@pytest.mark.parametrize(
    ("sale", "wait_seconds"),
    [
        (Sale(enabled=False, opens_ms=0), 0),
        (Sale(enabled=True, opens_ms=NOW + 1), 1),
        (Sale(enabled=True, opens_ms=NOW + 2_001), 3),
    ],
    ids=["closed", "a millisecond too early", "seconds too early"],
)
def test_nothing_is_held_while_the_sale_is_not_open(sale, wait_seconds):
    deciding = seating(sale=sale)
    refusal = decide(deciding, hold(ANN, 1))
    assert isinstance(refusal, SaleNotOpen)
    assert refusal.retry_after_seconds == wait_seconds
    assert nothing_changed(deciding)


CLOSED = Sale(enabled=False, opens_ms=0)


def test_what_is_held_can_be_released_and_sold_after_the_sale_has_closed():
    deciding = seating(held(1), held(2, hold_id="h2"), sale=CLOSED)
    assert decide(deciding, Release(ANN, (1,))) == Released((1,))
    deciding.occupy(ANN, "h2", (2,))
    assert [change.status for change in deciding.changes] == [Status.AVAILABLE, Status.OCCUPIED]


def test_holds_end_after_the_sale_has_closed():
    assert decide(seating(held(1, ends=NOW), sale=CLOSED), Expire((1,))) == Expired((1,))


@pytest.mark.parametrize(
    ("seat_ids", "error"),
    [((), Invalid), ((1, 1), Invalid), ((1, 2, 1), Invalid), ((1, 2, 3, 4, 5), TooManySeats)],
    ids=["none", "one twice", "one twice among others", "too many"],
)
def test_a_choice_of_seats_that_makes_no_sense_is_refused(seat_ids, error):
    with pytest.raises(error) as caught:
        check_seat_ids(seat_ids, 4)
    assert type(caught.value) is error
    deciding = seating()
    assert isinstance(decide(deciding, hold(ANN, *seat_ids)), error)
    assert nothing_changed(deciding)


@pytest.mark.parametrize("seat_ids", [(1,), (4, 3, 2, 1)])
def test_a_choice_within_the_limit_is_accepted(seat_ids):
    assert check_seat_ids(seat_ids, 4) is None


@pytest.mark.parametrize(
    ("there", "asked", "not_mine"),
    [
        ([], (1,), (1,)),
        ([held(1, BEN)], (1,), (1,)),
        ([held(1), held(2, BEN)], (1, 2), (2,)),
        ([held(1), sold(2)], (1, 2), (2,)),
        ([held(1), held(2, ends=NOW)], (1, 2), (2,)),
        ([sold(1, BEN), held(2, BEN, ends=NOW)], (2, 1), (2, 1)),
    ],
    ids=["a free seat", "anothers", "one of anothers", "a sold one", "an ended one", "none is mine"],
)
def test_only_own_live_holds_are_released_all_or_none(there, asked, not_mine):
    deciding = seating(*there)
    refusal = decide(deciding, Release(ANN, asked))
    assert isinstance(refusal, NotYourSeats)
    assert refusal.seat_ids == not_mine
    assert nothing_changed(deciding)


@pytest.mark.parametrize("seat_ids", [(), (1, 1)], ids=["none", "one twice"])
def test_releasing_needs_seats_named_once(seat_ids):
    refusal = decide(seating(held(1)), Release(ANN, seat_ids))
    assert type(refusal) is Invalid


def test_releasing_frees_seats_of_several_holds_at_once():
    one, two = held(1), held(2, hold_id="h2", ends=None)
    deciding = seating(one, two, held(3))
    assert decide(deciding, Release(ANN, (2, 1))) == Released((2, 1))
    assert deciding.changes == [Change(Status.AVAILABLE, (2, 1))]
    assert deciding.effects() == [Effect(two, None), Effect(one, None)]


@pytest.mark.parametrize(
    ("there", "freed"),
    [
        ([held(1, ends=NOW)], (1,)),
        ([held(1, ends=NOW - 5), held(2, BEN, ends=NOW)], (1, 2)),
        ([held(1, ends=NOW + 1)], ()),
        ([held(1, ends=None)], ()),
        ([sold(1)], ()),
        ([], ()),
        ([held(1, ends=NOW + 1), held(2, ends=NOW), sold(3)], (2,)),
    ],
    ids=["one", "of two buyers", "not yet", "cannot end", "sold", "nothing there", "only the ended"],
)
def test_expiring_frees_the_ended_holds_and_nothing_else(there, freed):
    deciding = seating(*there)
    assert decide(deciding, Expire((1, 2, 3))) == Expired(freed)
    assert deciding.changes == ([Change(Status.AVAILABLE, freed)] if freed else [])
    assert [effect.before.seat_id for effect in deciding.effects()] == list(freed)
    assert all(effect.after is None for effect in deciding.effects())


def test_a_batch_writes_each_seat_once_from_what_was_read_to_what_it_is_in_the_end():
    before = held(1, ANN)
    deciding = seating(before)
    decide(deciding, Release(ANN, (1,)))
    decide(deciding, hold(BEN, 1, 2, hold_id="b", hold_ms=9))
    decide(deciding, Release(BEN, (2,)))
    decide(deciding, hold(ANN, 2, hold_id="a", hold_ms=7))
    assert deciding.effects() == [
        Effect(before, held(1, BEN, hold_id="b", ends=NOW + 9)),
        Effect(None, held(2, ANN, hold_id="a", ends=NOW + 7)),
    ]
    assert deciding.changes == [
        Change(Status.AVAILABLE, (1,)),
        Change(Status.HOLD, (1, 2), BEN, NOW + 9),
        Change(Status.AVAILABLE, (2,)),
        Change(Status.HOLD, (2,), ANN, NOW + 7),
    ]


def test_a_seat_that_ends_a_batch_as_it_began_is_not_written():
    deciding = seating()
    decide(deciding, hold(ANN, 1))
    decide(deciding, Release(ANN, (1,)))
    assert deciding.effects() == []
    assert [change.status for change in deciding.changes] == [Status.HOLD, Status.AVAILABLE]


def test_what_was_read_but_not_touched_is_not_written():
    deciding = seating(held(5, BEN), sold(6, BEN))
    decide(deciding, hold(ANN, 1))
    assert [effect.after.seat_id for effect in deciding.effects()] == [1]


def test_one_buyers_refusal_leaves_the_rest_of_the_batch_alone():
    deciding = seating()
    outcomes = [
        decide(deciding, hold(ANN, 1, 2, hold_id="a")),
        decide(deciding, hold(BEN, 2, 3, hold_id="b")),
        decide(deciding, hold(BEN, 3, 4, hold_id="c")),
    ]
    assert [type(each) for each in outcomes] == [Held, SeatsTaken, Held]
    assert [change.seat_ids for change in deciding.changes] == [(1, 2), (3, 4)]


def test_a_hold_of_no_length_has_ended_when_the_next_command_is_decided():
    deciding = seating()
    decide(deciding, hold(ANN, 1, hold_id="a", hold_ms=0))
    assert decide(deciding, hold(BEN, 1, hold_id="b")) == Held("b", (1,), NOW + 300_000)


# --- what a sale does with held seats


def test_what_a_buyer_can_reserve_is_held_live_and_not_being_paid():
    deciding = seating(
        held(3), held(1), held(4, ends=NOW), held(5, ends=None), sold(6), held(2, BEN), held(7, hold_id="h2")
    )
    assert deciding.held_by(ANN) == [held(1), held(3), held(7, hold_id="h2")]
    assert deciding.held_by(3) == []


def test_what_was_held_or_released_in_the_same_batch_counts():
    deciding = seating(held(1))
    decide(deciding, hold(ANN, 2))
    decide(deciding, Release(ANN, (1,)))
    assert [each.seat_id for each in deciding.held_by(ANN)] == [2]


def test_holds_are_joined_under_the_name_and_the_end_of_the_first_to_end():
    late, early = held(1, hold_id="late", ends=LATER + 5), held(2, hold_id="early")
    deciding = seating(late, early)
    assert deciding.join(deciding.held_by(ANN)) == ("early", LATER)
    assert deciding.effects() == [Effect(late, held(1, hold_id="early"))]
    assert deciding.changes == [Change(Status.HOLD, (1,), ANN, LATER)]


def test_a_single_hold_is_joined_already():
    deciding = seating(held(1), held(2))
    assert deciding.join(deciding.held_by(ANN)) == ("h1", LATER)
    assert nothing_changed(deciding)


def test_a_firm_hold_has_no_end_and_nobody_is_told():
    deciding = seating(held(1), held(2))
    deciding.firm(ANN, "h1", (1, 2), 4)
    assert [each.after for each in deciding.effects()] == [held(1, ends=None), held(2, ends=None)]
    assert deciding.changes == []
    assert decide(deciding, Expire((1, 2))) == Expired(())


@pytest.mark.parametrize(
    "there",
    [
        [],
        [held(1, ends=NOW), held(2, ends=NOW)],
        [held(1, BEN, hold_id="h9", ends=NOW), held(2, ends=NOW - 1)],
        [held(1, hold_id="h9", ends=NOW)],
    ],
    ids=["swept", "ended", "anothers ended hold", "an ended hold of the same buyer"],
)
def test_a_hold_that_has_ended_is_taken_again_where_its_seats_are_free(there):
    deciding = seating(*there)
    deciding.firm(ANN, "h1", (1, 2), 4)
    assert {each.after.seat_id: each.after for each in deciding.effects()} == {
        1: held(1, ends=None),
        2: held(2, ends=None),
    }
    assert deciding.changes == [Change(Status.HOLD, (1, 2), ANN)]


@pytest.mark.parametrize(
    ("there", "taken"),
    [
        ([held(1, BEN, hold_id="h9")], (1,)),
        ([sold(2, BEN, hold_id="h9")], (2,)),
        ([held(1, hold_id="h9"), sold(2)], (1, 2)),
        ([held(1), held(2, BEN, hold_id="h9")], (2,)),
    ],
    ids=["held by another", "sold", "the buyers own by another hold", "one of two"],
)
def test_a_hold_of_which_a_seat_is_gone_is_not_made_firm(there, taken):
    deciding = seating(*there)
    with pytest.raises(SeatsTaken) as refused:
        deciding.firm(ANN, "h1", (1, 2), 4)
    assert refused.value.seat_ids == taken
    assert nothing_changed(deciding)


def test_taking_a_hold_again_needs_an_open_sale_and_room():
    closed = seating(sale=CLOSED)
    with pytest.raises(SaleNotOpen):
        closed.firm(ANN, "h1", (1, 2), 4)
    full = seating(sold(7), sold(8), sold(9))
    with pytest.raises(TooManySeats):
        full.firm(ANN, "h1", (1, 2), 4)
    assert nothing_changed(closed)
    assert nothing_changed(full)


def test_a_live_hold_is_made_firm_after_the_close_and_at_the_limit():
    deciding = seating(held(1), sale=CLOSED)
    deciding.firm(ANN, "h1", (1,), 1)
    assert [each.after for each in deciding.effects()] == [held(1, ends=None)]


def test_a_loosened_hold_ends_when_it_would_have_ended_and_other_seats_stay_as_they_are():
    deciding = seating(held(1, ends=None), held(2, ends=None), held(3, BEN, hold_id="h2", ends=None), sold(4))
    deciding.loosen("h1", (1, 3, 4, 5), LATER)
    assert deciding.effects() == [Effect(held(1, ends=None), held(1))]
    assert deciding.changes == []


def test_dropping_frees_what_is_still_under_the_hold_ended_or_not_and_nothing_else():
    there = [held(1), held(2, ends=NOW), held(3, ends=None), held(4), held(5, BEN, hold_id="h2"), sold(6)]
    deciding = seating(*there)
    deciding.drop("h1", (1, 2, 3, 5, 6, 7))
    assert deciding.changes == [Change(Status.AVAILABLE, (1, 2, 3))]
    assert [each.before.seat_id for each in deciding.effects()] == [1, 2, 3]


def test_dropping_what_is_gone_is_nothing():
    deciding = seating(held(1, BEN, hold_id="h2"))
    deciding.drop("h1", (1, 2))
    assert nothing_changed(deciding)


def test_a_paid_hold_is_sold_under_its_name():
    deciding = seating(held(1, ends=None), held(2))
    deciding.occupy(ANN, "h1", (1, 2))
    assert [each.after for each in deciding.effects()] == [sold(1), sold(2)]
    assert deciding.changes == [Change(Status.OCCUPIED, (1, 2), ANN)]


@pytest.mark.parametrize(
    ("there", "gone"),
    [
        ([held(1)], (2,)),
        ([held(1), held(2, ends=NOW)], (2,)),
        ([held(1), held(2, hold_id="h2")], (2,)),
        ([held(1, BEN, hold_id="h2"), sold(2)], (1, 2)),
    ],
    ids=["free", "ended", "another hold", "anothers and sold"],
)
def test_a_hold_of_which_a_seat_is_gone_is_not_sold(there, gone):
    deciding = seating(*there)
    with pytest.raises(NotYourSeats) as refused:
        deciding.occupy(ANN, "h1", (1, 2))
    assert refused.value.seat_ids == gone
    assert nothing_changed(deciding)


def test_vacating_takes_back_what_is_sold_to_this_buyer_and_nothing_else():
    deciding = seating(sold(1), sold(2, BEN), held(3), sold(4, hold_id="h2"))
    deciding.vacate(ANN, (1, 2, 3, 4, 5))
    assert deciding.changes == [Change(Status.AVAILABLE, (1, 4))]
    assert isinstance(decide(deciding, hold(BEN, 1, 4)), Held)
    assert isinstance(decide(deciding, hold(BEN, 2)), SeatsTaken)


def test_vacating_nothing_is_nothing():
    deciding = seating(held(1), sold(2, BEN))
    deciding.vacate(ANN, (1, 2))
    assert nothing_changed(deciding)


def test_the_holds_of_seats_are_named_whoever_has_them():
    deciding = seating(held(1), held(2, BEN, hold_id="h2"), sold(3, hold_id="h3"))
    assert deciding.hold_ids((1, 2, 3, 9)) == {"h1", "h2", "h3"}
    assert deciding.hold_ids(()) == set()


# --- a seat that the plan no longer has


def test_a_seat_that_is_not_in_the_plan_cannot_be_held_with_others_or_alone():
    deciding = seating(held(3, BEN), plan=(1, 3))
    refused = decide(deciding, hold(ANN, 1, 2))
    assert (type(refused), refused.seat_ids) == (UnknownSeats, (2,))
    assert nothing_changed(deciding)


@pytest.mark.parametrize("there", [held(2), held(2, ends=None), sold(2)], ids=["held", "firm", "sold"])
def test_what_was_written_of_a_seat_that_left_the_plan_is_nobodys(there):
    deciding = seating(held(1), there, plan=(1,))
    assert [each.seat_id for each in deciding.held_by(ANN)] == [1]
    assert isinstance(decide(deciding, hold(ANN, 3, max_seats=1)), UnknownSeats)
    refused = decide(deciding, Release(ANN, (2,)))
    assert (type(refused), refused.seat_ids) == (NotYourSeats, (2,))
    with pytest.raises(NotYourSeats) as gone:
        deciding.occupy(ANN, "h1", (1, 2))
    assert gone.value.seat_ids == (2,)
    with pytest.raises(UnknownSeats) as unknown:
        deciding.firm(ANN, "h1", (1, 2), 4)
    assert unknown.value.seat_ids == (2,)
    assert nothing_changed(deciding)


def test_a_seat_that_left_the_plan_does_not_count_against_the_limit():
    deciding = seating(held(2), plan=(1,))
    assert isinstance(decide(deciding, hold(ANN, 1, max_seats=1)), Held)


# --- the order in which seats are named


@pytest.mark.parametrize("asked", [(1, 2), (2, 1)])
@pytest.mark.parametrize("firm", [(1,), (2,), (1, 2)], ids=["the first is being paid", "the second", "both"])
def test_whether_seats_are_held_already_does_not_hang_on_their_order(asked, firm):
    deciding = seating(*(held(seat_id, ends=None if seat_id in firm else LATER) for seat_id in (1, 2)))
    refused = decide(deciding, hold(ANN, *asked))
    assert (type(refused), set(refused.seat_ids)) == (SeatsTaken, {1, 2})


@pytest.mark.parametrize("asked", [(1, 2), (2, 1)])
def test_a_hold_is_given_again_with_its_first_end_in_any_order(asked):
    deciding = seating(held(1, ends=LATER + 5), held(2))
    assert decide(deciding, hold(ANN, *asked)) == Held("h1", asked, LATER)
