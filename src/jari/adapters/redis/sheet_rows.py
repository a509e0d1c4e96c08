"""What stands on a schedule's sheet: allocations, tenures and decisions as text, and the steps that write them.

Everything is JSON lists, so an operator can read it with ``redis-cli``.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from jari.adapters.changes import decode_changes, encode_changes
from jari.adapters.redis.node import Entry
from jari.adapters.sql.sale_rows import decode_events, encode_events
from jari.adapters.sql.seating_ledger import LoggedDecision, Stock
from jari.domain.box_office import Update
from jari.domain.reservations import Reservation, ReservationStatus
from jari.domain.seating import Allocation, Effect, Status
from jari.domain.seatmap import Commit
from jari.domain.tenures import Tenure
from jari.ports.answers import RequestKey, StoredAnswer
from jari.ports.seating import Decision

Argument = str | int
Step = tuple[str, int, Sequence[Argument]]  # a command, the number of its key, and its arguments

# The numbers of the keys in the calls of apply.lua.
LEASE, HEAD, SEATS, OWNERS, ENDS, TENURES, OPEN, STREAM = range(1, 9)
EVERYTHING: Final = (HEAD, SEATS, OWNERS, ENDS, TENURES, OPEN, STREAM)
GROUP: Final = "persisters"
PAGE: Final = 1_000  # pairs of arguments in one step: Lua takes no more than some thousand values at once

_Allocation = tuple[int, int, int, str, int | None, int]
_Answer = tuple[str, str, str, str]
_Rest = tuple[
    int,
    str,
    list[tuple[_Allocation | None, _Allocation | None]],
    list[tuple[int, int, int, int]],
    list[_Answer],
]
_encoder = msgspec.json.Encoder()
# For scripts: redis-py takes longer over many arguments than Redis does. Lua's MessagePack knows text, but no bytes.
pack = msgspec.msgpack.Encoder().encode
STATUSES = tuple(Status)
_allocation = msgspec.json.Decoder(_Allocation)
_tenure = msgspec.json.Decoder(tuple[int, int, int, int])
_rest = msgspec.json.Decoder(_Rest)


def read_allocation(text: bytes) -> Allocation:
    """An allocation as it stands on the sheet."""
    return _allocation_of(_allocation.decode(text))


def read_tenure(text: bytes) -> Tenure:
    """A tenure as it stands on the sheet."""
    return Tenure(*_tenure.decode(text))


def tenure_name(buyer_id: int, seat_id: int) -> str:
    """Where a tenure stands on the sheet."""
    return f"{buyer_id}:{seat_id}"


def entry_id(version: int) -> str:
    """The id that a commit has in the stream."""
    return f"{version}-0"


def version_of(entry: Entry) -> int:
    """The version of a commit in the stream."""
    return int(entry[0].partition(b"-")[0])


def commit_in(entry: Entry) -> Commit:
    """A commit of the stream, as viewers know it."""
    return Commit(version_of(entry), decode_changes(entry[1][b"body"]))


def read_entry(entry: Entry) -> LoggedDecision | None:
    """The decision in an entry of the stream; None if PostgreSQL had it first."""
    text = entry[1].get(b"rest")
    if text is None:
        return None
    committed_ms, events, effects, tenures, answers = _rest.decode(text)
    commit = commit_in(entry)
    return LoggedDecision(
        Decision(
            Commit(commit.version, commit.changes, tuple(decode_events(events))),
            [
                Effect(before and _allocation_of(before), after and _allocation_of(after))
                for before, after in effects
            ],
            answers=[
                StoredAnswer(RequestKey(scope, key, fingerprint), answer)
                for scope, key, fingerprint, answer in answers
            ],
            tenures=[Tenure(*each) for each in tenures],
        ),
        committed_ms,
    )


def steps_of(decision: Decision, now_ms: int, schedule_id: int, *, persisted: bool) -> Iterator[Step]:
    """The steps that carry out a decision; those of one that PostgreSQL has already tell only what viewers need."""
    commit = decision.commit
    entry: list[Argument] = [entry_id(commit.version), "body", encode_changes(commit)]
    if not persisted:
        entry += ["rest", _text(_rest_of(decision, now_ms))]
    yield "XADD", STREAM, entry
    yield from _put_allocations([each.after for each in decision.effects if each.after])
    yield from _take_out([each.before.seat_id for each in decision.effects if each.before and not each.after])
    yield from _put_tenures(decision.tenures)
    for buyer_id, more in _opened(decision.updates, schedule_id):
        yield "HINCRBY", OPEN, [buyer_id, more]


def steps_of_stock(stock: Stock) -> Iterator[Step]:
    """The steps that put on an empty sheet what PostgreSQL has."""
    yield from _put_allocations(stock.allocations)
    yield from _put_tenures(stock.tenures)
    yield from _pairs("HSET", OPEN, [(buyer, count) for buyer, count in stock.open_of_buyers.items()])


def resting_steps(seconds: int) -> Iterator[Step]:
    """The steps that take the mark off, and let the sheet leave after a while: its head first."""
    yield "HDEL", HEAD, ["mark"]
    for key in EVERYTHING:
        yield "EXPIRE", key, [seconds if key == HEAD else 2 * seconds]


def waking_steps(mark: str) -> Iterator[Step]:
    """The steps that mark a sheet, and let it stay."""
    yield "HSET", HEAD, ["mark", mark]
    for key in EVERYTHING:
        yield "PERSIST", key, []


def _put_allocations(allocations: Sequence[Allocation]) -> Iterator[Step]:
    yield from _pairs("HSET", SEATS, [(each.seat_id, _text(_tuple_of(each))) for each in allocations])
    yield from _pairs("ZADD", OWNERS, [(each.buyer_id, each.seat_id) for each in allocations])
    ending = [(each.expires_ms, each.seat_id) for each in allocations if each.expires_ms is not None]
    yield from _pairs("ZADD", ENDS, ending)
    yield from _singles("ZREM", ENDS, [each.seat_id for each in allocations if each.expires_ms is None])


def _take_out(seat_ids: Sequence[int]) -> Iterator[Step]:
    for command, key in (("HDEL", SEATS), ("ZREM", OWNERS), ("ZREM", ENDS)):
        yield from _singles(command, key, seat_ids)


def _put_tenures(tenures: Sequence[Tenure]) -> Iterator[Step]:
    yield from _pairs(
        "HSET",
        TENURES,
        [
            (
                tenure_name(each.buyer_id, each.seat_id),
                _text((each.seat_id, each.buyer_id, each.since_ms, each.ended_ms)),
            )
            for each in tenures
        ],
    )


def _opened(updates: Iterable[Update], schedule_id: int) -> Iterator[tuple[int, int]]:
    """By how many the open reservations of which buyers become more, or fewer."""
    for each in updates:
        more = _is_open(each.after) - _is_open(each.before)
        if more and each.after.schedule_id == schedule_id:
            yield each.after.buyer_id, more


def _is_open(reservation: Reservation | None) -> int:
    return int(reservation is not None and reservation.status is ReservationStatus.PENDING)


def _pairs(command: str, key: int, pairs: Sequence[tuple[Argument, Argument]]) -> Iterator[Step]:
    for first in range(0, len(pairs), PAGE):
        yield command, key, [each for pair in pairs[first : first + PAGE] for each in pair]


def _singles(command: str, key: int, values: Sequence[Argument]) -> Iterator[Step]:
    for first in range(0, len(values), PAGE):
        yield command, key, values[first : first + PAGE]


def _rest_of(decision: Decision, now_ms: int) -> _Rest:
    return (
        now_ms,
        encode_events(decision.commit.events),
        [(_tuple_or_none(each.before), _tuple_or_none(each.after)) for each in decision.effects],
        [(each.seat_id, each.buyer_id, each.since_ms, each.ended_ms) for each in decision.tenures],
        [
            (each.request.scope, each.request.key, each.request.fingerprint, each.answer)
            for each in decision.answers
        ],
    )


def _text(value: object) -> str:
    return _encoder.encode(value).decode()


def _tuple_or_none(each: Allocation | None) -> _Allocation | None:
    return None if each is None else _tuple_of(each)


def _tuple_of(each: Allocation) -> _Allocation:
    return each.seat_id, int(each.status), each.buyer_id, each.hold_id, each.expires_ms, each.since_ms


def _allocation_of(fields: _Allocation) -> Allocation:
    seat_id, status, buyer_id, hold_id, expires_ms, since_ms = fields
    return Allocation(seat_id, STATUSES[status], buyer_id, hold_id, expires_ms, since_ms)
