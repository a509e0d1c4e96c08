"""What is done while the gateway's answers leave it open whether money moved. The gateway is a script here.

Everything else is real: the whole application on a real database.
"""

from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import pytest

from jari.adapters.signing import Signer
from jari.adapters.system import CHANCE, CLOCK
from jari.domain.errors import PaymentRefused
from jari.domain.payments import GatewayStatus, PaymentStatus, RefundStatus
from jari.domain.reservations import Reservation, ReservationStatus
from jari.domain.users import Role, User
from jari.main import Application, open_stores
from jari.ports import GatewayCancel, GatewayPayment, GatewayRefused, GatewayUncertain
from jari.settings import Settings
from jari.usecases.devices import Devices
from support.worlds import World

AMOUNT = 30_000
SILENCE = GatewayUncertain("NO_ANSWER", "none", answered=False)
AWAY = GatewayUncertain("NO_ANSWER", "cannot be reached", answered=False)
FAULT = GatewayUncertain("PROVIDER_ERROR", "try again", answered=True)
NO_KEY = GatewayRefused("UNAUTHORIZED_KEY", "that key is not known")
TOO_LATE = GatewayRefused("NOT_FOUND_PAYMENT_SESSION", "more than ten minutes ago")
IN_PROGRESS, DONE = GatewayStatus.IN_PROGRESS, GatewayStatus.DONE
WAITING, PARTLY = GatewayStatus.WAITING_FOR_DEPOSIT, GatewayStatus.PARTIAL_CANCELED


class ScriptedGateway:
    """Answers each call with what the script says next; a status stands for the order's payment in it."""

    name, currency = "toss", "KRW"

    def __init__(self) -> None:
        self.script: deque[tuple[str, Any]] = deque()
        self.calls: list[tuple[str, str]] = []
        self.order_id = ""
        self.payment_key = "key"

    def will(self, *script: tuple[str, Any]) -> None:
        self.script.extend(script)

    def _next(self, call: str, idempotency_key: str = "") -> GatewayPayment | None:
        expected, answer = self.script.popleft()
        assert call == expected, f"{call} was called where the script has {expected}"
        self.calls.append((call, idempotency_key))
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, GatewayStatus):
            return GatewayPayment(self.payment_key, self.order_id, answer, AMOUNT, AMOUNT, "card")
        return answer

    async def confirm(self, *, idempotency_key: str, **_: object) -> GatewayPayment | None:
        return self._next("confirm", idempotency_key)

    async def by_order(self, _: str) -> GatewayPayment | None:
        return self._next("by_order")

    async def by_key(self, _: str) -> GatewayPayment | None:
        return self._next("by_key")

    async def cancel(self, *, idempotency_key: str, **_: object) -> GatewayPayment | None:
        return self._next("cancel", idempotency_key)


class Shop:
    """One buyer with two seats to pay for."""

    def __init__(self, application: Application, gateway: ScriptedGateway, world: World) -> None:
        self.application = application
        self.gateway = gateway
        self.match = world.match()
        self.buyer = world.buyer().user
        self.world = world

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
        await self.application.payments._take_up(found.id, payment.id)
        return await self.now()

    async def give_back(self) -> Reservation:
        found = await self.now()
        await self.application.refunds._take_up(found.id, found.refunds[-1].id)
        return await self.now()

    async def now(self) -> Reservation:
        (found,) = await self.application.stores.reservations.of_buyer(self.buyer.id, None, 10)
        return found


@pytest.fixture
async def shop(sqlite_url: str) -> AsyncIterator[Shop]:
    world = World(sqlite_url)
    settings = Settings(database=sqlite_url)
    gateway = ScriptedGateway()
    stores = await open_stores(settings)
    devices = Devices(b"key", CLOCK, CHANCE, accounts_per_device=5, days=365)
    application = Application(stores, Signer.generate(), devices, gateway, settings)  # type: ignore[arg-type]
    yield Shop(application, gateway, world)
    assert list(gateway.script) == [], "the script was played to its end"
    await application.tills.close()
    application.passwords.close()
    await application.printer.close()
    await application.sender.close()
    await stores.close()
    world.close()


def status(reservation: Reservation) -> tuple[ReservationStatus, PaymentStatus]:
    return reservation.status, reservation.payments[-1].status


OPEN = (ReservationStatus.PENDING, PaymentStatus.CONFIRMING)
SOLD = (ReservationStatus.CONFIRMED, PaymentStatus.DONE)


async def test_a_payment_that_may_have_been_charged_is_not_asked_for_while_it_cannot_be_looked_up(shop: Shop):
    """It was charged and the answer was lost; a second question would only be refused, and prove nothing."""
    await shop.reserve()
    shop.gateway.will(("confirm", SILENCE), ("by_order", AWAY))
    assert status(await shop.confirm()) == OPEN
    shop.gateway.will(("by_order", AWAY))
    assert status(await shop.reconcile()) == OPEN
    shop.gateway.will(("by_order", DONE))
    assert status(await shop.reconcile()) == SOLD
    assert [call for call, _ in shop.gateway.calls].count("confirm") == 1


@pytest.mark.parametrize("refusal", [NO_KEY, TOO_LATE], ids=["our key is refused", "too late"])
async def test_no_refusal_of_a_second_question_is_believed_against_the_record(shop: Shop, refusal):
    await shop.reserve()
    shop.gateway.will(("confirm", SILENCE), ("by_order", AWAY))
    await shop.confirm()
    shop.gateway.will(("by_order", IN_PROGRESS), ("confirm", refusal), ("by_order", DONE))
    assert status(await shop.reconcile()) == SOLD


async def test_a_refusal_of_a_second_question_without_a_look_at_the_record_settles_nothing(shop: Shop):
    await shop.reserve()
    shop.gateway.will(("confirm", SILENCE), ("by_order", AWAY))
    await shop.confirm()
    shop.gateway.will(("by_order", IN_PROGRESS), ("confirm", NO_KEY), ("by_order", AWAY))
    assert status(await shop.reconcile()) == OPEN


async def test_a_refusal_of_the_first_question_is_final(shop: Shop):
    await shop.reserve()
    shop.gateway.will(("confirm", NO_KEY))
    with pytest.raises(PaymentRefused, match="held as long"):
        await shop.confirm()
    assert status(await shop.now()) == (ReservationStatus.PENDING, PaymentStatus.FAILED)


async def test_a_key_is_given_up_only_after_the_record_showed_that_nothing_moved(shop: Shop):
    await shop.reserve()
    shop.gateway.will(("confirm", FAULT), ("by_order", AWAY))
    await shop.confirm()
    shop.gateway.will(("by_order", IN_PROGRESS), ("confirm", FAULT), ("by_order", IN_PROGRESS))
    await shop.reconcile()
    shop.gateway.will(("by_order", IN_PROGRESS), ("confirm", DONE))
    assert status(await shop.reconcile()) == SOLD
    first, second, third = [key for call, key in shop.gateway.calls if call == "confirm"]
    assert first == second
    assert third != second


async def test_a_payment_that_would_be_made_some_day_is_declined(shop: Shop):
    """A deposit to a virtual account would keep the seats for days."""
    await shop.reserve()
    shop.gateway.will(("confirm", WAITING), ("cancel", GatewayStatus.CANCELED))
    with pytest.raises(PaymentRefused):
        await shop.confirm()


async def test_another_orders_money_is_neither_taken_nor_given_back(shop: Shop):
    await shop.reserve()
    foreign = GatewayPayment("key", "somebody-elses", DONE, AMOUNT, AMOUNT, "card")
    shop.gateway.will(("confirm", FAULT), ("by_order", None), ("by_key", foreign))
    with pytest.raises(PaymentRefused):
        await shop.confirm()
    assert (await shop.now()).refunds == ()


async def paid(shop: Shop) -> Reservation:
    await shop.reserve()
    shop.gateway.will(("confirm", DONE))
    return await shop.confirm()


async def test_money_is_not_given_back_again_while_nobody_can_see_whether_it_was(shop: Shop):
    """The gateway gave it, and said that it failed."""
    sold = await paid(shop)
    shop.gateway.will(("cancel", FAULT), ("by_key", AWAY))
    one = (shop.match.seat_ids[0],)
    owed = await shop.application.refunds.refund(shop.buyer, sold.payments[0].id, one)
    assert [each.status for each in owed.refunds] == [RefundStatus.DUE]
    shop.gateway.will(("by_key", AWAY))
    (refund,) = (await shop.give_back()).refunds
    assert (refund.status, refund.attempt) == (RefundStatus.DUE, 1)
    given = (GatewayCancel(AMOUNT // 2, f"{refund.reason} [{refund.id}]"),)
    record = GatewayPayment("key", sold.order_id, PARTLY, AMOUNT, AMOUNT // 2, "card", given)
    shop.gateway.will(("by_key", record))
    (refund,) = (await shop.give_back()).refunds
    assert refund.status is RefundStatus.DONE
    assert [call for call, _ in shop.gateway.calls].count("cancel") == 1


async def test_a_refund_whose_question_failed_here_is_owed_and_not_unsaid(shop: Shop):
    sold = await paid(shop)
    shop.gateway.will(("cancel", RuntimeError("out of memory")))
    owed = await shop.application.refunds.refund(shop.buyer, sold.payments[0].id)
    assert (owed.status, owed.owed()) == (ReservationStatus.CANCELLED, AMOUNT)
    shop.gateway.will(("by_key", DONE), ("cancel", GatewayStatus.CANCELED))
    assert (await shop.give_back()).owed() == 0


async def test_a_payment_whose_question_failed_here_is_open_and_not_unsaid(shop: Shop):
    await shop.reserve()
    shop.gateway.will(("confirm", RuntimeError("out of memory")))
    assert status(await shop.confirm()) == OPEN
    shop.gateway.will(("by_order", DONE))
    assert status(await shop.reconcile()) == SOLD


async def test_a_payment_of_another_gateway_is_left_alone(shop: Shop):
    await shop.reserve()
    shop.gateway.will(("confirm", SILENCE), ("by_order", AWAY))
    await shop.confirm()
    shop.gateway.name = "another"
    assert status(await shop.reconcile()) == OPEN
    organiser = User(0, "o@example.com", "O", Role.ORGANISER)
    (seen,) = await shop.application.reservations.of_schedule(organiser, shop.match.id, None, 10)
    assert seen.paying is not None
