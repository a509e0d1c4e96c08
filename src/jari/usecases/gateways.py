"""The payment gateways, by name, and the questions that both sagas ask them: charge, give back, look up.

Before we repeat a question we look at the gateway's record. While that cannot be read we ask nothing: the first
question may have moved money, and a refusal of the second would not tell.
"""

from collections.abc import Mapping, Sequence

import structlog

from jari import metrics
from jari.domain.errors import NotFound, Unavailable
from jari.domain.gateways import (
    Failed,
    Hint,
    Record,
    Refused,
    Said,
    Standing,
    believe,
    believe_refund,
    judge,
    judge_refund,
    mark,
)
from jari.domain.payments import (
    GivenBack,
    NoAnswer,
    NotCharged,
    NothingYet,
    Payment,
    PaymentAnswer,
    Refund,
    RefundAnswer,
)
from jari.ports.gateways import Checkout, Gateway

log = structlog.get_logger()

NAME_IT = "set JARI_GATEWAY and JARI_GATEWAY_URL, or JARI_FORMER_GATEWAYS, as they were"


class Gateways:
    """Every gateway that is set up. New payments are made at ``default``, if any; an old one stays with its gateway."""

    def __init__(self, every: Sequence[Gateway], default: Gateway | None) -> None:
        self._every = {each.name: each for each in every}
        self._default = default

    def __bool__(self) -> bool:
        """Whether any gateway is set up."""
        return bool(self._every)

    @property
    def checkout(self) -> Checkout | None:
        """What the page must know of the gateway for new payments; None if there is none."""
        return None if self._default is None else self._default.checkout

    def require_default(self) -> Gateway:
        """The gateway for new payments.

        Raises:
            Unavailable: none is set up.
        """
        if self._default is None:
            raise Unavailable(
                "No payment gateway is set up here: the operator must name one (JARI_GATEWAY_URL)."
            )
        return self._default

    def require(self, payment: Payment) -> Gateway:
        """The gateway that the payment was made at.

        Raises:
            Unavailable: it is not set up any more.
        """
        gateway = self._every.get(payment.gateway)
        if gateway is None:
            raise Unavailable(
                f"The payment gateway {payment.gateway} is not set up here any more: the operator must name it."
            )
        return gateway

    def read_hint(self, name: str, body: bytes, headers: Mapping[str, str]) -> Hint:
        """Where the message of a gateway says to look.

        Raises:
            NotFound: there is no such gateway.
            Invalid: the message makes no sense.
        """
        gateway = self._every.get(name)
        if gateway is None:
            raise NotFound("No such gateway is set up here.")
        return gateway.read_hint(body, headers)

    async def close(self) -> None:
        """Close every connection."""
        for each in self._every.values():
            await each.close()

    # Payments

    async def charge(self, order_id: str, payment: Payment) -> PaymentAnswer:
        """Ask for the money for the first time, and tell whether it moved: a refusal is final."""
        said = await self._confirm(order_id, payment)
        if isinstance(said, Record):
            return await self._judge(said, order_id, payment)
        if isinstance(said, Refused):
            return NotCharged(said.code, said.message)
        return believe(said, await self.look_up(order_id, payment))

    async def charge_again(self, order_id: str, payment: Payment) -> PaymentAnswer:
        """Look whether money moved; if none has, ask for it again."""
        known = await self.look_up(order_id, payment)
        if not isinstance(known, NothingYet):
            return known
        said = await self._confirm(order_id, payment)
        if isinstance(said, Record):
            return await self._judge(said, order_id, payment)
        return believe(said, await self.look_up(order_id, payment))

    async def look_up(self, order_id: str, payment: Payment) -> PaymentAnswer:
        """Whether money moved, by the gateway's record."""
        record = await self._record(payment)
        match record:
            case Record():
                return await self._judge(record, order_id, payment)
            case NoAnswer():
                log.warning("payment_not_found_out", payment=payment.id, code=record.code)
                return record
            case None:
                return NothingYet("NOT_FOUND", "the gateway has no such payment")

    async def _confirm(self, order_id: str, payment: Payment) -> Said:
        said = await self.require(payment).confirm(
            payment_key=payment.payment_key,
            order_id=order_id,
            amount=payment.amount,
            idempotency_key=f"{order_id}-{payment.id}-{payment.attempt}",
        )
        if isinstance(said, Failed | NoAnswer):
            log.warning("payment_uncertain", payment=payment.id, code=said.code)
        return said

    async def _judge(self, record: Record, order_id: str, payment: Payment) -> PaymentAnswer:
        """What the record means. A payment that is only promised is declined, for it would keep the seats."""
        answer = judge(record, order_id)
        if not isinstance(answer, NothingYet) or record.standing is not Standing.PROMISED:
            return answer
        said = await self.require(payment).cancel(
            payment_key=payment.payment_key,
            amount=record.amount,
            reason="only payments that are made at once are taken",
            idempotency_key=f"{order_id}-{payment.id}-decline",
        )
        if isinstance(said, Record):
            return NotCharged(record.word, "only payments that are made at once are taken here")
        return NoAnswer(said.code, said.message)

    # Refunds

    async def give_back(self, payment: Payment, refund: Refund) -> RefundAnswer:
        """Ask for the first time that a refund's money go back, and tell whether it did."""
        said = await self.require(payment).cancel(
            payment_key=payment.payment_key,
            amount=refund.amount,
            reason=f"{refund.reason} {mark(refund)}",
            idempotency_key=f"{payment.payment_key[-100:]}-refund-{refund.id}-{refund.attempt}",
        )
        if isinstance(said, Record):
            return GivenBack()
        return believe_refund(said, await self._look_up_refund(payment, refund))

    async def give_back_again(self, payment: Payment, refund: Refund) -> RefundAnswer:
        """Look whether a refund's money went back; if not, ask again."""
        known = await self._look_up_refund(payment, refund)
        return await self.give_back(payment, refund) if isinstance(known, NothingYet) else known

    async def _look_up_refund(self, payment: Payment, refund: Refund) -> RefundAnswer:
        record = await self._record(payment)
        match record:
            case Record():
                return judge_refund(record, refund)
            case NoAnswer():
                return record
            case None:
                return NothingYet("NOT_FOUND", "the gateway has no such payment")

    # Both

    async def _record(self, payment: Payment) -> Record | NoAnswer | None:
        """The record of the payment's own gateway; no other gateway can say what became of it."""
        gateway = self._every.get(payment.gateway)
        if gateway is not None:
            return await gateway.look_up(payment.payment_key)
        log.error("payment_of_another_gateway", payment=payment.id, gateway=payment.gateway, remedy=NAME_IT)
        metrics.unknown_gateways.labels(payment.gateway).inc()
        return NoAnswer("UNKNOWN_GATEWAY", f"the payment gateway {payment.gateway} is not set up here")
