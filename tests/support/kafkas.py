"""Brokers of Kafka on loopback: librdkafka's mock cluster, which speaks the real protocol and can be made to fail."""

import ctypes
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from confluent_kafka import Consumer, KafkaError, TopicPartition, cimpl

from jari.domain.events import Event, EventKind
from jari.domain.seating import Change, Status
from jari.domain.seatmap import Commit
from jari.main import Stores
from jari.ports.seating import Decision

TOPIC = "jari.events"
PARTITIONS = 4
WAIT_SECONDS = 20.0
PRODUCE = 0  # the protocol's number for requests that bring messages
ERROR_BYTES = 512

_Pointer, _Text, _Number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int


@dataclass(frozen=True)
class Told:
    """One message, as a reader gets it."""

    partition: int
    key: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["event-id"]

    @property
    def event(self) -> dict[str, Any]:
        return json.loads(self.body)


class Brokers:
    """A cluster of its own, with one topic."""

    def __init__(self, count: int = 2) -> None:
        self._count = count

    def __enter__(self) -> Self:
        quiet = _call("rd_kafka_conf_new", _Pointer)
        _call("rd_kafka_conf_set", _Number, quiet, b"log_level", b"0", *_errors())
        self._owner = _call("rd_kafka_new", _Pointer, 0, quiet, *_errors())
        self._cluster = _call("rd_kafka_mock_cluster_new", _Pointer, self._owner, self._count)
        self.addresses: str = _call("rd_kafka_mock_cluster_bootstraps", _Text, self._cluster).decode()
        self.create(TOPIC)
        return self

    def __exit__(self, *_: object) -> None:
        _call("rd_kafka_mock_cluster_destroy", None, self._cluster)
        _call("rd_kafka_destroy", None, self._owner)

    def create(self, topic: str, partitions: int = PARTITIONS) -> None:
        made = _call(
            "rd_kafka_mock_topic_create", _Number, self._cluster, topic.encode(), partitions, self._count
        )
        assert made == 0

    def refuse_topic(self, topic: str) -> None:
        """Answer that there is no such topic."""
        error = KafkaError.UNKNOWN_TOPIC_OR_PART
        _call("rd_kafka_mock_topic_set_error", None, self._cluster, topic.encode(), error)

    def stop(self) -> None:
        """End all connections and take no new ones; what was written stays."""
        for number in range(1, self._count + 1):
            assert _call("rd_kafka_mock_broker_set_down", _Number, self._cluster, number) == 0

    def go_on(self) -> None:
        for number in range(1, self._count + 1):
            assert _call("rd_kafka_mock_broker_set_up", _Number, self._cluster, number) == 0

    def delay(self, milliseconds: int) -> None:
        """Answer each request so much later."""
        for number in range(1, self._count + 1):
            assert _call("rd_kafka_mock_broker_set_rtt", _Number, self._cluster, number, milliseconds) == 0

    def fail(self, errors: Sequence[int]) -> None:
        """Answer the next requests that bring messages with these errors; 0 is none."""
        codes = (_Number * len(errors))(*errors)
        count = ctypes.c_size_t(len(errors))
        _call(
            "rd_kafka_mock_push_request_errors_array",
            None,
            self._cluster,
            ctypes.c_int16(PRODUCE),
            count,
            codes,
        )

    def read(
        self, enough: Callable[[list[Told]], Any], *, topic: str = TOPIC, seconds: float = WAIT_SECONDS
    ) -> list[Told]:
        """Every message from the beginning on, each partition in its order, until there are enough."""
        told: list[Told] = []
        reader = Consumer({"bootstrap.servers": self.addresses, "group.id": "reader", "log_level": 0})
        try:
            partitions = reader.list_topics(topic, WAIT_SECONDS).topics[topic].partitions
            reader.assign([TopicPartition(topic, number, 0) for number in partitions])
            until = time.monotonic() + seconds
            while not enough(told):
                assert time.monotonic() < until, [(each.id, each.headers["event-kind"]) for each in told]
                told += [_told(each) for each in reader.consume(1_000, 0.05) if each.error() is None]
        finally:
            reader.close()
        return told


async def make_events(stores: Stores, schedule_id: int, commits: int) -> list[str]:
    """Commits with an event of a sale and one of seats each. Returns the ids of all events, in order."""
    ids: list[str] = []
    for _ in range(commits):
        async with stores.seating.transaction(schedule_id) as transaction:
            version, epoch = transaction.state.version, transaction.state.epoch
            event = Event(EventKind.RESERVATION_CREATED, version, f"jari-{version}", 3, (1, 2), 30_000, "KRW")
            changed = Change(Status.HOLD, (1, 2), 3, 5_000)
            await transaction.write(Decision(Commit(version, (changed,), (event,)), ()))
        ids += [f"{schedule_id}-{epoch}-{version}-{ordinal}" for ordinal in (0, 1)]
    return ids


def first_times(told: Sequence[Told]) -> dict[int, list[str]]:
    """Schedule → the ids of its events, in the order in which a reader who drops repetitions gets them."""
    seen: dict[int, dict[str, None]] = {}
    for each in told:
        seen.setdefault(int(each.key), {}).setdefault(each.id)
    return {schedule_id: list(ids) for schedule_id, ids in seen.items()}


def _told(message: Any) -> Told:
    headers = {name: value.decode() for name, value in message.headers()}
    return Told(message.partition(), message.key().decode(), headers, message.value())


_library = ctypes.CDLL(cimpl.__file__)  # finds what librdkafka has, too, which is loaded with it


def _call(name: str, result: Any, *arguments: Any) -> Any:
    function = _library[name]
    function.restype = result
    return function(
        *(_Pointer(each) if isinstance(each, int) and each > 2**31 else each for each in arguments)
    )


def _errors() -> tuple[Any, Any]:
    return ctypes.create_string_buffer(ERROR_BYTES), ctypes.c_size_t(ERROR_BYTES)
