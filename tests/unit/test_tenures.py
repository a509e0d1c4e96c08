"""How long a buyer may keep a seat without buying it."""

import pytest

from jari.domain.box_office import BoxOffice
from jari.domain.commands.holds import Expire, Hold, Release
from jari.domain.errors import KeptTooLong
from jari.domain.schedules import Sale
from jari.domain.seating import Allocation, Held, Seating, Status
from jari.domain.tenures import NO_LIMIT, KeepLimit, Tenure
from support.deciding import DictStore, outcome_of

ANN, BEN = 1, 2
MINUTE = 60_000
START = 1_000_000_000
OPEN = Sale(enabled=True, opens_ms=0)
LIMIT = KeepLimit(keep_ms=10 * MINUTE, cool_down_ms=5 * MINUTE)


class House(DictStore):
    """Each command is a batch of its own unless it comes with others."""

    def __init__(self):
        super().__init__(range(1, 100), START)
        self.holds = 0

    def decide(self, *commands):
        office = self.read(commands)
        outcomes = [outcome_of(office, each) for each in commands]
        self.write(office)
        return outcomes[-1]

    def act(self, act):
        """Something that happens to seats in the course of a sale."""
        seating = Seating(self.allocations.values(), OPEN, self.now, self.plan, self.tenures.values())
        act(seating)
        self.write(BoxOffice(seating, ()))

    def after(self, minutes):
        self.now += int(minutes * MINUTE)
        return self

    def hold_of(self, *seat_ids, buyer=ANN, limit=LIMIT):
        self.holds += 1
        return Hold(buyer, seat_ids, f"h{self.holds}", 5 * MINUTE, 4, limit)

    def hold(self, *seat_ids, **options):
        return self.decide(self.hold_of(*seat_ids, **options))

    def minutes_of(self, held):
        return (held.expires_ms - self.now) / MINUTE


@pytest.fixture
def house():
    return House()


def test_a_first_hold_lasts_its_whole_time(house):
    assert house.minutes_of(house.hold(1, 2)) == 5


def test_taking_again_what_was_given_back_goes_on_counting(house):
    house.hold(1)
    assert house.after(4).minutes_of(house.decide(Release(ANN, (1,)), house.hold_of(1))) == 5
    assert house.after(4).minutes_of(house.decide(Release(ANN, (1,)), house.hold_of(1))) == 2
    house.after(1.5).decide(Release(ANN, (1,)))
    refused = house.hold(1)
    assert (type(refused), refused.seat_ids, refused.retry_after_seconds) == (KeptTooLong, (1,), 300)


def test_whoever_was_too_slow_may_take_the_same_seats_once_more(house):
    house.hold(1, 2)
    house.after(5.1).decide(Expire((1, 2)))
    assert house.minutes_of(house.hold(1, 2)) == pytest.approx(4.9)
    house.after(5).decide(Expire((1, 2)))
    refused = house.hold(1, 2)
    assert (type(refused), refused.seat_ids) == (KeptTooLong, (1, 2))


def test_it_counts_on_over_a_hold_that_has_ended_and_was_not_swept(house):
    house.hold(1)
    assert house.after(6).minutes_of(house.hold(1)) == 4
    assert type(house.after(4).hold(1)) is KeptTooLong


def test_a_seat_that_was_left_alone_for_the_cool_down_is_like_a_new_one(house):
    house.hold(1)
    house.after(5).decide(Expire((1,)))
    house.hold(1)
    house.after(5).decide(Expire((1,)))
    assert type(house.after(4.9).hold(1)) is KeptTooLong
    assert house.after(0.1).minutes_of(house.hold(1)) == 5


def test_a_refusal_says_when_and_changes_nothing(house):
    house.hold(1)
    house.after(9.5).decide(Expire((1,)))
    before = dict(house.allocations), dict(house.tenures)
    refused = house.hold(1, 2)
    assert (type(refused), refused.seat_ids) == (KeptTooLong, (1,))
    assert refused.retry_after_seconds == 30  # it ended after five minutes, and that is four and a half ago
    assert (house.allocations, house.tenures) == before


def test_other_seats_and_other_buyers_are_not_concerned(house):
    house.hold(1)
    house.after(5).decide(Expire((1,)))
    house.hold(1)
    house.after(5).decide(Expire((1,)))
    assert house.minutes_of(house.hold(2)) == 5
    assert house.minutes_of(house.hold(1, buyer=BEN)) == 5


def test_somebody_else_in_between_does_not_wipe_it_out(house):
    house.hold(1)
    house.after(5)  # nobody sweeps: the next buyer takes it over
    assert isinstance(house.hold(1, buyer=BEN), Held)
    house.after(1).decide(Release(BEN, (1,)))
    assert house.minutes_of(house.hold(1)) == 4


def test_a_hold_ends_when_the_time_of_its_longest_kept_seat_is_used_up(house):
    house.hold(1)
    house.after(4).decide(Release(ANN, (1,)))
    house.after(3)
    assert house.minutes_of(house.hold(1, 2)) == 3
    assert {each.seat_id: each.since_ms for each in house.allocations.values()} == {1: START, 2: house.now}


def test_what_is_paid_leaves_no_tenure(house):
    house.hold(1)
    for act in (
        lambda seating: seating.firm(ANN, "h1", (1,), 4),
        lambda seating: seating.occupy(ANN, "h1", (1,)),
        lambda seating: seating.vacate(ANN, (1,)),
    ):
        house.act(act)
    assert house.tenures == {}


def test_a_hold_that_is_made_firm_and_loosened_goes_on_counting(house):
    held = house.hold(1)
    for act in (
        lambda seating: seating.firm(ANN, held.hold_id, (1,), 4),
        lambda seating: seating.loosen(held.hold_id, (1,), held.expires_ms),
        lambda seating: seating.drop(held.hold_id, (1,)),
    ):
        house.act(act)
        house.after(1)
    assert list(house.tenures.values()) == [Tenure(1, ANN, START, START + 2 * MINUTE)]


@pytest.mark.parametrize("keep_minutes", [1, 4, 5])
def test_a_first_hold_has_its_whole_time_whatever_the_limit(house, keep_minutes):
    held = house.hold(1, 2, limit=KeepLimit(keep_minutes * MINUTE, MINUTE))
    assert house.minutes_of(held) == 5


def test_a_late_payment_that_fails_gives_no_fresh_time(house):
    """Else whoever has used up the time would begin a payment that must fail, and begin anew."""
    house.hold(1)
    held = house.after(5).hold(1)
    assert house.minutes_of(held) == 5
    house.after(5).decide(Expire((1,)))
    assert type(house.hold(1)) is KeptTooLong
    for act in (
        lambda seating: seating.firm(ANN, held.hold_id, (1,), 4, LIMIT),
        lambda seating: seating.loosen(held.hold_id, (1,), held.expires_ms),
        lambda seating: seating.drop(held.hold_id, (1,)),
    ):
        house.act(act)
    assert type(house.hold(1)) is KeptTooLong
    assert type(house.after(4.9).hold(1)) is KeptTooLong
    assert isinstance(house.after(0.2).hold(1), Held)


def test_without_a_limit_a_buyer_may_take_a_seat_again_and_again(house):
    house.allocations[1] = Allocation(1, Status.HOLD, ANN, "h", START, 0)
    assert house.hold(1, limit=NO_LIMIT).expires_ms == START + 5 * MINUTE
