"""What every seating store must do: in memory, on SQLite, on PostgreSQL, and on Redis before a PostgreSQL."""

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from jari.domain.errors import NotFound, StaleDecision
from jari.domain.schedules import Kind, Sale
from jari.domain.seating import Allocation, Change, Effect, Status
from jari.domain.seatmap import Commit
from jari.domain.tenures import Tenure
from jari.main import open_stores
from jari.ports.answers import RequestKey, StoredAnswer
from jari.ports.seating import Decision, ScheduleState
from jari.settings import Settings
from jari.usecases.organising import Organising
from support.worlds import hall

ANN, BEN = 1, 2
FAR_MS = 4_000_000_000_000
NO_SCHEDULE = 999_999
WAIT_SECONDS = 5


@pytest.fixture(
    params=[
        pytest.param("memory", marks=pytest.mark.memory),
        "sqlite",
        "postgres",
        "valkey",
        "redis7",
        "cluster",
    ]
)
def settings(request):
    """What names a fresh store of each kind; Redis decides about holds before a PostgreSQL."""
    kind = request.param
    if kind == "memory" and (marker := request.node.get_closest_marker("not_in_memory")):
        pytest.skip(*marker.args)
    url = request.getfixturevalue(f"{kind}_url")
    if kind in {"memory", "sqlite", "postgres"}:
        return Settings(database=url)
    return Settings(database=request.getfixturevalue("postgres_url"), redis=url, holds="redis")


@pytest.fixture
async def stores(settings):
    stores = await open_stores(settings)
    yield stores
    await stores.close()


@pytest.fixture
def store(stores):
    return stores.seating


@pytest.fixture
async def venue_id(stores):
    """A venue in an empty database: its seats have the ids from 1 on."""
    venue_id, _ = await Organising(stores.catalogue, stores.news).import_venue(hall(rows=5, cols=100))
    assert sorted((await stores.catalogue.seat_ids(venue_id)).values()) == list(range(1, 501))
    return venue_id


@pytest.fixture
def make_schedule(stores, venue_id):
    async def make(**sale):
        organising = Organising(stores.catalogue, stores.news)
        return await organising.create_schedule(
            venue_id=venue_id, kind=Kind.MATCH, title="LG : Doosan", starts_ms=0, **({"opens_ms": 0} | sale)
        )

    return make


@pytest.fixture
async def schedule_id(make_schedule):
    return await make_schedule()


def held(seat_id, buyer=ANN, *, hold_id="h1", ends=FAR_MS):
    return Allocation(seat_id, Status.HOLD, buyer, hold_id, ends)


def sold(seat_id, buyer=ANN, *, hold_id="h1"):
    return Allocation(seat_id, Status.OCCUPIED, buyer, hold_id, None)


def change_of(effect):
    if effect.after is None:
        return Change(Status.AVAILABLE, (effect.before.seat_id,))
    after = effect.after
    return Change(after.status, (after.seat_id,), after.buyer_id, after.expires_ms)


async def write(store, schedule_id, *effects, answers=()):
    """One transaction; the commit that it made."""
    async with store.transaction(schedule_id) as transaction:
        commit = Commit(transaction.state.version, tuple(change_of(each) for each in effects))
        await transaction.write(Decision(commit, effects, answers=answers))
    return commit


def put(*allocations):
    return [Effect(None, each) for each in allocations]


async def allocations(store, schedule_id):
    loaded = await store.load(schedule_id, 0)
    return sorted(loaded.allocations, key=lambda each: each.seat_id)


# --- versions and rolling back


async def test_versions_count_the_commits_without_a_gap(store, schedule_id):
    commits = [await write(store, schedule_id, *put(held(seat_id))) for seat_id in (1, 2, 3)]
    assert [each.version for each in commits] == [1, 2, 3]
    assert (await store.load(schedule_id, 10)).state.version == 3


async def test_a_transaction_that_writes_nothing_takes_no_version(store, schedule_id):
    for _ in range(2):
        async with store.transaction(schedule_id) as transaction:
            assert transaction.state.version == 1
    assert (await store.load(schedule_id, 10)).state.version == 0
    assert (await write(store, schedule_id, *put(held(1)))).version == 1


async def test_each_schedule_counts_for_itself(store, make_schedule):
    one, two = await make_schedule(), await make_schedule()
    await write(store, one, *put(held(1)))
    await write(store, one, *put(held(2)))
    assert (await write(store, two, *put(held(1, BEN)))).version == 1
    assert await allocations(store, two) == [held(1, BEN)]


class Crash(Exception):
    """Something that goes wrong in the middle of a batch."""


@pytest.mark.parametrize("crash", [Crash, asyncio.CancelledError], ids=["an error", "a cancellation"])
@pytest.mark.parametrize("when", ["before the write", "after the write"])
async def test_a_crash_in_the_block_rolls_back_and_leaves_the_store_usable(store, schedule_id, crash, when):
    async def fail():
        async with store.transaction(schedule_id) as transaction:
            if when == "after the write":
                await transaction.write(Decision(Commit(1, ()), put(held(1))))
            raise crash

    with pytest.raises(crash):
        await fail()
    loaded = await store.load(schedule_id, 10)
    assert (loaded.state.version, loaded.allocations, loaded.commits) == (0, [], [])
    assert (await write(store, schedule_id, *put(held(1)))).version == 1


async def test_a_cancelled_transaction_gives_way_to_the_next(store, schedule_id):
    inside, never = asyncio.Event(), asyncio.Event()

    async def hang():
        async with store.transaction(schedule_id) as transaction:
            await transaction.write(Decision(Commit(1, ()), put(held(1))))
            inside.set()
            await never.wait()

    hanging = asyncio.create_task(hang())
    await inside.wait()
    hanging.cancel()
    await asyncio.gather(hanging, return_exceptions=True)
    async with asyncio.timeout(WAIT_SECONDS):
        assert (await write(store, schedule_id, *put(held(2)))).version == 1
    assert await allocations(store, schedule_id) == [held(2)]


# --- what is written is read


async def test_every_way_of_reading_agrees_with_what_was_written(store, schedule_id):
    first = await write(store, schedule_id, *put(held(1), held(2), held(3, BEN, hold_id="h2", ends=None)))
    second = await write(store, schedule_id, Effect(held(1), sold(1)), Effect(held(2), None))
    expected = [sold(1), held(3, BEN, hold_id="h2", ends=None)]
    loaded = await store.load(schedule_id, 10)
    assert sorted(loaded.allocations, key=lambda each: each.seat_id) == expected
    assert loaded.commits == [first, second]
    assert loaded.state.version == 2
    assert (await store.allocations_of(schedule_id, ANN))[1] == [sold(1)]
    assert (await store.allocations_of(schedule_id, BEN))[1] == [expected[1]]
    assert (await store.allocations_of(schedule_id, 3))[1] == []
    assert await store.commits_after(schedule_id, 0, 10) == [first, second]
    _, states = await store.states([schedule_id])
    assert states == {schedule_id: loaded.state}


async def test_commits_carry_everything_that_a_replica_needs_in_order(store, schedule_id):
    changes = (
        Change(Status.AVAILABLE, (3,)),
        Change(Status.HOLD, (3, 1, 2), 2**62, FAR_MS),
        Change(Status.HOLD, (4,), ANN, None),
        Change(Status.OCCUPIED, (2**62,), BEN),
    )
    async with store.transaction(schedule_id) as transaction:
        await transaction.write(Decision(Commit(1, changes), []))
    assert await store.commits_after(schedule_id, 0, 10) == [Commit(1, changes)]


async def test_a_batch_may_insert_update_and_delete_at_once(store, schedule_id):
    await write(store, schedule_id, *put(held(1), held(2), held(3), held(4)))
    await write(
        store,
        schedule_id,
        Effect(None, held(5, BEN)),
        Effect(held(1), sold(1)),
        Effect(held(2), held(2, BEN, hold_id="h2")),
        Effect(held(3), None),
        Effect(None, held(6, BEN)),
    )
    assert await allocations(store, schedule_id) == [
        sold(1),
        held(2, BEN, hold_id="h2"),
        held(4),
        held(5, BEN),
        held(6, BEN),
    ]


@pytest.mark.parametrize(
    ("seat_ids", "buyer_ids", "found"),
    [
        ([1], [], [1]),
        ([], [ANN], [1, 2]),
        ([3], [ANN], [1, 2, 3]),
        ([1, 2, 3], [ANN, BEN], [1, 2, 3]),
        ([9], [9], []),
        ([], [], []),
    ],
)
async def test_a_transaction_reads_the_seats_named_and_all_that_the_buyers_have(
    store, make_schedule, seat_ids, buyer_ids, found
):
    schedule_id, other = await make_schedule(), await make_schedule()
    there = {1: held(1), 2: sold(2, hold_id="h0"), 3: held(3, BEN, ends=1)}
    await write(store, schedule_id, *put(*there.values()))
    await write(store, other, *put(held(1, BEN), held(9)))
    async with store.transaction(schedule_id) as transaction:
        read, _ = await transaction.read(seat_ids, buyer_ids)
    assert sorted(read, key=lambda each: each.seat_id) == [there[seat_id] for seat_id in found]


async def test_a_transaction_knows_the_sale_the_plan_and_the_epoch(store, make_schedule):
    schedule_id = await make_schedule(opens_ms=12_345)
    async with store.transaction(schedule_id) as transaction:
        state = transaction.state
    loaded = (await store.load(schedule_id, 0)).state
    assert state == ScheduleState(loaded.epoch, 1, Sale(enabled=True, opens_ms=12_345), 1)
    assert loaded.version == 0
    assert loaded.epoch


async def test_of_several_who_find_versions_lost_only_the_first_begins_a_new_epoch(store, make_schedule):
    schedule_id = await make_schedule()
    lost = (await store.states([schedule_id]))[1][schedule_id].epoch
    await store.renew_epoch(schedule_id, lost)
    renewed = (await store.states([schedule_id]))[1][schedule_id].epoch
    await store.renew_epoch(schedule_id, lost)
    assert (await store.states([schedule_id]))[1][schedule_id].epoch == renewed != lost


async def test_schedules_have_epochs_of_their_own(store, make_schedule):
    one, two = await make_schedule(), await make_schedule()
    _, states = await store.states([one, two])
    assert states[one].epoch != states[two].epoch


async def test_commits_come_in_pages_in_order(store, schedule_id):
    for seat_id in range(1, 6):
        await write(store, schedule_id, *put(held(seat_id)))
    pages = [await store.commits_after(schedule_id, version, 2) for version in (0, 2, 4, 5)]
    assert [[commit.version for commit in page] for page in pages] == [[1, 2], [3, 4], [5], []]


@pytest.mark.parametrize(("limit", "versions"), [(0, []), (1, [3]), (2, [2, 3]), (10, [1, 2, 3])])
async def test_a_load_brings_the_last_commits_that_led_there(store, schedule_id, limit, versions):
    for seat_id in (1, 2, 3):
        await write(store, schedule_id, *put(held(seat_id)))
    assert [commit.version for commit in (await store.load(schedule_id, limit)).commits] == versions


async def test_states_leave_out_what_is_not_there(store, schedule_id):
    assert (await store.states([schedule_id, NO_SCHEDULE]))[1].keys() == {schedule_id}
    now_ms, none = await store.states([])
    assert none == {}
    assert now_ms > 0


async def test_an_unknown_schedule_is_not_found_and_locks_nothing(store, schedule_id):
    with pytest.raises(NotFound, match=str(NO_SCHEDULE)):
        async with store.transaction(NO_SCHEDULE):
            pytest.fail("the block must not run")
    with pytest.raises(NotFound, match=str(NO_SCHEDULE)):
        await store.load(NO_SCHEDULE, 10)
    assert await store.commits_after(NO_SCHEDULE, 0, 10) == []
    assert (await store.allocations_of(NO_SCHEDULE, ANN))[1] == []
    assert (await write(store, schedule_id, *put(held(1)))).version == 1
    assert (await store.load(schedule_id, 10)).state.version == 1


# --- time


async def test_every_answer_tells_the_same_clock_in_milliseconds(store, schedule_id):
    before_ms = time.time_ns() // 1_000_000 - 1_000
    times = [(await store.states([]))[0], (await store.load(schedule_id, 0)).now_ms]
    async with store.transaction(schedule_id) as transaction:
        times.append(transaction.now_ms)
    times.append((await store.allocations_of(schedule_id, ANN))[0])
    assert times == sorted(times)
    assert before_ms <= times[0]
    assert times[-1] <= before_ms + 60_000


async def test_ended_holds_are_those_whose_time_has_come_by_the_stores_clock(store, make_schedule):
    one, two = await make_schedule(), await make_schedule()
    now_ms, _ = await store.states([])
    await write(
        store, one, *put(held(1, ends=now_ms), held(2, ends=now_ms - 5), held(3, ends=now_ms + 60_000))
    )
    await write(store, one, *put(held(4, ends=None), sold(5)))
    await write(store, two, *put(held(1, ends=1)))
    ended = await store.ended_holds(10)
    assert {schedule_id: sorted(seat_ids) for schedule_id, seat_ids in ended.items()} == {
        one: [1, 2],
        two: [1],
    }
    assert sum(len(seat_ids) for seat_ids in (await store.ended_holds(2)).values()) == 2


async def test_an_ended_hold_is_still_told_to_its_buyer_with_the_time_to_judge_it_by(store, schedule_id):
    now_ms, _ = await store.states([])
    await write(store, schedule_id, *put(held(1, ends=now_ms - 1)))
    told_ms, found = await store.allocations_of(schedule_id, ANN)
    assert found == [held(1, ends=now_ms - 1)]
    assert found[0].is_free(told_ms)


# --- several writers


async def test_writers_of_one_schedule_wait_for_each_other(store, schedule_id):
    events = []
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def first():
        async with store.transaction(schedule_id) as transaction:
            entered.set()
            await go_on.wait()
            await transaction.write(Decision(Commit(transaction.state.version, ()), put(held(1))))
            events.append(("first", transaction.state.version))
            return (await store.states([]))[0]  # by now the second has been waiting for this long

    async def second():
        await entered.wait()
        async with store.transaction(schedule_id) as transaction:
            seen, _ = await transaction.read([1], [])
            events.append(("second", transaction.state.version))
            return transaction.now_ms, seen

    one, two = asyncio.create_task(first()), asyncio.create_task(second())
    await entered.wait()
    done, _ = await asyncio.wait([two], timeout=0.1)
    assert not done, "the second has to wait"
    go_on.set()
    first_ms = await one
    second_ms, seen = await two
    assert events == [("first", 1), ("second", 2)]
    assert seen == [held(1)], "who waited sees what the one before has committed"
    assert second_ms >= first_ms, "the time is read after the wait"


async def test_other_schedules_go_on_meanwhile_on_postgresql(postgres_url):
    stores = await open_stores(Settings(database=postgres_url))
    try:
        organising = Organising(stores.catalogue, stores.news)
        venue_id, _ = await organising.import_venue(hall())
        one, two = [
            await organising.create_schedule(
                venue_id=venue_id, kind=Kind.MATCH, title=title, starts_ms=0, opens_ms=0
            )
            for title in ("LG : Doosan", "KT : SSG")
        ]
        async with stores.seating.transaction(one) as transaction, asyncio.timeout(WAIT_SECONDS):
            await transaction.write(Decision(Commit(1, ()), put(held(1))))
            assert (await write(stores.seating, two, *put(held(1, BEN)))).version == 1
        assert await allocations(stores.seating, one) == [held(1)]
    finally:
        await stores.close()


async def test_other_schedules_line_up_on_sqlite(sqlite_url):
    stores = await open_stores(Settings(database=sqlite_url))
    try:
        organising = Organising(stores.catalogue, stores.news)
        venue_id, _ = await organising.import_venue(hall())
        ids = [
            await organising.create_schedule(
                venue_id=venue_id, kind=Kind.MATCH, title="LG : Doosan", starts_ms=0, opens_ms=0
            )
            for _ in range(5)
        ]
        commits = await asyncio.gather(
            *(write(stores.seating, each, *put(held(seat))) for seat in (1, 2, 3) for each in ids)
        )
        assert sorted(commit.version for commit in commits) == [1] * 5 + [2] * 5 + [3] * 5
    finally:
        await stores.close()


async def test_many_writers_take_every_version_once(store, schedule_id):
    commits = await asyncio.gather(*(write(store, schedule_id, *put(held(seat))) for seat in range(1, 31)))
    assert sorted(commit.version for commit in commits) == list(range(1, 31))
    logged = await store.commits_after(schedule_id, 0, 100)
    assert [commit.version for commit in logged] == list(range(1, 31))
    assert len(await allocations(store, schedule_id)) == 30


async def test_readers_do_not_wait_for_a_writer_and_do_not_see_what_is_not_committed(store, schedule_id):
    await write(store, schedule_id, *put(held(1)))
    async with store.transaction(schedule_id) as transaction, asyncio.timeout(WAIT_SECONDS):
        commit = Commit(2, (Change(Status.HOLD, (2,), ANN, FAR_MS),))
        await transaction.write(Decision(commit, put(held(2))))
        assert await allocations(store, schedule_id) == [held(1)]
        assert (await store.states([schedule_id]))[1][schedule_id].version == 1
        assert len(await store.commits_after(schedule_id, 0, 10)) == 1
    assert await allocations(store, schedule_id) == [held(1), held(2)]


async def test_two_processes_on_one_database_share_versions_and_seats(stores, schedule_id, settings):
    others = await open_stores(settings)
    try:
        commits = await asyncio.gather(
            *(
                write([stores, others][seat % 2].seating, schedule_id, *put(held(seat, seat % 2 + 1)))
                for seat in range(1, 21)
            )
        )
        assert sorted(commit.version for commit in commits) == list(range(1, 21))
        with pytest.raises(StaleDecision):
            await write(others.seating, schedule_id, *put(held(1, BEN)))
        assert await allocations(others.seating, schedule_id) == await allocations(
            stores.seating, schedule_id
        )
    finally:
        await others.close()


# --- the guarded write

STALE = {
    "inserting where somebody has the seat": Effect(None, held(1, BEN, hold_id="h2")),
    "inserting where the seat is sold": Effect(None, held(2, BEN, hold_id="h2")),
    "updating another hold": Effect(held(1, hold_id="h0"), sold(1, hold_id="h0")),
    "updating what was sold meanwhile": Effect(held(2), held(2, BEN, hold_id="h2")),
    "updating what is free": Effect(held(9), sold(9)),
    "deleting another hold": Effect(held(1, hold_id="h0"), None),
    "deleting what was sold meanwhile": Effect(held(2), None),
    "deleting what is free": Effect(held(9), None),
}


@pytest.mark.parametrize("effect", STALE.values(), ids=STALE.keys())
async def test_a_decision_on_another_state_is_refused_and_nothing_is_written(store, schedule_id, effect):
    there = [held(1), sold(2), held(3), held(4)]
    await write(store, schedule_id, *put(*there))
    good = [Effect(None, held(7)), Effect(held(3), sold(3)), Effect(held(4), None)]
    answer = StoredAnswer(RequestKey("user-1", "key", "print"), "{}")
    with pytest.raises(StaleDecision):
        await write(store, schedule_id, *good, effect, answers=[answer])
    assert await allocations(store, schedule_id) == there
    loaded = await store.load(schedule_id, 10)
    assert (loaded.state.version, len(loaded.commits)) == (1, 1)
    async with store.transaction(schedule_id) as transaction:
        assert list(await transaction.answers([answer.request])) == []
    assert (await write(store, schedule_id, *good)).version == 2


async def test_the_same_seat_in_another_schedule_is_another_seat(store, make_schedule):
    one, two = await make_schedule(), await make_schedule()
    await write(store, one, *put(held(1)))
    await write(store, two, *put(held(1)))
    await write(store, one, Effect(held(1), None))
    assert (await allocations(store, one), await allocations(store, two)) == ([], [held(1)])


# --- stored answers


async def test_answers_are_found_by_scope_and_key_whatever_the_fingerprint(store, schedule_id):
    stored = [
        StoredAnswer(RequestKey("user-1", "key", "print-1"), '{"a":1}'),
        StoredAnswer(RequestKey("user-2", "key", "print-2"), '{"b":"자리"}'),
    ]
    await write(store, schedule_id, *put(held(1)), answers=stored)
    asked = [
        RequestKey("user-1", "key", "another print"),
        RequestKey("user-2", "key", "print-2"),
        RequestKey("user-3", "key", "print-1"),
        RequestKey("user-1", "other", "print-1"),
    ]
    async with store.transaction(schedule_id) as transaction:
        found = await transaction.answers(asked)
        assert list(await transaction.answers([])) == []
    assert sorted(found, key=lambda each: each.request.scope) == stored


async def test_answers_are_found_from_every_schedule(store, make_schedule):
    one, two = await make_schedule(), await make_schedule()
    answer = StoredAnswer(RequestKey("user-1", "key", "print"), "{}")
    await write(store, one, *put(held(1)), answers=[answer])
    async with store.transaction(two) as transaction:
        assert list(await transaction.answers([answer.request])) == [answer]


async def test_a_key_that_another_schedule_has_used_meanwhile_is_refused_and_nothing_is_written(
    store, make_schedule
):
    one, two = await make_schedule(), await make_schedule()
    first, second = [StoredAnswer(RequestKey("user-1", "key", "print"), text) for text in ("1", "2")]
    await write(store, one, *put(held(1)), answers=[first])
    with pytest.raises(StaleDecision):
        await write(store, two, *put(held(1)), answers=[second])
    assert await allocations(store, two) == []
    assert list(await store.answers([first.request])) == [first]


# --- tenures


async def keep(store, schedule_id, *tenures):
    async with store.transaction(schedule_id) as transaction:
        await transaction.write(Decision(Commit(transaction.state.version, ()), (), tenures=tenures))


async def tenures_of(store, schedule_id, *kept):
    async with store.transaction(schedule_id) as transaction:
        _, found = await transaction.read([], [ANN, BEN], kept)
    return sorted(found, key=lambda each: (each.buyer_id, each.seat_id))


async def test_tenures_are_read_by_buyer_and_seat_and_the_last_one_counts(store, make_schedule):
    schedule_id, other = await make_schedule(), await make_schedule()
    await keep(store, schedule_id, Tenure(1, ANN, 10, 20), Tenure(2, ANN, 10, 20), Tenure(1, BEN, 11, 21))
    await keep(store, other, Tenure(1, ANN, 1, 2))
    await keep(store, schedule_id, Tenure(1, ANN, 10, 30))
    assert await tenures_of(store, schedule_id, (ANN, 1), (ANN, 3)) == [Tenure(1, ANN, 10, 30)]
    assert await tenures_of(store, schedule_id, (ANN, 2), (BEN, 1), (BEN, 2)) == [
        Tenure(2, ANN, 10, 20),
        Tenure(1, BEN, 11, 21),
    ]
    assert await tenures_of(store, schedule_id) == []


async def test_an_allocation_keeps_when_it_began(store, schedule_id):
    began = replace(held(1), since_ms=77)
    await write(store, schedule_id, *put(began))
    assert await allocations(store, schedule_id) == [began]
    again = replace(began, since_ms=78, hold_id="h2")
    await write(store, schedule_id, Effect(began, again))
    assert await allocations(store, schedule_id) == [again]


async def test_trimming_forgets_tenures_after_the_cool_down(store, schedule_id):
    now_ms, _ = await store.states([])
    old, young = Tenure(1, ANN, 1, now_ms - 70_000), Tenure(2, ANN, 1, now_ms - 10_000)
    await keep(store, schedule_id, old, young)
    await store.trim(10, 60_000, 0, 60_000)
    assert await tenures_of(store, schedule_id, (ANN, 1), (ANN, 2)) == [young]


# --- trimming


async def test_trimming_keeps_the_last_commits_of_each_schedule_and_all_seats(store, make_schedule):
    one, two = await make_schedule(), await make_schedule()
    for seat_id in range(1, 6):
        await write(store, one, *put(held(seat_id)))
    await write(store, two, *put(held(1)))
    await store.trim(2, 60_000)
    assert [commit.version for commit in await store.commits_after(one, 0, 10)] == [4, 5]
    assert [commit.version for commit in (await store.load(one, 10)).commits] == [4, 5]
    assert len(await store.commits_after(two, 0, 10)) == 1
    assert len(await allocations(store, one)) == 5
    assert (await write(store, one, *put(held(9)))).version == 6


async def test_trimming_forgets_answers_by_their_age(store, schedule_id):
    answer = StoredAnswer(RequestKey("user-1", "key", "print"), "{}")
    await write(store, schedule_id, *put(held(1)), answers=[answer])
    await store.trim(10, 60_000)
    async with store.transaction(schedule_id) as transaction:
        assert list(await transaction.answers([answer.request])) == [answer]
    await store.trim(10, -60_000)  # as if a minute later everything were too old
    async with store.transaction(schedule_id) as transaction:
        assert list(await transaction.answers([answer.request])) == []


# --- durability


@pytest.mark.not_in_memory("a memory is gone when the last one lets go of it")
async def test_what_was_committed_is_there_for_the_next_process(settings):
    async with AsyncExitStack() as first:
        stores = await open_stores(settings)
        first.push_async_callback(stores.close)
        venue_id, _ = await Organising(stores.catalogue, stores.news).import_venue(hall())
        schedule_id = await stores.catalogue.create_schedule(
            venue_id=venue_id,
            kind=Kind.MATCH,
            title="LG : Doosan",
            starts_ms=0,
            sale=Sale(enabled=True, opens_ms=0),
        )
        await write(stores.seating, schedule_id, *put(held(1), sold(2, BEN)))
        state = (await stores.seating.load(schedule_id, 0)).state
    async with AsyncExitStack() as second:
        stores = await open_stores(settings)
        second.push_async_callback(stores.close)
        loaded = await stores.seating.load(schedule_id, 10)
        assert loaded.state == state
        assert sorted(loaded.allocations, key=lambda each: each.seat_id) == [held(1), sold(2, BEN)]
        assert len(loaded.commits) == 1
