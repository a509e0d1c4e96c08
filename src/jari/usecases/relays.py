"""Relaying: every event of the outbox goes to a log outside, in the order of its schedule.

The relay sends a page, waits until all of it is acknowledged, and only then moves its cursors. So each event arrives at
least once: after a crash or a failure in between, it comes again under the same id.
"""

from collections.abc import Iterator, Sequence

import msgspec
import structlog

from jari import metrics
from jari.domain.relays import events_of, payload
from jari.ports.relays import EventSink, NotSent, OutgoingEvent, RelayStore, Stretch
from jari.settings import KafkaSettings

log = structlog.get_logger()


class EventRelay:
    """Passes every event on. The relay's lease bears the relay's name."""

    def __init__(self, name: str, store: RelayStore, sink: EventSink, settings: KafkaSettings) -> None:
        self.name = name
        self._store = store
        self._sink = sink
        self._settings = settings

    async def relay(self) -> int:
        """Pass the next commits on, and return how many there were; 0 if their events were not all acknowledged."""
        stretches = await self._store.next(self.name, self._settings.kafka_page_size)
        if not stretches:
            return 0
        try:
            sent = await self._sink.send(events_in(stretches))
        except NotSent as failure:
            return self._failed(str(failure))
        await self._store.move(self.name, stretches)
        metrics.relayed_events.labels(self.name).inc(sent)
        for each in stretches:
            if each.lost:
                log.error("events_lost", relay=self.name, schedule=each.schedule_id, commits=each.lost)
        return sum(len(each.commits) for each in stretches)

    def _failed(self, error: str) -> int:
        metrics.relay_failures.labels(self.name).inc()
        log.error("events_not_sent", relay=self.name, error=error)
        return 0


def events_in(stretches: Sequence[Stretch]) -> Iterator[OutgoingEvent]:
    """Every event of these commits, made when it is asked for: a page of a busy sale has many thousands."""
    for stretch in stretches:
        for logged in stretch.commits:
            for name, event in events_of(stretch.schedule_id, stretch.epoch, logged.commit):
                told = payload(event, name, stretch.schedule_id, logged.commit.version, logged.committed_ms)
                yield OutgoingEvent(name, event.kind, str(stretch.schedule_id), msgspec.json.encode(told))
