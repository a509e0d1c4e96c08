"""Looking after money is the duty of exactly one process; when it dies or stands still, another takes over."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.purchases import End, Purchase, Shop, end_of, open_shop
from support.servers import Server

LEASE_SECONDS = 2
SLACK_SECONDS = 3.0
TIMES = 100_000
REFUNDS = 4


@pytest.fixture
def shop(postgres_url: str, tmp_path: Path) -> Iterator[Shop]:
    with open_shop(postgres_url, tmp_path, servers=2, lease_seconds=LEASE_SECONDS) as shop:
        yield shop


def looks(server: Server) -> int:
    """How often this server has asked the gateway about a payment, and was told nothing."""
    return server.log().count("payment_uncertain")


def asked(shop: Shop) -> int:
    """How often the gateway was asked to charge, by whomever."""
    left = [each["times"] for each in shop.sandbox.waiting_behaviours() if each["call"] == "confirm"]
    return TIMES - left[0]


def wait_until(fits: Callable[[], bool], seconds: float = 15.0) -> float:
    """How long it took."""
    started = time.monotonic()
    while not fits():
        assert time.monotonic() < started + seconds
        time.sleep(0.02)
    return time.monotonic() - started


def a_payment_that_nobody_can_settle(shop: Shop) -> Purchase:
    """The gateway is in trouble and stays so: whoever looks after the payment asks it every second."""
    purchase = shop.purchase().authenticated()
    shop.sandbox.behave("confirm", orderId=purchase.order_id, times=TIMES, code="PROVIDER_ERROR")
    assert purchase.confirm().status_code == 202
    return purchase


def on_duty(shop: Shop) -> tuple[Server, Server]:
    """Who looks after the payment, and who does not, while it is looked after three times."""
    before = [looks(server) for server in shop.servers]
    wait_until(lambda: sum(map(looks, shop.servers)) >= sum(before) + 3)
    one, other = sorted(shop.servers, key=lambda server: looks(server) - before[shop.servers.index(server)])
    assert looks(one) == before[shop.servers.index(one)], "both look after the same payment"
    return other, one


def test_exactly_one_server_looks_after_payments(shop: Shop) -> None:
    purchase = a_payment_that_nobody_can_settle(shop)
    on_duty(shop)
    wait_until(lambda: asked(shop) == sum(map(looks, shop.servers)))  # nobody asked without our seeing it
    shop.sandbox.behave_well()
    assert end_of(purchase) is End.PAID


def test_when_it_is_killed_the_other_takes_over_within_the_lease(shop: Shop) -> None:
    purchase = a_payment_that_nobody_can_settle(shop)
    busy, idle = on_duty(shop)
    before = looks(idle)
    busy.kill()
    seconds = wait_until(lambda: looks(idle) > before)
    assert seconds < LEASE_SECONDS + SLACK_SECONDS
    shop.sandbox.behave_well()
    shop.servers = [idle]
    assert end_of(purchase) is End.PAID


def test_when_it_ends_in_order_it_gives_the_duty_away_at_once(postgres_url: str, tmp_path: Path) -> None:
    """The other need not wait until the lease has ended."""
    with open_shop(postgres_url, tmp_path, servers=2, lease_seconds=9) as shop:
        purchase = a_payment_that_nobody_can_settle(shop)
        busy, idle = on_duty(shop)
        before = looks(idle)
        busy.stop()
        seconds = wait_until(lambda: looks(idle) > before)
        assert seconds < 9 / 3 + SLACK_SECONDS  # it asks for the lease three times in its length
        shop.sandbox.behave_well()
        shop.servers = [idle]
        assert end_of(purchase) is End.PAID


def postponed(server: Server) -> int:
    """How often this server has tried to give money back, in vain."""
    return server.log().count("refund_postponed")


def refunds_that_nobody_can_give(shop: Shop) -> list[Purchase]:
    """The gateway is in trouble and stays so: whoever has the duty asks it every second."""
    purchases = [shop.purchase().paid() for _ in range(REFUNDS)]
    shop.sandbox.behave("cancel", times=TIMES, code="PROVIDER_ERROR")
    for purchase in purchases:
        assert purchase.refund(purchase.seat_ids[:1]).json()["data"]["refunds"][0]["status"] == "DUE"
    return purchases


def given(shop: Shop, purchase: Purchase) -> list[int]:
    """What the gateway has given back for this purchase, each time that it did."""
    return [each["cancelAmount"] for each in shop.sandbox.payment(purchase.order_id)["cancels"] or []]


def test_who_stands_still_for_longer_than_the_lease_gives_no_refund_twice(shop: Shop) -> None:
    """It stops in the middle of the questions; another takes over; then it goes on as if nothing had been."""
    purchases = refunds_that_nobody_can_give(shop)
    before = [postponed(server) for server in shop.servers]
    wait_until(lambda: sum(map(postponed, shop.servers)) >= sum(before) + 2 * REFUNDS)
    busy, idle = sorted(
        shop.servers, key=lambda server: before[shop.servers.index(server)] - postponed(server)
    )
    shop.sandbox.behave_well()
    shop.sandbox.behave("cancel", times=TIMES, delaySeconds=0.5)
    wait_until(lambda: shop.sandbox.waiting_behaviours()[0]["times"] < TIMES)
    busy.signal(signal.SIGSTOP)
    try:
        shop.servers = [idle]
        shop.sandbox.behave_well()
        assert [end_of(purchase) for purchase in purchases] == [End.PARTLY] * REFUNDS
    finally:
        busy.signal(signal.SIGCONT)
    shop.servers = [busy]
    assert end_of(shop.purchase().paid()) is End.PAID  # it is awake
    idle.kill()
    seconds = time.monotonic() + 2 * LEASE_SECONDS  # it has the duty again, and could do harm
    wait_until(lambda: time.monotonic() > seconds)
    assert [given(shop, purchase) for purchase in purchases] == [[15_000]] * REFUNDS
    assert [end_of(purchase) for purchase in purchases] == [End.PARTLY] * REFUNDS
