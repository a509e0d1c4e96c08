"""Rows of the tables of sales, and the reservations that they make up.

A table's columns have the names of its dataclass's fields; each part of a reservation has the reservation's id, too.
Four look-ups by key read a reservation. To write one, only the rows that changed are written.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter, itemgetter
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import Table

from jari.adapters.sql.rows import Row
from jari.adapters.sql.tables import payments, refunds, reservation_seats, reservations
from jari.domain.box_office import Update
from jari.domain.events import Event
from jari.domain.payments import Payment, PaymentStatus, Refund, RefundStatus
from jari.domain.reservations import Reservation, ReservationStatus, ReservedSeat

T = TypeVar("T")
Values = tuple[Any, ...]  # of a row, in the order of its table's columns

OWNER = "reservation_id"
PARTS = (reservation_seats, payments, refunds)
_encoder = msgspec.json.Encoder()
_decode_ids = msgspec.json.Decoder(tuple[int, ...]).decode
_decode_events = msgspec.json.Decoder(list[Event]).decode


class Shape(Generic[T]):
    """Reads and writes the rows of a table as the values of a dataclass, by the names that they share.

    ``readers`` and ``writers`` translate the fields that SQL has no type for.
    """

    def __init__(
        self,
        table: Table,
        kind: type[T],
        *,
        readers: Mapping[str, Callable[[Any], Any]] = MappingProxyType({}),
        writers: Mapping[str, Callable[[Any], Any]] = MappingProxyType({}),
    ) -> None:
        columns = [name for name in table.columns.keys() if name != OWNER]  # noqa: SIM118 - not a dict
        self._kind = kind
        fields = [name for name in kind.__dataclass_fields__ if name in columns]  # type: ignore[attr-defined]
        self._fields_of = itemgetter(*fields)
        self._readers = [(fields.index(name), read) for name, read in readers.items()]
        self._columns_of = attrgetter(*columns)
        self._writers = [(columns.index(name), write) for name, write in writers.items()]

    def read(self, row: Row, *others: object) -> T:
        """The value of a row; ``others`` are the value's last fields, which come from other tables."""
        fields = list(self._fields_of(row))
        for place, read in self._readers:
            fields[place] = read(fields[place])
        return self._kind(*fields, *others)

    def write(self, value: T) -> Values:
        """The values of all columns but the owner's."""
        columns = list(self._columns_of(value))
        for place, write in self._writers:
            columns[place] = write(columns[place])
        return tuple(columns)

    def write_all(self, owner_id: int, values: Iterable[T], known: Iterable[T]) -> list[Values]:
        """The rows of the values that are not among the ``known`` ones; the owner's column comes first in each."""
        old = set(known)
        return [(owner_id, *self.write(each)) for each in values if each not in old]


HEADS = Shape(reservations, Reservation, readers={"status": ReservationStatus})
SEATS = Shape(reservation_seats, ReservedSeat)
PAYMENTS = Shape(payments, Payment, readers={"status": PaymentStatus})
REFUNDS = Shape(
    refunds,
    Refund,
    readers={"status": RefundStatus, "seat_ids": _decode_ids},
    writers={"seat_ids": lambda seat_ids: _encoder.encode(seat_ids).decode()},
)


def columns(table: Table, alias: str = "") -> str:
    """A table's columns for a SELECT, in quotes: some have the names of words of SQL."""
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


def rows_to_write(updates: Iterable[Update]) -> list[tuple[Table, list[Values]]]:
    """Each table's new or changed rows, in an order in which no write breaks a unique key."""
    rows: dict[Table, list[Values]] = {table: [] for table in (reservations, *PARTS)}
    opening: list[Values] = []
    for update in updates:
        before, after = update.before, update.after
        head = HEADS.write(after)
        if before is None or HEADS.write(before) != head:
            rows[reservations].append(head)
        rows[reservation_seats] += SEATS.write_all(after.id, after.seats, before.seats if before else ())
        paid = before.payments if before else ()
        rows[payments] += PAYMENTS.write_all(
            after.id, (each for each in after.payments if not each.pays), paid
        )
        opening += PAYMENTS.write_all(after.id, (each for each in after.payments if each.pays), paid)
        rows[refunds] += REFUNDS.write_all(after.id, after.refunds, before.refunds if before else ())
    rows[payments] += opening  # last, since payments that failed make room for those that begin
    return [(table, written) for table, written in rows.items() if written]


def assemble(
    heads: Iterable[Row], seat_rows: Iterable[Row], payment_rows: Iterable[Row], refund_rows: Iterable[Row]
) -> list[Reservation]:
    """The reservations of these rows, in the order of the first of them."""
    seats, paid, back = (
        _by_owner(SEATS, seat_rows),
        _by_owner(PAYMENTS, payment_rows),
        _by_owner(REFUNDS, refund_rows),
    )
    return [
        HEADS.read(
            head,
            tuple(seats[head["id"]]),
            tuple(paid[head["id"]]),
            tuple(back[head["id"]]),
        ).in_order()
        for head in heads
    ]


def _by_owner(shape: Shape[T], rows: Iterable[Row]) -> dict[int, list[T]]:
    parts: dict[int, list[T]] = defaultdict(list)
    for row in rows:
        parts[row[OWNER]].append(shape.read(row))
    return parts


def encode_events(events: Sequence[Event]) -> str:
    """What stands in the change log's ``events``: a JSON list."""
    return _encoder.encode(events).decode() if events else "[]"


def decode_events(text: str) -> list[Event]:
    """The events that `encode_events` wrote."""
    return _decode_events(text) if text != "[]" else []
