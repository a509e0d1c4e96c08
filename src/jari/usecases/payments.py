"""The saga of a payment, from top to bottom.

1. *Begin*: in one transaction the hold is made unable to end and the payment is CONFIRMING. No money has moved;
   if the seats are gone, none will.
2. *Ask* the gateway, outside any transaction, under the attempt's own idempotency key. What it answers is
   CHARGED, NOT CHARGED or unknown; a time-out is unknown, and unknown is looked up.
3. *Settle*: in one transaction the seats are OCCUPIED and the reservation CONFIRMED; or the hold ends where it
   would have ended; or, where money came and the seats are gone, its refund is due.

A crash between any two of these leaves a CONFIRMING payment, which the reconciler takes up at step 2. Each step
may be done twice, by two processes at once: the key makes the gateway answer the same, and the till finds a
payment that is settled as it is.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import structlog

from jari import metrics
from jari.domain.commands.payments import BeginPayment, PostponePayment, SettlePayment
from jari.domain.errors import JariError, PaymentRefused, PaymentReturned, Unavailable
from jari.domain.payments import (
    MAX_PAYMENT_KEY_LENGTH,
    Charged,
    GatewayStatus,
    NotCharged,
    Payment,
    PaymentStatus,
)
from jari.domain.permissions import Action, require
from jari.domain.reservations import Reservation, ReservationStatus, no_order, read_order_id
from jari.domain.users import User
from jari.ports import Gateway, GatewayPayment, GatewayRefused, GatewayUncertain, RequestKey, ReservationStore
from jari.settings import Settings
from jari.usecases.holds import keep_limit
from jari.usecases.live import Live
from jari.usecases.numbers import Numbers
from jari.usecases.running import Running
from jari.usecases.till import Tills

log = structlog.get_logger()

LAST_MOMENT_SECONDS = 0.5  # when the server ends, it has waited for open requests already


@dataclass(frozen=True, slots=True)
class Unknown:
    """Whether money moved is not known; ``answered`` where the gateway spoke, and nothing had moved by then."""

    code: str
    message: str
    answered: bool


class Payments:
    """Charges buyers, and never leaves it open for good whether it did."""

    def __init__(
        self,
        store: ReservationStore,
        tills: Tills,
        live: Live,
        gateway: Gateway | None,
        numbers: Numbers,
        settings: Settings,
    ) -> None:
        self._store = store
        self._tills = tills
        self._live = live
        self._gateway = gateway
        self._numbers = numbers
        self._settings = settings
        self._running: Running[Reservation] = Running(settings.max_payments_running)
        self._looked: OrderedDict[int, float] = OrderedDict()  # payment → when a hint last made us look

    async def confirm(
        self, buyer: User, *, payment_key: str, order_id: str, amount: int, request: RequestKey | None = None
    ) -> Reservation:
        """Charge a payment that the buyer has authenticated at the gateway, and sell them the seats.

        The payment of the reservation that comes back is DONE; or CONFIRMING where it is not known yet whether
        money moved, which is then found out without the buyer.

        Raises:
            PaymentRefused: the gateway said no; the seats are held as long as they were before.
            PaymentReturned: the seats were gone when the money came, and it goes back.
            ReservationExpired, ReservationClosed, AmountMismatch, PaymentUnderWay, NotFound, Unavailable,
            KeyReused, StillRunning, Forbidden: nothing was charged.
        """
        require(buyer, Action.PAY, buyer.id)
        self._running.require_room()
        command = await self._begin(buyer, payment_key, order_id, amount)
        schedule_id, _ = read_order_id(order_id)
        begun = await self._tills.submit(schedule_id, command, request)
        new = next((each for each in begun.payments if each.id == command.payment_id), None)
        if new is None:
            settled = await self._follow(begun.id, payment_key)
        else:
            settled = await self._join(begun, new, look_first=False)
        _require_sold(settled, _payment_of(settled, payment_key))
        return settled

    async def _begin(self, buyer: User, payment_key: str, order_id: str, amount: int) -> BeginPayment:
        """Step 1: what firms up the hold."""
        gateway = self.require_gateway()
        _, reservation_id = read_order_id(order_id)
        if not 0 < len(payment_key) <= MAX_PAYMENT_KEY_LENGTH or not payment_key.isprintable():
            raise no_order()
        return BeginPayment(
            reservation_id=reservation_id,
            buyer_id=buyer.id,
            order_id=order_id,
            amount=amount,
            payment_id=await self._numbers.next(),
            gateway=gateway.name,
            payment_key=payment_key,
            patience_ms=self._settings.payment_patience_seconds * 1000,
            max_seats=self._settings.max_seats_per_buyer,
            max_tries=self._settings.max_payment_tries,
            currency=gateway.currency,
            grace_ms=self._settings.late_payment_seconds * 1000,
            limit=keep_limit(self._settings),
        )

    async def _follow(self, reservation_id: int, payment_key: str) -> Reservation:
        """What has become of a payment that was begun before; an answer that was stored then does not know."""
        found = await self._store.reservation(reservation_id)
        if found is None:
            raise no_order()
        payment = _payment_of(found, payment_key)
        if payment.status is not PaymentStatus.CONFIRMING:
            return found
        return await self._join(found, payment, look_first=True)

    async def _join(self, reservation: Reservation, payment: Payment, *, look_first: bool) -> Reservation:
        """Wait for the payment's conclusion; where that fails it is open, whoever waits is not told otherwise."""
        try:
            return await self._running.join(
                payment.id, lambda: self._conclude(reservation, payment, look_first=look_first)
            )
        except Exception:  # money may have moved: nobody may be told that nothing happened
            log.exception("payment_left_open", payment=payment.id)
            return reservation

    async def _conclude(
        self, reservation: Reservation, payment: Payment, *, look_first: bool = False
    ) -> Reservation:
        """Steps 2 and 3, from wherever the payment was left."""
        with metrics.gateway_seconds.time():
            result = await self._ask(reservation, payment, look_first=look_first)
        metrics.payments.labels(type(result).__name__).inc()
        return await self._settle(reservation, payment, result)

    async def _ask(
        self, reservation: Reservation, payment: Payment, *, look_first: bool
    ) -> Charged | NotCharged | Unknown:
        """Step 2: find out from the gateway whether money moves; nothing is locked meanwhile.

        What may have been asked before is looked up first: while it cannot be, nothing is asked, for money may have
        moved, and no refusal of a second question says that it has not.
        """
        if look_first:
            found = await self._look_up(reservation, payment)
            if not isinstance(found, Unknown) or not found.answered:
                return found
            if payment.status is not PaymentStatus.CONFIRMING:
                return found  # it failed: nobody wants it charged any more
        try:
            answer = await self.require_gateway().confirm(
                payment_key=payment.payment_key,
                order_id=reservation.order_id,
                amount=payment.amount,
                idempotency_key=f"{reservation.order_id}-{payment.id}-{payment.attempt}",
            )
        except GatewayRefused as refusal:
            refused = NotCharged(refusal.code, refusal.message)
            return await self._unless_known(reservation, payment, refused) if look_first else refused
        except GatewayUncertain as doubt:
            log.warning("payment_uncertain", payment=payment.id, code=doubt.code)
            unknown = Unknown(doubt.code, doubt.message, answered=doubt.answered)
            return await self._unless_known(reservation, payment, unknown)
        return await self._judge(answer, reservation, payment)

    async def _unless_known(
        self, reservation: Reservation, payment: Payment, said: NotCharged | Unknown
    ) -> Charged | NotCharged | Unknown:
        """What the gateway has on record, or what it said where its record says nothing final.

        Without a look at the record no refusal is believed, and no key is given up.
        """
        found = await self._look_up(reservation, payment)
        if not isinstance(found, Unknown):
            return found
        if found.answered:
            return said
        return Unknown(said.code, said.message, answered=False)

    async def _look_up(self, reservation: Reservation, payment: Payment) -> Charged | NotCharged | Unknown:
        """What the gateway has on record; ``answered`` where it was there, and says nothing final."""
        gateway = self.require_gateway()
        try:
            found = await gateway.by_order(reservation.order_id)
            if found is None or found.payment_key != payment.payment_key:
                found = await gateway.by_key(payment.payment_key)
        except (GatewayRefused, GatewayUncertain) as doubt:
            log.warning("payment_not_found_out", payment=payment.id, code=doubt.code)
            return Unknown(doubt.code, doubt.message, answered=False)
        if found is None:
            return Unknown("NOT_FOUND", "the gateway has no such payment", answered=True)
        return await self._judge(found, reservation, payment)

    async def _judge(
        self, found: GatewayPayment, reservation: Reservation, payment: Payment
    ) -> Charged | NotCharged | Unknown:
        """What the gateway's record means; a payment that would be made some day is declined."""
        judged = judge(found, reservation.order_id)
        if judged is not None:
            return judged
        if found.status is GatewayStatus.WAITING_FOR_DEPOSIT:
            try:
                await self.require_gateway().cancel(
                    payment_key=payment.payment_key,
                    amount=found.amount,
                    reason="only payments that are made at once are taken",
                    idempotency_key=f"{reservation.order_id}-{payment.id}-decline",
                )
            except (GatewayRefused, GatewayUncertain) as doubt:
                return Unknown(doubt.code, doubt.message, answered=False)
            return NotCharged(found.status, "only payments that are made at once are taken here")
        return Unknown(found.status, "not settled by the gateway yet", answered=True)

    async def _settle(
        self, reservation: Reservation, payment: Payment, result: Charged | NotCharged | Unknown
    ) -> Reservation:
        """Step 3: write down what is known, in one transaction with what follows from it."""
        command: SettlePayment | PostponePayment
        if isinstance(result, Unknown):
            command = PostponePayment(
                reservation_id=reservation.id,
                payment_id=payment.id,
                patience_ms=self._patience_ms(payment),
                code=result.code,
                message=result.message,
                answered=result.answered,
            )
        else:
            command = SettlePayment(reservation.id, payment.id, result)
        return await self._tills.submit(reservation.schedule_id, command)

    async def reconcile(self) -> int:
        """Take up the payments that nobody looks after; how many could be."""
        due = await self._store.unsettled_payments(self._settings.duty_page_size)
        return sum(await asyncio.gather(*(self._take_up(each.reservation_id, each.id) for each in due)))

    async def take_hint(self, order_id: str, payment_key: str) -> None:
        """Look at the gateway's record of an order, because somebody says that it changed. Never trusted itself."""
        try:
            _, reservation_id = read_order_id(order_id)
        except JariError:
            return
        found = await self._store.reservation(reservation_id)
        if found is None or found.order_id != order_id:
            return
        for each in found.payments:
            open_still = each.status in (PaymentStatus.CONFIRMING, PaymentStatus.FAILED)
            if open_still and each.payment_key == payment_key:
                self._running.require_room()
                self._running.start(each.id, self._look_in_a_moment(found, each))

    @property
    def gateway_name(self) -> str | None:
        """The gateway's name, if there is one."""
        return None if self._gateway is None else self._gateway.name

    def require_gateway(self) -> Gateway:
        """The gateway.

        Raises:
            Unavailable: none is configured.
        """
        if self._gateway is None:
            raise Unavailable(
                "No payment gateway is set up here: the operator must name one (JARI_GATEWAY_URL)."
            )
        return self._gateway

    async def close(self) -> None:
        """Give running payments a moment to end; the reconciler finishes the others."""
        await self._running.close(LAST_MOMENT_SECONDS)

    async def _take_up(self, reservation_id: int, payment_id: int) -> bool:
        try:
            found = await self._store.reservation(reservation_id)
            if found is not None:
                payment = found.payment(payment_id)
                if payment.gateway != self.gateway_name:
                    log.error("payment_of_another_gateway", payment=payment_id, gateway=payment.gateway)
                    return False
                await self._running.join(payment_id, lambda: self._look_again(found, payment))
        except Exception:
            log.exception("reconcile_failed", payment=payment_id)
            return False
        return True

    def _look_again(self, reservation: Reservation, payment: Payment) -> Coroutine[Any, Any, Reservation]:
        return self._conclude(reservation, payment, look_first=True)

    async def _look_in_a_moment(self, reservation: Reservation, payment: Payment) -> Reservation:
        """Look again, but not more often than the settings allow: anybody may send hints."""
        now, interval = time.monotonic(), self._settings.hint_interval_ms / 1000
        wait_seconds = self._looked.get(payment.id, now - interval) + interval - now
        self._looked[payment.id] = now + max(0.0, wait_seconds)
        self._looked.move_to_end(payment.id)
        if len(self._looked) > self._settings.max_payments_running:
            self._looked.popitem(last=False)
        await asyncio.sleep(max(0.0, wait_seconds))
        return await self._look_again(reservation, payment)

    def _patience_ms(self, payment: Payment) -> int:
        """The longer it has been open, the less often it is asked after."""
        age_ms = self._live.now_ms() - payment.started_ms
        least, most = self._settings.payment_retry_min_seconds, self._settings.payment_retry_max_seconds
        return min(max(age_ms // 2, least * 1000), most * 1000)


def judge(found: GatewayPayment, order_id: str) -> Charged | NotCharged | None:
    """What the gateway's record says about an order's money; None where it says nothing final.

    Money that moved for another order is not ours to take, and above all not ours to give back.
    """
    if found.order_id != order_id:
        return NotCharged("FOREIGN_PAYMENT", "the payment is another order's")
    match found.status:
        case GatewayStatus.DONE:
            return Charged(found.payment_key, found.order_id, found.amount, found.method)
        case GatewayStatus.PARTIAL_CANCELED:
            return Charged(found.payment_key, found.order_id, found.balance, found.method)
        case GatewayStatus.ABORTED | GatewayStatus.EXPIRED | GatewayStatus.CANCELED:
            return NotCharged(found.status, f"the gateway's record says {found.status}")
        case _:
            return None


def _payment_of(reservation: Reservation, payment_key: str) -> Payment:
    return next(each for each in reservation.payments if each.payment_key == payment_key)


def _require_sold(reservation: Reservation, payment: Payment) -> None:
    """Say no to the buyer where the payment bought nothing; one that is still unknown is no refusal."""
    if payment.status is PaymentStatus.FAILED:
        reason = (payment.message or payment.code).rstrip(".")
        remedy = (
            "Your seats are held as long as they were: pay in another way until then."
            if reservation.status is ReservationStatus.PENDING
            else "The time to pay is over meanwhile: choose seats anew."
        )
        raise PaymentRefused(
            f"The payment was refused and no money was taken: {reason}. {remedy}",
            gateway_code=payment.code,
            reservation_id=reservation.id,
        )
    if reservation.bought_nothing(payment):
        raise PaymentReturned(
            "Your seats were gone when the payment came, so all the money is being given back: choose other seats.",
            seat_ids=reservation.seat_ids,
        )
