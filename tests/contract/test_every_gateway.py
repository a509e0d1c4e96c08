"""The sagas of payments and refunds over every gateway: two protocols, real sockets, a real database."""

import itertools
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Protocol

import httpx
import pytest

from jari import metrics
from jari.adapters.payments import ADAPTERS
from jari.domain.errors import Invalid, NotFound, PaymentRefused, Unavailable
from jari.domain.payments import PaymentStatus, RefundStatus
from jari.domain.reservations import Reservation, ReservationStatus
from jari.main import Application, open_gateways
from jari.ports.reservations import Due
from jari.settings import GatewaySettings, Settings
from support.applications import opened
from support.pebble import PebbleGateway, Pebbles, pebbles
from support.sandboxes import Sandbox
from support.worlds import Match, World

AMOUNT = 30_000
TIMEOUT_SECONDS = 10

SOLD = (ReservationStatus.CONFIRMED, PaymentStatus.DONE)
LEFT_OPEN = (ReservationStatus.PENDING, PaymentStatus.CONFIRMING)
REFUSED = (ReservationStatus.PENDING, PaymentStatus.FAILED)


class Bank(Protocol):
    """The gateway itself, seen from where no shop can look."""

    name: str
    told: GatewaySettings

    def authenticate(self, order_id: str, amount: int) -> str: ...

    def go_wrong(self, call: str, order_id: str, how: str) -> None:
        """The next ``confirm``, ``cancel`` or ``look_up`` is lost ``before`` or ``after`` work, ``refused`` or ``fails``."""

    def charges(self, order_id: str) -> int: ...

    def kept(self, order_id: str) -> int: ...

    def hint(self, order_id: str, payment_key: str) -> tuple[bytes, Mapping[str, str]]: ...


class TossBank:
    """The sandbox."""

    name = "toss"
    calls: Mapping[str, str] = {"confirm": "confirm", "cancel": "cancel", "look_up": "get"}
    errors: Mapping[tuple[str, str], str] = {
        ("confirm", "refused"): "REJECT_CARD_COMPANY",
        ("confirm", "fails"): "PROVIDER_ERROR",
        ("cancel", "fails"): "FAILED_REFUND_PROCESS",
    }

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.authenticate = sandbox.authenticate
        self.told = GatewaySettings(
            self.name, sandbox.url, sandbox.secret_key, "test_ck_x", timeout_seconds=TIMEOUT_SECONDS
        )

    def go_wrong(self, call: str, order_id: str, how: str) -> None:
        what = {"drop": how} if how in ("before", "after") else {"code": self.errors[call, how]}
        times = 2 if call == "look_up" else 1  # a look-up whose connection is lost is asked once more
        self._sandbox.behave(self.calls[call], orderId=order_id, times=times, **what)

    def charges(self, order_id: str) -> int:
        return int(self._sandbox.payment(order_id)["charges"])

    def kept(self, order_id: str) -> int:
        return int(self._sandbox.payment(order_id)["balanceAmount"]) if self.charges(order_id) else 0

    def hint(self, order_id: str, payment_key: str) -> tuple[bytes, Mapping[str, str]]:
        data = {"paymentKey": payment_key, "orderId": order_id}
        return json.dumps({"eventType": "PAYMENT_STATUS_CHANGED", "data": data}).encode(), {}


class PebbleBank:
    """Pebble."""

    name = "pebble"
    verbs: Mapping[str, str] = {"confirm": "take", "cancel": "return", "look_up": "show"}

    def __init__(self, bank: Pebbles) -> None:
        self._bank = bank
        self.authenticate = bank.authenticate
        self.told = GatewaySettings(self.name, bank.url, "quartz", "sand", timeout_seconds=TIMEOUT_SECONDS)

    def go_wrong(self, call: str, order_id: str, how: str) -> None:
        self._bank.go_wrong(self.verbs[call], order_id, {"refused": "no", "fails": "hm"}.get(how, how))

    def charges(self, order_id: str) -> int:
        return sum(each["taken"] for each in self._bank.stones.values() if each["order"] == order_id)

    def kept(self, order_id: str) -> int:
        stones = [each for each in self._bank.stones.values() if each["order"] == order_id]
        returned = sum(won for each in stones for won, _ in each["returned"])
        return sum(each["won"] * each["taken"] for each in stones) - returned

    def hint(self, order_id: str, payment_key: str) -> tuple[bytes, Mapping[str, str]]:
        return b"{}", {"pebble-of": f"{payment_key}/{order_id}"}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox") / "sandbox.log").start()
    yield sandbox
    sandbox.kill()


@pytest.fixture
async def banks(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[dict[str, Bank]]:
    """Both gateways; that pebble is known takes one line."""
    monkeypatch.setitem(ADAPTERS, "pebble", PebbleGateway)
    async with pebbles() as stones:
        yield {"toss": TossBank(sandbox), "pebble": PebbleBank(stones)}


@pytest.fixture(params=["toss", "pebble"])
def bank(request: pytest.FixtureRequest, banks: dict[str, Bank]) -> Bank:
    return banks[request.param]


@pytest.fixture
def world(sqlite_url: str) -> Iterator[World]:
    world = World(sqlite_url)
    yield world
    world.close()


@asynccontextmanager
async def selling(url: str, bank: Bank, *former: Bank) -> AsyncIterator[Application]:
    """An application whose new payments are made at the bank, and which looks after those made at the former ones."""
    settings = Settings(
        database=url,
        gateway=bank.name,
        gateway_url=bank.told.url,
        gateway_secret_key=bank.told.secret_key,
        gateway_client_key=bank.told.client_key,
        gateway_timeout_seconds=TIMEOUT_SECONDS,
        former_gateways=json.dumps([asdict(each.told) for each in former]),
        hint_interval_ms=1,
    )
    async with opened(settings, open_gateways(settings)) as application:
        yield application


class Purchase:
    """One buyer with two seats to pay for."""

    numbers = itertools.count(1)

    def __init__(self, application: Application, bank: Bank, world: World, match: Match) -> None:
        self.application = application
        self.bank = bank
        self.buyer = world.buyer().user
        self.match = match
        first = 2 * (next(self.numbers) % 2)
        self.seat_ids = tuple(match.seat_ids[first : first + 2])

    async def authenticated(self) -> "Purchase":
        await self.application.holds.hold(self.buyer, self.match.id, self.seat_ids)
        made = await self.application.reservations.reserve(self.buyer, self.match.id)
        self.order_id = made.order_id
        self.payment_key = self.bank.authenticate(made.order_id, AMOUNT)
        return self

    def go_wrong(self, call: str, how: str) -> None:
        self.bank.go_wrong(call, self.order_id, how)

    async def confirm(self, payment_key: str = "") -> tuple[ReservationStatus, PaymentStatus]:
        made = await self.application.payments.confirm(
            self.buyer, payment_key=payment_key or self.payment_key, order_id=self.order_id, amount=AMOUNT
        )
        return made.status, made.payments[-1].status

    async def reconcile(self) -> tuple[ReservationStatus, PaymentStatus]:
        """As the duty does, without its waiting."""
        found = await self.now()
        await self.application.payments._take_up(Due(found.schedule_id, found.id, found.payments[-1].id))
        return await self.stands()

    async def refund(self, *seat_ids: int) -> RefundStatus:
        found = await self.now()
        given = await self.application.refunds.refund(self.buyer, found.payments[-1].id, seat_ids)
        return given.refunds[-1].status

    async def give_back(self) -> RefundStatus:
        found = await self.now()
        await self.application.refunds._take_up(Due(found.schedule_id, found.id, found.refunds[-1].id))
        return (await self.now()).refunds[-1].status

    async def stands(self) -> tuple[ReservationStatus, PaymentStatus]:
        found = await self.now()
        return found.status, found.payments[-1].status

    async def now(self) -> Reservation:
        (found,) = await self.application.stores.reservations.of_buyer(self.buyer.id, None, 10)
        return found

    @property
    def charges(self) -> int:
        return self.bank.charges(self.order_id)

    @property
    def kept(self) -> int:
        return self.bank.kept(self.order_id)


@pytest.fixture
async def purchase(sqlite_url: str, world: World, bank: Bank) -> AsyncIterator[Purchase]:
    async with selling(sqlite_url, bank) as application:
        yield await Purchase(application, bank, world, world.match()).authenticated()


# ── one gateway, whichever it is ─────────────────────────────────────────────────────────────────


async def test_a_payment_is_charged_once_however_often_it_is_asked_for(purchase: Purchase) -> None:
    assert await purchase.confirm() == SOLD
    assert await purchase.confirm() == SOLD
    assert (purchase.charges, purchase.kept) == (1, AMOUNT)


async def test_a_refusal_is_final_and_another_payment_may_be_tried(purchase: Purchase) -> None:
    purchase.go_wrong("confirm", "refused")
    with pytest.raises(PaymentRefused):
        await purchase.confirm()
    assert await purchase.stands() == REFUSED
    if purchase.bank.name == "pebble":  # the sandbox has one payment for each order in this test's books
        assert await purchase.confirm(purchase.bank.authenticate(purchase.order_id, AMOUNT)) == SOLD


async def test_another_orders_payment_buys_nothing(purchase: Purchase) -> None:
    other = f"{purchase.order_id}-other"
    with pytest.raises(PaymentRefused):
        await purchase.confirm(purchase.bank.authenticate(other, AMOUNT))
    assert purchase.bank.charges(other) == 0


async def test_a_charge_whose_answer_is_lost_is_found(purchase: Purchase) -> None:
    purchase.go_wrong("confirm", "after")
    assert await purchase.confirm() == SOLD
    assert purchase.charges == 1


async def test_a_question_that_is_lost_is_asked_again_under_its_key(purchase: Purchase) -> None:
    purchase.go_wrong("confirm", "before")
    assert await purchase.confirm() == LEFT_OPEN
    assert (await purchase.now()).payments[-1].attempt == 1
    assert await purchase.reconcile() == SOLD
    assert purchase.charges == 1


async def test_an_error_is_asked_again_under_another_key(purchase: Purchase) -> None:
    purchase.go_wrong("confirm", "fails")
    assert await purchase.confirm() == LEFT_OPEN
    assert (await purchase.now()).payments[-1].attempt == 2
    assert await purchase.reconcile() == SOLD
    assert purchase.charges == 1


async def test_a_charge_that_cannot_be_looked_up_stays_open_until_it_can(purchase: Purchase) -> None:
    purchase.go_wrong("confirm", "after")
    purchase.go_wrong("look_up", "before")
    assert await purchase.confirm() == LEFT_OPEN
    assert await purchase.reconcile() == SOLD
    assert purchase.charges == 1


async def test_money_goes_back_seat_by_seat(purchase: Purchase) -> None:
    await purchase.confirm()
    assert await purchase.refund(purchase.seat_ids[0]) is RefundStatus.DONE
    assert purchase.kept == AMOUNT // 2
    assert await purchase.refund() is RefundStatus.DONE
    assert purchase.kept == 0


TROUBLES = {
    "the question is lost": [("cancel", "before")],
    "the answer is lost, and cannot be looked up": [("cancel", "after"), ("look_up", "before")],
    "an error": [("cancel", "fails")],
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
async def test_a_refund_in_trouble_is_given_once(purchase: Purchase, trouble: list[tuple[str, str]]) -> None:
    await purchase.confirm()
    for call, how in trouble:
        purchase.go_wrong(call, how)
    assert await purchase.refund(purchase.seat_ids[0]) is RefundStatus.DUE
    assert await purchase.give_back() is RefundStatus.DONE
    assert purchase.kept == AMOUNT // 2


async def test_a_refund_whose_answer_is_lost_is_found_by_its_mark(purchase: Purchase) -> None:
    await purchase.confirm()
    purchase.go_wrong("cancel", "after")
    assert await purchase.refund(purchase.seat_ids[0]) is RefundStatus.DONE
    assert purchase.kept == AMOUNT // 2


async def test_a_hint_settles_a_payment_that_was_left_open(purchase: Purchase) -> None:
    purchase.go_wrong("confirm", "after")
    purchase.go_wrong("look_up", "before")
    await purchase.confirm()
    body, headers = purchase.bank.hint(purchase.order_id, purchase.payment_key)
    transport = httpx.ASGITransport(purchase.application.asgi())
    async with httpx.AsyncClient(transport=transport, base_url="http://jari.test") as client:
        path = f"/api/payments/webhook/{purchase.bank.name}"
        answer = await client.post(
            path, content=body, headers={"Content-Type": "application/json", **headers}
        )
        assert answer.status_code == 200, answer.text
    await purchase.application.payments.close()  # it waits for what the hint began
    assert await purchase.stands() == SOLD


async def test_a_hint_without_sense_or_of_nobody_is_refused(purchase: Purchase) -> None:
    with pytest.raises(Invalid):
        await purchase.application.payments.take_hint(purchase.bank.name, b"?", {})
    with pytest.raises(NotFound):
        await purchase.application.payments.take_hint("nobody", b"{}", {})


async def test_the_page_is_told_which_gateway_it_pays_at(purchase: Purchase) -> None:
    transport = httpx.ASGITransport(purchase.application.asgi())
    async with httpx.AsyncClient(transport=transport, base_url="http://jari.test") as client:
        config = (await client.get("/api/payments/config")).json()["data"]
    assert (config["gateway"], config["clientKey"]) == (purchase.bank.name, purchase.bank.told.client_key)


# ── two gateways ─────────────────────────────────────────────────────────────────────────────────


async def left_open(application: Application, bank: Bank, world: World, match: Match) -> Purchase:
    purchase = await Purchase(application, bank, world, match).authenticated()
    purchase.go_wrong("confirm", "before")
    assert await purchase.confirm() == LEFT_OPEN
    return purchase


async def test_payments_stay_with_the_gateway_that_they_were_made_at(
    sqlite_url: str, world: World, banks: dict[str, Bank]
) -> None:
    toss, pebble = banks["toss"], banks["pebble"]
    match = world.match()
    async with selling(sqlite_url, toss) as application:
        paid = await Purchase(application, toss, world, match).authenticated()
        await paid.confirm()
        opened_there = await left_open(application, toss, world, match)
    async with selling(sqlite_url, pebble, toss) as application:
        paid.application = opened_there.application = application
        assert await opened_there.reconcile() == SOLD
        assert await paid.refund() is RefundStatus.DONE
        assert (opened_there.kept, paid.kept) == (AMOUNT, 0)
        new = await Purchase(application, pebble, world, world.another_match(match)).authenticated()
        assert await new.confirm() == SOLD
        assert (await new.now()).payments[-1].gateway == "pebble"


async def test_a_payment_whose_gateway_is_not_set_up_is_left_alone_and_told_of(
    sqlite_url: str, world: World, banks: dict[str, Bank], capsys: pytest.CaptureFixture[str]
) -> None:
    toss, pebble = banks["toss"], banks["pebble"]
    match, counted = world.match(), metrics.unknown_gateways.labels("toss")._value
    async with selling(sqlite_url, toss) as application:
        paid = await Purchase(application, toss, world, match).authenticated()
        await paid.confirm()
        opened_there = await left_open(application, toss, world, match)
    before = counted.get()
    async with selling(sqlite_url, pebble) as application:
        paid.application = opened_there.application = application
        assert await opened_there.reconcile() == LEFT_OPEN
        assert opened_there.charges == 0
        assert counted.get() == before + 1
        assert "JARI_FORMER_GATEWAYS" in capsys.readouterr().out
        with pytest.raises(Unavailable, match="toss is not set up"):
            await paid.refund()
        assert await paid.stands() == SOLD
