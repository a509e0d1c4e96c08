"""The page in a real browser: what one buyer does, another sees."""

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from jari.usecases.organising import Organising
from support.seatmaps import COLOUR_AT, READY, RECOLOURED, choose_near, colour_at, open_map, place_of
from support.servers import Server
from support.worlds import Match, World, hall

HOLD_COLOUR_SECONDS = 1.0


def log_in_as_a_new_fan(page: Page, email: str) -> None:
    page.get_by_test_id("log-in-button").click()
    page.get_by_test_id("account-mode").click()
    page.get_by_test_id("email-input").fill(email)
    page.get_by_test_id("password-input").fill("correct horse battery")
    page.get_by_test_id("name-input").fill("팬")
    page.get_by_test_id("account-submit").click()
    expect(page.get_by_test_id("account-name")).to_be_visible()


def test_a_hold_in_one_browser_recolours_the_seat_in_the_other_within_a_second(
    page: Page, browser: Browser, faults: list[str], page_server: Server, ballpark: Match
) -> None:
    other = browser.new_page()
    open_map(page, page_server, ballpark)
    open_map(other, page_server, ballpark)
    log_in_as_a_new_fan(page, "one@example.com")
    seat_id = choose_near(page, ballpark, ballpark.seat_ids[5_000])
    place = place_of(other, ballpark, seat_id)
    free = colour_at(other, place)

    watching = other.evaluate_handle(f"(given) => ({{ seen: ({RECOLOURED})(given) }})", [place, free])
    with page.expect_response(lambda answer: answer.url.endswith("/allocations") and answer.status == 201):
        page.get_by_test_id("hold-button").click()
    held_at = page.evaluate("Date.now()")
    seen = watching.evaluate("({ seen }) => seen")

    assert (seen["at"] - held_at) / 1000 < HOLD_COLOUR_SECONDS
    expect(other.get_by_test_id("count-held")).to_have_text("1")
    expect(page.locator(f"[data-testid=held-seat][data-seat-id='{seat_id}']")).to_be_attached()

    page.get_by_test_id("release-all-button").first.click()
    expect(other.get_by_test_id("count-held")).to_have_text("0")
    other.wait_for_function(f"([place, free]) => ({COLOUR_AT})(place) === free", arg=[place, free])
    other.close()


def test_seats_that_somebody_else_took_first_are_named_and_dropped_from_the_choice(
    page: Page, faults: list[str], page_server: Server, page_world: World, ballpark: Match
) -> None:
    open_map(page, page_server, ballpark)
    log_in_as_a_new_fan(page, "two@example.com")
    seat_id = choose_near(page, ballpark, ballpark.seat_ids[9_000])
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
    expect(page.get_by_test_id("count-held")).to_have_text("1")


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
    ground = colour_at(page, {"x": 0, "y": 0, "left": 0, "top": 0})
    assert colour_at(page, place_of(page, ballpark, ballpark.seat_ids[0])) != ground
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


def test_whoever_holds_by_keyboard_is_told_so_and_does_not_give_back_by_pressing_again(
    page: Page, faults: list[str], page_server: Server, page_world: World
) -> None:
    open_map(page, page_server, page_world.match(rows=2, cols=5))
    log_in_as_a_new_fan(page, "keyboard@example.com")
    page.get_by_test_id("block-select").select_option(index=1)
    page.get_by_test_id("seat-button").first.press("Enter")
    page.get_by_test_id("hold-button").press("Enter")
    expect(page.get_by_test_id("held-seat")).to_have_count(1)
    expect(page.get_by_test_id("summary")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_test_id("release-button").press("Enter")
    expect(page.get_by_test_id("held-seat")).to_have_count(0)
    expect(page.get_by_test_id("summary")).to_be_focused()


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
        Organising(page_world.stores.catalogue, page_world.stores.news).import_venue(
            replace(plan, sections=(replace(section, blocks=(replace(block, seats=seats),)),))
        )
    )
    new_id = page_world.run(page_world.stores.catalogue.seat_ids(match.venue_id))["new"]
    expect(page.get_by_test_id("count-available")).to_have_text("4")
    new_seat = page.locator(f"[data-testid=seat-button][data-seat-id='{new_id}']")
    for _ in range(100):  # the page opens itself anew, at a moment of its own
        page.get_by_test_id("block-select").select_option(index=1)
        if new_seat.count() == 1:
            break
        page.wait_for_timeout(100)
    assert choose_near(page, match, new_id) == new_id
