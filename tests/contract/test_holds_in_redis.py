"""Holds that Redis decides: what PostgreSQL gets to know, who wins where they disagree, and when viewers start over."""

import asyncio
from dataclasses import replace

import pytest
import redis as client_of_redis

from jari.adapters.redis import sheet as sheets
from jari.adapters.redis.sheet import Sheet
from jari.adapters.sql.seating_ledger import merged
from jari.domain.errors import PlanDropsSeats, StaleDecision, Unavailable
from jari.domain.schedules import Kind
from jari.domain.seating import Allocation, Change, Effect, Status
from jari.domain.seatmap import Commit
from jari.main import open_stores
from jari.ports.answers import RequestKey, StoredAnswer
from jari.ports.seating import Decision
from jari.settings import Settings
from jari.usecases.organising import Organising
from support.backdoors import backdoor_of
from support.worlds import hall

ANN, BEN = 1, 2
FAR_MS = 4_000_000_000_000
PROMPTLY = 10  # seconds, for what takes a moment


@pytest.fixture
def settings(postgres_url, valkey_url):
    return Settings(
        database=postgres_url, redis=valkey_url, holds="redis", sheet_lease_ms=1_000, persist_ms=20
    )


@pytest.fixture
async def stores(settings):
    stores = await open_stores(settings)
    yield stores
    await stores.close()


@pytest.fixture
def store(stores):
    return stores.seating


@pytest.fixture
async def recorded(postgres_url):
    """PostgreSQL by itself, as a server sees it that knows nothing of Redis."""
    stores = await open_stores(Settings(database=postgres_url))
    yield stores.seating
    await stores.close()


@pytest.fixture
async def schedule_id(stores):
    organising = Organising(stores.catalogue, stores.news)
    venue_id, _ = await organising.import_venue(hall(rows=5, cols=10))
    return await organising.create_schedule(
        venue_id=venue_id, kind=Kind.MATCH, title="LG : Doosan", starts_ms=0, opens_ms=0
    )


@pytest.fixture
def sheet(stores, schedule_id):
    return Sheet(stores.redis, schedule_id)


@pytest.fixture
def forget_everything(valkey_url):
    def forget():
        with client_of_redis.Redis.from_url(valkey_url) as client:
            client.flushall()

    return forget


def held(seat_id, buyer=ANN, *, hold_id="h1"):
    return Allocation(seat_id, Status.HOLD, buyer, hold_id, FAR_MS)


def changes_of(effects):
    return tuple(
        Change(each.after.status, (each.after.seat_id,), each.after.buyer_id, each.after.expires_ms)
        if each.after
        else Change(Status.AVAILABLE, (each.before.seat_id,))
        for each in effects
    )


def decision_of(transaction, *effects, answers=()):
    return Decision(Commit(transaction.state.version, changes_of(effects)), effects, answers=answers)


async def write(store, schedule_id, *effects, answers=()):
    async with store.transaction(schedule_id) as transaction:
        await transaction.write(decision_of(transaction, *effects, answers=answers))
        return transaction.state


async def hold(store, schedule_id, *seat_ids, buyer=ANN, hold_id="h1"):
    effects = [Effect(None, held(seat_id, buyer, hold_id=hold_id)) for seat_id in seat_ids]
    return await write(store, schedule_id, *effects)


async def hold_after(do, store, schedule_id):
    """Hold seat 1, but between begin and decision do something."""
    async with store.transaction(schedule_id) as transaction:
        await do(transaction)
        await transaction.write(decision_of(transaction, Effect(None, held(1, hold_id="h3"))))


async def seats_in(store, schedule_id):
    """Seat → buyer, and the version."""
    loaded = await store.load(schedule_id, 0)
    return {each.seat_id: each.buyer_id for each in loaded.allocations}, loaded.state.version


async def persist(store, sheet):
    look = await sheet.look()
    await store.persisting.catch_up(sheet, look.head.state.version)


async def until(true):
    async with asyncio.timeout(PROMPTLY):
        while not await true():  # noqa: ASYNC110 - a database tells nobody
            await asyncio.sleep(0.02)


async def insist(do):
    """Try again while Redis is away, as a buyer does who got 503."""
    async with asyncio.timeout(PROMPTLY):
        while True:
            try:
                return await do()
            except Unavailable:
                await asyncio.sleep(0.05)


# --- what PostgreSQL gets to know


async def test_a_hold_needs_no_database_and_is_recorded_a_moment_later(store, recorded, sheet, schedule_id):
    await hold(store, schedule_id, 1, 2)
    assert await seats_in(recorded, schedule_id) == ({}, 0)
    await persist(store, sheet)
    assert await seats_in(recorded, schedule_id) == ({1: ANN, 2: ANN}, 1)
    head = (await sheet.look()).head
    assert (head.persisted, head.behind) == (1, 0)


async def test_commits_are_recorded_in_order_with_all_that_they_changed(store, recorded, sheet, schedule_id):
    for seat_id in (1, 2, 3):
        await hold(store, schedule_id, seat_id)
    await write(store, schedule_id, Effect(held(1), None), Effect(held(2), held(2, BEN, hold_id="h2")))
    await persist(store, sheet)
    assert await seats_in(recorded, schedule_id) == ({2: BEN, 3: ANN}, 4)
    assert await recorded.commits_after(schedule_id, 0, 10) == await store.commits_after(schedule_id, 0, 10)
    assert [each.version for each in await recorded.commits_after(schedule_id, 0, 10)] == [1, 2, 3, 4]


async def test_two_who_record_at_once_enter_each_commit_once(stores, settings, recorded, sheet, schedule_id):
    other = await open_stores(settings)
    try:
        for seat_id in range(1, 31):
            await hold(stores.seating, schedule_id, seat_id)
        await asyncio.gather(
            *(persist(each.seating, Sheet(each.redis, schedule_id)) for each in (stores, other) * 3)
        )
    finally:
        await other.close()
    seats, version = await seats_in(recorded, schedule_id)
    assert (sorted(seats), version) == (list(range(1, 31)), 30)
    assert [each.version for each in await recorded.commits_after(schedule_id, 0, 100)] == list(range(1, 31))


async def test_whoever_records_out_of_order_is_refused(store, recorded, sheet, schedule_id, monkeypatch):
    """Else the change log would have gaps."""
    for seat_id in (1, 2, 3):
        await hold(store, schedule_id, seat_id)
    in_order = Sheet.entries

    async def from_the_end(self, first, count):
        return [*await in_order(self, first, count)][::-1]

    monkeypatch.setattr(Sheet, "entries", from_the_end)
    with pytest.raises(StaleDecision):
        await persist(store, sheet)
    assert await seats_in(recorded, schedule_id) == ({}, 0)


async def test_without_a_look_at_the_order_the_log_has_gaps(store, recorded, sheet, schedule_id, monkeypatch):
    """The negative control of the test above: the look at the versions is what finds it."""
    for seat_id in (1, 2, 3):
        await hold(store, schedule_id, seat_id)
    in_order = Sheet.entries

    async def only_the_last(self, first, count):
        return [*await in_order(self, first, count)][-1:]

    monkeypatch.setattr(Sheet, "entries", only_the_last)
    monkeypatch.setattr("jari.adapters.sql.seating_ledger.require_next", lambda *_: None)
    await persist(store, sheet)
    assert [each.version for each in await recorded.commits_after(schedule_id, 0, 10)] == [3]


async def test_what_one_process_has_committed_another_records(stores, settings, recorded, schedule_id):
    """The group wakes whoever looks; the one that committed never does."""
    await hold(stores.seating, schedule_id, 1)
    other = await open_stores(settings)
    running = asyncio.create_task(other.persisting.run())

    async def is_recorded():
        return (await seats_in(recorded, schedule_id)) == ({1: ANN}, 1)

    try:
        await until(is_recorded)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await other.close()


async def test_what_a_frozen_process_was_woken_for_another_takes_over(
    stores, settings, recorded, sheet, schedule_id
):
    await hold(stores.seating, schedule_id, 1)
    assert await sheet.wakes("frozen") is None  # makes the group
    assert await sheet.wakes("frozen") == 1  # and does nothing about it
    other = await open_stores(replace(settings, take_over_ms=100))
    running = asyncio.create_task(other.persisting.run())

    async def is_recorded():
        return (await seats_in(recorded, schedule_id)) == ({1: ANN}, 1)

    try:
        await until(is_recorded)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await other.close()


def test_a_seat_that_came_and_went_between_two_records_is_not_written():
    first = Decision(Commit(1, ()), [Effect(None, held(1)), Effect(None, held(2))])
    second = Decision(Commit(2, ()), [Effect(held(1), None), Effect(held(2), held(2, BEN))])
    assert merged([first, second]) == [Effect(None, held(2, BEN))]


async def test_an_answer_is_found_before_and_after_it_is_recorded(store, sheet, schedule_id):
    answer = StoredAnswer(RequestKey("user-1", "key", "print"), "{}")
    await write(store, schedule_id, Effect(None, held(1)), answers=[answer])
    assert list(await store.answers([answer.request])) == [answer]
    await persist(store, sheet)
    assert list(await store.answers([answer.request])) == [answer]


async def test_holds_are_refused_while_too_much_is_not_recorded(
    postgres_url, valkey_url, stores, schedule_id
):
    hasty = await open_stores(
        Settings(database=postgres_url, redis=valkey_url, holds="redis", max_unpersisted_commits=2)
    )
    try:
        for seat_id in (1, 2):
            await hold(hasty.seating, schedule_id, seat_id)
        with pytest.raises(Unavailable) as refusal:
            await hold(hasty.seating, schedule_id, 3)
        assert refusal.value.retry_after_seconds
        await persist(hasty.seating, Sheet(hasty.redis, schedule_id))
        await hold(hasty.seating, schedule_id, 3)
    finally:
        await hasty.close()


# --- what is about reservations


async def test_before_a_reservation_is_looked_at_postgresql_has_all_that_redis_has(
    store, recorded, sheet, schedule_id
):
    await hold(store, schedule_id, 1)
    async with store.transaction(schedule_id) as transaction:
        assert list(await transaction.reservations([7], [], [])) == []
        assert (await seats_in(recorded, schedule_id))[0] == {1: ANN}
        await transaction.write(decision_of(transaction, Effect(None, held(2, BEN, hold_id="h2"))))
    assert await seats_in(recorded, schedule_id) == ({1: ANN, 2: BEN}, 2)
    head = (await sheet.look()).head
    assert (head.state.version, head.persisted, head.upgrading) == (2, 2, False)
    _, there = await store.allocations_of(schedule_id, BEN)
    assert there == [held(2, BEN, hold_id="h2")]


async def test_a_buyer_without_open_reservations_needs_no_database(store, recorded, schedule_id):
    await hold(store, schedule_id, 1)
    async with store.transaction(schedule_id) as transaction:
        assert list(await transaction.reservations([], [], [ANN])) == []
        await transaction.write(decision_of(transaction, Effect(held(1), None)))
    assert (await recorded.load(schedule_id, 0)).state.version == 0


async def test_what_postgresql_has_committed_and_the_sheet_was_not_told_of_is_not_lost(
    store, recorded, sheet, schedule_id, monkeypatch
):
    """As if the process died, or Redis went away, between the two commits."""
    await hold(store, schedule_id, 1)
    epoch = (await sheet.look()).head.state.epoch
    with monkeypatch.context() as broken:
        broken.setattr(sheets.Sheet, "give_back", dead)
        broken.setattr("jari.adapters.redis.seating.RedisSeatingTransaction.follow", dead)
        async with store.transaction(schedule_id) as transaction:
            await transaction.reservations([7], [], [])
            await transaction.write(decision_of(transaction, Effect(None, held(2, BEN))))
    state = await hold(store, schedule_id, 3)
    assert (state.epoch, state.version) == (epoch, 3)
    await persist(store, sheet)
    assert await seats_in(recorded, schedule_id) == ({1: ANN, 2: BEN, 3: ANN}, 3)


async def dead(*_):
    """Do nothing more."""


# --- who wins, and when viewers start over


async def test_redis_emptied_after_everything_was_recorded_loses_nothing(
    store, sheet, schedule_id, forget_everything
):
    first = await hold(store, schedule_id, 1)
    await persist(store, sheet)
    await store.persisting.rest(sheet)  # as after a quiet while
    forget_everything()
    state = await hold(store, schedule_id, 2)
    assert (state.epoch, state.version) == (first.epoch, 2)
    assert (await seats_in(store, schedule_id))[0] == {1: ANN, 2: ANN}


async def test_redis_emptied_before_everything_was_recorded_begins_a_new_epoch(
    store, sheet, schedule_id, forget_everything
):
    first = await hold(store, schedule_id, 1)
    await persist(store, sheet)
    await hold(store, schedule_id, 2)
    forget_everything()
    state = await hold(store, schedule_id, 2, buyer=BEN)
    assert state.epoch != first.epoch
    assert state.version == 2
    assert (await seats_in(store, schedule_id))[0] == {1: ANN, 2: BEN}


async def test_whoever_polls_sees_the_new_epoch_though_nobody_holds(store, schedule_id, forget_everything):
    first = await hold(store, schedule_id, 1)
    forget_everything()
    _, states = await store.states([schedule_id])
    assert (states[schedule_id].epoch != first.epoch, states[schedule_id].version) == (True, 0)


async def test_a_decision_that_was_under_way_while_redis_was_emptied_is_refused(
    store, schedule_id, forget_everything
):
    await hold(store, schedule_id, 1)

    async def forget(_):
        forget_everything()

    with pytest.raises(StaleDecision):
        await hold_after(forget, store, schedule_id)
    assert await seats_in(store, schedule_id) == ({}, 0)


async def test_redis_restored_from_an_old_file_begins_a_new_epoch_though_it_may_be_ahead_of_postgresql(
    postgres_url, make_redis
):
    server = make_redis()
    stores = await open_stores(Settings(database=postgres_url, redis=server.url, holds="redis"))
    try:
        organising = Organising(stores.catalogue, stores.news)
        venue_id, _ = await organising.import_venue(hall())
        schedule_id = await organising.create_schedule(
            venue_id=venue_id, kind=Kind.MATCH, title="LG : Doosan", starts_ms=0, opens_ms=0
        )
        first = await hold(stores.seating, schedule_id, 1)
        await hold(stores.seating, schedule_id, 2)
        server.ask("SAVE")
        await hold(stores.seating, schedule_id, 3)  # version 3 is seen, and gone with the server
        server.kill()
        server.start()
        state = await insist(lambda: hold(stores.seating, schedule_id, 3, buyer=BEN))
        assert state.version == 3
        assert state.epoch != first.epoch, "another version 3 was seen before"
        assert (await seats_in(stores.seating, schedule_id))[0] == {1: ANN, 2: ANN, 3: BEN}
    finally:
        await stores.close()


async def test_where_postgresql_has_another_owner_it_wins(stores, store, recorded, sheet, schedule_id):
    first = await hold(store, schedule_id, 1, 2)
    await backdoor_of(stores).put_allocation(schedule_id, held(2, BEN, hold_id="h2"))
    with pytest.raises(StaleDecision):
        await persist(store, sheet)
    await store.persisting.mend_soon(sheet)
    assert await seats_in(store, schedule_id) == ({2: BEN}, 0)
    assert (await sheet.look()).head.state.epoch != first.epoch
    with pytest.raises(StaleDecision):
        await hold(store, schedule_id, 2)
    await hold(store, schedule_id, 1)
    assert await seats_in(store, schedule_id) == ({1: ANN, 2: BEN}, 1)


async def test_where_another_writer_has_taken_the_version_in_postgresql_it_wins(
    store, recorded, sheet, schedule_id
):
    """As a server does that was started without JARI_HOLDS."""
    first = await hold(store, schedule_id, 1)
    await hold(recorded, schedule_id, 1, buyer=BEN, hold_id="h2")
    with pytest.raises(StaleDecision):
        await persist(store, sheet)
    await store.persisting.mend_soon(sheet)
    assert (await sheet.look()).head.state.epoch != first.epoch
    assert await seats_in(store, schedule_id) == ({1: BEN}, 1)


async def test_a_database_that_has_lost_versions_begins_a_new_epoch(stores, store, sheet, schedule_id):
    first = await hold(store, schedule_id, 1)
    await hold(store, schedule_id, 2)
    await persist(store, sheet)
    await backdoor_of(stores).lose_commits(schedule_id, 1)
    _, states = await store.states([schedule_id])
    assert (states[schedule_id].epoch != first.epoch, states[schedule_id].version) == (True, 1)


async def test_a_sheet_that_was_left_alone_for_a_while_is_not_marked_and_the_next_hold_marks_it_anew(
    store, sheet, schedule_id
):
    await hold(store, schedule_id, 1)
    assert list(await store._ledger.marked()) == [schedule_id]
    await store.persisting.rest(sheet)
    assert list(await store._ledger.marked()) == [schedule_id], "it is not recorded yet"
    await persist(store, sheet)
    await store.persisting.rest(sheet)
    assert list(await store._ledger.marked()) == []
    await hold(store, schedule_id, 2)
    assert list(await store._ledger.marked()) == [schedule_id]


async def test_a_mark_after_which_nothing_was_held_does_not_stay(store, sheet, schedule_id):
    """As of a server that marked the schedule and died before it could commit."""
    async with store.transaction(schedule_id):
        await store.mark(schedule_id)
    await store.persisting.rest(sheet)
    assert list(await store._ledger.marked()) == []


async def test_a_sheet_that_nobody_needs_leaves_redis_unless_somebody_holds_again(
    store, sheet, schedule_id, valkey_url
):
    with client_of_redis.Redis.from_url(valkey_url) as client:

        def keys_that_leave():
            return [
                name for name in client.scan_iter(f"jari:{{{schedule_id}}}:sheet*") if client.ttl(name) > 0
            ]

        await hold(store, schedule_id, 1)
        await persist(store, sheet)
        assert keys_that_leave() == []
        await store.persisting.rest(sheet)
        leaving = keys_that_leave()
        assert len(leaving) == len(list(client.scan_iter(f"jari:{{{schedule_id}}}:sheet*")))
        await hold(store, schedule_id, 2)
        assert keys_that_leave() == []
        await persist(store, sheet)
        await store.persisting.rest(sheet)
        client.delete(f"jari:{{{schedule_id}}}:sheet")  # the head goes first
    state = await hold(store, schedule_id, 3)
    assert state.version == 3
    assert (await seats_in(store, schedule_id))[0] == {1: ANN, 2: ANN, 3: ANN}


# --- what is decided elsewhere reaches the sheet


async def test_a_sale_that_is_closed_is_closed_on_the_sheet(stores, store, schedule_id):
    await hold(store, schedule_id, 1)
    await Organising(stores.catalogue, stores.news).close_sale(schedule_id)
    async with store.transaction(schedule_id) as transaction:
        assert transaction.state.sale.enabled is False


async def test_a_new_plan_reaches_the_sheet_with_its_epoch_and_no_hold_is_lost(stores, store, schedule_id):
    first = await hold(store, schedule_id, 1)
    venue = await stores.catalogue.venue(1)
    await stores.catalogue.save_venue(replace(venue, width=venue.width + 1))
    async with store.transaction(schedule_id) as transaction:
        assert transaction.state.layout_revision == first.layout_revision + 1
        assert transaction.state.epoch != first.epoch
    assert await seats_in(store, schedule_id) == ({1: ANN}, 1)


async def test_a_plan_cannot_drop_a_seat_that_only_redis_knows_to_be_held(stores, store, schedule_id):
    await hold(store, schedule_id, 1)
    with pytest.raises(PlanDropsSeats):
        await stores.catalogue.save_venue(without_the_first_seat(await stores.catalogue.venue(1)))
    assert await seats_in(store, schedule_id) == ({1: ANN}, 1)


async def test_a_plan_that_drops_a_held_seat_behind_the_backs_of_the_servers_wins(
    stores, store, recorded, sheet, schedule_id, postgres_url
):
    """As the command does that was given no Redis."""
    await hold(store, schedule_id, 1, 2)
    unaware = await open_stores(Settings(database=postgres_url))
    await unaware.catalogue.save_venue(without_the_first_seat(await unaware.catalogue.venue(1)))
    await unaware.close()
    await store.states([schedule_id])
    assert await seats_in(store, schedule_id) == ({}, 0)
    await hold(store, schedule_id, 2)
    assert await seats_in(store, schedule_id) == ({2: ANN}, 1)


def without_the_first_seat(venue):
    section, *sections = venue.sections
    block, *blocks = section.blocks
    block = replace(block, seats=block.seats[1:])
    return replace(venue, sections=(replace(section, blocks=(block, *blocks)), *sections))


# --- the lease and the version


async def test_who_has_lost_the_lease_meanwhile_is_refused(store, settings, schedule_id):
    other = await open_stores(settings)
    try:
        with pytest.raises(StaleDecision):
            await hold_after(lambda _: hold(other.seating, schedule_id, 1, buyer=BEN), store, schedule_id)
    finally:
        await other.close()
    assert (await seats_in(store, schedule_id))[0] == {1: BEN}
