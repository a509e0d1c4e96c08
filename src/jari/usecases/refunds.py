"""Refunds: seats come back at once, and the money follows until the gateway says that it has gone.

Taking the seats back and owing the money is one transaction, so a crash can neither forget the money nor give it
back for seats that stay sold. The gateway is asked under a key for each attempt, and each refund leaves its mark
in the gateway's record: what is found there is never given twice.
"""

import asyncio

import structlog

from jari import metrics
from jari.domain.commands.refunds import PostponeRefund, RefundSeats, SettleRefund
from jari.domain.errors import NotFound
from jari.domain.payments import Payment, Refund, RefundStatus, check_reason
from jari.domain.permissions import Action, may
from jari.domain.reservations import Reservation, refund_deadline_ms
from jari.domain.schedules import Schedule
from jari.domain.users import User
from jari.ports import GatewayPayment, GatewayRefused, GatewayUncertain, RequestKey, ReservationStore
from jari.settings import Settings
from jari.usecases.catalogue import Catalogue
from jari.usecases.numbers import Numbers
from jari.usecases.payments import LAST_MOMENT_SECONDS, Payments
from jari.usecases.running import Running
from jari.usecases.till import Tills

log = structlog.get_logger()


class Refunds:
    """Gives money back."""

    def __init__(
        self,
        store: ReservationStore,
        tills: Tills,
        catalogue: Catalogue,
        payments: Payments,
        numbers: Numbers,
        settings: Settings,
    ) -> None:
        self._store = store
        self._tills = tills
        self._catalogue = catalogue
        self._payments = payments
        self._numbers = numbers
        self._settings = settings
        self._running: Running[Reservation] = Running(settings.max_payments_running)

    async def refund(
        self,
        user: User,
        payment_id: int,
        seat_ids: tuple[int, ...] = (),
        reason: str = "",
        request: RequestKey | None = None,
    ) -> Reservation:
        """Take seats back for money: these, or all that are left. Organisers are bound by no deadline.

        The seats are on sale again when this returns; the refund is DONE, or DUE and on its way.

        Raises:
            Invalid: a seat named twice, or a reason that cannot be printed.
            NotRefundable: too late, used, refunded before or never paid.
            NotFound: no such payment, or somebody else's.
            KeyReused, StillRunning, Unavailable.
        """
        found = await self._store.reservation_of_payment(payment_id)
        if found is None or not may(user, Action.REFUND, found.buyer_id):
            raise NotFound(f"You have no payment {payment_id}: look at your reservations.")
        late = may(user, Action.REFUND_LATE, found.buyer_id)
        self._running.require_room()
        if found.payment(payment_id).amount:
            self._payments.require_gateway()
        command = RefundSeats(
            reservation_id=found.id,
            payment_id=payment_id,
            refund_id=await self._numbers.next(),
            seat_ids=seat_ids,
            reason=check_reason(reason) or ("by the organiser" if late else "asked for by the buyer"),
            patience_ms=self._settings.payment_patience_seconds * 1000,
            buyer_id=None if late else user.id,
            deadline_ms=self.deadline_ms(await self._catalogue.schedule(found.schedule_id)),
        )
        taken = await self._tills.submit(found.schedule_id, command, request)
        new = next((each for each in taken.refunds if each.id == command.refund_id), None)
        if new is None:
            # The request was answered before; what has become of it since, that answer does not know.
            return await self._store.reservation(found.id) or found
        if new.status is RefundStatus.DONE:
            return taken
        try:
            return await self._running.join(new.id, lambda: self._give_back(taken, new))
        except Exception:  # the seats are taken back and the money is owed: that is so, whatever happens now
            log.exception("refund_left_open", refund=new.id)
            return taken

    def deadline_ms(self, schedule: Schedule) -> int:
        """Until when a buyer may ask for money back."""
        return refund_deadline_ms(schedule.starts_ms, self._settings.refund_until_hours)

    async def give_back_what_is_due(self) -> int:
        """Take up the refunds that nobody looks after; how many could be."""
        due = await self._store.due_refunds(self._settings.duty_page_size)
        return sum(await asyncio.gather(*(self._take_up(each.reservation_id, each.id) for each in due)))

    async def close(self) -> None:
        """Give running refunds a moment to end; the worker finishes the others."""
        await self._running.close(LAST_MOMENT_SECONDS)

    async def _take_up(self, reservation_id: int, refund_id: int) -> bool:
        try:
            found = await self._store.reservation(reservation_id)
            if found is not None:
                refund = found.refund(refund_id)
                await self._running.join(refund_id, lambda: self._give_back(found, refund, look_first=True))
        except Exception:
            log.exception("refund_failed", refund=refund_id)
            return False
        return True

    async def _give_back(
        self, reservation: Reservation, refund: Refund, *, look_first: bool = False
    ) -> Reservation:
        """Ask the gateway, and write down what it said."""
        payment = reservation.payment(refund.payment_id)
        given = await self._was_given(payment, refund) if look_first else False
        if given is None:
            unseen = GatewayUncertain("NOT_LOOKED_UP", "the gateway's record cannot be read", answered=False)
            return await self._postpone(reservation, refund, unseen, looked=False)
        doubt = None if given else await self._cancel(payment, refund)
        if doubt is not None:
            given = await self._was_given(payment, refund)
            if not given:
                return await self._postpone(reservation, refund, doubt, looked=given is not None)
        metrics.refunds.labels("done").inc()
        return await self._tills.submit(reservation.schedule_id, SettleRefund(reservation.id, refund.id))

    async def _postpone(
        self,
        reservation: Reservation,
        refund: Refund,
        doubt: GatewayRefused | GatewayUncertain,
        *,
        looked: bool,
    ) -> Reservation:
        """Go on owing. The key is given up only where a look at the record showed that nothing was given."""
        log.error("refund_postponed", refund=refund.id, code=doubt.code, reservation=reservation.id)
        metrics.refunds.labels("postponed").inc()
        postpone = PostponeRefund(
            reservation_id=reservation.id,
            refund_id=refund.id,
            patience_ms=self._settings.payment_retry_max_seconds * 1000,
            code=doubt.code,
            message=doubt.message,
            answered=looked and (isinstance(doubt, GatewayRefused) or doubt.answered),
        )
        return await self._tills.submit(reservation.schedule_id, postpone)

    async def _cancel(self, payment: Payment, refund: Refund) -> GatewayRefused | GatewayUncertain | None:
        try:
            await self._payments.require_gateway().cancel(
                payment_key=payment.payment_key,
                amount=refund.amount,
                reason=f"{refund.reason} {_mark(refund)}",
                idempotency_key=f"{payment.payment_key[-100:]}-refund-{refund.id}-{refund.attempt}",
            )
        except (GatewayRefused, GatewayUncertain) as doubt:
            return doubt
        return None

    async def _was_given(self, payment: Payment, refund: Refund) -> bool | None:
        """Whether the gateway's record has this refund, or no money that is left to give; None: it is not known."""
        try:
            found = await self._payments.require_gateway().by_key(payment.payment_key)
        except (GatewayRefused, GatewayUncertain):
            return None
        return found is not None and (_has_mark(found, refund) or found.balance == 0)


def _mark(refund: Refund) -> str:
    return f"[{refund.id}]"


def _has_mark(found: GatewayPayment, refund: Refund) -> bool:
    return any(each.reason.endswith(_mark(refund)) and each.amount == refund.amount for each in found.cancels)
