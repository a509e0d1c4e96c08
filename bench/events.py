"""The figures of events: out of the change log to Kafka, and to a webhook. Brokers and receiver are processes of their own."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import Producer

from bench.peers import bare_endpoint
from bench.rows import Row, ratio
from bench.stage import on_postgres
from jari.adapters.kafka.sink import KafkaSink
from jari.adapters.system import CHANCE, CLOCK
from jari.adapters.webhook_sender import HttpWebhookSender
from jari.domain.events import Event, EventKind
from jari.domain.relays import KAFKA
from jari.domain.seating import Change, Status
from jari.domain.seatmap import Commit
from jari.main import Stores, open_stores
from jari.ports.relays import OutgoingEvent
from jari.ports.seating import Decision
from jari.settings import Settings
from jari.usecases.relays import EventRelay, events_in
from jari.usecases.webhooks import Webhooks
from support.kafkas import TOPIC, Brokers
from support.worlds import make_match

SCHEDULES, COMMITS, BATCH = (
    4,
    250,
    20,
)  # so many holds in a commit, as a busy till has; each is an event, and a sale's
ROUNDS = 3
WEBHOOK_COMMITS = 25
ACKNOWLEDGED_SECONDS = 60.0


@contextmanager
def brokers() -> Iterator[str]:
    """Brokers in another process; their addresses."""
    command = [sys.executable, "-m", "bench.events"]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


async def fill(stores: Stores, schedule_id: int, commits: int) -> None:
    for _ in range(commits):
        async with stores.seating.transaction(schedule_id) as transaction:
            version = transaction.state.version
            changed = tuple(
                Change(Status.HOLD, (each, each + 1), each, 5_000) for each in range(1, BATCH + 1)
            )
            made = tuple(
                Event(
                    EventKind.RESERVATION_CREATED, each, f"jari-{version}-{each}", each, (1, 2), 30_000, "KRW"
                )
                for each in range(1, BATCH + 1)
            )
            await transaction.write(Decision(Commit(version, changed, made), ()))


async def drain(relay: EventRelay) -> None:
    while await relay.relay():
        pass


def send_alone(addresses: str, events: list[OutgoingEvent]) -> float:
    """Events per second of the client alone: it has the bodies already, and nothing to remember."""
    producer = Producer({"bootstrap.servers": addresses, "enable.idempotence": True, "log_level": 0})
    started = time.perf_counter()
    for each in events:
        headers: list[tuple[str, str | bytes | None]] = [
            ("content-type", b"application/json"),
            ("event-id", each.id.encode()),
            ("event-kind", each.kind.encode()),
        ]
        producer.produce(TOPIC, each.body, each.key.encode(), headers=headers)
        producer.poll(0)
    assert producer.flush(ACKNOWLEDGED_SECONDS) == 0
    return len(events) / (time.perf_counter() - started)


async def to_kafka(url: str, addresses: str) -> list[Row]:
    settings = Settings(database=url, kafka=addresses)
    stores, sink = await open_stores(settings), KafkaSink(settings)
    rates: list[float] = []
    alone: list[float] = []
    spent = 0.0
    try:
        relay = EventRelay(KAFKA, stores.relays, sink, settings)
        ids = [(await make_match(stores)).id for _ in range(SCHEDULES)]
        await drain(relay)
        await sink.send([OutgoingEvent("first", "seats.held", "1", b"{}")])  # connected
        for _ in range(ROUNDS):
            await asyncio.gather(*(fill(stores, each, COMMITS) for each in ids))
            events = list(events_in(await stores.relays.next(KAFKA, SCHEDULES * COMMITS)))
            started, spent_before = time.perf_counter(), time.process_time()
            await drain(relay)
            rates.append(len(events) / (time.perf_counter() - started))
            spent += (time.process_time() - spent_before) / len(events) / ROUNDS
            alone.append(await asyncio.to_thread(send_alone, addresses, events))
    finally:
        await sink.close()
        await stores.close()
    note = f"{sorted(rates)[ROUNDS // 2]:,.0f}/s against {sorted(alone)[ROUNDS // 2]:,.0f}/s"
    return [
        Row(
            "events to Kafka, against the client alone with the same bodies",
            ratio(rates, alone),
            "times",
            note=note,
        ),
        Row("processor time of the relay for an event to Kafka", 1e6 * spent, "µs"),
    ]


async def to_webhook(url: str, port: int) -> list[Row]:
    settings = Settings(database=url)
    stores = await open_stores(settings)
    sender = HttpWebhookSender(timeout_seconds=10, connections=settings.duty_page_size)
    webhooks = Webhooks(stores.webhooks, sender, CLOCK, CHANCE, settings)
    try:
        await stores.webhooks.add(f"http://127.0.0.1:{port}/", b"s" * 32, ("*",), 1)
        schedule_id = (await make_match(stores)).id
        await fill(stores, schedule_id, WEBHOOK_COMMITS)
        started, spent_before = time.perf_counter(), time.process_time()
        while await webhooks.relay():
            pass
        delivered = await webhooks.deliver()
        took, spent = time.perf_counter() - started, time.process_time() - spent_before
    finally:
        await sender.close()
        await stores.close()
    assert delivered == WEBHOOK_COMMITS * BATCH * 2
    note = f"{1000 * spent / delivered:.2f} ms of the processor for each"
    return [Row("events to one webhook", delivered / took, "/s", note=note)]


def events() -> list[Row]:
    with on_postgres() as (_, url), brokers() as addresses, bare_endpoint() as receiver:
        return asyncio.run(to_kafka(url, addresses)) + asyncio.run(to_webhook(url, receiver.port))


FIGURES = {"events": events}


if __name__ == "__main__":
    with Brokers() as cluster:
        print(cluster.addresses, flush=True)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        signal.pause()
