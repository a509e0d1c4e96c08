"""Webhooks: whom to tell of what was committed, and how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from jari.domain.webhooks import Webhook


@dataclass(frozen=True, slots=True)
class Relayed:
    """What a relay has passed on; ``lost`` is schedule → how many commits were trimmed before it came to them."""

    commits: int
    deliveries: int
    lost: Mapping[int, int]
    deaf: Sequence[int] = ()  # webhooks that were not told, because too many deliveries wait for them


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to a webhook; ``attempt`` counts the failed tries, ``error`` says why the last one failed."""

    id: int
    webhook_id: int
    event_id: str
    kind: str
    body: str
    attempt: int
    error: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A try that failed. The next is due in ``retry_ms``; if that is None, the delivery is a dead letter."""

    delivery_id: int
    error: str
    retry_ms: int | None


class WebhookStore(Protocol):
    """Webhooks, and the deliveries that the change log makes for them."""

    async def add(self, url: str, secret: bytes, patterns: Sequence[str], limit: int) -> Webhook:
        """A new webhook, told of what is committed from now on. Raises Conflict if there are ``limit`` already."""

    async def counts(self) -> Sequence[tuple[Webhook, int, int]]:
        """Each webhook with the number of its deliveries that wait, and of its dead letters."""

    async def remove(self, webhook_id: int) -> None:
        """Forget a webhook with its deliveries. Raises NotFound."""

    async def relay(self, limit: int, max_waiting: int = 100_000) -> Relayed:
        """Make deliveries of the next commits, about ``limit`` of them, in one transaction and once for each commit.

        A webhook for which ``max_waiting`` deliveries wait is not told of them.
        """

    async def waiting(self) -> Sequence[Webhook]:
        """The webhooks for which a delivery is due."""

    async def due(self, webhook_id: int, limit: int) -> Sequence[Delivery]:
        """Deliveries of a webhook whose time has come, in the order of their times."""

    async def settle(self, delivered: Sequence[int], undelivered: Sequence[Undelivered]) -> None:
        """Forget these deliveries, and keep those for another try or as dead letters."""

    async def dead(self, limit: int) -> Sequence[Delivery]:
        """Dead letters, the latest first."""

    async def revive(self, ids: Sequence[int] | None) -> int:
        """Try these dead letters (None: all) again from the beginning, and return how many there were."""

    async def forget_dead(self, keep_ms: int) -> int:
        """Delete dead letters that died longer ago than ``keep_ms``, and return how many there were."""


@dataclass(frozen=True, slots=True)
class SignedEvent:
    """What one try sends: the event's id, the time of sending, the body, and the signature over all three."""

    event_id: str
    timestamp_seconds: int
    signature: str
    body: bytes


class NotDelivered(Exception):
    """A webhook's receiver gave no answer; the message says why."""


class WebhookSender(Protocol):
    """Carries deliveries over HTTP."""

    async def send(self, url: str, event: SignedEvent) -> int:
        """POST once, within a time limit and without redirects; return the answer's status. Raises NotDelivered."""
