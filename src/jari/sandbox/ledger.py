"""The ledger of the sandbox: payments, and what may become of them. No I/O, no clock, no chance.

A payment begins when the buyer authenticates it, and then::

    IN_PROGRESS ──confirm──> DONE ──cancel──> CANCELED           all of it at once
         │                     └────cancel──> PARTIAL_CANCELED   less; again, until nothing is left
         ├──confirm, the card is rejected───> ABORTED
         └──10 minutes without confirm──────> EXPIRED

Times are milliseconds since 1970, amounts are whole won.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from jari.sandbox.errors import Refusal

SESSION_MS = 10 * 60 * 1000
MIN_AMOUNT = 100  # won, by card
MAX_PAYMENTS = 10_000


class Status(StrEnum):
    """How far a payment has come."""

    IN_PROGRESS = "IN_PROGRESS"
    DONE = "DONE"
    PARTIAL_CANCELED = "PARTIAL_CANCELED"
    CANCELED = "CANCELED"
    ABORTED = "ABORTED"
    EXPIRED = "EXPIRED"


CHARGED = frozenset({Status.DONE, Status.PARTIAL_CANCELED, Status.CANCELED})


class Card(StrEnum):
    """What the buyer pays with."""

    GOOD = "good"
    REJECTED = "rejected"  # the buyer can authenticate, but the card's company refuses the charge
    SLOW = "slow"  # charged at once, but the card's company answers later than anybody waits


@dataclass(frozen=True, slots=True)
class Order:
    """What is paid for."""

    id: str
    amount: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Money that went back."""

    amount: int
    reason: str
    at_ms: int
    transaction_key: str


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment. ``charges`` counts how often a confirm took money; it must never exceed 1."""

    key: str
    order: Order
    card: Card
    requested_at_ms: int
    status: Status = Status.IN_PROGRESS
    approved_at_ms: int | None = None
    charges: int = 0
    cancels: tuple[Cancel, ...] = ()
    failure: str | None = None

    @property
    def balance(self) -> int:
        """What can still be given back."""
        return self.order.amount - sum(each.amount for each in self.cancels)


class Ledger:
    """All payments, up to a limit. Beyond it the oldest are forgotten."""

    def __init__(self, max_payments: int = MAX_PAYMENTS) -> None:
        self._max_payments = max_payments
        self._payments: dict[str, Payment] = {}
        self._keys_of_order: dict[str, list[str]] = {}
        self._session_ends_ms: dict[str, int] = {}  # of payments IN_PROGRESS; the first to end comes first
        self._changes: list[Payment] = []

    def authenticate(self, order: Order, card: Card, payment_key: str, now_ms: int) -> Payment:
        """Begin a payment, as the buyer does in the payment window.

        Raises:
            Refusal: the order is paid already.
        """
        if self._is_charged(order.id):
            raise Refusal("DUPLICATED_ORDER_ID")
        payment = Payment(payment_key, order, card, now_ms)
        self._payments[payment_key] = payment
        self._keys_of_order.setdefault(order.id, []).append(payment_key)
        self._session_ends_ms[payment_key] = now_ms + SESSION_MS
        if len(self._payments) > self._max_payments:
            self._forget_oldest()
        return payment

    def confirm(self, payment_key: str, order_id: str, amount: int, now_ms: int) -> Payment:
        """Charge a payment.

        The gateway documents no code for a wrong amount, and none for an order that another payment has paid
        meanwhile; INVALID_REQUEST and DUPLICATED_ORDER_ID are the nearest.

        Raises:
            Refusal: the payment was not charged.
        """
        self.expire(now_ms)
        payment = self._payments.get(payment_key)
        if payment is None or payment.order.id != order_id or payment.status is Status.EXPIRED:
            raise Refusal("NOT_FOUND_PAYMENT_SESSION")
        if payment.status is not Status.IN_PROGRESS:
            raise Refusal("ALREADY_PROCESSED_PAYMENT")
        if amount != payment.order.amount:
            raise Refusal("INVALID_REQUEST")
        if amount < MIN_AMOUNT:
            raise Refusal("BELOW_MINIMUM_AMOUNT")
        if self._is_charged(order_id):
            raise Refusal("DUPLICATED_ORDER_ID")
        if payment.card is Card.REJECTED:
            self._change(replace(payment, status=Status.ABORTED, failure="REJECT_CARD_PAYMENT"))
            raise Refusal("REJECT_CARD_PAYMENT")
        return self._change(
            replace(payment, status=Status.DONE, approved_at_ms=now_ms, charges=payment.charges + 1)
        )

    def cancel(self, payment_key: str, amount: int | None, reason: str, now_ms: int) -> Payment:
        """Give back an amount; without one, all that is left.

        A payment that partial cancels have used up stays PARTIAL_CANCELED. We saw the gateway leave it so, and refuse
        the amount of a further cancel. Judge by the balance.

        Raises:
            Refusal: nothing was given back.
        """
        payment = self.by_key(payment_key, now_ms)
        if payment.status is Status.CANCELED:
            raise Refusal("ALREADY_CANCELED_PAYMENT")
        if payment.status not in CHARGED:
            raise Refusal("NOT_CANCELABLE_PAYMENT")
        returned = payment.balance if amount is None else amount
        if not 0 < returned <= payment.balance:
            raise Refusal("NOT_CANCELABLE_AMOUNT")
        transaction_key = f"{payment_key[-40:]}-{len(payment.cancels) + 1}"
        whole = returned == payment.order.amount
        return self._change(
            replace(
                payment,
                status=Status.CANCELED if whole else Status.PARTIAL_CANCELED,
                cancels=(*payment.cancels, Cancel(returned, reason, now_ms, transaction_key)),
            )
        )

    def by_key(self, payment_key: str, now_ms: int) -> Payment:
        """The payment with this key.

        Raises:
            Refusal: there is none.
        """
        self.expire(now_ms)
        payment = self._payments.get(payment_key)
        if payment is None:
            raise Refusal("NOT_FOUND_PAYMENT")
        return payment

    def by_order(self, order_id: str, now_ms: int) -> Payment:
        """The payment that was charged for this order; without one, the last that was tried.

        Raises:
            Refusal: there is none.
        """
        self.expire(now_ms)
        payments = self._of_order(order_id)
        if not payments:
            raise Refusal("NOT_FOUND_PAYMENT")
        return next((each for each in payments if each.status in CHARGED), payments[-1])

    def expire(self, now_ms: int) -> None:
        """End the payments that were authenticated too long ago."""
        while self._session_ends_ms:
            payment_key, end_ms = next(iter(self._session_ends_ms.items()))
            if now_ms < end_ms:
                return
            self._change(
                replace(self._payments[payment_key], status=Status.EXPIRED, failure="EXPIRED_PAYMENT")
            )

    def payments(self) -> Sequence[Payment]:
        """Every payment, the oldest first."""
        return tuple(self._payments.values())

    def take_changes(self) -> Sequence[Payment]:
        """The payments whose status changed since the last call, as they were after each change."""
        changes, self._changes = self._changes, []
        return changes

    def _change(self, payment: Payment) -> Payment:
        self._payments[payment.key] = payment
        self._session_ends_ms.pop(payment.key, None)
        self._changes.append(payment)
        return payment

    def _of_order(self, order_id: str) -> list[Payment]:
        return [self._payments[key] for key in self._keys_of_order.get(order_id, ())]

    def _is_charged(self, order_id: str) -> bool:
        return any(each.status in CHARGED for each in self._of_order(order_id))

    def _forget_oldest(self) -> None:
        oldest = self._payments.pop(next(iter(self._payments)))
        self._session_ends_ms.pop(oldest.key, None)
        keys = self._keys_of_order[oldest.order.id]
        keys.remove(oldest.key)
        if not keys:
            del self._keys_of_order[oldest.order.id]
