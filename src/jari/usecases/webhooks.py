"""Webhooks: telling those outside what happened, until they have heard it or it is given up.

One process does two works for all. `Webhooks.relay` turns commits into deliveries, once each. `Webhooks.deliver`
sends every delivery until its receiver says 2xx, so at least once: after a crash, or if the answer gets lost, it
comes again under the same id. The deliveries of a webhook are sent several at a time, and failed ones again later:
so they arrive in no order. Their ``version`` tells the order.
"""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus

import structlog

from jari import metrics
from jari.domain.webhooks import SECRET_BYTES, Webhook, check_patterns, check_url, retry_ms, sign
from jari.ports.system import Chance, Clock
from jari.ports.webhooks import Delivery, NotDelivered, SignedEvent, Undelivered, WebhookSender, WebhookStore
from jari.settings import WebhookSettings

log = structlog.get_logger()

DAY_MS = 24 * 3_600_000


async def create_webhook(
    store: WebhookStore, url: str, patterns: Sequence[str], chance: Chance, settings: WebhookSettings
) -> Webhook:
    """A new webhook with a new secret; without patterns it is told of all but seats.

    Raises:
        Invalid: no such address, or no such kind of event.
        Conflict: there are too many webhooks.
    """
    secret = chance.randbytes(SECRET_BYTES)
    return await store.add(check_url(url), secret, check_patterns(patterns), settings.max_webhooks)


class Webhooks:
    """Relays and delivers events."""

    def __init__(
        self,
        store: WebhookStore,
        sender: WebhookSender,
        clock: Clock,
        chance: Chance,
        settings: WebhookSettings,
    ) -> None:
        self._store = store
        self._sender = sender
        self._clock = clock
        self._chance = chance
        self._settings = settings
        self._forget_at = 0.0

    async def relay(self) -> int:
        """Make deliveries of the commits since the last time, and return how many commits there were."""
        await self._forget_now_and_then()
        settings = self._settings
        relayed = await self._store.relay(settings.poll_page_size, settings.max_deliveries_waiting)
        for webhook_id in relayed.deaf:
            log.error("events_dropped", webhook=webhook_id)
        for schedule_id, commits in relayed.lost.items():
            log.error("events_lost", schedule=schedule_id, commits=commits)
        return relayed.commits

    async def deliver(self) -> int:
        """Send what is due until nothing is, and return how many deliveries were tried.

        Webhooks are served side by side, so that one whose receiver hangs holds up no other.
        """
        tried = 0
        serving: dict[int, asyncio.Task[int]] = {}
        try:
            while True:
                for webhook in await self._store.waiting():
                    if webhook.id not in serving:
                        serving[webhook.id] = asyncio.create_task(self._serve(webhook))
                if not serving:
                    return tried
                ended, _ = await asyncio.wait(
                    serving.values(),
                    timeout=self._settings.duty_ms / 1000,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                tried += sum(task.result() for task in ended)
                serving = {each: task for each, task in serving.items() if task not in ended}
        finally:
            for task in serving.values():
                task.cancel()
            await asyncio.gather(*serving.values(), return_exceptions=True)

    async def _serve(self, webhook: Webhook) -> int:
        """Try one page of a webhook's deliveries, all at once, and return how many there were."""
        page = await self._store.due(webhook.id, self._settings.duty_page_size)
        failures = await asyncio.gather(*(self._try(webhook, each) for each in page))
        await self._store.settle(
            [each.id for each, failure in zip(page, failures, strict=True) if failure is None],
            [failure for failure in failures if failure is not None],
        )
        return len(page)

    async def _try(self, webhook: Webhook, delivery: Delivery) -> Undelivered | None:
        """Send a delivery once; None if it has arrived."""
        body, now_seconds = delivery.body.encode(), self._clock.now_ms() // 1000
        signature = sign(webhook.secret, delivery.event_id, now_seconds, body)
        try:
            status = await self._sender.send(
                webhook.url, SignedEvent(delivery.event_id, now_seconds, signature, body)
            )
        except NotDelivered as failure:
            return self._failed(delivery, str(failure), for_good=False)
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            metrics.webhooks.labels("delivered").inc()
            return None
        return self._failed(delivery, f"HTTP {status}", for_good=status == HTTPStatus.GONE)

    def _failed(self, delivery: Delivery, error: str, *, for_good: bool) -> Undelivered:
        attempt = delivery.attempt + 1
        if for_good or attempt >= self._settings.webhook_tries:
            log.error("webhook_dead_letter", webhook=delivery.webhook_id, delivery=delivery.id, error=error)
            metrics.webhooks.labels("dead").inc()
            return Undelivered(delivery.id, error, None)
        metrics.webhooks.labels("postponed").inc()
        delay_ms = retry_ms(
            attempt,
            min_seconds=self._settings.webhook_retry_min_seconds,
            max_seconds=self._settings.webhook_retry_max_seconds,
            dice=self._chance.random(),
        )
        return Undelivered(delivery.id, error, delay_ms)

    async def _forget_now_and_then(self) -> None:
        if self._clock.seconds() >= self._forget_at:
            await self._store.forget_dead(self._settings.dead_letter_days * DAY_MS)
            self._forget_at = self._clock.seconds() + self._settings.change_log_trim_seconds
