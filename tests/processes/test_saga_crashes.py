"""The process dies of SIGKILL after each single step of a purchase: where the purchase comes to rest.

All of one database's purchases are made one after the other, each with a crash at a point of its own, and then
left alone. Every crash is followed by a healthy process. Each purchase is made twice: once the buyer never comes
back, once the buyer sends the very same request again to the next process.
"""

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from support.databases import Postgres
from support.purchases import (
    End,
    Purchase,
    Shop,
    end_of,
    fresh_database,
    lose_the_seats,
    open_shop,
    wait_until_asked,
)
from support.redises import redis_server

BROKEN = str(Path(__file__).parents[1] / "support" / "broken_server.py")
RESTART_SECONDS = 15.0
pytestmark = pytest.mark.timeout(600)  # the first test waits for all crashes, one after the other

Step = Callable[[Purchase], httpx.Response | None]


@dataclass(frozen=True)
class Crash:
    """A request that the process does not survive: where it dies, and what must come of it.

    ``before`` is what the buyer has done until then; ``end`` is where the purchase rests if the buyer never comes
    back. If the request is sent ``again``, it is answered with one of ``answers``, and the purchase rests at
    ``end_of_repeated``.
    """

    name: str
    before: Callable[[Purchase], object]
    request: Step
    at: str
    end: End
    answers: set[int]
    end_of_repeated: End
    again: Step | None = None

    @property
    def title(self) -> str:
        return f"{self.name}, {self.at or 'killed while the gateway works'}"


# ── what buyers do ───────────────────────────────────────────────────────────────────────────────


def holds(purchase: Purchase) -> None:
    assert purchase.hold().status_code == 201


def chooses(_: Purchase) -> None:
    pass


def is_rejected(purchase: Purchase) -> None:
    purchase.authenticated("rejected")


def is_left_in_doubt(purchase: Purchase) -> None:
    """The gateway charges, does not say so, and says nothing when it is asked."""
    purchase.authenticated()
    purchase.shop.sandbox.behave("confirm", orderId=purchase.order_id, drop="after")
    purchase.shop.sandbox.behave("get", orderId=purchase.order_id, times=2, code="PROVIDER_ERROR")


def is_charged_slowly(purchase: Purchase) -> None:
    purchase.authenticated()
    purchase.shop.sandbox.behave("confirm", orderId=purchase.order_id, delaySeconds=0.5)


def gives_one_seat_back(purchase: Purchase) -> httpx.Response:
    return purchase.refund(purchase.seat_ids[:1], key=f"one-{purchase.match.id}")


def gives_all_back(purchase: Purchase) -> httpx.Response:
    return purchase.refund(key=f"all-{purchase.match.id}")


def pays_for_seats_that_vanish(purchase: Purchase) -> httpx.Response:
    """Before the money has moved the seats are gone, against all rules."""
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(purchase.confirm)
        wait_until_asked(purchase)
        lose_the_seats(purchase)
        return answer.result()


def is_killed_while_paying(purchase: Purchase) -> httpx.Response:
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(purchase.confirm)
        wait_until_asked(purchase)
        purchase.shop.server.signal(signal.SIGUSR1)
        return answer.result()


def has_paid_at_a_slow_gateway(purchase: Purchase) -> None:
    purchase.paid()
    purchase.shop.sandbox.behave("cancel", orderId=purchase.order_id, delaySeconds=0.5)


def is_killed_while_giving_back(purchase: Purchase) -> httpx.Response:
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(gives_one_seat_back, purchase)
        wait_until_asked(purchase, "cancel")
        purchase.shop.server.signal(signal.SIGUSR1)
        return answer.result()


# ── the points ───────────────────────────────────────────────────────────────────────────────────

RESERVING = [
    ("reserve", holds, Purchase.reserve, "Reserve before commit", End.CHOSEN, {201}, End.HELD),
    ("reserve", holds, Purchase.reserve, "Reserve after commit", End.HELD, {201}, End.HELD),
    ("book", chooses, Purchase.book, "Book before commit", End.FREE, {201}, End.HELD),
    ("book", chooses, Purchase.book, "Book after commit", End.HELD, {201}, End.HELD),
    (
        "cancel",
        Purchase.reserved,
        Purchase.cancel,
        "CancelReservation before commit",
        End.HELD,
        {200},
        End.FREE,
    ),
    (
        "cancel",
        Purchase.reserved,
        Purchase.cancel,
        "CancelReservation after commit",
        End.FREE,
        {200},
        End.FREE,
    ),
]

PAYING = [
    ("pay", Purchase.authenticated, Purchase.confirm, at, end, {200, 202}, End.PAID)
    for at, end in [
        ("BeginPayment before commit", End.HELD),  # nobody was told to charge
        ("BeginPayment after commit", End.PAID),  # from here on it is the reconciler's
        ("asking", End.PAID),
        ("asked", End.PAID),  # charged, and nobody here knows it
        ("SettlePayment before commit", End.PAID),
        ("SettlePayment after commit", End.PAID),
    ]
]

PAYING_WITH_A_REJECTED_CARD = [
    ("pay with a rejected card", is_rejected, Purchase.confirm, at, End.HELD, {402}, End.HELD)
    for at in [
        "BeginPayment after commit",
        "asked",
        "SettlePayment before commit",
        "SettlePayment after commit",
    ]
]

PAYING_IN_DOUBT = [
    ("pay in doubt", is_left_in_doubt, Purchase.confirm, at, End.PAID, {200, 202}, End.PAID)
    for at in ["PostponePayment before commit", "PostponePayment after commit"]
]

PAYING_FOR_SEATS_THAT_VANISH = [
    (
        "pay for seats that vanish",
        is_charged_slowly,
        pays_for_seats_that_vanish,
        at,
        End.REFUNDED,
        {202, 409},
        End.REFUNDED,
        Purchase.confirm,
    )
    for at in ["asked", "SettlePayment before commit", "SettlePayment after commit"]
]

GIVING_BACK = [
    ("give all seats back", Purchase.paid, gives_all_back, at, end, {200}, End.REFUNDED)
    for at, end in [
        ("RefundSeats after commit", End.REFUNDED),  # from here on the money is owed
        ("given back", End.REFUNDED),
    ]
]

GIVING_ONE_BACK = [
    ("give one seat back", Purchase.paid, gives_one_seat_back, at, end, {200}, End.PARTLY)
    for at, end in [
        ("RefundSeats before commit", End.PAID),
        ("RefundSeats after commit", End.PARTLY),
        ("giving back", End.PARTLY),
        ("given back", End.PARTLY),  # the gateway has cancelled, and nobody here knows it
        ("SettleRefund before commit", End.PARTLY),
        ("SettleRefund after commit", End.PARTLY),
    ]
]

KILLED_WHILE_THE_GATEWAY_WORKS = [
    (
        "pay",
        is_charged_slowly,
        is_killed_while_paying,
        "",
        End.PAID,
        {200, 202},
        End.PAID,
        Purchase.confirm,
    ),
    (
        "give one seat back",
        has_paid_at_a_slow_gateway,
        is_killed_while_giving_back,
        "",
        End.PARTLY,
        {200},
        End.PARTLY,
        gives_one_seat_back,
    ),
]

CRASHES = [
    Crash(*each)
    for each in (
        *RESERVING,
        *PAYING,
        *PAYING_WITH_A_REJECTED_CARD,
        *PAYING_IN_DOUBT,
        *PAYING_FOR_SEATS_THAT_VANISH,
        *GIVING_BACK,
        *GIVING_ONE_BACK,
        *KILLED_WHILE_THE_GATEWAY_WORKS,
    )
]

each_crash = pytest.mark.parametrize("crash", CRASHES, ids=lambda crash: crash.title)


# ── the crashes ──────────────────────────────────────────────────────────────────────────────────


@dataclass
class Wreckage:
    """All crashes of one database, by title: the purchases that were left alone, and those that were tried again."""

    left: dict[str, Purchase]
    repeated: dict[str, tuple[Purchase, httpx.Response]]


@pytest.fixture(scope="module", params=["sqlite", "postgres", "holds in redis"])
def wreckage(
    request: pytest.FixtureRequest, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Wreckage]:
    directory = tmp_path_factory.mktemp("crashes")
    wish = directory / "crash"
    with ExitStack() as opened:
        beside, kind = {}, request.param
        if kind == "holds in redis":
            redis, kind = opened.enter_context(redis_server()), "postgres"
            beside = {"redis": redis.url, "holds": "redis", "claim_seconds": 1}
        url = opened.enter_context(fresh_database(kind, directory, postgres))
        shop = opened.enter_context(
            open_shop(url, directory, program=(BROKEN, "mortal"), beside=beside, crash_file=wish)
        )
        left = {crash.title: brought_to(crash, shop, wish) for crash in CRASHES}
        repeated = {}
        for crash in CRASHES:
            purchase = brought_to(crash, shop, wish)
            repeated[crash.title] = purchase, sent_again(crash, purchase)
        yield Wreckage(left, repeated)


def brought_to(crash: Crash, shop: Shop, wish: Path) -> Purchase:
    """A new purchase that has come to the crash, and through it to the next process."""
    purchase = shop.purchase()
    crash.before(purchase)
    if crash.at:
        wish.write_text(f"{crash.at} {purchase.match.id}")
    with pytest.raises(httpx.HTTPError):
        crash.request(purchase)
    assert not wish.exists(), "it died, but not there"
    wait_until_ready(shop)
    return purchase


def sent_again(crash: Crash, purchase: Purchase) -> httpx.Response:
    """The answer to the same request, sent until nobody thinks any more that the first one is running."""
    while True:
        answer = (crash.again or crash.request)(purchase)
        if answer.is_success or answer.json()["code"] != "IDEMPOTENT_REQUEST_IN_PROGRESS":
            return answer
        time.sleep(int(answer.headers["Retry-After"]))


def wait_until_ready(shop: Shop) -> None:
    until = time.monotonic() + RESTART_SECONDS
    while True:
        try:
            if shop.client.get(f"{shop.server.url}/readyz").is_success:
                return
        except httpx.HTTPError:
            assert time.monotonic() < until, shop.server.log()
            time.sleep(0.01)


@each_crash
def test_a_purchase_that_is_left_alone_comes_to_rest(wreckage: Wreckage, crash: Crash) -> None:
    assert end_of(wreckage.left[crash.title]) is crash.end


@each_crash
def test_a_buyer_who_sends_the_same_request_again_is_charged_at_most_once(
    wreckage: Wreckage, crash: Crash
) -> None:
    purchase, answer = wreckage.repeated[crash.title]
    assert answer.status_code in crash.answers, answer.text
    assert end_of(purchase) is crash.end_of_repeated
