"""The payment sandbox: its protocol, its payment page, its webhooks and its limits."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html.parser import HTMLParser

import httpx
import msgspec
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from jari.sandbox import DEFAULT_SECRET_KEY, Options, build_sandbox
from jari.sandbox.answers import Answer, Answers, RequestName
from jari.sandbox.behaviours import MAX_BEHAVIOURS, Behaviour, Behaviours, Call, TooMany
from jari.sandbox.checkout import read_checkout
from jari.sandbox.errors import Refusal
from jari.sandbox.ledger import Card, Ledger, Order
from jari.sandbox.silence import NoAnswer
from support.sandboxes import checkout, parameters_of

PATIENCE_SECONDS = 10.0
NOW_MS = 1_700_000_000_000
MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS
AMOUNT = 30_000


def basic(secret_key: str) -> str:
    return "Basic " + base64.b64encode(secret_key.encode()).decode()


AUTHORIZATION = basic(f"{DEFAULT_SECRET_KEY}:")


class Clock:
    def __init__(self) -> None:
        self.now_ms = NOW_MS

    def __call__(self) -> int:
        return self.now_ms


class Shop:
    """Somebody who uses a sandbox in this very process, with a clock that stands still."""

    def __init__(self, prefix: str = "", address: str = "127.0.0.1", **options) -> None:
        self.clock = Clock()
        self.sandbox = build_sandbox(Options(**{"control": True, **options}), self.clock)
        app = Starlette(routes=[Mount(prefix, self.sandbox)]) if prefix else self.sandbox
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, client=(address, 1234)),
            base_url=f"http://shop.test{prefix}/",
            headers={"Authorization": AUTHORIZATION},
        )

    async def close(self) -> None:
        await self.client.aclose()
        await self.sandbox.close()

    async def authenticate(self, order_id: str = "order-1", amount: int = AMOUNT, card: str = "good") -> str:
        answer = await self.client.post("pay", data={**checkout(order_id, amount), "choice": card})
        assert answer.status_code == 303, answer.text
        return parameters_of(answer.headers["location"])["paymentKey"]

    async def confirm(self, payment_key, order_id="order-1", amount=AMOUNT, key=None, **headers):
        body = {"paymentKey": payment_key, "orderId": order_id, "amount": amount}
        return await self.post("v1/payments/confirm", body, key, **headers)

    async def cancel(self, payment_key, amount=None, reason="because", key=None):
        body = {"cancelReason": reason} | ({} if amount is None else {"cancelAmount": amount})
        return await self.post(f"v1/payments/{payment_key}/cancel", body, key)

    async def post(self, path, body, key=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if key:
            headers["Idempotency-Key"] = key
        return await self.client.post(path, json=body, headers=headers)

    async def behave(self, call, **behaviour):
        answer = await self.client.post("sandbox/behaviours", json={"call": call, **behaviour})
        assert answer.status_code == 204, answer.text

    async def ledger(self):
        return (await self.client.get("sandbox/ledger")).json()["payments"]


@asynccontextmanager
async def a_shop(**options) -> AsyncIterator[Shop]:
    shop = Shop(**options)
    try:
        yield shop
    finally:
        await shop.close()


@pytest.fixture(params=["", "/sandbox"], ids=["at the root", "under a prefix"])
async def shop(request):
    async with a_shop(prefix=request.param) as shop:
        yield shop


def error(answer: httpx.Response) -> tuple[int, str]:
    assert set(answer.json()) == {"code", "message"}
    assert answer.json()["message"]
    return answer.status_code, answer.json()["code"]


# ── the protocol ─────────────────────────────────────────────────────────────────────────────────


async def test_a_payment_goes_its_way(shop):
    key = await shop.authenticate()
    before = (await shop.client.get(f"v1/payments/{key}")).json()
    assert (before["status"], before["approvedAt"], before["balanceAmount"]) == ("IN_PROGRESS", None, AMOUNT)
    done = (await shop.confirm(key)).json()
    assert done["status"] == "DONE"
    assert done["approvedAt"] == "2023-11-15T07:13:20+09:00"
    assert done["suppliedAmount"] + done["vat"] == AMOUNT
    assert (await shop.client.get("v1/payments/orders/order-1")).json() == done
    part = (await shop.cancel(key, 10_000)).json()
    assert (part["status"], part["balanceAmount"]) == ("PARTIAL_CANCELED", 20_000)
    rest = (await shop.cancel(key)).json()
    assert [(each["cancelAmount"], each["refundableAmount"]) for each in rest["cancels"]] == [
        (10_000, 20_000),
        (20_000, 0),
    ]
    (entry,) = await shop.ledger()
    assert entry == {**rest, "charges": 1}


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic ???",
        basic("somebody else:"),
        basic(f"{DEFAULT_SECRET_KEY}:and more"),
        AUTHORIZATION.replace("Basic", "Bearer"),
    ],
)
async def test_nobody_gets_in_without_the_key(shop, authorization):
    key = await shop.authenticate()
    del shop.client.headers["Authorization"]
    if authorization is not None:
        shop.client.headers["Authorization"] = authorization
    for answer in (
        await shop.client.get(f"v1/payments/{key}"),
        await shop.confirm(key),
        await shop.cancel(key),
    ):
        assert error(answer) == (401, "UNAUTHORIZED_KEY")


async def test_a_key_without_its_colon_is_told_so(shop):
    shop.client.headers["Authorization"] = basic(DEFAULT_SECRET_KEY)
    assert error(await shop.client.get("v1/payments/any")) == (403, "INCORRECT_BASIC_AUTH_FORMAT")


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"paymentKey": "k", "orderId": "order-1"},
        {"paymentKey": "k" * 201, "orderId": "order-1", "amount": 1000},
        {"paymentKey": "k", "orderId": "short", "amount": 1000},
        {"paymentKey": "k", "orderId": "order-1\n", "amount": 1000},
        {"paymentKey": "k", "orderId": "order-1", "amount": 1000.5},
        {"paymentKey": "k", "orderId": "order-1", "amount": "1000"},
        {"paymentKey": "k", "orderId": "order-1", "amount": 0},
    ],
)
async def test_a_confirm_has_to_make_sense(shop, body):
    assert error(await shop.post("v1/payments/confirm", body)) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize("reason", ["", "가" * 201, 5, None])
async def test_a_cancel_has_a_reason(shop, reason):
    key = await shop.authenticate()
    await shop.confirm(key)
    assert error(await shop.cancel(key, reason=reason)) == (400, "INVALID_REQUEST")
    assert (await shop.cancel(key, reason="가" * 200)).status_code == 200


@pytest.mark.parametrize("amount", [0, -1, AMOUNT + 1])
async def test_a_cancel_gives_back_something_and_no_more_than_there_is(shop, amount):
    key = await shop.authenticate()
    await shop.confirm(key)
    assert error(await shop.cancel(key, amount)) == (403, "NOT_CANCELABLE_AMOUNT")


async def test_what_is_not_there_is_not_found(shop):
    assert error(await shop.client.get("v1/payments/none")) == (404, "NOT_FOUND_PAYMENT")
    assert error(await shop.client.get("v1/payments/orders/none-such")) == (404, "NOT_FOUND_PAYMENT")
    assert error(await shop.cancel("none")) == (404, "NOT_FOUND_PAYMENT")
    assert error(await shop.client.get("v1/nothing/at/all")) == (404, "NOT_FOUND")
    assert error(await shop.client.get("v1/payments/any/cancel")) == (405, "METHOD_NOT_ALLOWED")


async def test_a_payment_has_to_be_confirmed_within_ten_minutes(shop):
    in_time, too_late = await shop.authenticate("order-1"), await shop.authenticate("order-2")
    shop.clock.now_ms += 10 * MINUTE_MS - 1
    assert (await shop.confirm(in_time)).status_code == 200
    shop.clock.now_ms += 1
    assert error(await shop.confirm(too_late, "order-2")) == (404, "NOT_FOUND_PAYMENT_SESSION")
    found = (await shop.client.get(f"v1/payments/{too_late}")).json()
    assert (found["status"], found["failure"]["code"]) == ("EXPIRED", "EXPIRED_PAYMENT")
    assert error(await shop.cancel(too_late)) == (403, "NOT_CANCELABLE_PAYMENT")


async def test_what_ended_cannot_be_confirmed_again(shop):
    done, rejected = await shop.authenticate("order-1"), await shop.authenticate("order-2", card="rejected")
    await shop.confirm(done)
    assert error(await shop.confirm(rejected, "order-2")) == (403, "REJECT_CARD_PAYMENT")
    assert error(await shop.confirm(done)) == (400, "ALREADY_PROCESSED_PAYMENT")
    assert error(await shop.confirm(rejected, "order-2")) == (400, "ALREADY_PROCESSED_PAYMENT")
    await shop.cancel(done)
    assert error(await shop.confirm(done)) == (400, "ALREADY_PROCESSED_PAYMENT")
    assert error(await shop.cancel(done)) == (400, "ALREADY_CANCELED_PAYMENT")


async def test_an_order_may_be_tried_again_until_it_is_paid(shop):
    rejected, good = await shop.authenticate(card="rejected"), await shop.authenticate()
    await shop.confirm(rejected)
    assert (await shop.client.get("v1/payments/orders/order-1")).json()["paymentKey"] == good
    await shop.confirm(good)
    answer = await shop.client.post("pay", data={**checkout("order-1", AMOUNT), "choice": "good"})
    assert (answer.status_code, "location" in answer.headers) == (400, False)


async def test_of_two_payments_of_one_order_only_one_is_charged(shop):
    one, other = await shop.authenticate(), await shop.authenticate()
    await shop.confirm(one)
    assert error(await shop.confirm(other)) == (400, "DUPLICATED_ORDER_ID")
    assert [each["charges"] for each in await shop.ledger()] == [1, 0]


async def test_a_slow_card_is_charged_at_once_but_only_its_first_answer_is_slow():
    async with a_shop(slow_card_seconds=0.1) as shop:
        key = await shop.authenticate(card="slow")
        started = asyncio.get_running_loop().time()
        first = asyncio.create_task(shop.confirm(key, key="once"))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not shop.sandbox.ledger.payments()[0].charges:  # noqa: ASYNC110 - the request goes on meanwhile
                await asyncio.sleep(0)
        assert not first.done()
        answer = await first
        assert asyncio.get_running_loop().time() - started >= 0.1
        shop.sandbox._api._options = Options(slow_card_seconds=100)
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert (await shop.confirm(key, key="once")).content == answer.content


async def test_a_card_pays_100_won_or_more(shop):
    key = await shop.authenticate(amount=99)
    assert error(await shop.confirm(key, amount=99)) == (400, "BELOW_MINIMUM_AMOUNT")


async def test_errors_are_korean_unless_english_is_asked_for(shop):
    korean = (await shop.client.get("v1/payments/none")).json()["message"]
    shop.client.headers["Accept-Language"] = "en-US"
    english = (await shop.client.get("v1/payments/none")).json()["message"]
    assert re.search("[가-힣]", korean)
    assert english.isascii()


# ── idempotency ──────────────────────────────────────────────────────────────────────────────────


async def test_the_same_request_gets_the_first_answer_again(shop):
    key = await shop.authenticate()
    first = await shop.confirm(key, key="once")
    await shop.cancel(key)
    again = await shop.confirm(key, key="once")
    assert (again.status_code, again.content) == (200, first.content)
    assert (await shop.ledger())[0]["charges"] == 1


async def test_errors_are_answered_again_too(shop):
    key = await shop.authenticate()
    first = await shop.confirm(key, amount=1_000, key="once")
    again = await shop.confirm(key, key="once")  # the amount is right now, but nobody looks at it
    assert error(first) == error(again) == (400, "INVALID_REQUEST")


async def test_a_key_belongs_to_one_address_but_to_any_body(shop):
    one, other = await shop.authenticate("order-1"), await shop.authenticate("order-2")
    first = await shop.confirm(one, "order-1", key="same")
    wrong = await shop.confirm(other, "order-2", key="same")
    assert wrong.content == first.content
    assert (await shop.cancel(one, 10_000, key="same")).json()["status"] == "PARTIAL_CANCELED"
    assert (await shop.confirm(other, "order-2", key="another")).json()["orderId"] == "order-2"


async def test_a_key_is_good_for_15_days(shop):
    key = await shop.authenticate()
    await shop.confirm(key, key="once")
    shop.clock.now_ms += 15 * DAY_MS - 1
    assert (await shop.confirm(key, key="once")).status_code == 200
    shop.clock.now_ms += 1
    assert error(await shop.confirm(key, key="once")) == (400, "ALREADY_PROCESSED_PAYMENT")


async def test_a_key_has_at_most_300_characters(shop):
    key = await shop.authenticate()
    assert error(await shop.confirm(key, key="k" * 301)) == (400, "INVALID_IDEMPOTENCY_KEY")
    assert (await shop.confirm(key, key="k" * 300)).status_code == 200


async def test_a_wrong_secret_key_is_not_remembered(shop):
    key = await shop.authenticate()
    assert error(await shop.confirm(key, key="once", Authorization=basic("other:")))[0] == 401
    assert (await shop.confirm(key, key="once")).status_code == 200


def test_only_so_many_answers_are_remembered():
    answers = Answers(max_answers=2)
    names = [RequestName(f"key-{number}", "", "POST", "/") for number in range(3)]
    for name in names:
        assert answers.begin(name, NOW_MS) is None
        answers.finish(name, Answer(200, name.idempotency_key.encode()))
    assert answers.begin(names[2], NOW_MS) == Answer(200, b"key-2")
    assert answers.begin(names[0], NOW_MS) is None


async def test_while_the_first_request_is_at_work_the_same_one_has_to_wait(shop):
    key = await shop.authenticate()
    await shop.behave("confirm", delaySeconds=100)
    first = asyncio.create_task(shop.confirm(key, key="once"))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while shop.sandbox.behaviours.waiting():  # noqa: ASYNC110 - the request goes on meanwhile
            await asyncio.sleep(0)
    assert error(await shop.confirm(key, key="once")) == (409, "IDEMPOTENT_REQUEST_PROCESSING")
    assert (await shop.confirm(key, key="twice")).status_code == 200
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert error(await shop.confirm(key, key="once")) == (400, "ALREADY_PROCESSED_PAYMENT")


def test_a_request_that_was_forgotten_while_at_work_is_not_remembered_later():
    answers = Answers(max_answers=1)
    first, second = (RequestName(key, "", "POST", "/") for key in ("first", "second"))
    answers.begin(first, NOW_MS)
    answers.begin(second, NOW_MS)
    answers.finish(first, Answer(200, b""))
    assert answers.begin(first, NOW_MS) is None


# ── misbehaviour ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("code", "status"),
    [("PROVIDER_ERROR", 400), ("REJECT_CARD_COMPANY", 403), ("COMMON_ERROR", 500), ("NEVER_HEARD_OF", 400)],
)
async def test_the_test_code_is_answered_and_nothing_else_happens(shop, code, status):
    key = await shop.authenticate()
    assert error(await shop.confirm(key, key="once", TossPayments_Test_Code=code)) == (status, code)
    headers = {"TossPayments-Test-Code": code}
    assert error(await shop.client.get(f"v1/payments/{key}", headers=headers)) == (status, code)
    assert (await shop.confirm(key, key="once")).status_code == 200


async def test_a_behaviour_is_for_one_kind_of_call_of_one_order_and_for_so_many_of_them(shop):
    one, other = await shop.authenticate("order-1"), await shop.authenticate("order-2")
    await shop.behave("get", orderId="order-1", times=2, code="COMMON_ERROR")
    assert (await shop.client.get(f"v1/payments/{other}")).status_code == 200
    assert error(await shop.client.get(f"v1/payments/{one}"))[0] == 500
    left = (await shop.client.get("sandbox/behaviours")).json()["behaviours"]
    assert [(each["call"], each["times"]) for each in left] == [("get", 1)]
    assert error(await shop.client.get("v1/payments/orders/order-1"))[0] == 500
    assert (await shop.client.get(f"v1/payments/{one}")).status_code == 200
    assert (await shop.confirm(one)).status_code == 200


async def test_an_error_on_demand_is_remembered_under_its_key(shop):
    key = await shop.authenticate()
    await shop.behave("confirm", code="PROVIDER_ERROR")
    assert error(await shop.confirm(key, key="once")) == (400, "PROVIDER_ERROR")
    assert error(await shop.confirm(key, key="once")) == (400, "PROVIDER_ERROR")
    assert (await shop.confirm(key, key="twice")).status_code == 200


async def test_behaviours_can_be_taken_back(shop):
    await shop.behave("get", times=100, code="COMMON_ERROR")
    assert (await shop.client.delete("sandbox/behaviours")).status_code == 204
    assert error(await shop.client.get("v1/payments/none")) == (404, "NOT_FOUND_PAYMENT")


@pytest.mark.parametrize(("drop", "charges"), [("before", 0), ("after", 1)])
async def test_a_server_that_cannot_drop_a_connection_answers_as_a_proxy_would(shop, drop, charges):
    key = await shop.authenticate()
    await shop.behave("confirm", drop=drop)
    answer = await shop.confirm(key)
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/plain; charset=utf-8")
    assert (await shop.ledger())[0]["charges"] == charges


async def test_a_dropped_call_ends_only_once_its_connection_is_gone():
    """Whoever returns earlier lets the server answer 500."""
    said: list[str] = []
    messages = iter([{"type": "http.request"}, {"type": "http.disconnect"}])

    async def receive():
        message = next(messages)
        said.append(message["type"])
        return message

    async def send(message):
        raise AssertionError(message)

    scope = {"type": "http", "extensions": {"jari.sandbox.abort": {"abort": lambda: said.append("abort")}}}
    await NoAnswer()(scope, receive, send)
    assert said == ["abort", "http.request", "http.disconnect"]


@pytest.mark.parametrize(
    "behaviour",
    [
        {},
        {"call": "authorize"},
        {"call": "get", "times": 0},
        {"call": "get", "delaySeconds": 121},
        {"call": "get", "delaySeconds": -1},
        {"call": "get", "drop": "sometimes"},
        {"call": "get", "code": "not a code"},
        {"call": "webhook", "copies": 11},
        {"call": "get", "dealySeconds": 1},
    ],
)
async def test_a_behaviour_has_to_make_sense(shop, behaviour):
    answer = await shop.client.post("sandbox/behaviours", json=behaviour)
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_only_so_many_behaviours_can_wait():
    behaviours = Behaviours()
    for _ in range(MAX_BEHAVIOURS):
        behaviours.add(Behaviour(Call.GET))
    with pytest.raises(TooMany):
        behaviours.add(Behaviour(Call.GET))


CONTROLS = [("GET", "ledger"), ("GET", "behaviours"), ("POST", "behaviours"), ("DELETE", "behaviours")]


@pytest.mark.parametrize(("method", "path"), CONTROLS)
async def test_only_the_machine_itself_controls_a_sandbox(method, path):
    async with a_shop(address="192.0.2.1") as shop:
        assert (await shop.client.request(method, f"sandbox/{path}")).status_code == 403


@pytest.mark.parametrize(("method", "path"), CONTROLS)
async def test_without_control_nobody_does(method, path):
    async with a_shop(control=False) as shop:
        assert (await shop.client.request(method, f"sandbox/{path}")).status_code == 404


# ── the payment page ─────────────────────────────────────────────────────────────────────────────


class Page(HTMLParser):
    """The tags of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def named(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


async def test_the_page_is_a_form_that_pays(shop):
    shown = await shop.client.get("pay", params=checkout("order-1", AMOUNT, customerName="김민지"))
    page = Page(shown.text)
    assert shown.status_code == 200
    (form,) = page.named("form")
    fields = {each["name"]: each["value"] for each in page.named("input")}
    assert fields == checkout("order-1", AMOUNT, customerName="김민지")
    choices = [each["value"] for each in page.named("button")]
    assert choices == ["good", "rejected", "slow", "cancel"]
    chosen = await shop.client.post(form["action"], data={**fields, "choice": "good"})
    assert parameters_of(chosen.headers["location"]).keys() == {"paymentKey", "orderId", "amount"}
    (style,) = page.named("link")
    assert (await shop.client.get(style["href"])).headers["content-type"].startswith("text/css")


async def test_the_page_needs_and_allows_no_script(shop):
    shown = await shop.client.get("pay", params=checkout("order-1", AMOUNT))
    tags = Page(shown.text).tags
    assert not {"script", "style", "iframe", "img"} & {name for name, _ in tags}
    assert not [
        name for _, attributes in tags for name in attributes if name.startswith("on") or name == "style"
    ]
    policy = dict(part.strip().split(" ", 1) for part in shown.headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "style-src": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "form-action": "'self' http://shop.test",
    }


async def test_the_form_may_lead_back_to_the_shop_and_nowhere_else(shop):
    urls = {"successUrl": "https://a.test:8443/paid?x=1", "failUrl": "http://b.test"}
    shown = await shop.client.get("pay", params=checkout("order-1", AMOUNT, **urls))
    policy = shown.headers["content-security-policy"]
    assert policy.endswith("form-action 'self' https://a.test:8443 http://b.test")


@pytest.mark.parametrize(
    ("accepted", "language", "words"),
    [
        ("ko-KR,ko;q=0.9,en;q=0.8", "ko", "30,000원"),
        ("en-US, en; q=0.9, ko; q=0.8", "en", "30,000 won"),
        ("fr, ko;q=0.2, en;q=0.1", "ko", "30,000원"),
        ("fr", "en", "30,000 won"),
        ("ko;q=much", "en", "30,000 won"),
    ],
)
async def test_the_page_speaks_korean_and_english(shop, accepted, language, words):
    shown = await shop.client.get(
        "pay", params=checkout("order-1", AMOUNT), headers={"Accept-Language": accepted}
    )
    assert Page(shown.text).named("html") == [{"lang": language}]
    assert words in shown.text
    assert "SANDBOX" in shown.text


async def test_nothing_of_the_shop_becomes_part_of_the_page(shop):
    nasty = "\"><script>alert(1)</script>&'"
    shown = await shop.client.get(
        "pay", params=checkout("order-1", AMOUNT, orderName=nasty, customerName=nasty)
    )
    assert "<script" not in shown.text
    fields = {each["name"]: each["value"] for each in Page(shown.text).named("input")}
    assert (fields["orderName"], fields["customerName"]) == (nasty, nasty)


async def test_looking_at_the_page_begins_no_payment(shop):
    await shop.client.get("pay", params=checkout("order-1", AMOUNT))
    assert await shop.ledger() == []


async def test_who_leaves_goes_back_without_an_order(shop):
    answer = await shop.client.post("pay", data={**checkout("order-1", AMOUNT), "choice": "cancel"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("http://shop.test/left?")
    assert parameters_of(answer.headers["location"]).keys() == {"code", "message"}
    assert parameters_of(answer.headers["location"])["code"] == "PAY_PROCESS_CANCELED"
    assert await shop.ledger() == []


def test_the_way_back_keeps_what_the_shop_put_into_it():
    fields = checkout("order-1", 500, successUrl="https://a.test/paid?lang=ko&x=%20#seats")
    url = read_checkout(fields).paid_url("a_key")
    assert url == "https://a.test/paid?lang=ko&x=%20&paymentKey=a_key&orderId=order-1&amount=500#seats"


@pytest.mark.parametrize(
    "wrong",
    [
        {"orderId": "short"},
        {"orderId": "order/1"},
        {"amount": ""},
        {"amount": "0"},
        {"amount": "-5"},
        {"amount": "1e3"},
        {"amount": "٣٠٠"},
        {"amount": "9" * 13},
        {"orderName": ""},
        {"orderName": "x" * 101},
        {"customerName": "x" * 101},
        {"successUrl": ""},
        {"successUrl": "javascript:alert(1)"},
        {"successUrl": "//shop.test/paid"},
        {"successUrl": "/paid"},
        {"successUrl": "ftp://shop.test/"},
        {"successUrl": "http://user@shop.test/"},
        {"successUrl": "http://shop.test; script-src *"},
        {"successUrl": "http://shop.test;script-src/"},
        {"successUrl": "http://shop.test\\@elsewhere.test/"},
        {"successUrl": "http://shop.test/\r\nSet-Cookie: a=b"},
        {"successUrl": "http://[::1/"},
        {"failUrl": "http://" + "a" * 2_000},
        {"failUrl": "data:text/html,hi"},
    ],
    ids=str,
)
async def test_a_shop_has_to_ask_properly(shop, wrong):
    fields = {**checkout("order-1", AMOUNT), **wrong}
    shown = await shop.client.get("pay", params=fields)
    chosen = await shop.client.post("pay", data={**fields, "choice": "good"})
    for answer in (shown, chosen):
        assert answer.status_code == 400
        assert next(iter(wrong)) in answer.text
        assert "location" not in answer.headers
        assert not Page(answer.text).named("form")
        assert answer.headers["content-security-policy"].endswith("form-action 'self'")


@pytest.mark.parametrize(
    "body",
    [
        b"\xff",
        b"&".join(b"a=1" for _ in range(50)),
        b"orderName=" + b"x" * 70_000,
        msgspec.json.encode(checkout("order-1", AMOUNT)),
    ],
    ids=["no text", "too many fields", "too long", "no form"],
)
async def test_a_form_that_cannot_be_read_pays_nothing(shop, body):
    assert (await shop.client.post("pay", content=body)).status_code == 400


async def test_there_are_no_other_cards(shop):
    answer = await shop.client.post("pay", data={**checkout("order-1", AMOUNT), "choice": "golden"})
    assert (answer.status_code, "choice" in answer.text) == (400, True)


async def test_the_script_for_shops_is_served_as_one(shop):
    answer = await shop.client.get("v2/standard")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "window.TossPayments = TossPayments" in answer.text


async def test_it_says_that_it_lives(shop):
    assert (await shop.client.get("livez")).text == "ok\n"


# ── webhooks ─────────────────────────────────────────────────────────────────────────────────────


class Listener:
    """A shop's address for webhooks; ``statuses`` are what it answers, the last one again and again."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.received: list[tuple[dict[str, str], dict]] = []
        self._arrived = asyncio.Event()

    @asynccontextmanager
    async def listening(self):
        async with await asyncio.start_server(self._answer, "127.0.0.1", 0) as server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/webhooks"

    async def wait_for(self, count: int) -> list[dict]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.received) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return [body for _, body in self.received]

    def header(self, name: str) -> list[str]:
        return [headers[f"tosspayments-webhook-transmission-{name}"] for headers, _ in self.received]

    async def _answer(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head)}
        body = msgspec.json.decode(await reader.readexactly(int(headers["content-length"])))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        writer.write(f"HTTP/1.1 {status} Said\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        self.received.append((headers, body))
        self._arrived.set()


@asynccontextmanager
async def a_listened_shop(*statuses: int):
    listener = Listener(*statuses)
    async with (
        listener.listening() as url,
        a_shop(webhook_url=url, webhook_backoff_seconds=0.001) as shop,
    ):
        yield shop, listener


async def test_every_change_of_status_is_told():
    async with a_listened_shop(200) as (shop, listener):
        key = await shop.authenticate()
        done = (await shop.confirm(key)).json()
        (told,) = await listener.wait_for(1)
        assert told == {
            "eventType": "PAYMENT_STATUS_CHANGED",
            "createdAt": "2023-11-15T07:13:20.000000",
            "data": done,
        }
        await shop.cancel(key, 10_000)
        await listener.wait_for(2)
        await shop.confirm(await shop.authenticate("order-2", card="rejected"), "order-2")
        await listener.wait_for(3)
        await shop.authenticate("order-3")
        shop.clock.now_ms += 10 * MINUTE_MS
        await shop.client.get("v1/payments/orders/order-3")
        told = await listener.wait_for(4)
        statuses = [each["data"]["status"] for each in told]
        assert statuses == ["DONE", "PARTIAL_CANCELED", "ABORTED", "EXPIRED"]
        assert len(set(listener.header("id"))) == 4


async def test_a_replayed_answer_is_no_change():
    async with a_listened_shop(200) as (shop, listener):
        key = await shop.authenticate()
        await shop.confirm(key, key="once")
        await shop.confirm(key, key="once")
        await shop.cancel(key)
        told = await listener.wait_for(2)
        assert {each["data"]["status"] for each in told} == {"DONE", "CANCELED"}


async def test_a_shop_that_does_not_answer_200_is_told_again():
    async with a_listened_shop(500, 302, 201, 200) as (shop, listener):
        await shop.confirm(await shop.authenticate())
        told = await listener.wait_for(4)
        assert all(each == told[0] for each in told)
        assert len(set(listener.header("id"))) == 1
        assert listener.header("retried-count") == ["0", "1", "2", "3"]


async def test_copies_carry_one_transmission_id():
    async with a_listened_shop(200) as (shop, listener):
        await shop.behave("webhook", orderId="order-1", copies=3)
        await shop.confirm(await shop.authenticate())
        await listener.wait_for(3)
        assert len(set(listener.header("id"))) == 1


async def test_a_webhook_may_get_lost_or_overtaken():
    async with a_listened_shop(200) as (shop, listener):
        key = await shop.authenticate()
        await shop.behave("webhook", drop="before")
        await shop.confirm(key)
        await shop.behave("webhook", delaySeconds=100)
        await shop.cancel(key, 10_000)
        await shop.cancel(key, 5_000)
        told = await listener.wait_for(1)
        assert [each["data"]["balanceAmount"] for each in told] == [15_000]


async def test_a_webhook_may_be_late():
    async with a_listened_shop(200) as (shop, listener):
        await shop.behave("webhook", delaySeconds=0.1)
        started = asyncio.get_running_loop().time()
        await shop.confirm(await shop.authenticate())
        await listener.wait_for(1)
        assert asyncio.get_running_loop().time() - started >= 0.1


async def test_closing_gives_up_the_webhooks_that_nobody_takes():
    async with a_shop(webhook_url="http://127.0.0.1:9", webhook_backoff_seconds=60) as shop:
        await shop.confirm(await shop.authenticate())
        tasks = [each for each in asyncio.all_tasks() if each.get_name() == "webhook"]
        assert len(tasks) == 1
        await shop.sandbox.close()
        assert tasks[0].cancelled()


async def test_a_shop_is_told_at_most_eight_times():
    async with a_listened_shop(500) as (shop, listener):
        shop.sandbox._webhooks._backoff_seconds = 0
        await shop.confirm(await shop.authenticate())
        (delivery,) = [each for each in asyncio.all_tasks() if each.get_name() == "webhook"]
        async with asyncio.timeout(PATIENCE_SECONDS):
            await delivery
        assert listener.header("retried-count") == [str(number) for number in range(8)]


async def test_only_so_many_webhooks_can_wait(monkeypatch):
    monkeypatch.setattr("jari.sandbox.webhooks.MAX_WAITING", 2)
    async with a_shop(webhook_url="http://127.0.0.1:9") as shop:
        await shop.behave("webhook", copies=5, delaySeconds=100)
        await shop.confirm(await shop.authenticate())
        assert len([each for each in asyncio.all_tasks() if each.get_name() == "webhook"]) == 2


async def test_a_sandbox_of_its_own_ends_its_webhooks_with_its_server():
    async with a_shop(webhook_url="http://127.0.0.1:9", webhook_backoff_seconds=60) as shop:
        await shop.confirm(await shop.authenticate())
        ends = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
        said: list[str] = []

        async def receive():
            return next(ends)

        async def send(message):
            said.append(message["type"])

        await shop.sandbox({"type": "lifespan"}, receive, send)
        assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
        assert not [each for each in asyncio.all_tasks() if each.get_name() == "webhook"]


# ── limits ───────────────────────────────────────────────────────────────────────────────────────


def test_an_order_goes_with_the_last_of_its_payments():
    ledger = Ledger(max_payments=1)
    for number in range(2):
        ledger.authenticate(Order(f"order-{number}", AMOUNT), Card.GOOD, f"key-{number}", NOW_MS)
    with pytest.raises(Refusal):
        ledger.by_order("order-0", NOW_MS)


def test_beyond_its_limit_the_ledger_forgets_the_oldest():
    ledger = Ledger(max_payments=2)
    for number in range(3):
        order = Order(f"order-{number % 2}", AMOUNT)
        ledger.authenticate(order, Card.GOOD, f"key-{number}", NOW_MS)
    assert [each.key for each in ledger.payments()] == ["key-1", "key-2"]
    with pytest.raises(Refusal):
        ledger.by_key("key-0", NOW_MS)
    assert ledger.by_order("order-0", NOW_MS).key == "key-2"
    ledger.expire(NOW_MS + 10 * MINUTE_MS)
    assert [each.key for each in ledger.take_changes()] == ["key-1", "key-2"]
    assert ledger.take_changes() == []


async def test_a_body_beyond_the_limit_is_refused(shop):
    body = {"paymentKey": "k", "orderId": "order-1", "amount": 1_000, "more": "x" * 70_000}
    assert error(await shop.post("v1/payments/confirm", body)) == (400, "INVALID_REQUEST")
    long = await shop.client.post("sandbox/behaviours", content=b" " * 70_000)
    assert long.status_code == 400
