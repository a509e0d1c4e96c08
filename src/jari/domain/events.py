"""What happened, for those outside who want to know: organisers' webhooks, and relays.

What happens to seats stands in the commits' changes already; these are the events of sales. The transaction that
makes an event true also writes it: so no event is told that did not happen, and none is forgotten.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from jari.domain.seating import Change, Status


class EventKind(StrEnum):
    """What happened, as ``<noun>.<what>``: the nouns are what patterns are made of."""

    SEATS_HELD = "seats.held"
    SEATS_SOLD = "seats.sold"
    SEATS_RELEASED = "seats.released"
    RESERVATION_CREATED = "reservation.created"
    RESERVATION_CONFIRMED = "reservation.confirmed"
    RESERVATION_CANCELLED = "reservation.cancelled"
    RESERVATION_EXPIRED = "reservation.expired"
    PAYMENT_FAILED = "payment.failed"
    REFUND_DUE = "refund.due"
    REFUND_DONE = "refund.done"
    TICKET_CHECKED_IN = "ticket.checked_in"

    @property
    def noun(self) -> str:
        """What it happened to."""
        return self.partition(".")[0]


KIND_OF_CHANGE = {
    Status.HOLD: EventKind.SEATS_HELD,
    Status.OCCUPIED: EventKind.SEATS_SOLD,
    Status.AVAILABLE: EventKind.SEATS_RELEASED,
}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a sale; money in the currency's minor unit."""

    kind: EventKind
    reservation_id: int
    order_id: str
    buyer_id: int
    seat_ids: tuple[int, ...]
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class SeatEvent:
    """Something that happened to seats; ``buyer_id`` is 0 where they are free."""

    kind: EventKind
    buyer_id: int
    seat_ids: tuple[int, ...]
    expires_ms: int | None


def seat_events(changes: tuple[Change, ...]) -> Iterator[SeatEvent]:
    """The changes of a commit, told as events."""
    for each in changes:
        yield SeatEvent(KIND_OF_CHANGE[each.status], each.buyer_id, each.seat_ids, each.expires_ms)
