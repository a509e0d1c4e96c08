"""Sales: what can be asked for between holding seats and coming in with a ticket, as commands.

`jari.domain.box_office` decides them.
"""

from dataclasses import dataclass

from jari.domain.payments import Charged, NoAnswer, NotCharged, NothingYet
from jari.domain.reservations import PriceList
from jari.domain.seating import Command, Expire, Hold, Occupy, Release
from jari.domain.tenures import NO_LIMIT, KeepLimit


@dataclass(frozen=True, slots=True)
class Reserve:
    """Make a reservation of all that the buyer holds. ``token`` is the part of its order that nobody can guess."""

    buyer_id: int
    schedule_id: int
    reservation_id: int
    token: str
    price_list: PriceList


@dataclass(frozen=True, slots=True)
class Book:
    """Hold seats and reserve them, both or neither."""

    hold: Hold
    reserve: Reserve


@dataclass(frozen=True, slots=True)
class CancelReservation:
    """The buyer gives up an unpaid reservation; its seats are free."""

    reservation_id: int
    buyer_id: int


@dataclass(frozen=True, slots=True)
class ExpireReservation:
    """Close a reservation whose time is over; nothing happens to one that is paid or being paid."""

    reservation_id: int


@dataclass(frozen=True, slots=True)
class BeginPayment:
    """Firm up the hold before the gateway is asked. The same payment again is the same payment.

    ``grace_ms`` after its end a reservation may still be paid if its seats are free, ``max_tries`` times in all, in
    the gateway's ``currency``.
    """

    reservation_id: int
    buyer_id: int
    order_id: str
    amount: int
    payment_id: int
    gateway: str
    payment_key: str
    patience_ms: int
    max_seats: int
    max_tries: int
    currency: str
    grace_ms: int
    limit: KeepLimit = NO_LIMIT


@dataclass(frozen=True, slots=True)
class SettlePayment:
    """The gateway has spoken."""

    reservation_id: int
    payment_id: int
    result: Charged | NotCharged


@dataclass(frozen=True, slots=True)
class PostponePayment:
    """Nothing is settled yet: ask again after ``patience_ms``."""

    reservation_id: int
    payment_id: int
    patience_ms: int
    answer: NothingYet | NoAnswer


@dataclass(frozen=True, slots=True)
class RefundSeats:
    """Take sold seats back for money; no seats named means all. ``deadline_ms`` binds buyers only."""

    reservation_id: int
    payment_id: int
    refund_id: int
    seat_ids: tuple[int, ...]
    reason: str
    patience_ms: int
    buyer_id: int | None  # None: the organiser does it
    deadline_ms: int


@dataclass(frozen=True, slots=True)
class SettleRefund:
    """The gateway has given the money back."""

    reservation_id: int
    refund_id: int


@dataclass(frozen=True, slots=True)
class PostponeRefund:
    """The gateway has not given the money back yet: ask again after ``patience_ms``."""

    reservation_id: int
    refund_id: int
    patience_ms: int
    answer: NothingYet | NoAnswer


@dataclass(frozen=True, slots=True)
class CheckIn:
    """Let the holder of a ticket in, once."""

    reservation_id: int
    seat_id: int


SaleCommand = (
    Reserve | Book | CancelReservation | ExpireReservation | BeginPayment | SettlePayment | PostponePayment
    | RefundSeats | SettleRefund | PostponeRefund | CheckIn
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Needs:
    """What must be read before a command can be decided.

    Allocations of seats and of buyers; reservations by id, by the key of one of their payments, and the open
    ones of buyers, with the allocations of all their seats.
    """

    seat_ids: tuple[int, ...] = ()
    buyer_ids: tuple[int, ...] = ()
    reservation_ids: tuple[int, ...] = ()
    payment_keys: tuple[str, ...] = ()
    open_of_buyers: tuple[int, ...] = ()


def needs(command: Command | SaleCommand) -> Needs:
    """What must be read before this command can be decided."""
    match command:
        case Hold(buyer_id=buyer_id, seat_ids=seat_ids):
            needed = Needs(seat_ids=seat_ids, buyer_ids=(buyer_id,))
        case Release(buyer_id=buyer_id, seat_ids=seat_ids):
            needed = Needs(seat_ids=seat_ids, open_of_buyers=(buyer_id,))
        case Occupy(seat_ids=seat_ids) | Expire(seat_ids=seat_ids):
            needed = Needs(seat_ids=seat_ids)
        case Book(hold=Hold(buyer_id=buyer_id, seat_ids=seat_ids)):
            needed = Needs(seat_ids=seat_ids, buyer_ids=(buyer_id,), open_of_buyers=(buyer_id,))
        case Reserve(buyer_id=buyer_id):
            needed = Needs(buyer_ids=(buyer_id,), open_of_buyers=(buyer_id,))
        case BeginPayment(reservation_id=reservation_id, buyer_id=buyer_id, payment_key=payment_key):
            needed = Needs((), (buyer_id,), (reservation_id,), (payment_key,))
        case _:
            needed = Needs(reservation_ids=(command.reservation_id,))
    return needed
