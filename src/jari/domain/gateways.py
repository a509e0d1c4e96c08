"""What gateways say, in words that every gateway has, and what it means for the money.

Adapters translate into these words. What is to be believed of them is decided here, alike for all.
"""

from dataclasses import dataclass
from enum import StrEnum

from jari.domain.payments import (
    Charged,
    GivenBack,
    NoAnswer,
    NotCharged,
    NothingYet,
    PaymentAnswer,
    Refund,
    RefundAnswer,
)


class Standing(StrEnum):
    """How a payment stands in the gateway's record."""

    OPEN = "OPEN"  # nothing is taken; it may be yet
    PROMISED = "PROMISED"  # the buyer is to send the money some day
    TAKEN = "TAKEN"  # the balance is what was not given back
    ENDED = "ENDED"  # nothing is taken, or all was given back, and nothing more will be


@dataclass(frozen=True, slots=True)
class Returned:
    """Money that the gateway gave back, and the reason that it was given."""

    amount: int
    reason: str


@dataclass(frozen=True, slots=True)
class Record:
    """A payment as the gateway knows it; amounts in the currency's minor unit.

    ``balance`` is what is left of the amount after the returns; ``word`` is the gateway's own for the standing.
    """

    payment_key: str
    order_id: str
    standing: Standing
    word: str
    amount: int
    balance: int
    method: str
    returns: tuple[Returned, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """The gateway said no for good: no money moved by this question. An earlier one may have moved some."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The gateway answered with an error that leaves open whether money moved, and would so again under the same key."""

    code: str
    message: str


Said = Record | Refused | Failed | NoAnswer


@dataclass(frozen=True, slots=True)
class Hint:
    """Where a gateway's message says to look."""

    payment_key: str
    order_id: str


def judge(record: Record, order_id: str) -> Charged | NotCharged | NothingYet:
    """What the gateway's record says about the money of an order.

    Money that moved for another order is not ours to take, and above all not ours to give back.
    """
    if record.order_id != order_id:
        return NotCharged("FOREIGN_PAYMENT", "the payment is another order's")
    match record.standing:
        case Standing.TAKEN:
            return Charged(record.payment_key, record.order_id, record.balance, record.method)
        case Standing.ENDED:
            return NotCharged(record.word, f"the gateway's record says {record.word}")
        case Standing.OPEN | Standing.PROMISED:
            return NothingYet(record.word, "not settled by the gateway yet")


def believe(said: Refused | Failed | NoAnswer, known: PaymentAnswer) -> PaymentAnswer:
    """What is known of a payment, after its gateway has said this and then its record was looked up.

    The record goes before what was said. Without a look at it no refusal is believed, and no key is given up.
    """
    match known, said:
        case Charged() | NotCharged(), _:
            return known
        case NothingYet(), Refused():
            return NotCharged(said.code, said.message)
        case NothingYet(), Failed():
            return NothingYet(said.code, said.message)
        case _:
            return NoAnswer(said.code, said.message)


def judge_refund(record: Record, refund: Refund) -> GivenBack | NothingYet:
    """Whether the gateway's record has this refund, or no money that is left to give."""
    given = any(
        each.reason.endswith(mark(refund)) and each.amount == refund.amount for each in record.returns
    )
    return GivenBack() if given or record.balance == 0 else NothingYet(record.word, "not given back yet")


def believe_refund(said: Refused | Failed | NoAnswer, known: RefundAnswer) -> RefundAnswer:
    """What is known of a refund, after its gateway has said this and then its record was looked up.

    No refusal is final, for the money is owed: once it was seen that nothing was given, it is asked for anew.
    """
    match known, said:
        case GivenBack(), _:
            return known
        case NothingYet(), Refused() | Failed():
            return NothingYet(said.code, said.message)
        case _:
            return NoAnswer(said.code, said.message)


def mark(refund: Refund) -> str:
    """What ends the reason of a refund in the gateway's record: what is found there is never given twice."""
    return f"[{refund.id}]"
