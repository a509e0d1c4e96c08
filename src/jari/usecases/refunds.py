"""Refunds: seats come back at once, and the money follows until the gateway says that it has gone.

One transaction takes the seats back and records that we owe their money: so a crash can neither forget the money nor
give it back for seats that stay sold. Each attempt asks the gateway under a key of its own. Each refund leaves its
mark in the gateway's record, and money whose mark is there is never given again.
"""

import structlog

from jari import metrics
from jari.domain.commands.refunds import PostponeRefund, RefundSeats, SettleRefund
from jari.domain.errors import NotFound
from jari.domain.payments import GivenBack, Refund, RefundAnswer, RefundStatus, check_reason
from jari.domain.permissions import Action, may
from jari.domain.reservations import Reservation, refund_deadline_ms
from jari.domain.schedules import Schedule
from jari.domain.users import User
from jari.ports.answers import RequestKey
from jari.ports.reservations import Due, ReservationStore
from jari.settings import PaymentSettings
from jari.usecases.catalogue import Catalogue
from jari.usecases.gateways import Gateways
from jari.usecases.numbers import Numbers
from jari.usecases.pace import Pace
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
        gateways: Gateways,
        numbers: Numbers,
        pace: Pace,
        settings: PaymentSettings,
    ) -> None:
        self._store = store
        self._tills = tills
        self._catalogue = catalogue
        self._gateways = gateways
        self._numbers = numbers
        self._pace = pace
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
        """Take seats back for money: these, or all that are left. No deadline binds organisers.

        The seats are on sale again when this returns; the refund is DONE, or DUE and on its way.

        Raises:
            Invalid: a seat named twice, or a reason that cannot be printed.
            NotRefundable: too late, used, refunded before or never paid.
            NotFound: no such payment, or somebody else's.
            KeyReused, StillRunning, Unavailable.
        """
        reservation = await self._store.reservation_of_payment(payment_id)
        if reservation is None or not may(user, Action.REFUND, reservation.buyer_id):
            raise NotFound(f"You have no payment {payment_id}: look at your reservations.")
        late = may(user, Action.REFUND_LATE, reservation.buyer_id)
        self._running.require_room()
        if (payment := reservation.payment(payment_id)).amount:
            self._gateways.require(payment)
        command = RefundSeats(
            reservation_id=reservation.id,
            payment_id=payment_id,
            refund_id=await self._numbers.next(),
            seat_ids=seat_ids,
            reason=check_reason(reason) or ("by the organiser" if late else "asked for by the buyer"),
            patience_ms=self._pace.first_ms,
            buyer_id=None if late else user.id,
            deadline_ms=self.deadline_ms(await self._catalogue.schedule(reservation.schedule_id)),
        )
        taken = await self._tills.submit(reservation.schedule_id, command, request)
        new = next((each for each in taken.refunds if each.id == command.refund_id), None)
        if new is None:
            # This is the stored answer of an earlier request: read what has become of the refund since.
            return await self._store.reservation(reservation.id) or reservation
        if new.status is RefundStatus.DONE:
            return taken
        return await self._running.join_or(taken, new.id, lambda: self._give_back(taken, new))

    def deadline_ms(self, schedule: Schedule) -> int:
        """Until when a buyer may ask for money back."""
        return refund_deadline_ms(schedule.starts_ms, self._settings.refund_until_hours)

    async def give_back_what_is_due(self) -> int:
        """Take up the refunds that nobody looks after, and return how many could be."""
        due = await self._store.due_refunds(self._settings.duty_page_size)
        return await self._running.take_up(due, self._take_up)

    async def close(self) -> None:
        """Give running refunds a moment to end; whoever has the duties finishes the others."""
        await self._running.close()

    async def _take_up(self, due: Due) -> Reservation | None:
        reservation = await self._store.reservation(due.reservation_id)
        if reservation is None:
            return None
        refund = reservation.refund(due.id)
        return await self._running.join(refund.id, lambda: self._give_back_again(reservation, refund))

    async def _give_back(self, reservation: Reservation, refund: Refund) -> Reservation:
        answer = await self._gateways.give_back(reservation.payment(refund.payment_id), refund)
        return await self._settle(reservation, refund, answer)

    async def _give_back_again(self, reservation: Reservation, refund: Refund) -> Reservation:
        answer = await self._gateways.give_back_again(reservation.payment(refund.payment_id), refund)
        return await self._settle(reservation, refund, answer)

    async def _settle(self, reservation: Reservation, refund: Refund, answer: RefundAnswer) -> Reservation:
        """Write down what is known. Until the money has gone back we owe it."""
        command: SettleRefund | PostponeRefund
        if isinstance(answer, GivenBack):
            metrics.refunds.labels("done").inc()
            command = SettleRefund(reservation.id, refund.id)
        else:
            log.error("refund_postponed", refund=refund.id, code=answer.code, reservation=reservation.id)
            metrics.refunds.labels("postponed").inc()
            command = PostponeRefund(reservation.id, refund.id, self._pace.longest_ms, answer)
        return await self._tills.submit(reservation.schedule_id, command)
