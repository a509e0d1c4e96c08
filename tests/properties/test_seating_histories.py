"""Random histories of the pure domain, held against a reference model and against every way to follow them."""

import itertools
from dataclasses import dataclass, replace

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from jari.domain.box_office import BoxOffice
from jari.domain.commands.holds import Expire, Hold, Release
from jari.domain.commands.reservations import Reserve
from jari.domain.reservations import PriceList
from jari.domain.schedules import Sale
from jari.domain.seating import Seating, Status
from jari.domain.seatmap import Commit, Layout, Position, SeatMap, by_block
from properties.reference import Reference
from support.deciding import DictStore, outcome_of
from support.selling import purchase_of

SEATS = tuple(range(1, 11))
BUYERS = (1, 2, 3)
LAYOUT = Layout(
    seat_ids=[5, 2, 3, 4, 1, 6, 9, 8, 7, 10],
    rows=[1, 1, 1, 1, 2, 2, 2, 3, 3, 3],
    cols=[1, 2, 3, 4, 1, 2, 3, 1, 2, 3],
    block_ids=[77, 66, 88],
    block_starts=[0, 4, 7, 10],
)
EPOCH = "ab12"

SCHEDULE = 7


@dataclass(frozen=True)
class Pay:
    """The buyer pays all that they hold: several commands, one after the other."""

    buyer_id: int

    @property
    def needs(self):
        """What the first of them needs; the others are about what it makes."""
        return Reserve(self.buyer_id, SCHEDULE, 0, "", PriceList("", "", {})).needs


choices = st.lists(st.sampled_from(SEATS), min_size=1, max_size=5, unique=True).map(tuple)
buyers = st.sampled_from(BUYERS)
commands = st.one_of(
    st.builds(
        Hold,
        buyer_id=buyers,
        seat_ids=choices,
        hold_id=st.just(""),
        hold_ms=st.integers(1, 30),
        max_seats=st.integers(2, 5),
    ),
    st.builds(Release, buyer_id=buyers, seat_ids=choices),
    st.builds(Pay, buyer_id=buyers),
    st.builds(Expire, seat_ids=st.just(SEATS)),
)


def summary(outcome):
    """An outcome in the words of the reference model."""
    if isinstance(outcome, Exception):
        return type(outcome).__name__, outcome.seat_ids, None
    return type(outcome).__name__.lower(), outcome.seat_ids, getattr(outcome, "expires_ms", None)


def same_map(one, other):
    return (one.version, one.status, one.buyer_ids, one.expires_ms) == (
        other.version,
        other.status,
        other.buyer_ids,
        other.expires_ms,
    )


class Histories(RuleBasedStateMachine):
    """A store, the reference beside it, and replicas from every version on."""

    def __init__(self):
        super().__init__()
        self.store = DictStore(SEATS, 1_000)
        self.numbers = itertools.count(1)
        self.reference = Reference()
        self.commits = []
        self.replicas = []

    @initialize()
    def load_the_first_replica(self):
        self.replicas.append(self.fresh())

    @property
    def version(self):
        return len(self.commits)

    def fresh(self):
        """A snapshot of the store, as any process would load it now."""
        return SeatMap(LAYOUT, EPOCH, self.version, self.store.allocations.values())

    @rule(ms=st.integers(1, 40))
    def time_goes_by(self, ms):
        self.store.now += ms

    @rule(selling=st.booleans())
    def the_sale_opens_or_closes(self, selling):
        self.store.selling = selling

    @rule(batch=st.lists(commands, min_size=1, max_size=6))
    def a_batch_is_decided(self, batch):
        office = self.store.read(batch)
        for each in batch:
            if isinstance(each, Pay):
                told = self.reference.pay(each.buyer_id, self.now)
                assert self.pay(office, each.buyer_id) == told
            else:
                command = self.named(each)
                told = self.reference.decide(command, self.now, selling=self.store.selling)
                assert summary(outcome_of(office, command)) == told
        self.store.write(office)
        if office.seating.changes:
            self.publish(Commit(self.version + 1, tuple(office.seating.changes)))
        else:
            assert office.seating.effects() == [], "what is written is told"

    @rule(data=st.data(), buyer=buyers)
    def a_buyer_comes_back_to_own_seats(self, data, buyer):
        """Hold again, give back, pay: some or all of what the buyer has, in any order."""
        own = sorted(seat for seat, owner in self.reference.owned.items() if owner.buyer == buyer)
        if own:
            some = st.lists(st.sampled_from(own), min_size=1, max_size=4, unique=True).map(tuple)
            again = st.builds(Hold, st.just(buyer), some, st.just(""), st.just(20), st.just(4))
            other = st.builds(Release, st.just(buyer), some) | st.builds(Pay, st.just(buyer))
            self.a_batch_is_decided(data.draw(st.lists(again | other, min_size=1, max_size=4)))

    @property
    def now(self):
        return self.store.now

    def named(self, command):
        """Every hold has a name of its own."""
        return replace(command, hold_id=f"h{next(self.numbers)}") if isinstance(command, Hold) else command

    def pay(self, office, buyer):
        """What becomes of the purchase, in the words of the reference model."""
        seats = tuple(each.seat_id for each in office.seating.held_by(buyer))
        outcomes = [
            outcome_of(office, each) for each in purchase_of(buyer, seats, next(self.numbers), SCHEDULE)
        ]
        return summary(outcomes[0]) if isinstance(outcomes[0], Exception) else ("sold", seats, None)

    def publish(self, commit):
        self.commits.append(commit)
        for replica in self.replicas:
            self.tell(replica, commit)
        self.replicas.append(self.fresh())

    def tell(self, replica, commit):
        replica.apply(commit)

    @invariant()
    def every_seat_has_the_owner_that_the_rules_say(self):
        stored = {
            seat: (each.buyer_id, each.hold_id, each.expires_ms)
            for seat, each in self.store.allocations.items()
        }
        owned = {seat: (each.buyer, each.hold, each.ends) for seat, each in self.reference.owned.items()}
        assert stored == owned
        assert {
            seat: each.status.name for seat, each in self.store.allocations.items()
        } == self.reference.statuses()

    @invariant()
    def a_snapshot_of_any_version_and_the_commits_after_it_are_the_stores_state(self):
        fresh = self.fresh()
        for replica in self.replicas:
            assert same_map(replica, fresh)
        remembering = self.fresh()
        remembering.remember(self.commits[-3:])
        for version in range(max(0, self.version - 3), self.version + 1):
            assert remembering.can_resume(Position(EPOCH, version))
            for within in (LAYOUT.whole, LAYOUT.block_range(1)):
                told = remembering.catch_up(version, within)
                first = self.replicas[0].catch_up(version, within)
                assert statuses_after({}, told) == statuses_after({}, first)

    @invariant()
    def catching_up_from_any_version_leads_to_the_present(self):
        present = statuses_of(self.fresh())
        known = dict.fromkeys(SEATS, Status.AVAILABLE)
        follower = self.replicas[0] if self.replicas else self.fresh()
        for version in range(self.version + 1):
            if version:
                known = statuses_after(known, self.commits[version - 1])
            told = follower.catch_up(version, LAYOUT.whole)
            assert told.version == self.version
            assert statuses_after(known, told) == present

    @invariant()
    def the_parts_of_a_commit_by_block_are_the_commit(self):
        for commit in self.commits[-1:]:
            parts = by_block(commit, LAYOUT)
            for block, part in parts.items():
                home = {LAYOUT.seat_ids[index] for index in LAYOUT.block_range(block)}
                assert part.version == commit.version
                assert all(set(change.seat_ids) <= home for change in part.changes)
                assert told(part) == [each for each in told(commit) if each[0] in home]
            assert sorted(each for part in parts.values() for each in told(part)) == sorted(told(commit))

    @invariant()
    def nobody_is_refused_at_once_whom_the_store_would_serve(self):
        seats = self.fresh()
        for buyer in BUYERS:
            refused = seats.taken_by_others(SEATS, buyer, self.now)
            assert refused == [
                seat
                for seat in SEATS
                if not self.reference.is_free(seat, self.now) and self.reference.owned[seat].buyer != buyer
            ]


def told(commit):
    """Each seat with what is told of it, in order."""
    return [
        (seat, change.status, change.buyer_id, change.expires_ms or 0)
        for change in commit.changes
        for seat in change.seat_ids
    ]


def statuses_of(seats):
    return {seat: Status(seats.status[index]) for seat, index in LAYOUT.index_of.items()}


def statuses_after(known, commit):
    return known | {seat: change.status for change in commit.changes for seat in change.seat_ids}


class OneCommitIsLost(Histories):
    """The third commit reaches the replicas as if it had changed nothing."""

    def tell(self, replica, commit):
        super().tell(replica, Commit(3, ()) if commit.version == 3 else commit)


class ReleasedSeatsAreNotTold(Histories):
    """Replicas hear of holds and sales only."""

    def tell(self, replica, commit):
        heard = tuple(change for change in commit.changes if change.status is not Status.AVAILABLE)
        super().tell(replica, Commit(commit.version, heard))


class HoldsNeverEnd(Histories):
    """The reference forgets that time has power over holds."""

    def __init__(self):
        super().__init__()
        self.reference.is_free = lambda seat, now: seat not in self.reference.owned


class Blind(DictStore):
    def read(self, commands):
        return BoxOffice(Seating([], Sale(enabled=self.selling, opens_ms=0), self.now, self.plan), [])


class TwoOwners(Histories):
    """A till that has not read what others own."""

    def __init__(self):
        super().__init__()
        self.store = Blind(SEATS, 1_000)


BOUNDS = settings(
    max_examples=250,
    stateful_step_count=30,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)


def test_every_history_obeys_the_rules_and_can_be_followed_from_anywhere():
    run_state_machine_as_test(Histories, settings=BOUNDS)


@pytest.mark.parametrize("broken", [OneCommitIsLost, ReleasedSeatsAreNotTold, HoldsNeverEnd, TwoOwners])
def test_a_broken_history_is_found_out(broken):
    search = settings(BOUNDS, phases=[Phase.generate], database=None, report_multiple_bugs=False)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(broken, settings=search)
