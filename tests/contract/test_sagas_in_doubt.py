"""What is done while the gateway's answers leave it open whether money moved. The gateway is a script here.

Everything else is real: the whole application, on the memory store.
"""

from collections import deque
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from jari.domain.errors import PaymentRefused
from jari.domain.gateways import Failed, Hint, Record, Refused, Returned, Standing
from jari.domain.payments import NoAnswer, PaymentStatus, RefundStatus
from jari.domain.reservations import Reservation, ReservationStatus
from jari.domain.users import User
from jari.main import Application
from jari.ports.gateways import Checkout
from jari.ports.reservations import Due
from jari.settings import Settings
from jari.usecases.gateways import Gateways
from support.applications import opened
from support.worlds import Match, make_buyers, make_match

pytestmark = pytest.mark.memory

AMOUNT = 30_000
SILENCE = NoAnswer("NO_ANSWER", "none")
AWAY = NoAnswer("NO_ANSWER", "cannot be reached")
FAULT = Failed("PROVIDER_ERROR", "try again")
NO_KEY = Refused("UNAUTHORIZED_KEY", "that key is not known")
TOO_LATE = Refused("NOT_FOUND_PAYMENT_SESSION", "more than ten minutes ago")
OPEN, TAKEN, PROMISED, ENDED = Standing.OPEN, Standing.TAKEN, Standing.PROMISED, Standing.ENDED


class ScriptedGateway:
    """Answers each call with what the script says next; a standing is that of the order's payment."""

    name, currency = "toss", "KRW"
    checkout = Checkout("toss", "", "", "")

    def __init__(self) -> None:
        self.script: deque[tuple[str, Any]] = deque()
        self.calls: list[tuple[str, str]] = []
        self.order_id = ""
        self.payment_key = "key"

    def will(self, *script: tuple[str, Any]) -> None:
        self.script.extend(script)

    def _next(self, call: str, idempotency_key: str = "") -> Any:
        expected, answer = self.script.popleft()
        assert call == expected, f"{call} was called where the script has {expected}"
        self.calls.append((call, idempotency_key))
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Standing):
            return Record(self.payment_key, self.order_id, answer, answer, AMOUNT, AMOUNT, "card")
        return answer

    async def confirm(self, *, idempotency_key: str, **_: object) -> Any:
        return self._next("confirm", idempotency_key)

    async def look_up(self, _: str) -> Any:
        return self._next("look_up")

    async def cancel(self, *, idempotency_key: str, **_: object) -> Any:
        return self._next("cancel", idempotency_key)

    def read_hint(self, body: bytes, headers: Mapping[str, str]) -> Hint:
        raise NotImplementedError

    async def close(self) -> None:
        """There is nothing to close."""


class Shop:
    """One buyer with two seats to pay for."""

    def __init__(self, application: Application, gateway: ScriptedGateway, match: Match, buyer: User) -> None:
        self.application = application
        self.gateway = gateway
        self.match = match
        self.buyer = buyer

    async def reserve(self) -> Reservation:
        seat_ids = tuple(self.match.seat_ids[:2])
        await self.application.holds.hold(self.buyer, self.match.id, seat_ids)
        made = await self.application.reservations.reserve(self.buyer, self.match.id)
        self.gateway.order_id = made.order_id
        return made

    async def confirm(self) -> Reservation:
        order_id = self.gateway.order_id
        return await self.application.payments.confirm(
            self.buyer, payment_key="key", order_id=order_id, amount=AMOUNT
        )

    async def reconcile(self) -> Reservation:
        """As the duty does, without its waiting."""
        found = await self.now()
        (payment,) = found.payments
        await self.application.payments._take_up(Due(found.schedule_id, found.id, payment.id))
        return await self.now()

    async def give_back(self) -> Reservation:
        found = await self.now()
        await self.application.refunds._take_up(Due(found.schedule_id, found.id, found.refunds[-1].id))
        return await self.now()

    async def now(self) -> Reservation:
        (found,) = await self.application.stores.reservations.of_buyer(self.buyer.id, None, 10)
        return found


@pytest.fixture
async def shop(memory_url: str) -> AsyncIterator[Shop]:
    gateway = ScriptedGateway()
    async with opened(Settings(database=memory_url), Gateways([gateway], gateway)) as application:
        match = await make_match(application.stores)
        (buyer,) = await make_buyers(application.stores, 1)
        yield Shop(application, gateway, match, buyer.user)
    assert list(gateway.script) == [], "the script was played to its end"


def status(reservation: Reservation) -> tuple[ReservationStatus, PaymentStatus]:
    return reservation.status, reservation.payments[-1].status


LEFT_OPEN = (ReservationStatus.PENDING, PaymentStatus.CONFIRMING)
SOLD = (ReservationStatus.CONFIRMED, PaymentStatus.DONE)


async def test_a_payment_that_may_have_been_charged_is_not_asked_for_while_it_cannot_be_looked_up(shop: Shop):
    """It was charged and the answer was lost; a second question would only be refused, and prove nothing."""
    await shop.reserve()
    shop.gateway.will(("confirm", SILENCE), ("look_up", AWAY))
    assert status(await shop.confirm()) == LEFT_OPEN
    shop.gateway.will(("look_up", AWAY))
    assert status(await shop.reconcile()) == LEFT_OPEN
    shop.gateway.will(("look_up", TAKEN))
    assert status(await shop.reconcile()) == SOLD
    assert [call for call, _ in shop.gateway.calls].count("confirm") == 1


@pytest.mark.parametrize("refusal", [NO_KEY, TOO_LATE], ids=["our key is refused", "too late"])
async def test_no_refusal_of_a_second_question_is_believed_against_the_record(shop: Shop, refusal):
    await shop.reserve()
    shop.gateway.will(("confirm", SILENCE), ("look_up", AWAY))
    await shop.confirm()
    shop.gateway.will(("look_up", OPEN), ("confirm", refusal), ("look_up", TAKEN))
    assert status(await shop.reconcile()) == SOLD


async def test_a_refusal_of_a_second_question_without_a_look_at_the_record_settles_nothing(shop: Shop):
    await shop.reserve()
    shop.gateway.will(("confirm", SILENCE), ("look_up", AWAY))
    await shop.confirm()
    shop.gateway.will(("look_up", OPEN), ("confirm", NO_KEY), ("look_up", AWAY))
    assert status(await shop.reconcile()) == LEFT_OPEN


async def test_a_refusal_of_the_first_question_is_final(shop: Shop):
    await shop.reserve()
    shop.gateway.will(("confirm", NO_KEY))
    with pytest.raises(PaymentRefused, match="held as long"):
        await shop.confirm()
    assert status(await shop.now()) == (ReservationStatus.PENDING, PaymentStatus.FAILED)


async def test_a_key_is_given_up_only_after_the_record_showed_that_nothing_moved(shop: Shop):
    await shop.reserve()
    shop.gateway.will(("confirm", FAULT), ("look_up", AWAY))
    await shop.confirm()
    shop.gateway.will(("look_up", OPEN), ("confirm", FAULT), ("look_up", OPEN))
    await shop.reconcile()
    shop.gateway.will(("look_up", OPEN), ("confirm", TAKEN))
    assert status(await shop.reconcile()) == SOLD
    first, second, third = [key for call, key in shop.gateway.calls if call == "confirm"]
    assert first == second
    assert third != second


async def test_a_payment_that_would_be_made_some_day_is_declined(shop: Shop):
    """A deposit to a virtual account would keep the seats for days."""
    await shop.reserve()
    shop.gateway.will(("confirm", PROMISED), ("cancel", ENDED))
    with pytest.raises(PaymentRefused):
        await shop.confirm()


async def test_another_orders_money_is_neither_taken_nor_given_back(shop: Shop):
    await shop.reserve()
    foreign = Record("key", "somebody-elses", TAKEN, "DONE", AMOUNT, AMOUNT, "card")
    shop.gateway.will(("confirm", FAULT), ("look_up", foreign))
    with pytest.raises(PaymentRefused):
        await shop.confirm()
    assert (await shop.now()).refunds == ()


async def paid(shop: Shop) -> Reservation:
    await shop.reserve()
    shop.gateway.will(("confirm", TAKEN))
    return await shop.confirm()


async def test_money_is_not_given_back_again_while_nobody_can_see_whether_it_was(shop: Shop):
    """The gateway gave it, and said that it failed."""
    sold = await paid(shop)
    shop.gateway.will(("cancel", FAULT), ("look_up", AWAY))
    one = (shop.match.seat_ids[0],)
    owed = await shop.application.refunds.refund(shop.buyer, sold.payments[0].id, one)
    assert [each.status for each in owed.refunds] == [RefundStatus.DUE]
    shop.gateway.will(("look_up", AWAY))
    (refund,) = (await shop.give_back()).refunds
    assert (refund.status, refund.attempt) == (RefundStatus.DUE, 1)
    given = (Returned(AMOUNT // 2, f"{refund.reason} [{refund.id}]"),)
    record = Record("key", sold.order_id, TAKEN, "PART", AMOUNT, AMOUNT // 2, "card", given)
    shop.gateway.will(("look_up", record))
    (refund,) = (await shop.give_back()).refunds
    assert refund.status is RefundStatus.DONE
    assert [call for call, _ in shop.gateway.calls].count("cancel") == 1


async def test_a_refund_whose_question_failed_here_is_owed_and_not_unsaid(shop: Shop):
    sold = await paid(shop)
    shop.gateway.will(("cancel", RuntimeError("out of memory")))
    owed = await shop.application.refunds.refund(shop.buyer, sold.payments[0].id)
    assert (owed.status, owed.owed()) == (ReservationStatus.CANCELLED, AMOUNT)
    shop.gateway.will(("look_up", TAKEN), ("cancel", ENDED))
    assert (await shop.give_back()).owed() == 0


async def test_a_payment_whose_question_failed_here_is_open_and_not_unsaid(shop: Shop):
    await shop.reserve()
    shop.gateway.will(("confirm", RuntimeError("out of memory")))
    assert status(await shop.confirm()) == LEFT_OPEN
    shop.gateway.will(("look_up", TAKEN))
    assert status(await shop.reconcile()) == SOLD
