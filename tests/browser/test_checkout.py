"""Paying in a real browser: from seats that are held to tickets, and what may come in between."""

import dataclasses
import re
from collections.abc import Callable
from urllib.parse import urlencode

import httpx
import pytest
from playwright.sync_api import Locator, Page, Route, expect
from sqlalchemy import update

from jari.adapters.sql.tables import users
from jari.domain.users import Role
from jari.domain.venues import Grade
from support.sandboxes import Sandbox
from support.seatmaps import READY
from support.servers import Server
from support.worlds import Buyer, Match, World, hall

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
SIZES = pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
LOCALES = pytest.mark.parametrize("locale", ["ko-KR", "en-GB"])
PRICE = 15_000
OpenPage = Callable[..., Page]


def be(page: Page, server: Server, buyer: Buyer) -> None:
    """Log in as somebody, without the dialog."""
    page.context.add_cookies(
        [{"name": name, "value": value, "url": server.url} for name, value in buyer.cookies.items()]
    )


def hold(server: Server, match: Match, buyer: Buyer, seat_ids: list[int]) -> None:
    with buyer.client(server.url) as client:
        client.post(f"/api/schedules/{match.id}/allocations", json={"seatIds": seat_ids}).raise_for_status()


def reserve(server: Server, match: Match, buyer: Buyer, *, seats: int = 2) -> dict:
    """Seats held and reserved; the reservation."""
    hold(server, match, buyer, match.seat_ids[:seats])
    with buyer.client(server.url) as client:
        answer = client.post("/api/reservations", json={"scheduleId": match.id})
        return answer.raise_for_status().json()["data"]


def reservation_of(server: Server, buyer: Buyer, reservation_id: int) -> dict:
    with buyer.client(server.url) as client:
        return client.get(f"/api/reservations/{reservation_id}").raise_for_status().json()["data"]


@pytest.fixture
def match(shop_world: World) -> Match:
    return shop_world.match(rows=6, cols=10)


@pytest.fixture
def buyer(shop_world: World) -> Buyer:
    return shop_world.buyer()


@pytest.fixture
def at_checkout(open_page: OpenPage, shop_server: Server, match: Match, buyer: Buyer) -> tuple[Page, dict]:
    """A page at the checkout of two seats, and their reservation."""
    page = open_page(viewport=DESKTOP, locale="ko-KR")
    be(page, shop_server, buyer)
    reservation = reserve(shop_server, match, buyer)
    page.goto(f"{shop_server.url}/checkout/{reservation['id']}")
    expect(page.get_by_test_id("pay-button")).to_be_enabled()
    return page, reservation


def pay_with(page: Page, card: str) -> None:
    """Press the button, and choose on the gateway's page."""
    page.get_by_test_id("pay-button").click()
    choice = page.locator(f"button[name=choice][value={card}]")
    expect(choice).to_be_visible()
    choice.click()


def expect_tickets(page: Page, count: int) -> None:
    expect(page.get_by_test_id("ticket")).to_have_count(count)


def expect_no_overflow(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def state(page: Page) -> Locator:
    return page.get_by_test_id("page-state")


# From the map to the tickets


@SIZES
@LOCALES
def test_a_new_buyer_holds_pays_and_has_tickets_at_every_size_and_in_both_languages(
    open_page: OpenPage, shop_server: Server, match: Match, viewport: dict, locale: str
) -> None:
    page = open_page(viewport=viewport, locale=locale)
    page.goto(f"{shop_server.url}/matches/{match.id}")
    page.wait_for_selector(READY, state="attached")
    sign_up(page, f"{locale}-{viewport['width']}@example.com")
    choose_two_seats(page)
    page.get_by_test_id("hold-button").click()
    page.get_by_test_id("checkout-button").click()

    expect(page.get_by_test_id("pay-button")).to_be_enabled()
    assert re.fullmatch(r".*/checkout/\d+", page.url)
    expect(page.locator("html")).to_have_attribute("lang", locale[:2])
    expect(page.get_by_test_id("reserved-seat")).to_have_count(2)
    expect(page.get_by_test_id("reservation-total")).to_contain_text("30,000")
    expect(page.get_by_test_id("checkout-countdown")).to_have_text(re.compile(r"[45]:\d\d"))
    expect_no_overflow(page)

    pay_with(page, "good")
    expect_tickets(page, 2)
    assert re.fullmatch(r".*/reservations/\d+", page.url), "nothing of the payment stays in the address"
    expect(page.get_by_test_id("paid-notice")).to_be_visible()
    expect_no_overflow(page)
    for code in page.get_by_test_id("ticket-code").all():
        code.scroll_into_view_if_needed()
        expect(code).to_have_js_property("complete", value=True)
        assert code.evaluate("image => image.naturalWidth") > 0
    path = page.get_by_test_id("pdf-link").get_attribute("href")
    assert page.request.get(f"{shop_server.url}{path}").body().startswith(b"%PDF")

    page.get_by_test_id("my-reservations-link").click()
    row = page.get_by_test_id("reservation-row")
    expect(row).to_have_count(1)
    expect(row.get_by_test_id("reservation-state")).to_have_attribute("data-state", "confirmed")
    expect_no_overflow(page)


def sign_up(page: Page, email: str) -> None:
    page.get_by_test_id("log-in-button").click()
    page.get_by_test_id("account-mode").click()
    page.get_by_test_id("email-input").fill(email)
    page.get_by_test_id("password-input").fill("correct horse battery")
    page.get_by_test_id("name-input").fill("팬")
    page.get_by_test_id("account-submit").click()
    expect(page.get_by_test_id("my-reservations-link")).to_be_visible()


def choose_two_seats(page: Page) -> None:
    if page.get_by_test_id("block-select").is_hidden():
        page.get_by_test_id("panel-handle").click()
    page.get_by_test_id("block-select").select_option(index=1)
    for seat in page.get_by_test_id("seat-button").all()[:2]:
        seat.focus()
        page.keyboard.press("Enter")
    expect(page.get_by_test_id("selected-seat")).to_have_count(2)


def test_seats_that_cost_nothing_need_no_checkout(
    open_page: OpenPage, shop_server: Server, shop_world: World, buyer: Buyer
) -> None:
    free = Grade("red", "레드석", "#d03030", 0)
    match = shop_world.match(dataclasses.replace(hall(rows=2, cols=5), grades=(free,)))
    hold(shop_server, match, buyer, match.seat_ids[:2])
    page = open_page(viewport=DESKTOP)
    be(page, shop_server, buyer)
    page.goto(f"{shop_server.url}/matches/{match.id}")
    page.get_by_test_id("checkout-button").click()
    expect_tickets(page, 2)
    expect(page.get_by_test_id("paid-notice")).to_be_visible()


def test_a_ticket_that_was_used_says_so_and_cannot_be_refunded(
    at_checkout: tuple[Page, dict], shop_server: Server, shop_world: World, buyer: Buyer
) -> None:
    page, reservation = at_checkout
    pay_with(page, "good")
    expect_tickets(page, 2)
    with buyer.client(shop_server.url) as client:
        tickets = client.get(f"/api/reservations/{reservation['id']}/tickets").json()["data"]["items"]
    with an_organiser(shop_world).client(shop_server.url) as client:
        client.post(
            "/api/tickets/check-in",
            json={"token": tickets[0]["token"], "scheduleId": reservation["scheduleId"]},
        ).raise_for_status()

    page.reload()
    used = page.locator(f"[data-testid=ticket][data-seat-id='{tickets[0]['seatId']}']")
    expect(used.get_by_test_id("ticket-used")).to_be_visible()
    expect(page.get_by_test_id("ticket-used")).to_have_count(1)
    page.get_by_test_id("refund-button").click()
    expect(page.get_by_test_id("refund-seat")).to_have_count(1)
    expect(page.get_by_test_id("refund-seat")).to_have_attribute("data-seat-id", str(tickets[1]["seatId"]))


def an_organiser(world: World) -> Buyer:
    someone = world.buyer()

    async def promote() -> None:
        async with world.stores.database.write() as connection:
            await connection.execute(
                update(users).where(users.c.id == someone.id).values(role=Role.ORGANISER)
            )

    world.run(promote())
    return someone


def test_the_whole_checkout_works_by_keyboard(at_checkout: tuple[Page, dict]) -> None:
    page, _ = at_checkout
    page.get_by_test_id("pay-button").focus()
    page.keyboard.press("Enter")
    choice = page.locator("button[name=choice][value=good]")
    choice.focus()
    page.keyboard.press("Enter")
    expect_tickets(page, 2)


# What does not go well


def test_a_refused_card_leaves_the_seats_to_be_paid_with_another(
    at_checkout: tuple[Page, dict], shop_server: Server, buyer: Buyer, sandbox: Sandbox
) -> None:
    page, reservation = at_checkout
    pay_with(page, "rejected")
    reason = page.get_by_test_id("decline-reason")
    expect(reason).to_have_attribute("data-code", re.compile("^REJECT_CARD"))
    expect(page.get_by_test_id("decline-state")).to_have_attribute("data-state", "pending")
    assert "paymentKey" not in page.url
    said = reservation_of(shop_server, buyer, reservation["id"])["payment"]["message"]
    expect(page.get_by_test_id("gateway-message")).to_contain_text(said)

    page.get_by_test_id("checkout-link").click()
    expect(page.get_by_test_id("last-refusal")).to_be_visible()
    pay_with(page, "good")
    expect_tickets(page, 2)
    charges = [each["charges"] for each in sandbox.ledger() if each["orderId"] == reservation["orderId"]]
    assert sum(charges) == 1


def test_who_turns_back_at_the_gateway_can_go_on_paying(at_checkout: tuple[Page, dict]) -> None:
    page, reservation = at_checkout
    pay_with(page, "cancel")
    expect(page.get_by_test_id("decline-reason")).to_have_attribute("data-code", "PAY_PROCESS_CANCELED")
    expect(page.get_by_test_id("gateway-message")).to_have_count(0)
    page.get_by_test_id("checkout-link").click()
    expect(page).to_have_url(re.compile(f"/checkout/{reservation['id']}$"))
    expect(page.get_by_test_id("pay-button")).to_be_enabled()


def test_the_browsers_back_from_the_gateway_leads_to_a_checkout_that_works(
    at_checkout: tuple[Page, dict],
) -> None:
    page, _ = at_checkout
    page.get_by_test_id("pay-button").click()
    expect(page.locator("button[name=choice][value=good]")).to_be_visible()
    page.go_back()
    expect(page.get_by_test_id("pay-button")).to_be_enabled()
    expect(page.get_by_test_id("pay-button")).to_have_attribute("aria-busy", "false")
    pay_with(page, "good")
    expect_tickets(page, 2)


def come_back_to_the_page_as_it_was_left(page: Page) -> None:
    """What a browser does that kept the page: this one, driven by a test, keeps none."""
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })) && null")


def test_pages_that_the_browser_kept_can_be_used_again(
    open_page: OpenPage, shop_server: Server, match: Match, buyer: Buyer
) -> None:
    hold(shop_server, match, buyer, match.seat_ids[:2])
    page = open_page(viewport=DESKTOP)
    be(page, shop_server, buyer)
    page.goto(f"{shop_server.url}/matches/{match.id}")
    for button, left_for in (("checkout-button", "**/checkout/*"), ("pay-button", "**/pay?*")):
        page.route(left_for, lambda route: route.abort("aborted"))  # it stays, as if the buyer had come back
        pressed = page.get_by_test_id(button)
        with page.expect_event("requestfailed", lambda request: request.is_navigation_request()):
            pressed.click()
        expect(pressed).to_have_attribute("aria-busy", "true")
        come_back_to_the_page_as_it_was_left(page)
        expect(pressed).to_have_attribute("aria-busy", "false")
        page.unroute_all()
        pressed.click()
    page.locator("button[name=choice][value=good]").click()
    expect_tickets(page, 2)


def test_what_the_gateway_says_is_shown_as_text(open_page: OpenPage, shop_server: Server) -> None:
    page = open_page(locale="en-GB")
    message = "<img src=x onerror=document.title='taken'>"
    query = urlencode({"code": "SOMETHING_NEW", "message": message, "reservation": "1); drop"})
    page.goto(f"{shop_server.url}/checkout/fail?{query}")
    expect(page.get_by_test_id("gateway-message")).to_contain_text(message)
    expect(page.get_by_test_id("checkout-link")).to_have_count(0)
    expect(page.get_by_test_id("reservations-link")).to_be_visible()
    assert page.title() != "taken"


@LOCALES
def test_when_the_time_runs_out_paying_ends_and_the_way_leads_to_the_map(
    open_page: OpenPage,
    sqlite_url: str,
    make_world: Callable[[str], World],
    make_server: Callable[..., Server],
    paying: dict[str, object],
    locale: str,
) -> None:
    world = make_world(sqlite_url)
    server = make_server(sqlite_url, **paying, hold_seconds=7)
    match, buyer = world.match(rows=2, cols=5), world.buyer()
    page = open_page(locale=locale, viewport=PHONE)
    be(page, server, buyer)
    reservation = reserve(server, match, buyer)
    page.goto(f"{server.url}/checkout/{reservation['id']}")
    expect(page.get_by_test_id("message")).to_be_visible()  # the last minute is announced

    expect(page.get_by_test_id("checkout-notice")).to_have_attribute("data-state", "expired", timeout=15_000)
    expect(page.get_by_test_id("pay-button")).to_be_disabled()
    page.get_by_test_id("seat-map-link").click()
    page.wait_for_selector(READY, state="attached")
    expect(page.get_by_test_id("checkout-button")).to_be_hidden()


def test_loading_the_success_page_again_charges_nobody_twice(
    at_checkout: tuple[Page, dict], sandbox: Sandbox
) -> None:
    page, reservation = at_checkout
    confirms: list[str] = []

    def lose_the_first(route: Route) -> None:
        confirms.append(route.request.url)
        if len(confirms) == 1:
            route.fetch()  # the server carries it out, and its answer is lost
            route.abort()
        else:
            route.continue_()

    page.route("**/api/payments/confirm", lose_the_first)
    pay_with(page, "good")
    expect(state(page)).to_have_attribute("data-state", re.compile("confirming|unreachable"))
    expect(page).to_have_url(re.compile("/checkout/success"))
    success_url = page.url
    expect(state(page)).to_have_attribute("data-state", "unreachable")
    expect(page.get_by_test_id("decline-reason")).to_have_count(0)

    page.reload()
    expect_tickets(page, 2)
    page.goto(success_url)
    expect_tickets(page, 2)
    assert len(confirms) >= 3
    assert sandbox.payment(reservation["orderId"])["charges"] == 1


def test_a_payment_of_which_nobody_knows_is_waited_for(
    at_checkout: tuple[Page, dict], sandbox: Sandbox
) -> None:
    page, reservation = at_checkout
    order_id = reservation["orderId"]
    # Charged, but neither the answer nor the first look-ups come through.
    sandbox.behave("confirm", orderId=order_id, drop="after")
    sandbox.behave("get", orderId=order_id, drop="before", times=3)
    pay_with(page, "good")
    expect(state(page)).to_have_attribute("data-state", "checking")
    # a look-up a second, and the page asks less and less often
    expect(page.get_by_test_id("ticket")).to_have_count(2, timeout=20_000)
    assert sandbox.payment(order_id)["charges"] == 1


def test_while_a_payment_is_under_way_the_map_neither_counts_down_nor_releases(
    at_checkout: tuple[Page, dict], shop_server: Server, match: Match, sandbox: Sandbox
) -> None:
    page, reservation = at_checkout
    order_id = reservation["orderId"]
    sandbox.behave("confirm", orderId=order_id, drop="before")
    sandbox.behave("get", orderId=order_id, drop="before", times=1000)
    pay_with(page, "good")
    expect(state(page)).to_have_attribute("data-state", "checking")

    at_map = page.context.new_page()
    at_map.goto(f"{shop_server.url}/matches/{match.id}")
    at_map.wait_for_selector(READY, state="attached")
    expect(at_map.get_by_test_id("held-seat")).to_have_count(2)
    expect(at_map.get_by_test_id("countdown")).to_have_text("결제 확인 중")
    for test_id in ("release-button", "release-all-button", "checkout-button"):
        expect(at_map.get_by_test_id(test_id).filter(visible=True)).to_have_count(0)
    at_map.goto(f"{shop_server.url}/checkout/{reservation['id']}")
    expect(at_map.get_by_test_id("pay-button")).to_have_count(0)

    sandbox.behave_well()
    for each in (page, at_map):  # the page asks less and less often
        expect(each.get_by_test_id("ticket")).to_have_count(2, timeout=20_000)


def test_who_pays_after_somebody_else_has_taken_the_seats_keeps_the_money(
    open_page: OpenPage,
    sqlite_url: str,
    make_world: Callable[[str], World],
    make_server: Callable[..., Server],
    paying: dict[str, object],
    sandbox: Sandbox,
) -> None:
    world = make_world(sqlite_url)
    server = make_server(sqlite_url, **paying, hold_seconds=2)
    match, buyer, other = world.match(rows=2, cols=5), world.buyer(), world.buyer()
    reservation = reserve(server, match, buyer)
    key = sandbox.authenticate(reservation["orderId"], reservation["amount"])
    page = open_page(locale="en-GB")
    be(page, server, buyer)
    with other.client(server.url) as client:
        for _ in range(100):
            answer = client.post(
                f"/api/schedules/{match.id}/allocations", json={"seatIds": match.seat_ids[:1]}
            )
            if answer.is_success:
                break
            page.wait_for_timeout(50)
    assert answer.is_success

    query = {"reservation": reservation["id"], "paymentKey": key, "orderId": reservation["orderId"]}
    page.goto(f"{server.url}/checkout/success?{urlencode({**query, 'amount': reservation['amount']})}")
    expect(page.get_by_test_id("decline-reason")).to_have_attribute("data-code", "RESERVATION_EXPIRED")
    expect(page.get_by_test_id("decline-state")).to_have_attribute("data-state", "expired")
    expect(page.get_by_test_id("seat-map-link")).to_be_visible()
    assert sandbox.payment(reservation["orderId"])["charges"] == 0


def test_an_amount_that_somebody_changed_is_refused_before_money_moves(
    at_checkout: tuple[Page, dict], shop_server: Server, sandbox: Sandbox
) -> None:
    page, reservation = at_checkout
    key = sandbox.authenticate(reservation["orderId"], 100)
    query = urlencode({"paymentKey": key, "orderId": reservation["orderId"], "amount": 100})
    page.goto(f"{shop_server.url}/checkout/success?{query}")
    expect(page.get_by_test_id("decline-reason")).to_have_attribute("data-code", "AMOUNT_MISMATCH")
    assert "paymentKey" not in page.url
    assert sandbox.payment(reservation["orderId"])["charges"] == 0


def test_the_success_page_without_a_payment_asks_for_nothing(
    at_checkout: tuple[Page, dict], shop_server: Server
) -> None:
    page, _ = at_checkout
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "confirm" in request.url else None)
    page.goto(f"{shop_server.url}/checkout/success")
    expect(page.get_by_test_id("reservation-row")).to_have_count(1)
    assert [url for url in asked if url.endswith("/api/payments/confirm")] == []


# Leaving, and coming back


def test_a_cancelled_reservation_leads_back_to_the_map_and_frees_its_seats(
    at_checkout: tuple[Page, dict], shop_server: Server, match: Match
) -> None:
    page, reservation = at_checkout
    page.get_by_test_id("cancel-button").click()
    page.wait_for_selector(READY, state="attached")
    assert page.url == f"{shop_server.url}/matches/{match.id}"
    expect(page.get_by_test_id("count-available")).to_have_text(str(len(match.seat_ids)))

    page.goto(f"{shop_server.url}/checkout/{reservation['id']}")
    expect(page.get_by_test_id("checkout-notice")).to_have_attribute("data-state", "cancelled")
    expect(page.get_by_test_id("pay-button")).to_have_count(0)


def test_the_checkout_of_a_paid_reservation_leads_to_its_tickets(
    at_checkout: tuple[Page, dict], shop_server: Server
) -> None:
    page, reservation = at_checkout
    pay_with(page, "good")
    expect_tickets(page, 2)
    page.goto(f"{shop_server.url}/checkout/{reservation['id']}")
    expect(page.get_by_test_id("checkout-notice")).to_have_attribute("data-state", "confirmed")
    page.get_by_test_id("reservation-link").click()
    expect_tickets(page, 2)
    expect(page.get_by_test_id("paid-notice")).to_have_count(0)


def test_who_is_not_logged_in_is_asked_to_and_then_goes_on(
    open_page: OpenPage, shop_server: Server, match: Match, buyer: Buyer
) -> None:
    reservation = reserve(shop_server, match, buyer)
    page = open_page(locale="en-GB")
    page.goto(f"{shop_server.url}/checkout/{reservation['id']}")
    expect(page.get_by_test_id("account-dialog")).to_be_visible()
    expect(state(page)).to_have_attribute("data-state", "logIn")
    page.get_by_test_id("account-close").click()
    page.get_by_test_id("log-in-here").click()
    page.get_by_test_id("account-close").click()
    sign_up(page, "somebody-else@example.com")
    expect(state(page)).to_have_attribute("data-state", "missing")
    expect(page.get_by_test_id("pay-button")).to_have_count(0)


def test_a_session_that_ends_at_the_gateway_is_renewed_before_the_payment_is_confirmed(
    open_page: OpenPage, shop_server: Server, match: Match, sandbox: Sandbox
) -> None:
    page = open_page(locale="en-GB", viewport=DESKTOP)
    page.goto(f"{shop_server.url}/matches/{match.id}")
    page.wait_for_selector(READY, state="attached")
    sign_up(page, "forgotten@example.com")
    choose_two_seats(page)
    page.get_by_test_id("hold-button").click()
    page.get_by_test_id("checkout-button").click()
    page.get_by_test_id("pay-button").click()
    choice = page.locator("button[name=choice][value=good]")
    expect(choice).to_be_visible()
    page.context.clear_cookies()
    choice.click()

    expect(page.get_by_test_id("account-dialog")).to_be_visible()
    page.get_by_test_id("email-input").fill("forgotten@example.com")
    page.get_by_test_id("password-input").fill("correct horse battery")
    page.get_by_test_id("account-submit").click()
    expect_tickets(page, 2)


def test_seats_that_are_reserved_can_be_paid_from_the_list_of_reservations(
    open_page: OpenPage, shop_server: Server, match: Match, buyer: Buyer
) -> None:
    reservation = reserve(shop_server, match, buyer)
    page = open_page(viewport=PHONE)
    be(page, shop_server, buyer)
    page.goto(f"{shop_server.url}/reservations")
    row = page.get_by_test_id("reservation-row")
    expect(row.get_by_test_id("reservation-state")).to_have_attribute("data-state", "pending")
    row.get_by_test_id("checkout-link").click()
    expect(page).to_have_url(re.compile(f"/checkout/{reservation['id']}$"))
    expect(page.get_by_test_id("pay-button")).to_be_enabled()


# Money back


@SIZES
@LOCALES
def test_one_seat_of_two_is_refunded(
    open_page: OpenPage,
    shop_server: Server,
    match: Match,
    buyer: Buyer,
    sandbox: Sandbox,
    viewport: dict,
    locale: str,
) -> None:
    reservation = reserve(shop_server, match, buyer)
    seat_id = reservation["seats"][0]["id"]
    page = open_page(viewport=viewport, locale=locale)
    be(page, shop_server, buyer)
    page.goto(f"{shop_server.url}/checkout/{reservation['id']}")
    pay_with(page, "good")
    expect_tickets(page, 2)

    page.get_by_test_id("refund-button").click()
    expect(page.get_by_test_id("refund-submit")).to_be_disabled()
    page.get_by_test_id("refund-all").check()
    expect(page.get_by_test_id("refund-amount")).to_contain_text("30,000")
    page.get_by_test_id("refund-all").uncheck()
    page.locator(f"[data-testid=refund-seat][data-seat-id='{seat_id}']").check()
    expect(page.get_by_test_id("refund-amount")).to_contain_text("15,000")
    page.get_by_test_id("refund-submit").click()

    expect(page.get_by_test_id("refund-dialog")).to_have_count(0)
    expect_tickets(page, 1)
    expect(page.locator(f"[data-testid=reserved-seat][data-seat-id='{seat_id}'] s").first).to_be_visible()
    expect(page.get_by_test_id("refund-row")).to_have_attribute("data-status", "DONE", timeout=15_000)
    expect_no_overflow(page)
    assert sandbox.payment(reservation["orderId"])["balanceAmount"] == PRICE


def test_a_reservation_that_is_refunded_whole_has_no_tickets_left(
    at_checkout: tuple[Page, dict], shop_server: Server, buyer: Buyer
) -> None:
    page, reservation = at_checkout
    pay_with(page, "good")
    expect_tickets(page, 2)
    page.get_by_test_id("refund-button").click()
    page.get_by_test_id("refund-all").check()
    page.get_by_test_id("refund-submit").click()
    expect(page.get_by_test_id("reservation-notice")).to_have_attribute("data-state", "refunded")
    expect_tickets(page, 0)
    expect(page.get_by_test_id("refund-button")).to_have_count(0)
    assert reservation_of(shop_server, buyer, reservation["id"])["status"] == "CANCELLED"


# Where there is no gateway, and where its script may run


def test_without_a_gateway_the_checkout_says_so(
    open_page: OpenPage,
    sqlite_url: str,
    make_world: Callable[[str], World],
    make_server: Callable[..., Server],
) -> None:
    world = make_world(sqlite_url)
    server = make_server(sqlite_url)
    match, buyer = world.match(rows=2, cols=5), world.buyer()
    page = open_page(locale="en-GB")
    be(page, server, buyer)
    reservation = reserve(server, match, buyer)
    page.goto(f"{server.url}/checkout/{reservation['id']}")
    expect(page.get_by_test_id("no-gateway")).to_be_visible()
    expect(page.get_by_test_id("pay-button")).to_be_disabled()


@pytest.mark.parametrize("path", ["/", "/matches/1", "/reservations", "/reservations/1"])
def test_no_page_but_the_checkout_may_load_the_gateways_script(
    shop_server: Server, paying: dict[str, object], path: str
) -> None:
    origin = str(paying["gateway_script_url"]).removesuffix("/v2/standard")
    elsewhere = httpx.get(f"{shop_server.url}{path}").headers["content-security-policy"]
    checkout = httpx.get(f"{shop_server.url}/checkout/1").headers["content-security-policy"]
    assert origin not in elsewhere
    assert origin in checkout
    assert "unsafe-inline" not in checkout
