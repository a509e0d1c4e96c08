"""Events to a topic of Kafka, through librdkafka.

A page of events is one call in a thread: librdkafka sends, collects acknowledgements, and asks again while the brokers
do not answer. A reader must never see an event before an earlier one of its schedule. So one request is under way at a
time, and no event is given up for the next to go on: when a page fails, we drop the producer with all that it has under
way, and the next page has a new one. What has arrived of a schedule is always its events up to some event.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Iterable
from contextlib import suppress

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from jari.ports.relays import NotSent, OutgoingEvent
from jari.settings import BadSetting, KafkaSettings

POLL_SECONDS = 0.1  # so soon a page notices that it is cancelled
PURGE_SECONDS = 1.0  # for librdkafka to hand back what it shall not send any more
LONGEST_RECONNECT_MS = 1_000  # brokers that are back are noticed so soon

NO_TOPIC = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC)  # noqa: SLF001 - named so in public


class KafkaSink:
    """See `jari.ports.EventSink`."""

    def __init__(self, settings: KafkaSettings) -> None:
        """Connects later, when there is something to send.

        Raises:
            BadSetting: librdkafka does not take these settings.
        """
        self._settings = settings
        self._trouble = ""  # of which librdkafka last complained
        self._producer: Producer | None = self._open()
        self._drop()  # most processes have nothing to send: they need not be connected

    async def send(self, events: Iterable[OutgoingEvent]) -> int:
        """Send these in order, and return how many there were once all are acknowledged.

        Raises:
            NotSent: they are not; the message says why.
        """
        ending = threading.Event()
        sending = asyncio.create_task(asyncio.to_thread(self._send, events, ending))
        try:
            return await asyncio.shield(sending)
        except asyncio.CancelledError:
            ending.set()
            await asyncio.gather(sending, return_exceptions=True)
            raise

    async def close(self) -> None:
        """Let go of the connections; no call may follow."""
        await asyncio.to_thread(self._drop)

    def _send(self, events: Iterable[OutgoingEvent], ending: threading.Event) -> int:
        self._producer = self._producer or self._open()
        shipment = Shipment(self._producer, self._settings, ending)
        try:
            for event in events:
                shipment.add(event)
            shipment.finish()
        except KafkaException as error:
            raise NotSent(self._explain(error.args[0])) from error
        except TimeoutError as error:
            raise NotSent(
                f"no acknowledgement within {self._settings.kafka_timeout_seconds} s"
                f" ({self._trouble or 'the brokers are silent'}): see whether this machine reaches the brokers that"
                " JARI_KAFKA names, and those that they name themselves"
            ) from error
        finally:
            if not shipment.is_done:
                self._drop()
        return shipment.added

    def _explain(self, error: KafkaError) -> str:
        topic = self._settings.kafka_topic
        if error.code() in NO_TOPIC:
            return (
                f"there is no topic {topic!r}, and the brokers do not make it by themselves: create it, or name another"
                " with JARI_KAFKA_TOPIC"
            )
        if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
            return (
                f"an event is larger than JARI_KAFKA_MAX_MESSAGE_BYTES={self._settings.kafka_max_message_bytes}:"
                f" raise that, and max.message.bytes of the topic {topic!r}"
            )
        return f"Kafka's client says: {error.str()}"

    def _open(self) -> Producer:
        try:
            return Producer(options(self._settings), error_cb=self._note, logger=logging.getLogger(__name__))
        except (KafkaException, ValueError) as error:
            reason = error.args[0].str() if isinstance(error, KafkaException) else str(error)
            raise BadSetting(
                f"Kafka's client does not take the settings: {reason}. Correct JARI_KAFKA_…"
            ) from None

    def _note(self, error: KafkaError) -> None:
        self._trouble = error.str()

    def _drop(self) -> None:
        """Let go of the producer and all that it has under way."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        until = time.monotonic() + PURGE_SECONDS
        producer.purge()
        while len(producer) and time.monotonic() < until:
            with suppress(KafkaException):  # it may be what we drop the producer for
                producer.poll(POLL_SECONDS)


class Shipment:
    """Events on their way in one producer, until all are acknowledged, one fails, or none is acknowledged for too long."""

    def __init__(self, producer: Producer, settings: KafkaSettings, ending: threading.Event) -> None:
        self.added = 0
        self.is_done = False
        self._producer = producer
        self._topic = settings.kafka_topic
        self._timeout_seconds = settings.kafka_timeout_seconds
        self._ending = ending
        self._arrivals = Arrivals()
        self._waiting_since = time.monotonic()

    def add(self, event: OutgoingEvent) -> None:
        """Hand an event over, when there is room for it.

        Raises:
            KafkaException: an event failed.
            TimeoutError: no event was acknowledged for too long.
            InterruptedError: somebody ends the sending.
        """
        headers: list[tuple[str, str | bytes | None]] = [
            ("content-type", b"application/json"),
            ("event-id", event.id.encode()),
            ("event-kind", event.kind.encode()),
        ]
        while True:
            try:
                self._producer.produce(
                    self._topic,
                    event.body,
                    event.key.encode(),
                    on_delivery=self._arrivals.note,
                    headers=headers,
                )
                break
            except BufferError:
                self._wait(POLL_SECONDS)
        self.added += 1
        self._wait(0)

    def finish(self) -> None:
        """Wait until all are acknowledged. Raises as `add` does."""
        while self._arrivals.count < self.added:
            self._wait(POLL_SECONDS)
        self.is_done = True

    def _wait(self, seconds: float) -> None:
        before = self._arrivals.count
        self._producer.poll(seconds)
        if self._arrivals.failure is not None:
            raise KafkaException(self._arrivals.failure)
        if self._ending.is_set():
            raise InterruptedError
        now = time.monotonic()
        if before < self._arrivals.count or self._arrivals.count == self.added:
            self._waiting_since = now
        elif now - self._waiting_since > self._timeout_seconds:
            raise TimeoutError


class Arrivals:
    """What librdkafka says of events. It knows no producer: librdkafka's would keep itself alive by it."""

    def __init__(self) -> None:
        self.count = 0
        self.failure: KafkaError | None = None

    def note(self, error: KafkaError | None, _message: Message) -> None:
        """An event was acknowledged, or failed for good."""
        if error is None:
            self.count += 1
        else:
            self.failure = self.failure or error


def options(settings: KafkaSettings) -> dict[str, str | int | bool]:
    """What librdkafka is told, in its own names. What is not set is left to it."""
    given = {
        "security.protocol": settings.kafka_security,
        "sasl.mechanism": settings.kafka_sasl_mechanism,
        "sasl.username": settings.kafka_username,
        "sasl.password": settings.kafka_password,
        "ssl.ca.location": settings.kafka_ca_file,
        "ssl.certificate.location": settings.kafka_certificate_file,
        "ssl.key.location": settings.kafka_key_file,
        "ssl.key.password": settings.kafka_key_password,
    }
    return {
        "bootstrap.servers": settings.kafka,
        "client.id": settings.kafka_client_id,
        "acks": "all",
        "enable.idempotence": True,
        "enable.gapless.guarantee": True,
        "max.in.flight.requests.per.connection": 1,  # nothing overtakes what is asked again; a request holds a megabyte
        "message.timeout.ms": 0,  # the limit is ours: the client would give up one event and go on with the next
        "message.max.bytes": settings.kafka_max_message_bytes,
        "queue.buffering.max.kbytes": max(1, settings.kafka_buffer_bytes // 1024),
        "topic.metadata.propagation.max.ms": settings.kafka_timeout_seconds
        * 500,  # so a missing topic is told in time
        "reconnect.backoff.max.ms": LONGEST_RECONNECT_MS,
        "partitioner": "murmur2_random",  # as Java's clients: a key has the same partition whoever writes it
        "log_level": 0,  # what goes wrong is told by us, once for each page
        **{name: value for name, value in given.items() if value},
    }
