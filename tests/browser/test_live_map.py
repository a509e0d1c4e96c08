"""The page in a real browser: what one buyer does, another sees."""

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from jari.usecases.organising import Organising
from support.servers import Server
from support.worlds import Match, World, hall

HOLD_COLOUR_SECONDS = 1.0
READY = "html[data-ready=true]"


def open_map(page: Page, server: Server, match: Match) -> None:
    page.goto(f"{server.url}/matches/{match.id}")
    page.wait_for_selector(READY, state="attached")


def log_in_as_a_new_fan(page: Page, email: str) -> None:
    page.get_by_test_id("log-in-button").click()
    page.get_by_test_id("account-mode").click()
    page.get_by_test_id("email-input").fill(email)
    page.get_by_test_id("password-input").fill("correct horse battery")
    page.get_by_test_id("name-input").fill("팬")
    page.get_by_test_id("account-submit").click()
    expect(page.get_by_test_id("account-name")).to_be_visible()


def choose(page: Page, seat_id: int) -> None:
    page.evaluate(f"jari.zoomTo({seat_id})")
    selected = page.locator(f"[data-testid=selected-seat][data-seat-id='{seat_id}']")
    for _ in range(20):  # the map glides to the seat: click where it is once it has come to rest
        before = page.evaluate(f"jari.seatPosition({seat_id})")
        page.wait_for_timeout(50)
        position = page.evaluate(f"jari.seatPosition({seat_id})")
        if position == before:
            break
    page.mouse.click(position["x"], position["y"])
    expect(selected).to_be_attached()


def test_a_hold_in_one_browser_recolours_the_seat_in_the_other_within_a_second(
    page: Page, browser: Browser, faults: list[str], page_server: Server, ballpark: Match
) -> None:
    seat_id = ballpark.seat_ids[5_000]
    other = browser.new_page()
    open_map(page, page_server, ballpark)
    open_map(other, page_server, ballpark)
    log_in_as_a_new_fan(page, "one@example.com")
    other.evaluate(f"jari.zoomTo({seat_id})")
    choose(page, seat_id)
    other.wait_for_timeout(500)
    free = other.evaluate(f"jari.seatColor({seat_id})")

    other.evaluate(
        """([seatId, free]) => {
            window.recoloured = new Promise((resolve) => {
                const started = performance.now();
                const look = () => {
                    const colour = jari.seatColor(seatId);
                    if (colour !== free) resolve({ colour, at: Date.now() });
                    else if (performance.now() - started < 20000) requestAnimationFrame(look);
                };
                look();
            });
        }""",
        [seat_id, free],
    )
    with page.expect_response(lambda answer: answer.url.endswith("/allocations") and answer.status == 201):
        page.get_by_test_id("hold-button").click()
    held_at = page.evaluate("Date.now()")
    seen = other.evaluate("window.recoloured")

    assert seen["colour"] != free
    assert (seen["at"] - held_at) / 1000 < HOLD_COLOUR_SECONDS
    assert other.evaluate(f"jari.seatStatus({seat_id})") == "HOLD"
    expect(page.locator(f"[data-testid=held-seat][data-seat-id='{seat_id}']")).to_be_attached()

    page.get_by_test_id("release-all-button").first.click()
    other.wait_for_selector("[data-testid=connection][data-state=live]", state="attached")
    for _ in range(100):
        if other.evaluate(f"jari.seatColor({seat_id})") == free:
            break
        other.wait_for_timeout(50)
    assert other.evaluate(f"jari.seatColor({seat_id})") == free
    other.close()


def test_seats_that_somebody_else_took_first_are_named_and_dropped_from_the_choice(
    page: Page, faults: list[str], page_server: Server, page_world: World, ballpark: Match
) -> None:
    seat_id = ballpark.seat_ids[9_000]
    open_map(page, page_server, ballpark)
    log_in_as_a_new_fan(page, "two@example.com")
    choose(page, seat_id)
    allocations = f"/api/schedules/{ballpark.id}/allocations"

    def let_somebody_else_be_first(route: Route) -> None:
        if route.request.method == "POST":
            with page_world.buyer().client(page_server.url) as other:
                other.post(allocations, json={"seatIds": [seat_id]}).raise_for_status()
        route.continue_()

    page.route(f"**{allocations}", let_somebody_else_be_first)
    with page.expect_response(lambda answer: answer.status == 409):
        page.get_by_test_id("hold-button").click()
    expect(page.locator(f"[data-testid=selected-seat][data-seat-id='{seat_id}']")).not_to_be_attached()
    expect(page.get_by_test_id("message")).to_be_visible()


def test_the_map_follows_again_after_the_server_was_away(
    page: Page, faults: list[str], sqlite_url: str, make_world: object, make_server: object
) -> None:
    world = make_world(sqlite_url)  # type: ignore[operator]
    server = make_server(sqlite_url, retry_min_ms=100, retry_max_ms=200)  # type: ignore[operator]
    match, buyer = world.match(rows=10, cols=20), world.buyer()
    seat_id = match.seat_ids[7]
    open_map(page, server, match)

    server.kill()
    expect(page.get_by_test_id("connection")).not_to_have_attribute("data-state", "live")
    server.start()
    with buyer.client(server.url) as client:
        client.post(f"/api/matches/{match.id}/allocations", json={"seatIds": [seat_id]}).raise_for_status()

    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live", timeout=20_000)
    for _ in range(100):
        if page.evaluate(f"jari.seatStatus({seat_id})") == "HOLD":
            break
        page.wait_for_timeout(50)
    assert page.evaluate(f"jari.seatStatus({seat_id})") == "HOLD"


@pytest.mark.parametrize(("width", "height"), [(375, 812), (1440, 900)], ids=["phone", "desktop"])
@pytest.mark.parametrize("locale", ["ko-KR", "en-GB"])
def test_the_list_leads_to_the_map_at_every_size_and_in_both_languages(
    browser: Browser,
    page_server: Server,
    ballpark: Match,
    width: int,
    height: int,
    locale: str,
    tmp_path: Path,
) -> None:
    context = browser.new_context(viewport={"width": width, "height": height}, locale=locale)
    page = context.new_page()
    page.goto(page_server.url)
    expect(page.locator("html")).to_have_attribute("lang", locale[:2])
    page.locator(f"a[href='/matches/{ballpark.id}']").first.click()
    page.wait_for_selector(READY, state="attached")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    colour = page.evaluate(f"jari.seatColor({ballpark.seat_ids[0]})")
    assert colour.startswith("#")
    context.close()


def test_seats_can_be_chosen_by_keyboard_alone(
    page: Page, faults: list[str], page_server: Server, ballpark: Match
) -> None:
    open_map(page, page_server, ballpark)
    page.get_by_test_id("block-select").select_option(index=3)
    seat = page.get_by_test_id("seat-button").first
    seat.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("selected-seat")).to_have_count(1)


def test_an_open_page_takes_up_a_new_plan(
    page: Page, faults: list[str], page_server: Server, page_world: World
) -> None:
    """A seat that has gone can be chosen no more, and one that has come can, without loading the page anew."""
    plan = hall(rows=1, cols=4)
    match = page_world.match(plan)
    open_map(page, page_server, match)
    (section,) = plan.sections
    (block,) = section.blocks
    new = replace(block.seats[0], guid="new", col=9, seat_label="9")
    seats = (*block.seats[1:], new)
    page_world.run(
        Organising(page_world.stores.catalogue).import_venue(
            replace(plan, sections=(replace(section, blocks=(replace(block, seats=seats),)),))
        )
    )
    new_id = page_world.run(page_world.stores.catalogue.seat_ids(match.venue_id))["new"]
    page.wait_for_function(
        f"() => window.jari && Number.isFinite(jari.seatPosition({new_id}).x)",
        timeout=15_000,
    )
    log_in_as_a_new_fan(page, "plan@example.com")
    choose(page, new_id)
