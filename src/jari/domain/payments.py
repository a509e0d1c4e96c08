"""Payments: one try to pay a reservation, and the money that goes back.

A payment begins when the buyer, whom the gateway has authenticated, asks to be charged::

    CONFIRMING ──▶ DONE ⇄ REFUND_DUE ──▶ CANCELED
        │                     ▲
        ├──(the seats are gone)
        └──▶ FAILED ──(money came all the same)──▶ REFUND_DUE

Before that it is READY, and known to the gateway alone. REFUND_DUE says that we owe money, for the whole
payment or for some seats; CANCELED says that all of it went back. A payment of nothing goes from DONE to CANCELED.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from jari.domain.errors import Invalid

MAX_REASON_LENGTH = 100  # gateways take 200 characters, and the refund's mark needs some
MAX_PAYMENT_KEY_LENGTH = 200


class PaymentStatus(StrEnum):
    """How far a try to pay has come."""

    CONFIRMING = "CONFIRMING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    REFUND_DUE = "REFUND_DUE"


class RefundStatus(StrEnum):
    """Whether the gateway has given the money back."""

    DUE = "DUE"
    DONE = "DONE"


@dataclass(frozen=True, slots=True)
class Payment:
    """One try to pay. ``charged`` is what the gateway took: 0 until it said so.

    ``attempt`` counts the questions to the gateway that need an idempotency key of their own. At ``next_try_ms``
    somebody must look after an unfinished payment. ``code`` and ``message`` are the gateway's last words.
    """

    id: int
    gateway: str
    payment_key: str
    amount: int
    status: PaymentStatus
    started_ms: int
    next_try_ms: int
    attempt: int = 1
    charged: int = 0
    method: str = ""
    code: str = ""
    message: str = ""

    @property
    def pays(self) -> bool:
        """Whether it pays its reservation, or is about to: a reservation has at most one such payment."""
        return self.status in {PaymentStatus.CONFIRMING, PaymentStatus.DONE}


@dataclass(frozen=True, slots=True)
class Refund:
    """Money that goes back. ``seat_ids`` is empty where the payment never got its seats."""

    id: int
    payment_id: int
    amount: int
    seat_ids: tuple[int, ...]
    reason: str
    status: RefundStatus
    requested_ms: int
    next_try_ms: int
    attempt: int = 1
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Charged:
    """The gateway has taken this money, and not given it back."""

    payment_key: str
    order_id: str
    amount: int
    method: str


@dataclass(frozen=True, slots=True)
class NotCharged:
    """The gateway has taken no money and will take none; ``code`` and ``message`` are its reason."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class GivenBack:
    """The gateway has given the money of a refund back."""


@dataclass(frozen=True, slots=True)
class NothingYet:
    """The gateway's record shows that no money has moved so far. The next attempt is a new question, with a new key."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nobody knows whether money moved. The next attempt repeats the question under its key, lest money move twice."""

    code: str
    message: str


PaymentAnswer = Charged | NotCharged | NothingYet | NoAnswer
RefundAnswer = GivenBack | NothingYet | NoAnswer


Open = TypeVar("Open", Payment, Refund)


def postponed(open_still: Open, answer: NothingYet | NoAnswer, next_try_ms: int) -> Open:
    """The payment or refund, to be asked after at ``next_try_ms``: after NothingYet under a new idempotency key."""
    match answer:
        case NothingYet():
            attempt = open_still.attempt + 1
        case NoAnswer():
            attempt = open_still.attempt
    return replace(
        open_still, next_try_ms=next_try_ms, attempt=attempt, code=answer.code, message=answer.message
    )


def in_time(payment: Payment) -> tuple[int, int]:
    """The key that payments are sorted by: time first, since each process takes its numbers from blocks of its own."""
    return payment.started_ms, payment.id


def check_reason(reason: str) -> str:
    """The reason of a refund without surrounding space; it may be empty.

    Raises:
        Invalid: it is too long, or holds control characters.
    """
    reason = reason.strip()
    if len(reason) > MAX_REASON_LENGTH or not reason.isprintable():
        raise Invalid(f"A reason has at most {MAX_REASON_LENGTH} printable characters.")
    return reason


def status_with_refunds(refunds: Iterable[Refund], *, buys_seats: bool) -> PaymentStatus:
    """The status of a charged payment with these refunds, all of its own; ``buys_seats``: it still pays for a seat."""
    if any(each.status is RefundStatus.DUE for each in refunds):
        return PaymentStatus.REFUND_DUE
    return PaymentStatus.DONE if buys_seats else PaymentStatus.CANCELED
