"""What gateways say, in words that fit every gateway, and what it means for the money.

Adapters translate into these words. What to believe of them is decided here, for all gateways alike.
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

    OPEN = "OPEN"  # nothing is taken yet; it may still be
    PROMISED = "PROMISED"  # the buyer is to send the money some day
    TAKEN = "TAKEN"  # the money is taken; the balance is what was not given back
    ENDED = "ENDED"  # nothing was taken, or all was given back; nothing will be taken any more


@dataclass(frozen=True, slots=True)
class Returned:
    """Money that the gateway gave back, and the reason that it was given."""

    amount: int
    reason: str


@dataclass(frozen=True, slots=True)
class Record:
    """A payment as the gateway knows it; amounts in the currency's minor unit.

    ``balance`` is the amount less the returns; ``word`` is the gateway's own word for the standing.
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
    """The gateway said no for good: this question moved no money. An earlier question may have."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The gateway's error leaves open whether money moved. Under the same key the answer would be the same."""

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

    We neither take nor give back money that moved for another order.
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
    """What is known of a payment, from what its gateway said and from its record, which was looked up afterwards.

    The record outweighs what was said. Without it we believe no refusal and give up no key.
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
    """Whether the money went back: the gateway's record has this refund, or no balance is left to give."""
    given = any(
        each.reason.endswith(mark(refund)) and each.amount == refund.amount for each in record.returns
    )
    return GivenBack() if given or record.balance == 0 else NothingYet(record.word, "not given back yet")


def believe_refund(said: Refused | Failed | NoAnswer, known: RefundAnswer) -> RefundAnswer:
    """What is known of a refund, from what its gateway said and from its record, which was looked up afterwards.

    We owe the money, so no refusal is final: once the record shows that nothing was given, we ask anew.
    """
    match known, said:
        case GivenBack(), _:
            return known
        case NothingYet(), Refused() | Failed():
            return NothingYet(said.code, said.message)
        case _:
            return NoAnswer(said.code, said.message)


def mark(refund: Refund) -> str:
    """The end of a refund's reason in the gateway's record. A refund whose mark is there is never given again."""
    return f"[{refund.id}]"
