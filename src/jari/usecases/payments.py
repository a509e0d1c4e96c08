"""The saga of a payment, from top to bottom.

1. *Begin*: in one transaction the hold is made unable to end and the payment is CONFIRMING. No money has moved;
   if the seats are gone, none will.
2. *Ask* the gateway, outside any transaction, under the attempt's own idempotency key. The answer is one of four:
   Charged, NotCharged, NothingYet or NoAnswer. A time-out is NoAnswer, never a failure.
3. *Settle*, in one transaction. If the money came, the seats are OCCUPIED and the reservation is CONFIRMED. If it
   came and the seats are gone, its refund is due. If none will come, the hold gets its first end back. NothingYet and
   NoAnswer leave the payment open: the reconciler asks again later.

A crash between two steps leaves a CONFIRMING payment, which the reconciler takes up at step 2. Two processes may do
a step at the same time: under the same key the gateway gives the same answer, and the till leaves a settled payment
as it is.
"""

from collections.abc import Mapping

from jari import metrics
from jari.domain.commands.payments import BeginPayment, PostponePayment, SettlePayment
from jari.domain.errors import JariError, PaymentRefused, PaymentReturned
from jari.domain.payments import (
    MAX_PAYMENT_KEY_LENGTH,
    Charged,
    NotCharged,
    Payment,
    PaymentAnswer,
    PaymentStatus,
)
from jari.domain.permissions import Action, require
from jari.domain.reservations import Reservation, ReservationStatus, no_order, read_order_id
from jari.domain.users import User
from jari.ports.answers import RequestKey
from jari.ports.gateways import Checkout
from jari.ports.reservations import Due, ReservationStore
from jari.settings import PaymentSettings
from jari.usecases.gateways import Gateways
from jari.usecases.holds import keep_limit
from jari.usecases.live import Live
from jari.usecases.numbers import Numbers
from jari.usecases.pace import Pace
from jari.usecases.running import Running
from jari.usecases.till import Tills


class Payments:
    """Charges buyers, and finds out of every payment whether its money moved."""

    def __init__(
        self,
        store: ReservationStore,
        tills: Tills,
        live: Live,
        gateways: Gateways,
        numbers: Numbers,
        pace: Pace,
        settings: PaymentSettings,
    ) -> None:
        self._store = store
        self._tills = tills
        self._live = live
        self._gateways = gateways
        self._numbers = numbers
        self._pace = pace
        self._settings = settings
        self._running: Running[Reservation] = Running(settings.max_payments_running)

    async def confirm(
        self, buyer: User, *, payment_key: str, order_id: str, amount: int, request: RequestKey | None = None
    ) -> Reservation:
        """Charge a payment that the buyer has authenticated at the gateway, and sell them the seats.

        Returns the reservation. Its payment is DONE, or still CONFIRMING if nobody knows yet whether money moved: we go
        on asking without the buyer.

        Raises:
            PaymentRefused: the gateway said no; the seats are held as long as they were before.
            PaymentReturned: the seats were gone when the money came; the money goes back.
            ReservationExpired, ReservationClosed, AmountMismatch, PaymentUnderWay, NotFound, Unavailable,
            KeyReused, StillRunning, Forbidden: nothing was charged.
        """
        require(buyer, Action.PAY, buyer.id)
        self._running.require_room()
        command = await self._begin(buyer, payment_key, order_id, amount)
        schedule_id, _ = read_order_id(order_id)
        begun = await self._tills.submit(schedule_id, command, request)
        new = next((each for each in begun.payments if each.id == command.payment_id), None)
        if new is None:  # it was begun before: `begun` may be the answer of then, so look at what came of it
            settled = await self._follow(begun.id, payment_key)
        else:
            settled = await self._running.join_or(begun, new.id, lambda: self._charge(begun, new))
        _require_sold(settled, _payment_of(settled, payment_key))
        return settled

    async def _begin(self, buyer: User, payment_key: str, order_id: str, amount: int) -> BeginPayment:
        """Step 1: the command that firms up the hold and records the payment."""
        gateway = self._gateways.require_default()
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
            patience_ms=self._pace.first_ms,
            max_seats=self._settings.max_seats_per_buyer,
            max_tries=self._settings.max_payment_tries,
            currency=gateway.currency,
            grace_ms=self._settings.late_payment_seconds * 1000,
            limit=keep_limit(self._settings),
        )

    async def _follow(self, reservation_id: int, payment_key: str) -> Reservation:
        """What has become of a payment that was begun before."""
        reservation = await self._store.reservation(reservation_id)
        if reservation is None:
            raise no_order()
        payment = _payment_of(reservation, payment_key)
        if payment.status is not PaymentStatus.CONFIRMING:
            return reservation
        return await self._running.join_or(
            reservation, payment.id, lambda: self._charge_again(reservation, payment)
        )

    async def _charge(self, reservation: Reservation, payment: Payment) -> Reservation:
        """Steps 2 and 3."""
        with metrics.gateway_seconds.time():
            answer = await self._gateways.charge(reservation.order_id, payment)
        return await self._settle(reservation, payment, answer)

    async def _charge_again(self, reservation: Reservation, payment: Payment) -> Reservation:
        """Steps 2 and 3 of a payment that was begun before. A payment that failed is only looked up, never charged."""
        wanted = payment.status is PaymentStatus.CONFIRMING
        ask = self._gateways.charge_again if wanted else self._gateways.look_up
        with metrics.gateway_seconds.time():
            answer = await ask(reservation.order_id, payment)
        return await self._settle(reservation, payment, answer)

    async def _settle(self, reservation: Reservation, payment: Payment, answer: PaymentAnswer) -> Reservation:
        """Step 3: write down what is known and what follows from it, in one transaction."""
        metrics.payments.labels(type(answer).__name__).inc()
        command: SettlePayment | PostponePayment
        if isinstance(answer, Charged | NotCharged):
            command = SettlePayment(reservation.id, payment.id, answer)
        else:
            patience_ms = self._pace.again_ms(self._live.now_ms() - payment.started_ms)
            command = PostponePayment(reservation.id, payment.id, patience_ms, answer)
        return await self._tills.submit(reservation.schedule_id, command)

    async def reconcile(self) -> int:
        """Take up the payments that nobody looks after, and return how many could be."""
        due = await self._store.unsettled_payments(self._settings.duty_page_size)
        return await self._running.take_up(due, self._take_up)

    async def _take_up(self, due: Due) -> Reservation | None:
        reservation = await self._store.reservation(due.reservation_id)
        if reservation is None:
            return None
        payment = reservation.payment(due.id)
        return await self._running.join(payment.id, lambda: self._charge_again(reservation, payment))

    async def take_hint(self, gateway: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Look at the gateway's record of a payment because a message says that it changed. Never trust the message.

        Raises:
            NotFound: there is no such gateway.
            Invalid: the message makes no sense.
        """
        hint = self._gateways.read_hint(gateway, body, headers)
        try:
            _, reservation_id = read_order_id(hint.order_id)
        except JariError:
            return
        reservation = await self._store.reservation(reservation_id)
        if reservation is None or reservation.order_id != hint.order_id:
            return
        for each in reservation.payments:
            open_still = each.status in (PaymentStatus.CONFIRMING, PaymentStatus.FAILED)
            if open_still and (each.gateway, each.payment_key) == (gateway, hint.payment_key):
                self._running.require_room()
                self._running.start(each.id, self._charge_in_a_moment(reservation, each))

    async def _charge_in_a_moment(self, reservation: Reservation, payment: Payment) -> Reservation:
        """Look again, but not more often than the settings allow: anybody may send hints."""
        await self._pace.wait_for_next_look(payment.id)
        return await self._charge_again(reservation, payment)

    @property
    def checkout(self) -> Checkout | None:
        """What the page must know of the gateway for new payments; None if there is none."""
        return self._gateways.checkout

    async def close(self) -> None:
        """Give running payments a moment to end; the reconciler finishes the others."""
        await self._running.close()


def _payment_of(reservation: Reservation, payment_key: str) -> Payment:
    return next(each for each in reservation.payments if each.payment_key == payment_key)


def _require_sold(reservation: Reservation, payment: Payment) -> None:
    """Refuse a payment that bought nothing. One that is still open is not refused."""
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
