"""What happened, for those outside who want to know: organisers' webhooks, and relays.

What happens to seats stands in the commits' changes already; these are the events of sales. Both are written in
the transaction that made them true, so none is told that did not happen, and none is forgotten.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from jari.domain.seating import Change, Status

SEAT_KINDS = {
    Status.HOLD: "seats.held",
    Status.OCCUPIED: "seats.sold",
    Status.AVAILABLE: "seats.released",
}
SALE_KINDS = (
    "reservation.created",
    "reservation.confirmed",
    "reservation.cancelled",
    "reservation.expired",
    "payment.failed",
    "refund.due",
    "refund.done",
    "ticket.checked_in",
)
KINDS = (*SEAT_KINDS.values(), *SALE_KINDS)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a sale; money in the currency's minor unit."""

    kind: str
    reservation_id: int
    order_id: str
    buyer_id: int
    seat_ids: tuple[int, ...]
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class SeatEvent:
    """Something that happened to seats; ``buyer_id`` is 0 where they are free."""

    kind: str
    buyer_id: int
    seat_ids: tuple[int, ...]
    expires_ms: int | None


def seat_events(changes: tuple[Change, ...]) -> Iterator[SeatEvent]:
    """The changes of a commit, told as events."""
    for each in changes:
        yield SeatEvent(SEAT_KINDS[each.status], each.buyer_id, each.seat_ids, each.expires_ms)
