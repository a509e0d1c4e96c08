"""Rows of the tables of sales, and the reservations that they make up.

The order of a table's columns is that of the fields of its dataclass, behind ``reservation_id``. A reservation
is read with four look-ups by key, and written by naming the rows that changed.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Table

from jari.adapters.sql.tables import payments, refunds, reservation_seats, reservations
from jari.domain.box_office import Update
from jari.domain.events import Event
from jari.domain.payments import Payment, PaymentStatus, Refund, RefundStatus
from jari.domain.reservations import Reservation, ReservationStatus, ReservedSeat

Row = Any  # a row of either driver, or the values of one

PARTS = (reservation_seats, payments, refunds)
_encoder = msgspec.json.Encoder()
_decode_ids = msgspec.json.Decoder(tuple[int, ...]).decode
_decode_events = msgspec.json.Decoder(list[Event]).decode


def columns(table: Table, alias: str = "") -> str:
    """A table's columns as they stand in a SELECT; some are named like words of SQL."""
    prefix = f"{alias}." if alias else ""
    return ", ".join(f'{prefix}"{name}"' for name in table.columns.keys())  # noqa: SIM118 - not a dict


def upsert(table: Table, placeholder: Callable[[int], str]) -> str:
    """The statement that inserts a row, or replaces the one with its key."""
    names = list(table.columns.keys())
    key = [column.name for column in table.primary_key]
    values = ", ".join(placeholder(number) for number in range(1, len(names) + 1))
    news = ", ".join(f'"{name}" = excluded."{name}"' for name in names if name not in key)
    return (
        f"INSERT INTO {table.name} ({columns(table)}) VALUES ({values})"  # noqa: S608 - from the schema
        f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {news}"
    )


def rows_to_write(updates: Iterable[Update]) -> list[tuple[Table, list[Row]]]:
    """Each table's rows that are new or changed, in an order that breaks no unique key on the way."""
    rows: dict[Table, list[Row]] = {table: [] for table in (reservations, *PARTS)}
    for update in updates:
        before, after = update.before, update.after
        head = _reservation_row(after)
        if before is None or _reservation_row(before) != head:
            rows[reservations].append(head)
        known = {*before.seats, *before.payments, *before.refunds} if before else set()
        rows[reservation_seats] += [_seat_row(after.id, each) for each in after.seats if each not in known]
        rows[payments] += [_payment_row(after.id, each) for each in after.payments if each not in known]
        rows[refunds] += [_refund_row(after.id, each) for each in after.refunds if each not in known]
    # what has failed makes room for what begins
    rows[payments].sort(key=lambda row: row[5] in (PaymentStatus.CONFIRMING, PaymentStatus.DONE))
    return [(table, found) for table, found in rows.items() if found]


def assemble(
    heads: Iterable[Row], seat_rows: Iterable[Row], payment_rows: Iterable[Row], refund_rows: Iterable[Row]
) -> list[Reservation]:
    """The reservations of these rows, in the order of the first of them."""
    seats: dict[int, list[ReservedSeat]] = defaultdict(list)
    for row in seat_rows:
        seats[row[0]].append(ReservedSeat(*row[1:]))
    paid: dict[int, list[Payment]] = defaultdict(list)
    for row in payment_rows:
        reservation_id, *fields = row
        fields[4] = PaymentStatus(fields[4])
        paid[reservation_id].append(Payment(*fields))
    back: dict[int, list[Refund]] = defaultdict(list)
    for row in refund_rows:
        reservation_id, *fields = row
        fields[3], fields[5] = _decode_ids(fields[3]), RefundStatus(fields[5])
        back[reservation_id].append(Refund(*fields))
    return [_reservation(row, seats[row[0]], paid[row[0]], back[row[0]]) for row in heads]


def _reservation(
    head: Row, seats: list[ReservedSeat], paid: list[Payment], back: list[Refund]
) -> Reservation:
    fields = [*head, tuple(seats), tuple(paid), tuple(back)]
    fields[4] = ReservationStatus(fields[4])
    return Reservation(*fields).in_order()


def encode_events(events: Sequence[Event]) -> str:
    """What stands in the change log's ``events``: a JSON list."""
    return _encoder.encode(events).decode() if events else "[]"


def decode_events(text: str) -> list[Event]:
    """The events that `encode_events` wrote."""
    return _decode_events(text) if text != "[]" else []


def _reservation_row(each: Reservation) -> Row:
    return (
        each.id, each.schedule_id, each.buyer_id, each.hold_id, each.status.value, each.order_id,
        each.order_name, each.amount, each.currency, each.created_ms, each.expires_ms,
    )  # fmt: skip


def _seat_row(reservation_id: int, each: ReservedSeat) -> Row:
    return (
        reservation_id, each.seat_id, each.row, each.col, each.section, each.block, each.row_label,
        each.seat_label, each.grade, each.price, each.refund_id, each.checked_in_ms,
    )  # fmt: skip


def _payment_row(reservation_id: int, each: Payment) -> Row:
    return (
        reservation_id, each.id, each.gateway, each.payment_key, each.amount, each.status.value,
        each.started_ms, each.next_try_ms, each.attempt, each.charged, each.method, each.code, each.message,
    )  # fmt: skip


def _refund_row(reservation_id: int, each: Refund) -> Row:
    return (
        reservation_id, each.id, each.payment_id, each.amount, _encoder.encode(each.seat_ids).decode(),
        each.reason, each.status.value, each.requested_ms, each.next_try_ms, each.attempt, each.code,
        each.message,
    )  # fmt: skip
