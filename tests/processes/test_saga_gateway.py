"""The gateway in trouble: late, silent, wrong, asked twenty times, or lied about. Money and seats stay together."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from jari.adapters.payments.toss import TossGateway
from jari.domain.payments import PaymentStatus
from jari.settings import GatewaySettings
from support.databases import Postgres
from support.purchases import (
    REST_SECONDS,
    WEBHOOKS,
    Books,
    End,
    Purchase,
    Shop,
    books,
    books_at_rest,
    charged_for_gone_seats,
    disagreements,
    end_of,
    fresh_database,
    let_time_run_out,
    lose_the_seats,
    open_shop,
    wait_until_asked,
)

LATE_SECONDS = 1.5  # the server waits for 1 s
TRIES_AT_ONCE = 20


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def shop(
    request: pytest.FixtureRequest, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """No webhooks: what the gateway did has to be found out by asking. On PostgreSQL there are two servers."""
    directory = tmp_path_factory.mktemp("gateway")
    servers = 1 if request.param == "sqlite" else 2
    with (
        fresh_database(request.param, directory, postgres) as url,
        open_shop(url, directory, servers=servers) as shop,
    ):
        yield shop


@pytest.fixture(scope="module")
def hinted_shop(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The gateway sends webhooks, and nobody else would look after a payment for a minute."""
    directory = tmp_path_factory.mktemp("hinted")
    with (
        fresh_database("sqlite", directory, postgres) as url,
        open_shop(url, directory, webhooks=True, payment_patience_seconds=60) as shop,
    ):
        yield shop


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def charges(purchase: Purchase) -> int:
    """How often the gateway took money for this order."""
    found = books(purchase.shop, purchase.match).ledger
    return sum(each["charges"] for each in found if each["orderId"] == purchase.order_id)


def charge_behind_the_servers_back(purchase: Purchase) -> None:
    async def charge() -> None:
        sandbox = purchase.shop.sandbox
        gateway = TossGateway(GatewaySettings("toss", sandbox.url, sandbox.secret_key, "test_ck_x"))
        try:
            await gateway.confirm(
                payment_key=purchase.payment_key,
                order_id=purchase.order_id,
                amount=purchase.reservation["amount"],
                idempotency_key=f"not-ours-{purchase.order_id}",
            )
        finally:
            await gateway.close()

    asyncio.run(charge())


# ── a charge in trouble ──────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Trouble:
    """What the gateway does to the calls of one order, and the status that the buyer's request is answered with."""

    name: str
    answered: int
    calls: tuple[tuple[str, dict], ...]


def transient(code: str, times: int = 1) -> Trouble:
    calls = (("confirm", {"code": code, "times": times}),)
    return Trouble(f"{code} {times} times", 202, calls)


SILENT_LOOK_UPS = ("get", {"times": 2, "drop": "before"})

CHARGE_TROUBLES = [
    Trouble("too late, charged in the end", 202, (("confirm", {"delaySeconds": LATE_SECONDS}),)),
    Trouble(
        "too late, charged at once", 200, (("confirm", {"delaySeconds": LATE_SECONDS, "delayed": "after"}),)
    ),
    Trouble("dropped, not charged", 202, (("confirm", {"drop": "before"}),)),
    Trouble("dropped, charged", 200, (("confirm", {"drop": "after"}),)),
    Trouble("dropped, charged, look-ups dropped", 202, (("confirm", {"drop": "after"}), SILENT_LOOK_UPS)),
    Trouble(
        "dropped, charged, look-ups fail",
        202,
        (("confirm", {"drop": "after"}), ("get", {"times": 2, "code": "FAILED_INTERNAL_SYSTEM_PROCESSING"})),
    ),
    transient("PROVIDER_ERROR"),
    transient("PROVIDER_ERROR", times=3),
    transient("FAILED_INTERNAL_SYSTEM_PROCESSING"),
    transient("FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING"),
    transient("UNKNOWN_PAYMENT_ERROR"),
    transient("ALREADY_PROCESSED_PAYMENT"),
    transient("SOMETHING_THAT_NOBODY_HAS_DOCUMENTED"),
]
REFUND_TROUBLES = [
    Trouble("too late, given back in the end", 200, (("cancel", {"delaySeconds": LATE_SECONDS}),)),
    Trouble(
        "too late, given back at once",
        200,
        (("cancel", {"delaySeconds": LATE_SECONDS, "delayed": "after"}),),
    ),
    Trouble("dropped, not given back", 200, (("cancel", {"drop": "before"}),)),
    Trouble("dropped, given back", 200, (("cancel", {"drop": "after"}),)),
    Trouble(
        "dropped, given back, look-ups dropped",
        200,
        (("cancel", {"drop": "after"}), ("get", {"times": 2, "drop": "before"})),
    ),
    Trouble("an error", 200, (("cancel", {"code": "FAILED_REFUND_PROCESS"}),)),
    Trouble("errors", 200, (("cancel", {"code": "FAILED_INTERNAL_SYSTEM_PROCESSING", "times": 3}),)),
    Trouble("a refusal that passes", 200, (("cancel", {"code": "NOT_CANCELABLE_AMOUNT"}),)),
]


def name_of(trouble: Trouble) -> str:
    return trouble.name


def cause(trouble: Trouble, purchase: Purchase) -> None:
    for call, behaviour in trouble.calls:
        purchase.shop.sandbox.behave(call, orderId=purchase.order_id, **behaviour)


@pytest.fixture(scope="module")
def troubled_charges(shop: Shop) -> dict[str, tuple[Purchase, httpx.Response]]:
    """All at the same time, since each has to wait for its own trouble."""

    def pay(purchase: Purchase) -> tuple[Purchase, httpx.Response]:
        return purchase, purchase.confirm()

    purchases = [shop.purchase().authenticated() for _ in CHARGE_TROUBLES]
    for trouble, purchase in zip(CHARGE_TROUBLES, purchases, strict=True):
        cause(trouble, purchase)
    with ThreadPoolExecutor(len(purchases)) as pool:
        return dict(zip(map(name_of, CHARGE_TROUBLES), pool.map(pay, purchases), strict=True))


@pytest.mark.parametrize("trouble", CHARGE_TROUBLES, ids=name_of)
def test_a_charge_in_trouble_is_found_out_without_the_buyer(
    troubled_charges: dict[str, tuple[Purchase, httpx.Response]], trouble: Trouble
) -> None:
    purchase, answer = troubled_charges[trouble.name]
    assert answer.status_code == trouble.answered, answer.text
    payment = answer.json()["data"]["payment"]
    assert payment["status"] == ("CONFIRMING" if trouble.answered == 202 else "DONE")
    assert end_of(purchase) is End.PAID
    assert charges(purchase) == 1
    assert purchase.confirm().status_code == 200  # and now it says so


def test_a_payment_that_was_processed_before_is_looked_up(shop: Shop) -> None:
    purchase = shop.purchase().authenticated()
    charge_behind_the_servers_back(purchase)
    assert purchase.confirm().status_code == 200
    assert end_of(purchase) is End.PAID
    assert charges(purchase) == 1


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "code",
    ["REJECT_CARD_COMPANY", "INVALID_STOPPED_CARD", "EXCEED_MAX_AMOUNT", "NOT_FOUND_PAYMENT_SESSION"],
)
def test_a_refusal_leaves_the_seats_held_as_long_as_before_and_another_try_succeeds(
    shop: Shop, code: str
) -> None:
    purchase = shop.purchase().authenticated()
    before = purchase.look()["expiresAt"]
    shop.sandbox.behave("confirm", orderId=purchase.order_id, code=code)
    answer = purchase.confirm()
    assert refusal(answer) == (402, "PAYMENT_REFUSED")
    assert answer.json()["gatewayCode"] == code
    assert end_of(purchase) is End.HELD
    assert purchase.look()["expiresAt"] == before

    refused_key = purchase.payment_key
    purchase.authenticate()
    assert purchase.confirm().status_code == 200
    assert purchase.confirm(paymentKey=refused_key).status_code == 402  # what was refused stays so
    assert end_of(purchase) is End.PAID
    assert charges(purchase) == 1


def test_a_rejected_card_is_not_charged_and_a_good_one_is(shop: Shop) -> None:
    purchase = shop.purchase().authenticated("rejected")
    assert refusal(purchase.confirm()) == (402, "PAYMENT_REFUSED")
    assert end_of(purchase) is End.HELD
    purchase.authenticate("good")
    assert purchase.confirm().status_code == 200
    assert end_of(purchase) is End.PAID


def test_money_that_comes_after_its_refusal_goes_back_by_itself(hinted_shop: Shop) -> None:
    """The gateway had said no; then its webhook says that it has changed its mind."""
    purchase = hinted_shop.purchase().authenticated()
    hinted_shop.sandbox.behave("confirm", orderId=purchase.order_id, code="REJECT_CARD_COMPANY")
    assert purchase.confirm().status_code == 402
    charge_behind_the_servers_back(purchase)
    wait_until(lambda: hinted_shop.sandbox.payment(purchase.order_id)["status"] == "CANCELED")
    assert end_of(purchase) is End.HELD


# ── many at once ─────────────────────────────────────────────────────────────────────────────────


async def all_at_once(requests: list[tuple[str, Purchase, dict]], key: str = "") -> list[httpx.Response]:
    """Confirms, each at a server of its choice."""
    async with httpx.AsyncClient(timeout=30) as client:
        return await asyncio.gather(
            *(
                client.post(
                    f"{url}/api/payments/confirm",
                    json=body,
                    headers={"Cookie": f"jari={purchase.buyer.token}"}
                    | ({"Idempotency-Key": key} if key else {}),
                )
                for url, purchase, body in requests
            )
        )


@pytest.mark.parametrize("key", ["", "the-same-for-all"], ids=["without a key", "under one key"])
async def test_twenty_confirms_at_once_charge_once(shop: Shop, key: str) -> None:
    """The gateway takes its time, so that all of them are under way together."""
    purchase = shop.purchase().authenticated()
    shop.sandbox.behave("confirm", orderId=purchase.order_id, delaySeconds=0.5)
    urls = [server.url for server in shop.servers]
    requests = [(urls[each % len(urls)], purchase, purchase.confirm_body()) for each in range(TRIES_AT_ONCE)]
    answers = await all_at_once(requests, key)
    allowed = {(200, ""), (202, "")} | ({(409, "IDEMPOTENT_REQUEST_IN_PROGRESS")} if key else set())
    assert {(each.status_code, each.json().get("code", "")) for each in answers} <= allowed
    assert any(each.status_code == 200 for each in answers)
    assert end_of(purchase) is End.PAID
    assert charges(purchase) == 1


async def test_of_twenty_payments_of_one_order_at_once_one_is_charged(shop: Shop) -> None:
    """The buyer has authenticated in twenty windows."""
    purchase = shop.purchase().reserved()
    urls = [server.url for server in shop.servers]
    requests = []
    for each in range(TRIES_AT_ONCE):
        purchase.authenticate()
        requests.append((urls[each % len(urls)], purchase, purchase.confirm_body()))
    answers = await all_at_once(requests)
    found = Counter((each.status_code, each.json().get("code", "")) for each in answers)
    assert found[200, ""] == 1
    assert found.keys() <= {(200, ""), (409, "PAYMENT_IN_PROGRESS"), (409, "RESERVATION_CLOSED")}
    assert end_of(purchase) is End.PAID
    assert charges(purchase) == 1


def test_a_stuck_gateway_keeps_nobody_from_choosing_seats(postgres: Postgres, tmp_path: Path) -> None:
    with (
        fresh_database("sqlite", tmp_path, postgres) as url,
        open_shop(url, tmp_path, gateway_timeout_seconds=15, payment_patience_seconds=30) as shop,
        ThreadPoolExecutor(TRIES_AT_ONCE) as pool,
    ):
        stuck = [shop.purchase().authenticated() for _ in range(TRIES_AT_ONCE)]
        shop.sandbox.behave("confirm", times=TRIES_AT_ONCE, delaySeconds=4)
        answers = [pool.submit(purchase.confirm) for purchase in stuck]
        wait_until(lambda: not shop.sandbox.waiting_behaviours())
        assert shop.purchase().hold().status_code == 201
        assert shop.purchase(match=stuck[0].match).hold().status_code == 409
        assert not all(answer.done() for answer in answers)
        assert {answer.result().status_code for answer in answers} == {200}
        assert {end_of(purchase) for purchase in stuck} == {End.PAID}


# ── the gateway is away ──────────────────────────────────────────────────────────────────────────


def test_while_the_gateway_is_away_the_seats_are_kept_and_afterwards_it_is_paid(shop: Shop) -> None:
    purchase = shop.purchase().authenticated()
    for call in ("confirm", "get"):
        shop.sandbox.behave(call, orderId=purchase.order_id, times=1000, drop="before")
    assert purchase.confirm().status_code == 202
    wait_until(lambda: calls_left(shop, "get") < 1000 - 4)  # it was asked again, by the reconciler
    assert purchase.look()["payment"]["status"] == "CONFIRMING"
    assert purchase.look()["expiresAt"] is None
    assert {each.expires_ms for each in shop.world.allocations(purchase.match)} == {None}
    assert refusal(purchase.cancel()) == (409, "PAYMENT_IN_PROGRESS")
    shop.sandbox.behave_well()
    assert end_of(purchase) is End.PAID
    assert charges(purchase) == 1


def calls_left(shop: Shop, call: str) -> int:
    return sum(each["times"] for each in shop.sandbox.waiting_behaviours() if each["call"] == call)


def test_a_gateway_that_is_back_and_knows_nothing_has_charged_nothing(
    postgres: Postgres, tmp_path: Path
) -> None:
    with (
        fresh_database("sqlite", tmp_path, postgres) as url,
        open_shop(url, tmp_path) as shop,
    ):
        purchase = shop.purchase().authenticated()
        shop.sandbox.kill()
        assert purchase.confirm().status_code == 202
        shop.sandbox.start()
        assert end_of(purchase) is End.HELD
        assert purchase.look()["payment"]["status"] == "FAILED"
        purchase.authenticate()
        assert purchase.confirm().status_code == 200
        assert end_of(purchase) is End.PAID


# ── webhooks ─────────────────────────────────────────────────────────────────────────────────────


def wait_until(fits, seconds: float = REST_SECONDS) -> None:
    until = time.monotonic() + seconds
    while not fits():
        assert time.monotonic() < until
        time.sleep(0.02)


def hint(shop: Shop, order_id: str, payment_key: str) -> httpx.Response:
    """What anybody may send, who knows these."""
    body = {
        "eventType": "PAYMENT_STATUS_CHANGED",
        "createdAt": "2026-08-01T00:00:00",
        "data": {"orderId": order_id, "paymentKey": payment_key, "status": "DONE", "totalAmount": 1},
    }
    return shop.client.post(f"{shop.server.url}{WEBHOOKS}", json=body)


def test_a_webhook_instead_of_the_answer_settles_the_payment(hinted_shop: Shop) -> None:
    purchase, sandbox = hinted_shop.purchase().authenticated(), hinted_shop.sandbox
    sandbox.behave("webhook", orderId=purchase.order_id, delaySeconds=0.5)
    sandbox.behave("confirm", orderId=purchase.order_id, drop="after")
    sandbox.behave("get", orderId=purchase.order_id, times=2, drop="before")
    assert purchase.confirm().status_code == 202
    assert end_of(purchase) is End.PAID


def test_a_webhook_before_the_answer_changes_nothing(hinted_shop: Shop) -> None:
    purchase = hinted_shop.purchase().authenticated()
    hinted_shop.sandbox.behave("confirm", orderId=purchase.order_id, delaySeconds=0.5, delayed="after")
    assert purchase.confirm().status_code == 200
    assert end_of(purchase) is End.PAID
    assert charges(purchase) == 1


def test_webhooks_that_come_late_and_many_times_change_nothing(hinted_shop: Shop) -> None:
    purchase = hinted_shop.purchase().authenticated()
    hinted_shop.sandbox.behave("webhook", orderId=purchase.order_id, delaySeconds=0.2, copies=10)
    assert purchase.confirm().status_code == 200
    before = books_at_rest(hinted_shop, purchase.match)
    for _ in range(10):
        assert hint(hinted_shop, purchase.order_id, purchase.payment_key).status_code == 200
    assert purchase.refund(purchase.seat_ids[:1]).status_code == 200
    for _ in range(10):
        assert hint(hinted_shop, purchase.order_id, purchase.payment_key).status_code == 200
    assert disagreements(before) == []
    assert end_of(purchase) is End.PARTLY
    assert charges(purchase) == 1


@pytest.fixture
def untouchable(hinted_shop: Shop) -> Iterator[Purchase]:
    """A purchase between the window and the confirm, and one that is paid: nothing may change in their books."""
    paid = hinted_shop.purchase().paid()
    waiting = hinted_shop.purchase().authenticated()
    before = [frozen(books_at_rest(hinted_shop, each.match)) for each in (paid, waiting)]
    yield waiting
    assert waiting.confirm().status_code == 200  # after all that was hinted before it
    assert end_of(waiting) is End.PAID
    assert frozen(books_at_rest(hinted_shop, paid.match)) == before[0]


def frozen(found: Books) -> tuple:
    return found.reservations, found.allocations, found.ledger


def test_a_forged_webhook_changes_nothing(hinted_shop: Shop, untouchable: Purchase) -> None:
    other = hinted_shop.purchase().authenticated()
    before = frozen(books(hinted_shop, untouchable.match))
    forged = [
        hint(hinted_shop, untouchable.order_id, untouchable.payment_key),  # nobody has begun that payment
        hint(hinted_shop, untouchable.order_id, other.payment_key),
        hint(hinted_shop, other.order_id, untouchable.payment_key),
        hint(hinted_shop, untouchable.order_id, "no-such-key"),
        hint(hinted_shop, "1-1-guessed", "no-such-key"),
        hint(hinted_shop, f"{10**17}-{10**17}-x", "k"),
        hint(hinted_shop, "../../etc", "../.."),
        hint(hinted_shop, "", ""),
    ]
    assert {answer.status_code for answer in forged} == {200}  # whether there is such an order is not told
    assert frozen(books(hinted_shop, untouchable.match)) == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b'{"eventType": 1}',
        b'{"data": {}}',
        b"[" * 10_000,
        b"x" * 70_000,
    ],
    ids=lambda body: f"{body[:20]!r} ({len(body)})",
)
def test_a_webhook_that_cannot_be_read_is_refused(hinted_shop: Shop, body: bytes) -> None:
    url = f"{hinted_shop.server.url}{WEBHOOKS}"
    answer = hinted_shop.client.post(url, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {413, 422}


def test_a_webhook_of_another_gateway_is_not_known(hinted_shop: Shop) -> None:
    url = f"{hinted_shop.server.url}{WEBHOOKS.replace('toss', 'other')}"
    assert hinted_shop.client.post(url, json={}).status_code == 404


# ── confirms that do not fit ─────────────────────────────────────────────────────────────────────


def test_another_buyers_order_cannot_be_paid(shop: Shop) -> None:
    purchase, thief = shop.purchase().authenticated(), shop.purchase()
    answer = thief.send("POST", "/api/payments/confirm", json=purchase.confirm_body())
    assert refusal(answer) == (404, "NOT_FOUND")
    assert end_of(purchase) is End.HELD
    assert charges(purchase) == 0


@pytest.mark.parametrize("amount", [1, 29_999, 30_001, 15_000, 0, -30_000])
def test_another_amount_is_refused_before_the_gateway_is_asked(shop: Shop, amount: int) -> None:
    purchase = shop.purchase().authenticated()
    assert refusal(purchase.confirm(amount=amount)) == (409, "AMOUNT_MISMATCH")
    assert end_of(purchase) is End.HELD
    assert books(shop, purchase.match).reservations[0].payments == ()


def test_the_amount_that_the_buyer_authenticated_must_be_that_of_the_reservation(shop: Shop) -> None:
    """The shop's page was tampered with: in the window, the buyer agreed to less."""
    purchase = shop.purchase().reserved()
    purchase.payment_key = shop.sandbox.authenticate(purchase.order_id, 100)
    assert refusal(purchase.confirm()) == (402, "PAYMENT_REFUSED")
    assert end_of(purchase) is End.HELD
    assert charges(purchase) == 0


def test_the_payment_of_another_reservation_buys_nothing(shop: Shop) -> None:
    cheap, dear = shop.purchase(seats=1).paid(), shop.purchase(seats=1).authenticated()
    answer = dear.confirm(paymentKey=cheap.payment_key)
    assert refusal(answer) == (409, "AMOUNT_MISMATCH")
    assert (end_of(cheap), end_of(dear)) == (End.PAID, End.HELD)


def test_a_payment_that_another_reservation_waits_for_buys_nothing(shop: Shop) -> None:
    waiting, other = shop.purchase().authenticated(), shop.purchase().reserved()
    answer = other.confirm(paymentKey=waiting.payment_key)
    assert refusal(answer) == (402, "PAYMENT_REFUSED")
    assert (end_of(waiting), end_of(other)) == (End.HELD, End.HELD)
    assert charges(waiting) == 0


@pytest.mark.parametrize(
    "payment_key", ["no-such-key", "..", "../cancel", "a/b?c#d", "%2e%2e", "키", "k" * 200]
)
def test_a_payment_key_that_the_gateway_never_gave_buys_nothing(shop: Shop, payment_key: str) -> None:
    purchase = shop.purchase().reserved()
    answer = purchase.confirm(paymentKey=payment_key)
    assert refusal(answer) == (402, "PAYMENT_REFUSED")
    assert end_of(purchase) is End.HELD


# ── too late ─────────────────────────────────────────────────────────────────────────────────────


def test_who_pays_late_still_gets_the_seats_if_nobody_has_taken_them(shop: Shop) -> None:
    purchase = shop.purchase().authenticated()
    let_time_run_out(purchase)
    assert purchase.confirm().status_code == 200
    assert end_of(purchase) is End.PAID


def test_who_pays_late_and_is_refused_holds_nothing_any_more(shop: Shop) -> None:
    purchase = shop.purchase().authenticated("rejected")
    let_time_run_out(purchase)
    assert purchase.confirm().status_code == 402
    assert end_of(purchase) is End.FREE


def test_who_pays_late_is_not_charged_for_seats_that_somebody_has_taken(shop: Shop) -> None:
    purchase = shop.purchase().authenticated()
    let_time_run_out(purchase)
    other = shop.purchase(match=purchase.match, seats=1)
    assert other.hold().status_code == 201
    answer = purchase.confirm()
    assert refusal(answer) == (409, "RESERVATION_EXPIRED")
    assert answer.json()["seatIds"] == list(other.seat_ids)
    assert charges(purchase) == 0
    assert {each.buyer_id for each in shop.world.allocations(purchase.match)} == {other.buyer.id}


def test_seats_that_vanish_while_the_gateway_is_asked_are_refunded_without_anybody_asking(shop: Shop) -> None:
    purchase = shop.purchase().authenticated()
    shop.sandbox.behave("confirm", orderId=purchase.order_id, delaySeconds=0.5)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(purchase.confirm)
        wait_until_asked(purchase)
        lose_the_seats(purchase)
        assert (answer.result().status_code, answer.result().json()["code"]) == (409, "PAYMENT_RETURNED")
    assert end_of(purchase) is End.REFUNDED
    assert len(charged_for_gone_seats(books(shop, purchase.match))) == 1
    payment = shop.sandbox.payment(purchase.order_id)
    assert (payment["charges"], payment["balanceAmount"], len(payment["cancels"])) == (1, 0, 1)


# ── refunds ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def troubled_refunds(shop: Shop) -> dict[str, tuple[Purchase, httpx.Response]]:
    """One of two seats is given back; all at the same time, since each has to wait for its own trouble."""

    def give_back(purchase: Purchase) -> tuple[Purchase, httpx.Response]:
        return purchase, purchase.refund(purchase.seat_ids[:1])

    purchases = [shop.purchase().paid() for _ in REFUND_TROUBLES]
    for trouble, purchase in zip(REFUND_TROUBLES, purchases, strict=True):
        cause(trouble, purchase)
    with ThreadPoolExecutor(len(purchases)) as pool:
        return dict(zip(map(name_of, REFUND_TROUBLES), pool.map(give_back, purchases), strict=True))


@pytest.mark.parametrize("trouble", REFUND_TROUBLES, ids=name_of)
def test_a_refund_in_trouble_is_given_exactly_once(
    troubled_refunds: dict[str, tuple[Purchase, httpx.Response]], trouble: Trouble
) -> None:
    purchase, answer = troubled_refunds[trouble.name]
    assert answer.status_code == trouble.answered, answer.text
    assert end_of(purchase) is End.PARTLY
    payment = purchase.shop.sandbox.payment(purchase.order_id)
    assert [each["cancelAmount"] for each in payment["cancels"]] == [15_000]

    assert purchase.refund().status_code == 200  # the other seat, in good weather
    assert end_of(purchase) is End.REFUNDED
    payment = purchase.shop.sandbox.payment(purchase.order_id)
    assert [each["cancelAmount"] for each in payment["cancels"]] == [15_000, 15_000]


def test_a_seat_that_is_given_back_many_times_at_once_is_refunded_once(shop: Shop) -> None:
    purchase = shop.purchase().paid()
    with ThreadPoolExecutor(TRIES_AT_ONCE) as pool:
        tries = [pool.submit(purchase.refund, purchase.seat_ids[:1]) for _ in range(TRIES_AT_ONCE)]
    found = Counter((each.result().status_code, each.result().json().get("code", "")) for each in tries)
    assert found == {(200, ""): 1, (409, "NOT_REFUNDABLE"): TRIES_AT_ONCE - 1}
    assert end_of(purchase) is End.PARTLY


def test_each_seat_may_be_given_back_by_itself_at_the_same_time(shop: Shop) -> None:
    purchase = shop.purchase(seats=4).paid()
    with ThreadPoolExecutor(4) as pool:
        tries = [pool.submit(purchase.refund, [seat_id]) for seat_id in purchase.seat_ids]
    assert {each.result().status_code for each in tries} == {200}
    assert end_of(purchase) is End.REFUNDED
    payment = shop.sandbox.payment(purchase.order_id)
    assert [each["cancelAmount"] for each in payment["cancels"]] == [15_000] * 4


def test_refunded_seats_can_be_bought_by_the_next_one(shop: Shop) -> None:
    purchase = shop.purchase().paid()
    assert purchase.refund().status_code == 200
    other = shop.purchase(match=purchase.match).paid()
    found = books_at_rest(shop, purchase.match)
    assert disagreements(found) == []
    assert {each.buyer_id for each in found.allocations} == {other.buyer.id}
    assert {payment.status for each in found.reservations for payment in each.payments} == {
        PaymentStatus.DONE,
        PaymentStatus.CANCELED,
    }


# ── a request that is repeated long afterwards ───────────────────────────────────────────────────


@pytest.fixture
def small_shop(postgres: Postgres, tmp_path: Path) -> Iterator[Shop]:
    with fresh_database("sqlite", tmp_path, postgres) as url, open_shop(url, tmp_path) as shop:
        yield shop


def restart_with_secret(shop: Shop, secret_key: str) -> None:
    """The gateway remembers no answer to a key that it does not know: asked again, it works."""
    shop.server.stop()
    shop.server._settings["JARI_GATEWAY_SECRET_KEY"] = secret_key
    shop.server.start()


def test_a_refund_that_is_asked_for_again_after_it_was_given_is_not_given_twice(small_shop: Shop) -> None:
    purchase = small_shop.purchase().paid()
    restart_with_secret(small_shop, "test_sk_mistyped")
    first = purchase.refund(purchase.seat_ids[:1], key="once")
    assert first.json()["data"]["refunds"][0]["status"] == "DUE"
    restart_with_secret(small_shop, small_shop.sandbox.secret_key)
    assert end_of(purchase) is End.PARTLY

    assert purchase.refund(purchase.seat_ids[:1], key="once").status_code == 200
    payment = small_shop.sandbox.payment(purchase.order_id)
    assert [each["cancelAmount"] for each in payment["cancels"]] == [15_000]
    assert end_of(purchase) is End.PARTLY


def test_a_payment_that_was_refused_is_not_charged_when_its_request_is_repeated(small_shop: Shop) -> None:
    purchase = small_shop.purchase().authenticated()
    restart_with_secret(small_shop, "test_sk_mistyped")
    confirm = ("POST", "/api/payments/confirm", "once")
    assert purchase.send(*confirm, json=purchase.confirm_body()).status_code == 402
    restart_with_secret(small_shop, small_shop.sandbox.secret_key)

    assert purchase.send(*confirm, json=purchase.confirm_body()).status_code == 402
    assert charges(purchase) == 0
    assert end_of(purchase) is End.HELD
