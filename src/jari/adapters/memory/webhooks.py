"""Webhooks and their deliveries in memory, made of the change log as in SQL."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec

from jari.adapters.memory.tables import DeliveryRecord, Memory, ScheduleRecord
from jari.domain.relays import WEBHOOKS, passed_on
from jari.domain.webhooks import Webhook, no_webhook, tell, too_many_webhooks
from jari.ports.webhooks import Delivery, Relayed, Undelivered


class MemoryWebhookStore:
    """See `jari.ports.WebhookStore`."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def add(self, url: str, secret: bytes, patterns: Sequence[str], limit: int) -> Webhook:
        """A new webhook, told of what is committed from now on."""
        async with self._memory.write() as now_ms:
            if len(self._memory.webhooks) >= limit:
                raise too_many_webhooks(limit)
            webhook = Webhook(self._memory.take_numbers("webhook"), url, secret, tuple(patterns), now_ms)
            self._memory.webhooks[webhook.id] = webhook
            return webhook

    async def counts(self) -> Sequence[tuple[Webhook, int, int]]:
        """Each webhook with the number of its deliveries that wait, and of its dead letters."""
        waiting, dead = self._count(is_dead=False), self._count(is_dead=True)
        return [(each, waiting[each.id], dead[each.id]) for each in self._memory.webhooks.values()]

    async def remove(self, webhook_id: int) -> None:
        """Forget a webhook with its deliveries."""
        async with self._memory.write():
            if self._memory.webhooks.pop(webhook_id, None) is None:
                raise no_webhook(webhook_id)
            self._forget(lambda each: each.delivery.webhook_id == webhook_id)

    async def relay(self, limit: int, max_waiting: int = 100_000) -> Relayed:
        """Make deliveries of the next commits, about ``limit`` of them, each commit once, all in one transaction."""
        async with self._memory.write():
            schedules = self._memory.schedules.values()
            behind = [each for each in schedules if each.passed_on.get(WEBHOOKS) != each.state.version]
            if not self._memory.webhooks:
                for schedule in behind:
                    schedule.passed_on[WEBHOOKS] = schedule.state.version
                return Relayed(0, 0, {})
            waiting = self._count(is_dead=False)
            deaf = [number for number in self._memory.webhooks if waiting[number] >= max_waiting]
            told = [each for each in self._memory.webhooks.values() if each.id not in deaf]
            commits, made, lost = 0, 0, {}
            for schedule in behind[:limit]:
                # Each schedule gets a share, so that a busy one does not keep the others waiting.
                passed, letters, missing = self._pass_on(schedule, told, max(1, limit // len(behind[:limit])))
                commits, made = commits + passed, made + letters
                if missing:
                    lost[schedule.id] = missing
            return Relayed(commits, made, lost, deaf)

    async def waiting(self) -> Sequence[Webhook]:
        """The webhooks for which a delivery is due."""
        due = {each.delivery.webhook_id for each in self._due()}
        return [each for each in self._memory.webhooks.values() if each.id in due]

    async def due(self, webhook_id: int, limit: int) -> Sequence[Delivery]:
        """Deliveries of a webhook whose time has come, in the order of their times."""
        theirs = [each for each in self._due() if each.delivery.webhook_id == webhook_id]
        return [each.delivery for each in sorted(theirs, key=_turn)[:limit]]

    async def settle(self, delivered: Sequence[int], undelivered: Sequence[Undelivered]) -> None:
        """Forget these deliveries, and keep those for another try or as dead letters."""
        async with self._memory.write() as now_ms:
            for delivery_id in delivered:
                self._memory.deliveries.pop(delivery_id, None)
            for each in undelivered:
                record = self._memory.deliveries.get(each.delivery_id)
                if record is not None:
                    attempt = record.delivery.attempt + 1
                    record.delivery = replace(record.delivery, attempt=attempt, error=each.error)
                    record.next_try_ms = now_ms + (each.retry_ms or 0)
                    record.is_dead = each.retry_ms is None

    async def dead(self, limit: int) -> Sequence[Delivery]:
        """Dead letters, the latest first."""
        dead = [each for each in self._memory.deliveries.values() if each.is_dead]
        return [each.delivery for each in sorted(dead, key=_turn, reverse=True)[:limit]]

    async def revive(self, ids: Sequence[int] | None) -> int:
        """Try these dead letters (None: all) again from the beginning, and return how many there were."""
        async with self._memory.write() as now_ms:
            deliveries = self._memory.deliveries
            dead = [number for number, each in deliveries.items() if each.is_dead]
            revived = [number for number in dead if ids is None or number in ids]
            for number in revived:
                untried = replace(deliveries[number].delivery, attempt=0)
                deliveries[number] = DeliveryRecord(untried, now_ms)
            return len(revived)

    async def forget_dead(self, keep_ms: int) -> int:
        """Delete dead letters that died longer ago than ``keep_ms``, and return how many there were."""
        async with self._memory.write() as now_ms:
            return self._forget(lambda each: each.is_dead and each.next_try_ms < now_ms - keep_ms)

    def _pass_on(self, schedule: ScheduleRecord, told: Sequence[Webhook], limit: int) -> tuple[int, int, int]:
        """Make the deliveries of a schedule's next commits: how many commits, deliveries, and lost commits."""
        cursor = schedule.passed_on.get(WEBHOOKS)
        logged = schedule.commits_after(cursor or 0, limit)
        made = 0
        for each in logged:
            for event in tell(told, schedule.id, schedule.state.epoch, each.commit, each.committed_ms):
                body = msgspec.json.encode(event.payload).decode()
                for webhook_id in event.webhook_ids:
                    number = self._memory.take_numbers("delivery")
                    delivery = Delivery(
                        number, webhook_id, event.event_id, event.kind, body, 0, "", each.committed_ms
                    )
                    self._memory.deliveries[number] = DeliveryRecord(delivery, each.committed_ms)
                    made += 1
        versions = [each.commit.version for each in logged]
        schedule.passed_on[WEBHOOKS], missing = passed_on(cursor, schedule.state.version, versions)
        return len(logged), made, missing

    def _due(self) -> list[DeliveryRecord]:
        now_ms = self._memory.now_ms()
        return [
            each
            for each in self._memory.deliveries.values()
            if not each.is_dead and each.next_try_ms <= now_ms
        ]

    def _count(self, *, is_dead: bool) -> Counter[int]:
        """Webhook → how many deliveries."""
        deliveries = self._memory.deliveries.values()
        return Counter(each.delivery.webhook_id for each in deliveries if each.is_dead is is_dead)

    def _forget(self, are_meant: Callable[[DeliveryRecord], bool]) -> int:
        deliveries = self._memory.deliveries
        gone = [number for number, each in deliveries.items() if are_meant(each)]
        for number in gone:
            del deliveries[number]
        return len(gone)


def _turn(record: DeliveryRecord) -> tuple[int, int]:
    return record.next_try_ms, record.delivery.id
