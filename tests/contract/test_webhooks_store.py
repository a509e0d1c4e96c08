"""What the store of webhooks must do, on SQLite, on PostgreSQL and in memory: the change log becomes deliveries, each once."""

import asyncio
import json

import pytest

from jari.domain.errors import Conflict, NotFound
from jari.domain.events import Event, EventKind
from jari.domain.schedules import Kind
from jari.domain.seating import Change, Status
from jari.domain.seatmap import Commit
from jari.main import open_stores
from jari.ports.seating import Decision
from jari.ports.webhooks import Undelivered
from jari.settings import Settings
from jari.usecases.organising import Organising
from support.backdoors import backdoor_of
from support.worlds import hall

URL, SECRET = "https://example.com/hooks", b"s" * 32
SALES = ("reservation.*",)
LIMIT, MANY = 10, 1_000


@pytest.fixture
async def stores(store_url):
    stores = await open_stores(Settings(database=store_url))
    yield stores
    await stores.close()


@pytest.fixture
def store(stores):
    return stores.webhooks


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


def event(number, kind=EventKind.RESERVATION_CREATED):
    return Event(kind, number, f"jari-{number}", 3, (101, 102), 30_000, "KRW")


async def commit(stores, schedule_id, *events, changes=()):
    """One transaction with these events; its version."""
    async with stores.seating.transaction(schedule_id) as transaction:
        version = transaction.state.version
        await transaction.write(Decision(Commit(version, tuple(changes), events), ()))
    return version


async def commits(stores, schedule_id, count):
    for number in range(count):
        await commit(stores, schedule_id, event(number + 1))


async def add(store, *patterns, url=URL):
    return await store.add(url, SECRET, patterns or SALES, MANY)


async def letters(store, webhook_id):
    return await store.due(webhook_id, MANY)


async def told(store, webhook_id):
    """The versions of the deliveries of a webhook, in order."""
    found = [json.loads(each.body)["data"]["version"] for each in await letters(store, webhook_id)]
    return sorted(found)


async def cursor(stores, schedule_id):
    return await backdoor_of(stores).passed_on(schedule_id)


async def drain(store, limit=LIMIT):
    total = 0
    while passed_on := (await store.relay(limit)).commits:
        total += passed_on
    return total


# --- webhooks


async def test_a_webhook_comes_back_as_it_was_made(store):
    made = await store.add(URL, SECRET, ("seats.*", "refund.due"), MANY)
    ((found, waiting, dead),) = await store.counts()
    assert found == made
    assert (found.url, found.secret, found.patterns) == (URL, SECRET, ("seats.*", "refund.due"))
    assert (waiting, dead) == (0, 0)


async def test_there_are_not_more_webhooks_than_the_limit(store):
    await store.add(URL, SECRET, SALES, 2)
    await store.add(URL, SECRET, SALES, 2)
    with pytest.raises(Conflict, match="2 webhooks"):
        await store.add(URL, SECRET, SALES, 2)


async def test_a_removed_webhook_takes_its_deliveries_along_and_leaves_the_others(stores, store, schedule_id):
    one, two = await add(store), await add(store)
    await commit(stores, schedule_id, event(1))
    await store.relay(LIMIT)
    await store.remove(one.id)
    assert [each[:2] for each in await store.counts()] == [(two, 1)]
    with pytest.raises(NotFound, match="jari webhook list"):
        await store.remove(one.id)


# --- the relay


async def test_a_webhook_for_which_too_much_waits_is_not_told_and_the_others_are(stores, store, schedule_id):
    deaf = await add(store)
    await commits(stores, schedule_id, 2)
    await store.relay(LIMIT)
    other = await add(store)
    await commits(stores, schedule_id, 1)
    relayed = await store.relay(LIMIT, 2)
    assert (relayed.deaf, relayed.commits) == ([deaf.id], 1)
    assert (await told(store, deaf.id), await told(store, other.id)) == ([1, 2], [3])


async def test_a_delivery_says_what_happened_where_and_when(stores, store, schedule_id):
    webhook = await add(store)
    version = await commit(stores, schedule_id, event(12))
    relayed = await store.relay(LIMIT)
    assert (relayed.commits, relayed.deliveries, relayed.lost) == (1, 1, {})
    (letter,) = await letters(store, webhook.id)
    body = json.loads(letter.body)
    _, states = await stores.seating.states([schedule_id])
    assert letter.event_id == body["id"] == f"{schedule_id}-{states[schedule_id].epoch}-{version}-0"
    assert letter.kind == body["type"] == "reservation.created"
    assert (letter.attempt, letter.error) == (0, "")
    assert body["data"] == {
        "scheduleId": schedule_id,
        "version": version,
        "reservationId": 12,
        "orderId": "jari-12",
        "buyerId": 3,
        "seatIds": [101, 102],
        "amount": 30_000,
        "currency": "KRW",
    }


async def test_the_id_of_an_event_is_the_same_for_all_who_are_told_and_whoever_else_is(
    stores, store, schedule_id
):
    """Sales are numbered before seats, whose events are not even read where nobody wants them."""
    changed = [Change(Status.HOLD, (101,), 3, 5_000), Change(Status.OCCUPIED, (102, 103), 4)]

    async def names(webhook):
        found = sorted(await letters(store, webhook.id), key=lambda each: each.event_id)
        return [(each.event_id.partition("-")[2].split("-")[1:], each.kind) for each in found]

    sales = await add(store)
    await commit(stores, schedule_id, event(1), event(2, EventKind.RESERVATION_CONFIRMED), changes=changed)
    await drain(store)
    everything, sold = await add(store, "*"), await add(store, "seats.sold")
    await asyncio.sleep(0.01)
    await commit(stores, schedule_id, event(3), event(4, EventKind.RESERVATION_CONFIRMED), changes=changed)
    await drain(store)

    assert await names(sales) == [
        ([version, number], kind)
        for version in ("1", "2")
        for number, kind in (("0", "reservation.created"), ("1", "reservation.confirmed"))
    ]
    assert await names(everything) == [
        (["2", "0"], "reservation.created"),
        (["2", "1"], "reservation.confirmed"),
        (["2", "2"], "seats.held"),
        (["2", "3"], "seats.sold"),
    ]
    assert await names(sold) == [(["2", "3"], "seats.sold")]
    (letter,) = await letters(store, sold.id)
    assert json.loads(letter.body)["data"]["seatIds"] == [102, 103]


async def test_every_commit_is_passed_on_once_in_pages(stores, store, schedule_id):
    webhook = await add(store)
    await commits(stores, schedule_id, 25)
    counts = [(await store.relay(LIMIT)).commits for _ in range(4)]
    assert counts == [10, 10, 5, 0]
    assert await told(store, webhook.id) == list(range(1, 26))
    assert await cursor(stores, schedule_id) == 25


async def test_what_was_delivered_does_not_come_again(stores, store, schedule_id):
    webhook = await add(store)
    await commits(stores, schedule_id, 3)
    await drain(store)
    await store.settle([each.id for each in await letters(store, webhook.id)], [])
    await commit(stores, schedule_id, event(4))
    await drain(store)
    assert await told(store, webhook.id) == [4]


async def test_a_busy_schedule_does_not_keep_the_others_waiting(stores, store, make_schedule):
    webhook = await add(store)
    busy, quiet = await make_schedule(), await make_schedule()
    await commits(stores, busy, 30)
    await commits(stores, quiet, 2)
    await store.relay(LIMIT)
    bodies = [json.loads(each.body)["data"] for each in await letters(store, webhook.id)]
    assert sorted(each["version"] for each in bodies if each["scheduleId"] == quiet) == [1, 2]
    assert sum(each["scheduleId"] == busy for each in bodies) == 5


async def test_nothing_is_skipped_and_nothing_is_made_twice_beside_busy_writers_and_relays(
    stores, store, make_schedule, store_url
):
    """Two processes relay at once, as when a lease passes on, while several tills commit."""
    webhook = await add(store)
    ids = [await make_schedule() for _ in range(3)]
    others = await open_stores(Settings(database=store_url))
    writing = asyncio.Event()

    async def relay(webhooks):
        passed_on = 0
        while not writing.is_set():
            passed_on += (await webhooks.relay(3)).commits
        return passed_on + await drain(webhooks)

    try:
        relaying = [asyncio.create_task(relay(each.webhooks)) for each in (stores, others)]
        await asyncio.gather(*(commits(each, one, 20) for each in (stores, others) for one in ids))
        writing.set()
        passed_on = await asyncio.gather(*relaying)
    finally:
        await others.close()
    assert sum(passed_on) == 120
    found = [json.loads(each.body)["data"] for each in await letters(store, webhook.id)]
    assert sorted((each["scheduleId"], each["version"]) for each in found) == [
        (one, version) for one in ids for version in range(1, 41)
    ]


class Crash(Exception):
    """Something that goes wrong in the middle of a relay."""


@pytest.mark.not_in_memory("there nothing can go wrong between two waits, and it does not wait midway")
async def test_a_relay_that_fails_midway_has_done_nothing(stores, store, schedule_id, monkeypatch):
    webhook = await add(store)
    await commits(stores, schedule_id, 3)
    whole = store._move

    async def fail(*_):
        raise Crash

    monkeypatch.setattr(store, "_move", fail)
    with pytest.raises(Crash):
        await store.relay(LIMIT)
    assert await told(store, webhook.id) == []
    monkeypatch.setattr(store, "_move", whole)
    await drain(store)
    assert await told(store, webhook.id) == [1, 2, 3]


# --- where there is nobody to tell, and where somebody comes late


async def test_without_webhooks_the_cursors_go_to_the_end(stores, store, make_schedule):
    one, two = await make_schedule(), await make_schedule()
    await commits(stores, one, 25)
    relayed = await store.relay(2)
    assert (relayed.commits, relayed.deliveries) == (0, 0)
    assert (await cursor(stores, one), await cursor(stores, two)) == (25, 0)
    await commit(stores, one, event(1))
    await store.relay(2)
    assert await cursor(stores, one) == 26


async def test_a_webhook_is_told_only_of_what_comes_after_it(stores, store, schedule_id):
    await commits(stores, schedule_id, 3)  # nobody has relayed them yet
    await asyncio.sleep(0.01)  # commits and webhooks are compared by the millisecond
    webhook = await add(store)
    await asyncio.sleep(0.01)
    await commit(stores, schedule_id, event(4))
    assert await drain(store) == 4
    assert await told(store, webhook.id) == [4]


async def test_a_new_schedule_is_told_from_its_first_commit(stores, store, make_schedule):
    webhook = await add(store)
    await store.relay(LIMIT)
    fresh = await make_schedule()
    await commits(stores, fresh, 2)
    await drain(store)
    assert await told(store, webhook.id) == [1, 2]


# --- a store that was put back


async def test_a_cursor_beyond_the_store_is_set_back_and_versions_count_anew(stores, store, schedule_id):
    """The versions that come again have another epoch, and so their events have other ids."""
    webhook = await add(store)
    await commits(stores, schedule_id, 5)
    await drain(store)
    before = {each.event_id for each in await letters(store, webhook.id)}
    await backdoor_of(stores).lose_commits(schedule_id, 2)
    _, states = await stores.seating.states([schedule_id])
    await stores.seating.renew_epoch(schedule_id, states[schedule_id].epoch)
    relayed = await store.relay(LIMIT)
    assert (relayed.commits, relayed.lost) == (0, {})
    assert await cursor(stores, schedule_id) == 2
    await commits(stores, schedule_id, 2)
    await drain(store)
    assert await told(store, webhook.id) == [1, 2, 3, 3, 4, 4, 5]
    assert len(before | {each.event_id for each in await letters(store, webhook.id)}) == 7


# --- trimming the log


async def test_trimming_keeps_what_was_not_passed_on(stores, store, schedule_id):
    webhook = await add(store)
    await commits(stores, schedule_id, 4)
    await drain(store)
    await commits(stores, schedule_id, 6)
    assert list(await stores.seating.trim(2, 60_000, MANY)) == []
    assert [each.version for each in await stores.seating.commits_after(schedule_id, 0, MANY)] == [
        *range(5, 11)
    ]
    await drain(store)
    assert await told(store, webhook.id) == list(range(1, 11))
    await stores.seating.trim(2, 60_000, MANY)
    assert [each.version for each in await stores.seating.commits_after(schedule_id, 0, MANY)] == [9, 10]


async def test_a_stuck_relay_keeps_no_more_than_the_outbox_and_the_loss_is_told(stores, store, schedule_id):
    webhook = await add(store)
    await commits(stores, schedule_id, 2)
    await drain(store)
    await commits(stores, schedule_id, 8)
    assert list(await stores.seating.trim(1, 60_000, 8)) == []
    assert list(await stores.seating.trim(1, 60_000, 3)) == [schedule_id]
    assert [each.version for each in await stores.seating.commits_after(schedule_id, 0, MANY)] == [8, 9, 10]
    relayed = await store.relay(LIMIT)
    assert relayed.lost == {schedule_id: 5}
    assert (await store.relay(LIMIT)).lost == {}
    assert await told(store, webhook.id) == [1, 2, 8, 9, 10]
    assert list(await stores.seating.trim(1, 60_000, 3)) == []


async def test_a_log_that_is_gone_altogether_is_told_and_passed_over(stores, store, schedule_id):
    await add(store)
    await commits(stores, schedule_id, 2)
    await drain(store)
    await commits(stores, schedule_id, 3)
    await backdoor_of(stores).lose_log(schedule_id)
    assert (await store.relay(LIMIT)).lost == {schedule_id: 3}
    assert (await store.relay(LIMIT)).lost == {}


async def test_a_small_outbox_takes_nothing_from_those_who_come_back(stores, store, schedule_id):
    await add(store)
    await commits(stores, schedule_id, 5)
    await stores.seating.trim(4, 60_000, 1)
    assert [each.version for each in await stores.seating.commits_after(schedule_id, 0, MANY)] == [2, 3, 4, 5]


async def test_where_nothing_was_ever_relayed_the_log_is_trimmed_as_always(stores, make_schedule):
    one, two = await make_schedule(), await make_schedule()
    await commits(stores, one, 5)
    await commits(stores, two, 1)
    assert list(await stores.seating.trim(2, 60_000, MANY)) == []
    assert [each.version for each in await stores.seating.commits_after(one, 0, MANY)] == [4, 5]
    assert [each.version for each in await stores.seating.commits_after(two, 0, MANY)] == [1]


# --- deliveries


@pytest.fixture
async def webhook(stores, store, schedule_id):
    """A webhook with three deliveries that are due."""
    made = await add(store)
    await commits(stores, schedule_id, 3)
    await drain(store)
    return made


async def test_a_delivery_is_due_until_it_is_settled(store, webhook):
    assert list(await store.waiting()) == [webhook]
    first, second, third = await letters(store, webhook.id)
    assert [each.id for each in await store.due(webhook.id, 2)] == [first.id, second.id]
    await store.settle([first.id], [Undelivered(second.id, "HTTP 500", 60_000)])
    assert [each.id for each in await letters(store, webhook.id)] == [third.id]
    await store.settle([third.id], [])
    assert list(await store.waiting()) == []
    ((_, waiting, dead),) = await store.counts()
    assert (waiting, dead) == (1, 0)


async def test_a_postponed_delivery_comes_back_with_what_was_wrong(store, webhook):
    first, *_ = await letters(store, webhook.id)
    await store.settle([], [Undelivered(first.id, "HTTP 500", 1)])
    await asyncio.sleep(0.02)
    found = {each.id: each for each in await letters(store, webhook.id)}[first.id]
    assert (found.attempt, found.error, found.body) == (1, "HTTP 500", first.body)


async def test_a_webhook_is_due_deliveries_of_its_own_only(stores, store, webhook, schedule_id):
    other = await add(store, "refund.*")
    assert list(await store.due(other.id, MANY)) == []
    assert list(await store.waiting()) == [webhook]


async def test_dead_letters_are_listed_and_come_back_when_they_are_revived(store, webhook):
    first, second, third = await letters(store, webhook.id)
    await store.settle([], [Undelivered(each.id, "HTTP 410", None) for each in (first, second, third)])
    assert list(await store.waiting()) == []
    assert [(each.attempt, each.error) for each in await store.dead(2)] == [(1, "HTTP 410")] * 2
    assert {each.id for each in await store.dead(MANY)} == {first.id, second.id, third.id}
    assert await store.revive([second.id, 999_999]) == 1
    (again,) = await letters(store, webhook.id)
    assert (again.id, again.attempt, again.event_id) == (second.id, 0, second.event_id)
    assert await store.revive([second.id]) == 0
    assert await store.revive(None) == 2
    assert list(await store.dead(MANY)) == []


async def test_dead_letters_are_forgotten_by_the_time_of_their_death(store, webhook):
    first, second, third = await letters(store, webhook.id)
    await store.settle([], [Undelivered(first.id, "HTTP 410", None)])
    assert await store.forget_dead(60_000) == 0
    assert await store.forget_dead(-60_000) == 1  # as if a minute later everything were too old
    assert [each.id for each in await letters(store, webhook.id)] == [second.id, third.id]


async def test_a_webhook_that_is_removed_beside_a_relay_leaves_nothing_behind(stores, store, schedule_id):
    for _ in range(5):
        webhook = await add(store)
        await commits(stores, schedule_id, 2)
        await asyncio.gather(store.relay(LIMIT), store.remove(webhook.id))
    assert await backdoor_of(stores).count_deliveries() == 0
