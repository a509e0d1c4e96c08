"""Events to Kafka over the real protocol: in order, each at least once, whatever fails on the way."""

import asyncio
import time

import pytest
from confluent_kafka import KafkaError

from jari.adapters.kafka import sink as kafka
from jari.adapters.kafka.sink import KafkaSink
from jari.domain.relays import KAFKA
from jari.main import open_sink, open_stores
from jari.ports.relays import NotSent, OutgoingEvent
from jari.settings import BadSetting, Settings
from jari.usecases.relays import EventRelay
from support.kafkas import Brokers, first_times, make_events
from support.worlds import make_match

LIMIT = 1_000
OPTIONS = kafka.options


@pytest.fixture
def brokers():
    with Brokers() as brokers:
        yield brokers


@pytest.fixture
async def stores(memory_url):
    stores = await open_stores(Settings(database=memory_url))
    yield stores
    await stores.close()


@pytest.fixture
async def make_sink(brokers):
    made = []

    def make(**settings):
        made.append(KafkaSink(Settings(kafka=brokers.addresses, **settings)))
        return made[-1]

    yield make
    for each in made:
        await each.close()


@pytest.fixture
def make_relay(stores, make_sink):
    def make(store=None, **settings):
        sink = make_sink(**settings)
        return EventRelay(KAFKA, store or stores.relays, sink, Settings(**settings))

    return make


async def drain(relay):
    while await relay.relay():
        pass


async def read(brokers, count, **options):
    return await asyncio.to_thread(
        brokers.read, lambda told: len({each.id for each in told}) >= count, **options
    )


def events(count, *, size=10):
    return [OutgoingEvent(f"7-e-{number}-0", "seats.held", "7", b"x" * size) for number in range(count)]


# --- what arrives


async def test_an_event_bears_its_schedule_its_id_its_kind_and_the_body_of_a_webhook(
    brokers, stores, make_relay
):
    match = await make_match(stores)
    webhook = await stores.webhooks.add("https://example.com", b"s" * 32, ("*",), LIMIT)
    ids = await make_events(stores, match.id, 1)
    await drain(make_relay())
    await stores.webhooks.relay(LIMIT)
    deliveries = {each.event_id: each for each in await stores.webhooks.due(webhook.id, LIMIT)}
    told = await read(brokers, 2)
    assert [each.id for each in told] == ids
    for each in told:
        assert each.key == str(match.id)
        assert each.headers == {
            "content-type": "application/json",
            "event-id": each.event["id"],
            "event-kind": each.event["type"],
        }
        assert each.body.decode() == deliveries[each.id].body
    assert [each.event["type"] for each in told] == ["reservation.created", "seats.held"]


async def test_events_of_a_schedule_are_in_one_partition_in_order_and_schedules_in_several(
    brokers, stores, make_relay
):
    matches = [await make_match(stores) for _ in range(12)]
    ids = {each.id: await make_events(stores, each.id, 30) for each in matches}
    await drain(make_relay(kafka_page_size=50))
    told = await read(brokers, sum(map(len, ids.values())))
    assert first_times(told) == ids
    assert len(told) == len({each.id for each in told})  # nothing went wrong, so nothing came twice
    assert len({each.partition for each in told}) > 1
    for match in matches:
        assert len({each.partition for each in told if each.key == str(match.id)}) == 1


# --- crashes between the acknowledgement and the cursor


class Crash(Exception):
    """The end of a process, as far as its work in the store goes."""


class Dying:
    """A store of relays whose process dies when it would move its cursors for the first time."""

    def __init__(self, store):
        self._store = store
        self._dead = False

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def move(self, *moved):
        if not self._dead:
            self._dead = True
            raise Crash
        await self._store.move(*moved)


class Hasty(EventRelay):
    """Broken on purpose: it moves its cursors before it sends."""

    async def relay(self):
        stretches = await self._store.next(self.name, LIMIT)
        await self._store.move(self.name, stretches)
        raise Crash


async def test_a_crash_before_the_cursor_moves_brings_the_same_events_again_and_loses_none(
    brokers, stores, make_relay
):
    match = await make_match(stores)
    ids = await make_events(stores, match.id, 5)
    relay = make_relay(Dying(stores.relays))
    with pytest.raises(Crash):
        await relay.relay()
    ids += await make_events(stores, match.id, 5)
    await drain(make_relay())
    told = await read(brokers, len(ids))
    assert first_times(told) == {match.id: ids}
    assert [each.id for each in told] == ids[:10] + ids


async def test_a_relay_that_moved_its_cursor_first_would_lose_events_and_this_is_noticed(
    brokers, stores, make_sink, make_relay
):
    match = await make_match(stores)
    lost = await make_events(stores, match.id, 5)
    with pytest.raises(Crash):
        await Hasty(KAFKA, stores.relays, make_sink(), Settings()).relay()
    ids = await make_events(stores, match.id, 5)
    await drain(make_relay())
    told = await read(brokers, len(ids))
    assert first_times(told) == {match.id: ids} != {match.id: lost + ids}


# --- brokers that fail


async def test_brokers_that_stop_and_come_back_get_everything_in_order(brokers, stores, make_relay):
    matches = [await make_match(stores) for _ in range(3)]
    ids = {each.id: await make_events(stores, each.id, 10) for each in matches}
    relay = make_relay(kafka_timeout_seconds=1, kafka_page_size=15)
    await relay.relay()
    brokers.stop()
    assert await relay.relay() == 0
    for match in matches:
        ids[match.id] += await make_events(stores, match.id, 10)
    sending = asyncio.create_task(relay.relay())
    await asyncio.sleep(0.3)
    brokers.go_on()
    await sending
    await drain(relay)
    told = await read(brokers, sum(map(len, ids.values())))
    assert first_times(told) == ids


def one_at_a_time(page):
    """Each event goes in a request of its own, while those before it are not answered."""
    for event in page:
        yield event
        time.sleep(0.02)


async def send_while_one_fails(brokers, sink, page, error):
    """The second request of a page fails once; the ids that a reader gets up to the last one."""
    await sink.send(page[:1])  # connected
    brokers.delay(60)
    brokers.fail([0, error])
    await sink.send(one_at_a_time(page))
    brokers.delay(0)
    told = await asyncio.to_thread(brokers.read, lambda told: told and told[-1].id == page[-1].id)
    return first_times(told)[7]


@pytest.mark.parametrize(
    "error",
    [KafkaError.NOT_ENOUGH_REPLICAS, KafkaError.REQUEST_TIMED_OUT],
    ids=["refused for a while", "and nobody knows"],
)
async def test_nothing_overtakes_an_event_that_is_sent_again(brokers, make_sink, error):
    page = events(8)
    assert await send_while_one_fails(brokers, make_sink(), page, error) == [each.id for each in page]


async def test_with_several_requests_under_way_events_would_be_overtaken_and_this_is_noticed(
    brokers, make_sink, monkeypatch
):
    several = {"max.in.flight.requests.per.connection": 5}
    monkeypatch.setattr(kafka, "options", lambda settings: OPTIONS(settings) | several)
    page, error = events(8), KafkaError.NOT_ENOUGH_REPLICAS
    assert await send_while_one_fails(brokers, make_sink(), page, error) != [each.id for each in page]


async def test_a_page_of_which_an_event_is_refused_for_good_fails_and_can_be_sent_again(brokers, make_sink):
    sink, page = make_sink(), events(20)
    brokers.fail([KafkaError.MSG_SIZE_TOO_LARGE])
    with pytest.raises(NotSent, match="too large"):
        await sink.send(page)
    assert await sink.send(page) == 20
    assert first_times(await read(brokers, 20)) == {7: [each.id for each in page]}


async def test_brokers_that_are_away_are_named_within_the_time_limit(brokers, make_sink):
    brokers.stop()
    with pytest.raises(NotSent, match=r"within 1 s .*(refused|down).*JARI_KAFKA"):
        await make_sink(kafka_timeout_seconds=1).send(events(1))


async def test_brokers_that_are_slow_are_waited_for_as_long_as_they_go_on(brokers, make_sink):
    """Two events fit into the buffer, and each answer takes almost half of the limit: all take more than it together."""
    sink = make_sink(kafka_timeout_seconds=1, kafka_buffer_bytes=1024)
    await sink.send(events(1))
    brokers.delay(400)
    asked = time.monotonic()
    assert await sink.send(events(8, size=500)) == 8
    assert time.monotonic() - asked > 1


async def test_a_topic_that_is_missing_is_named_with_what_to_do(brokers, make_sink):
    brokers.create("other", 1)
    brokers.refuse_topic("other")
    with pytest.raises(NotSent, match=r"no topic 'other'.*create it.*JARI_KAFKA_TOPIC"):
        await make_sink(kafka_topic="other", kafka_timeout_seconds=1).send(events(1))


async def test_an_event_that_is_too_large_is_named_with_what_to_do(brokers, make_sink):
    sink = make_sink(kafka_max_message_bytes=2_000)
    with pytest.raises(NotSent, match=r"JARI_KAFKA_MAX_MESSAGE_BYTES=2000.*max\.message\.bytes"):
        await sink.send(events(1, size=5_000))
    assert await sink.send(events(1)) == 1


async def test_no_more_is_on_its_way_than_the_buffer_holds(brokers, make_sink):
    """Events are made when there is room for them: while brokers are away a page stays unmade."""
    made = 0

    def many():
        nonlocal made
        for event in events(1_000, size=1_000):
            made += 1
            yield event

    brokers.stop()
    with pytest.raises(NotSent):
        await make_sink(kafka_timeout_seconds=1, kafka_buffer_bytes=64 * 1024).send(many())
    assert 0 < made < 150


async def test_sending_ends_soon_after_it_is_cancelled(brokers, make_sink):
    brokers.stop()
    sending = asyncio.create_task(make_sink().send(events(100)))
    await asyncio.sleep(0.2)
    sending.cancel()
    asked = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert time.monotonic() - asked < 5


# --- settings


def test_settings_that_the_client_does_not_take_are_refused_at_the_start():
    with pytest.raises(BadSetting, match=r"security\.protocol.*JARI_KAFKA_"):
        open_sink(Settings(kafka="localhost:1", kafka_security="CARRIER_PIGEON"))


def test_a_password_stands_in_no_text_of_the_settings():
    settings = Settings(kafka_password="hush-1", kafka_key_password="hush-2")
    assert "hush" not in repr(settings)
