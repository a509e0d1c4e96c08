"""What the store of relays must do, on SQLite, on PostgreSQL and in memory: each relay goes its own way through the outbox."""

import pytest

from jari.domain.events import Event, EventKind
from jari.domain.relays import KAFKA, WEBHOOKS
from jari.domain.schedules import Kind
from jari.domain.seating import Change, Status
from jari.domain.seatmap import Commit
from jari.main import open_stores
from jari.ports.seating import Decision
from jari.settings import Settings
from jari.usecases.organising import Organising
from support.backdoors import backdoor_of
from support.worlds import hall

LIMIT, MANY = 10, 1_000
HOUR_MS = 3_600_000
SALES = ("reservation.*",)


@pytest.fixture
async def stores(store_url):
    stores = await open_stores(Settings(database=store_url))
    yield stores
    await stores.close()


@pytest.fixture
def relays(stores):
    return stores.relays


@pytest.fixture
def make_schedule(stores):
    async def make():
        organising = Organising(stores.catalogue, stores.news)
        venue_id, _ = await organising.import_venue(hall(rows=1, cols=4))
        return await organising.create_schedule(
            venue_id=venue_id, kind=Kind.MATCH, title="LG : Doosan", starts_ms=0, opens_ms=0
        )

    return make


@pytest.fixture
async def schedule_id(make_schedule):
    return await make_schedule()


async def commit(stores, schedule_id, *events, changes=()):
    async with stores.seating.transaction(schedule_id) as transaction:
        version = transaction.state.version
        await transaction.write(Decision(Commit(version, tuple(changes), events), ()))


async def commits(stores, schedule_id, count):
    for number in range(count):
        event = Event(EventKind.RESERVATION_CREATED, number, f"jari-{number}", 3, (101, 102), 30_000, "KRW")
        await commit(stores, schedule_id, event)


def versions(stretches):
    """Schedule → the versions of its commits."""
    return {each.schedule_id: [one.commit.version for one in each.commits] for each in stretches}


async def pass_on(relays, relay=KAFKA, limit=LIMIT):
    """Take the next stretches and move on; schedule → versions."""
    stretches = await relays.next(relay, limit)
    await relays.move(relay, stretches)
    return versions(stretches)


async def kept(stores, schedule_id):
    return [each.version for each in await stores.seating.commits_after(schedule_id, 0, MANY)]


async def trim(stores, keep_commits=1, outbox_size=MANY, patience_ms=HOUR_MS):
    lags = await stores.relays.lags(patience_ms)
    return list(await stores.seating.trim(keep_commits, 60_000, outbox_size, 0, tuple(lags)))


# --- going through the outbox


async def test_a_commit_comes_with_all_that_happened_and_when(stores, relays, schedule_id):
    event = Event(EventKind.REFUND_DUE, 1, "jari-1", 3, (101,), 30_000, "KRW")
    changed = Change(Status.HOLD, (101, 102), 3, 5_000)
    await commit(stores, schedule_id, event, changes=[changed])
    (stretch,) = await relays.next(KAFKA, LIMIT)
    _, states = await stores.seating.states([schedule_id])
    assert (stretch.schedule_id, stretch.epoch) == (schedule_id, states[schedule_id].epoch)
    assert (stretch.cursor, stretch.reached, stretch.lost) == (0, 1, 0)
    (logged,) = stretch.commits
    assert logged.commit == Commit(1, (changed,), (event,))
    assert logged.committed_ms > 0


async def test_what_was_not_moved_past_comes_again_and_what_was_does_not(stores, relays, schedule_id):
    await commits(stores, schedule_id, 25)
    first = await relays.next(KAFKA, LIMIT)
    assert versions(await relays.next(KAFKA, LIMIT)) == versions(first) == {schedule_id: [*range(1, 11)]}
    await relays.move(KAFKA, first)
    assert await pass_on(relays) == {schedule_id: [*range(11, 21)]}
    assert await pass_on(relays) == {schedule_id: [*range(21, 26)]}
    assert await pass_on(relays) == {}


async def test_a_busy_schedule_does_not_keep_the_others_waiting(stores, relays, make_schedule):
    busy, quiet = await make_schedule(), await make_schedule()
    await commits(stores, busy, 30)
    await commits(stores, quiet, 2)
    assert versions(await relays.next(KAFKA, LIMIT)) == {busy: [1, 2, 3, 4, 5], quiet: [1, 2]}


async def test_a_cursor_that_somebody_else_has_moved_stays_where_it_is(stores, relays, schedule_id):
    """A process that was frozen in the middle must not set another's work back."""
    await commits(stores, schedule_id, 9)
    frozen = await relays.next(KAFKA, 3)
    assert await pass_on(relays, limit=6) == {schedule_id: [*range(1, 7)]}
    await relays.move(KAFKA, frozen)
    assert await pass_on(relays) == {schedule_id: [7, 8, 9]}


async def test_two_relays_have_nothing_to_do_with_each_other(stores, relays, schedule_id):
    await stores.webhooks.add("https://example.com", b"s" * 32, SALES, MANY)
    await commits(stores, schedule_id, 4)
    assert (await stores.webhooks.relay(LIMIT)).commits == 4
    assert await pass_on(relays) == {schedule_id: [1, 2, 3, 4]}
    assert (await stores.webhooks.relay(LIMIT)).commits == 0


async def test_a_relay_that_is_new_begins_with_what_the_log_still_has(stores, relays, schedule_id):
    await commits(stores, schedule_id, 6)
    await trim(stores, keep_commits=2)
    (stretch,) = await relays.next(KAFKA, LIMIT)
    assert (stretch.cursor, stretch.reached, stretch.lost) == (4, 6, 0)


async def test_a_cursor_beyond_a_store_that_was_put_back_is_set_back(stores, relays, schedule_id):
    await commits(stores, schedule_id, 5)
    await pass_on(relays)
    await backdoor_of(stores).lose_commits(schedule_id, 2)
    assert await pass_on(relays) == {schedule_id: []}
    assert await backdoor_of(stores).passed_on(schedule_id, KAFKA) == 2
    await commits(stores, schedule_id, 1)
    assert await pass_on(relays) == {schedule_id: [3]}


# --- trimming the log


async def test_the_log_keeps_what_the_slowest_relay_has_not_passed_on(stores, relays, schedule_id):
    await stores.webhooks.add("https://example.com", b"s" * 32, SALES, MANY)
    await stores.duties.take_lease(KAFKA, "one", HOUR_MS)
    await commits(stores, schedule_id, 8)
    await stores.webhooks.relay(3)
    assert await pass_on(relays, limit=5) == {schedule_id: [1, 2, 3, 4, 5]}
    assert await trim(stores) == []
    assert await kept(stores, schedule_id) == [4, 5, 6, 7, 8]
    await stores.webhooks.relay(MANY)
    assert await trim(stores) == []
    assert await kept(stores, schedule_id) == [6, 7, 8]


async def test_what_a_relay_has_not_come_to_yet_is_kept_from_its_first_look_on(stores, relays, make_schedule):
    """As when the brokers are away from the beginning: nothing was ever moved."""
    await stores.duties.take_lease(KAFKA, "one", HOUR_MS)
    schedule_id = await make_schedule()
    await relays.next(KAFKA, LIMIT)
    await commits(stores, schedule_id, 5)
    await trim(stores)
    assert await pass_on(relays) == {schedule_id: [1, 2, 3, 4, 5]}


async def test_a_stuck_relay_keeps_no_more_than_the_outbox_and_the_loss_is_told(stores, relays, schedule_id):
    await stores.duties.take_lease(KAFKA, "one", HOUR_MS)
    await commits(stores, schedule_id, 2)
    await pass_on(relays)
    await commits(stores, schedule_id, 8)
    assert await trim(stores, outbox_size=8) == []
    assert await trim(stores, outbox_size=3) == [schedule_id]
    (stretch,) = await relays.next(KAFKA, LIMIT)
    assert (stretch.lost, versions([stretch])) == (5, {schedule_id: [8, 9, 10]})
    await relays.move(KAFKA, [stretch])
    assert await trim(stores, outbox_size=3) == []


async def test_a_relay_that_is_not_set_up_any_more_holds_nothing(stores, relays, schedule_id):
    """Its lease ended long ago: nobody is told of a loss, and the log is trimmed as always."""
    await stores.duties.take_lease(KAFKA, "one", 0)
    await commits(stores, schedule_id, 5)
    await relays.next(KAFKA, LIMIT)
    assert await relays.lags(HOUR_MS) == {KAFKA: 5}
    assert await relays.lags(-HOUR_MS) == {}  # as if hours had passed
    assert await trim(stores, patience_ms=-HOUR_MS) == []
    assert await kept(stores, schedule_id) == [5]


async def test_a_lag_is_the_commits_of_all_schedules_that_a_relay_has_yet_to_pass_on(
    stores, relays, make_schedule
):
    one, two = await make_schedule(), await make_schedule()
    await stores.webhooks.relay(LIMIT)  # nobody listens: it goes to the end
    await relays.next(KAFKA, LIMIT)
    await commits(stores, one, 4)
    await commits(stores, two, 3)
    assert await relays.lags(HOUR_MS) == {WEBHOOKS: 7, KAFKA: 7}
    await relays.move(KAFKA, [each for each in await relays.next(KAFKA, LIMIT) if each.schedule_id == one])
    await backdoor_of(stores).lose_commits(one, 1)  # whoever is beyond the store has nothing to make good
    assert await relays.lags(HOUR_MS) == {WEBHOOKS: 4, KAFKA: 3}
