"""What a test sees and does on a seat map, with the page's own modules, which every page serves."""

from typing import Any

from playwright.sync_api import Page, expect

from support.servers import Server
from support.worlds import Match

READY = "[data-testid=seat-map][aria-busy=false]"

# The page's layout and its view of the whole venue, from what the API gives; a seat's centre in CSS pixels.
PLACE_OF = """
async ([scheduleId, seatId]) => {
    const { Layout } = await import("/static/map/layout.js");
    const { View } = await import("/static/map/view.js");
    const api = await import("/static/api/client.js");
    const [schedule, { blocks }, seats] =
        await Promise.all([api.schedule(scheduleId), api.blocks(scheduleId), api.seats(scheduleId)]);
    const layout = new Layout(schedule.venue, blocks, seats);
    const view = new View(layout.bounds, layout.pitch);
    const canvas = document.querySelector("[data-testid=seat-map]");
    view.resize(canvas.clientWidth, canvas.clientHeight);
    const seat = layout.indexOf.get(seatId);
    return { ...view.toPixels(layout.x[seat], layout.y[seat]), left: view.x * view.scale, top: view.y * view.scale };
}
"""

# The colour that the canvas shows at a place of the whole view: drawn from its corner in whole device pixels.
COLOUR_AT = """
({ x, y, left, top }) => {
    const canvas = document.querySelector("[data-testid=seat-map]");
    const column = Math.floor(x + left) - Math.round(left);
    const row = Math.floor(y + top) - Math.round(top);
    return canvas.getContext("2d").getImageData(column, row, 1, 1).data.join();
}
"""

# Watches that place in every frame until it shows another colour; the colour, and when it came.
RECOLOURED = f"""
([place, before]) => new Promise((resolve) => {{
    const colourAt = {COLOUR_AT};
    const look = () => {{
        const colour = colourAt(place);
        if (colour === before) requestAnimationFrame(look);
        else resolve({{ colour, at: Date.now() }});
    }};
    look();
}})
"""


def open_map(page: Page, server: Server, match: Match) -> None:
    # The map jumps where it would glide, so that a click need not wait for it to come to rest.
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{server.url}/matches/{match.id}")
    page.wait_for_selector(READY, state="attached")


def place_of(page: Page, match: Match, seat_id: int) -> dict[str, Any]:
    """Where a seat is while the map shows the whole venue."""
    return page.evaluate(PLACE_OF, [match.id, seat_id])


def colour_at(page: Page, place: dict[str, Any]) -> str:
    return page.evaluate(COLOUR_AT, place)


def choose_near(page: Page, match: Match, seat_id: int) -> int:
    """Click where a seat is: once to come near and once to choose. Returns the id of the seat that was hit."""
    page.get_by_test_id("zoom-whole").click()
    place = place_of(page, match, seat_id)
    canvas = page.get_by_test_id("seat-map")
    canvas.click(position={"x": place["x"], "y": place["y"]})
    chosen = page.get_by_test_id("selected-seat")
    if chosen.count() == 0:  # the seats were too small to hit: the first click moved the place to the middle
        canvas.click()
    expect(chosen).to_have_count(1)
    return int(chosen.get_attribute("data-seat-id") or "")
