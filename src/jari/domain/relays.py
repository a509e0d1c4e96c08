"""Relays: what those outside are told of a commit, under which ids, and how far a relay has come.

A relay passes a schedule's commits on in order, and remembers up to which version. Its cursor is that version.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from jari.domain.events import Event, SeatEvent, seat_events
from jari.domain.seatmap import Commit
from jari.domain.times import rfc3339

WEBHOOKS = "webhooks"  # the relay that makes deliveries of commits: one of the duties of every server
KAFKA = "kafka"  # the relay that sends every event to Kafka, under a lease of the same name


def event_id(schedule_id: int, epoch: str, version: int, ordinal: int) -> str:
    """The id of a commit's event, the same however often it is sent; at most 64 characters.

    ``ordinal`` counts all events of the commit from 0, wanted or not.
    """
    return f"{schedule_id}-{epoch}-{version}-{ordinal}"


def events_of(schedule_id: int, epoch: str, commit: Commit) -> Iterator[tuple[str, Event | SeatEvent]]:
    """The events of a commit, each with its id.

    Events of seats come last: a caller may not have read those changes, and the ids of the others must stay the same.
    """
    happened: list[Event | SeatEvent] = [*commit.events, *seat_events(commit.changes)]
    for ordinal, event in enumerate(happened):
        yield event_id(schedule_id, epoch, commit.version, ordinal), event


def payload(
    event: Event | SeatEvent, name: str, schedule_id: int, version: int, committed_ms: int
) -> dict[str, Any]:
    """What a receiver is told: ``id``, ``type``, ``createdAt`` and ``data``, in the words of the API.

    Nothing but the buyer's id tells who somebody is. Money is in the currency's minor unit.
    """
    data: dict[str, Any] = {"scheduleId": schedule_id, "version": version}
    if isinstance(event, SeatEvent):
        data |= {
            "buyerId": event.buyer_id or None,
            "seatIds": event.seat_ids,
            "expiresAt": None if event.expires_ms is None else rfc3339(event.expires_ms),
        }
    else:
        data |= {
            "reservationId": event.reservation_id,
            "orderId": event.order_id,
            "buyerId": event.buyer_id,
            "seatIds": event.seat_ids,
            "amount": event.amount,
            "currency": event.currency,
        }
    return {"id": name, "type": event.kind, "createdAt": rfc3339(committed_ms), "data": data}


def passed_on(cursor: int | None, version: int, versions: Sequence[int]) -> tuple[int, int]:
    """Up to which version a relay has come, and how many commits it has lost.

    The relay has passed on the commits up to ``cursor`` (None: it is new to the schedule). The schedule is at
    ``version``, and the log has ``versions`` after the cursor. After a restore from a backup the store may be behind
    the cursor; the log may have been trimmed to its end.
    """
    reached = versions[-1] if versions else version
    next_one = versions[0] if versions else version + 1
    return reached, 0 if cursor is None else max(0, next_one - cursor - 1)
