"""Webhooks: which events somebody outside is told, in which words, under which signature, and how often.

Deliveries are signed as the Standard Webhooks specification says (https://www.standardwebhooks.com), so that a
receiver can take a ready-made library to check them. Everything here is plain: the time and the dice are
arguments.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from jari.domain.errors import Conflict, Invalid, NotFound
from jari.domain.events import EventKind
from jari.domain.relays import events_of, payload
from jari.domain.seatmap import Commit
from jari.domain.urls import is_url

# In a sale seats change hundreds of times a second: a webhook is told of them only if it asks for it.
SEATS = EventKind.SEATS_HELD.noun
DEFAULT_PATTERNS = tuple(dict.fromkeys(f"{kind.noun}.*" for kind in EventKind if kind.noun != SEATS))

SECRET_BYTES = 32  # the specification asks for 24 to 64
SECRET_PREFIX = "whsec_"  # noqa: S105 - how a secret is shown, not one
MAX_URL_LENGTH = 2_000
BACKOFF_FACTOR = 4
JITTER = 0.2  # of a delay: deliveries that failed together do not come back together


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where events of these kinds are sent from ``created_ms`` on, and the secret that they are signed with."""

    id: int
    url: str
    secret: bytes = field(repr=False)
    patterns: tuple[str, ...]
    created_ms: int

    def wants(self, kind: EventKind, committed_ms: int) -> bool:
        """Whether it is told of an event of this kind and time."""
        return committed_ms >= self.created_ms and matches(self.patterns, kind)


def matches(patterns: Iterable[str], kind: EventKind) -> bool:
    """Whether one of the patterns is the kind, or ``<noun>.*`` with the noun of the kind, or ``*``."""
    return not {kind, f"{kind.noun}.*", "*"}.isdisjoint(patterns)


def check_patterns(patterns: Iterable[str]) -> tuple[str, ...]:
    """The patterns, each once, in the order given. No pattern at all means everything but ``seats.*``.

    Raises:
        Invalid: one fits no kind of event.
    """
    chosen = tuple(dict.fromkeys(patterns)) or DEFAULT_PATTERNS
    for pattern in chosen:
        if not any(matches([pattern], kind) for kind in EventKind):
            raise Invalid(
                f"No event is of the kind {pattern!r}: there are {', '.join(EventKind)}, and {SEATS}.* etc."
            )
    return chosen


def check_url(url: str) -> str:
    """The address, if events can be sent there.

    Raises:
        Invalid: it is neither http nor https, names no host, or is too long.
    """
    if not is_url(url) or len(url) > MAX_URL_LENGTH or not url.isprintable() or " " in url:
        raise Invalid(f"{url!r} is no address for a webhook: it has the form https://example.com/path.")
    return url


def no_webhook(webhook_id: int) -> NotFound:
    """The refusal of a webhook that does not exist."""
    return NotFound(f"There is no webhook {webhook_id}: see 'jari webhook list'.")


def too_many_webhooks(limit: int) -> Conflict:
    """The refusal of one webhook more."""
    return Conflict(f"There are {limit} webhooks already: remove one first.")


def show_secret(secret: bytes) -> str:
    """A secret as its receiver is given it: ``whsec_`` and base64."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


@dataclass(frozen=True, slots=True)
class Told:
    """An event of a commit, and the webhooks that are told of it."""

    event_id: str
    kind: EventKind
    payload: dict[str, Any]
    webhook_ids: tuple[int, ...]


def tell(
    listening: Sequence[Webhook], schedule_id: int, epoch: str, commit: Commit, committed_ms: int
) -> Iterator[Told]:
    """The events of a commit that somebody wants to know."""
    for name, event in events_of(schedule_id, epoch, commit):
        wanting = tuple(each.id for each in listening if each.wants(event.kind, committed_ms))
        if wanting:
            told = payload(event, name, schedule_id, commit.version, committed_ms)
            yield Told(name, event.kind, told, wanting)


def sign(secret: bytes, name: str, timestamp_seconds: int, body: bytes) -> str:
    """The signature of a delivery: ``v1,`` and the base64 of HMAC-SHA256 over ``<id>.<timestamp>.<body>``."""
    signed = b".".join((name.encode(), str(timestamp_seconds).encode(), body))
    return "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()


def retry_ms(attempt: int, *, min_seconds: int, max_seconds: int, dice: float) -> int:
    """How long to wait after so many failed tries (1, 2, …): each time four times as long, up to the longest.

    ``dice`` is from 0 to 1 and spreads the delay by a fifth to either side.
    """
    # The exponent is bounded: with a setting of very many tries the power would be a huge number.
    delay_seconds = min(max_seconds, min_seconds * BACKOFF_FACTOR ** min(attempt - 1, 32))
    return int(delay_seconds * 1000 * (1 + JITTER * (2 * dice - 1)))
