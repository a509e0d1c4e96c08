"""Finding a match and its seats: what the API tells without anybody logged in."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pytest_bdd import given, scenarios, then, when
from scenes import House, Scene, data_of, moment, problem_of, step

from jari.domain.schedules import Kind
from jari.domain.venues import Seat
from jari.usecases.organising import Organising
from support.databases import sqlite_in
from support.servers import Server
from support.worlds import World, hall

NO_SUCH_ID = 2**62
BEYOND_ALL_NUMBERS = 10**30
YEAR_MS = 366 * 86_400_000

PARTS = {
    "sections": "/sections",
    "blocks": "/blocks",
    "block's seats": "/blocks/{block}/seats",
    "block's seat statuses": "/blocks/{block}/seats/status",
    "layout": "/seats",
    "taken seats": "/seat-status",
}
NO_SUCH_PLACES = {
    "a match that there is not": "/api/matches/{unknown}",
    "a match with a number beyond all numbers": "/api/matches/{huge}",
    "the sections of a match that there is not": "/api/matches/{unknown}/sections",
    "the seats of a match that there is not": "/api/matches/{unknown}/blocks/{block}/seats",
    "the status of a match that there is not": "/api/schedules/{unknown}/seat-status",
    "a block that there is not": "/api/matches/{match}/blocks/{unknown}/seats",
    "the status of a block that there is not": "/api/matches/{match}/blocks/{unknown}/seats/status",
    "the stream of a block that there is not": "/api/matches/{match}/blocks/{unknown}/seats/status-stream",
    "the stream of a match that there is not": "/api/schedules/{unknown}/seats/stream",
    "a block of another match": "/api/matches/{match}/blocks/{foreign}/seats",
    "the status of a block of another match": "/api/matches/{match}/blocks/{foreign}/seats/status",
    "the stream of a block of another match": "/api/matches/{match}/blocks/{foreign}/seats/status-stream",
    "a page that there is not": "/api/tickets",
}
SEAT_FIELDS = {
    "row": "row",
    "col": "col",
    "rowLabel": "row_label",
    "seatLabel": "seat_label",
    "x": "x",
    "y": "y",
    "grade": "grade",
    "accessible": "accessible",
    "companion": "companion",
    "restrictedView": "restricted_view",
    "aisle": "aisle",
}
FLAGS = ("accessible", "companion", "restrictedView", "aisle")

scenarios("catalogue.feature")


@dataclass
class Season:
    """A house with nothing but the occasions of the feature."""

    house: House
    ids: dict[str, int] = field(default_factory=dict)  # by title


@dataclass
class Look:
    """What was looked up last."""

    path: str = ""
    answer: httpx.Response = field(default_factory=lambda: httpx.Response(500))
    etag: str = ""

    def at(self, scene: Scene, path: str, **options: Any) -> httpx.Response:
        self.path, self.answer = path, httpx.get(f"{scene.url}{path}", timeout=30, **options)
        return self.answer


@pytest.fixture
def look() -> Look:
    return Look()


@pytest.fixture(scope="session")
def season(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Season]:
    directory = tmp_path_factory.mktemp("season")
    url = sqlite_in(directory)
    server = Server(url, directory / "server.log").start()
    world = World(url)
    yield Season(House(server, world))
    server.kill()
    world.close()


@given("a season with these occasions")
def a_season(scene: Scene, season: Season, datatable: list[list[str]]) -> None:
    scene.house = season.house
    if season.ids:  # scenarios only look at it
        return
    world = season.house.world
    organising = Organising(world.stores.catalogue, world.stores.news)
    venue_id, _ = world.run(organising.import_venue(hall()))
    for title, kind, starts, sale in datatable[1:]:
        starts_ms = int(datetime.fromisoformat(starts).replace(tzinfo=UTC).timestamp() * 1000)
        season.ids[title] = world.run(
            organising.create_schedule(
                venue_id=venue_id,
                kind=Kind(kind),
                title=title,
                starts_ms=starts_ms,
                opens_ms=time.time_ns() // 1_000_000 + YEAR_MS if sale == "later" else None,
            )
        )
        if sale == "open":
            world.run(organising.open_sale(season.ids[title]))


@given("the ballpark")
def the_ballpark(scene: Scene) -> None:
    scene.stage = scene.house.world.ballpark()


@when(step("the (?P<kind>matches|schedules) are listed(?: with (?P<filters>.+))?"))
def occasions_are_listed(scene: Scene, look: Look, kind: str, filters: str | None) -> None:
    params = dict(each.split("=", 1) for each in filters.split(" and ")) if filters else {}
    look.at(scene, f"/api/{kind}", params=params)


@then(step("the list is TEXT"))
def the_list_is(look: Look, text: str) -> None:
    items = data_of(look.answer)["items"]
    assert [each["title"] for each in items] == [title for title in text.split("; ") if title]


@then(step("it is page (?P<page>[0-9]+) of (?P<pages>[0-9]+), of (?P<total>[0-9]+) in all"))
def it_is_page(look: Look, page: str, pages: str, total: str) -> None:
    data = data_of(look.answer)
    assert (data["page"], data["pages"], data["total"]) == (int(page), int(pages), int(total))


@then(step("the list is refused: CODE"))
def the_list_is_refused(look: Look, code: str) -> None:
    problem_of(look.answer, code)


@then(step("TEXT is the same occasion among the matches and among the schedules"))
def it_is_the_same(scene: Scene, season: Season, text: str) -> None:
    one, other = (
        data_of(httpx.get(f"{scene.url}/api/{kind}/{season.ids[text]}")) for kind in ("matches", "schedules")
    )
    assert one == other
    assert one["title"] == text


@when("the match is looked up")
def the_match_is_looked_up(scene: Scene, look: Look) -> None:
    look.at(scene, scene.path)


@then("it tells its title, its venue, its start, its sale and how many seats it has")
def it_tells_the_match(scene: Scene, look: Look) -> None:
    data = data_of(look.answer)
    venue = scene.match.venue
    assert (data["id"], data["kind"], data["title"]) == (scene.match.id, "match", "LG : Doosan")
    assert (data["venueName"], data["venue"]["name"]) == (venue.name, venue.name)
    assert moment(data["startsAt"]) > time.time()
    assert (data["status"], data["maxSeats"], data["holdSeconds"]) == ("OPEN", 4, 300)
    assert data["seatCount"] == len(scene.match.seat_ids)


@then("it tells the price of each grade in won")
def it_tells_the_prices(look: Look) -> None:
    venue = data_of(look.answer)["venue"]
    assert venue["currency"] == "KRW"
    assert venue["grades"] == [{"code": "red", "name": "레드석", "color": "#d03030", "price": 15_000}]


@then("the sections of the match lead to its blocks")
def sections_lead_to_blocks(scene: Scene, look: Look) -> None:
    match = scene.match
    expected = [
        {
            "name": section.name,
            "grade": section.grade,
            "blocks": [
                {"id": match.block_ids[block.name], "name": block.name, "seatCount": len(block.seats)}
                for block in section.blocks
            ],
        }
        for section in match.venue.sections
    ]
    assert data_of(look.at(scene, f"{scene.path}/sections"))["sections"] == expected
    blocks = data_of(look.at(scene, f"{scene.path}/blocks"))["blocks"]
    assert blocks == [
        {**block, "section": section["name"], "grade": section["grade"]}
        for section in expected
        for block in section["blocks"]
    ]


@then("each block leads to its seats")
def blocks_lead_to_seats(scene: Scene, look: Look) -> None:
    match = scene.match
    with httpx.Client(base_url=scene.url, timeout=30) as client:
        for section, block in match.venue.blocks():
            block_id = match.block_ids[block.name]
            data = data_of(client.get(f"{scene.path}/blocks/{block_id}/seats"))
            assert (data["blockId"], data["block"], data["section"]) == (block_id, block.name, section.name)
            seat_ids = match.seat_ids_of_block[block.name]
            assert data["seats"] == [
                _as_told(seat_id, seat) for seat_id, seat in zip(seat_ids, block.seats, strict=True)
            ]


@then("a seat tells where it is and what it is like")
def a_seat_tells(scene: Scene, look: Look) -> None:
    path = PARTS["block's seats"].format(block=scene.match.block_ids["102"])
    assert data_of(look.at(scene, f"{scene.path}{path}"))["seats"][0] == {
        "id": scene.match.seat_at[6, 1],
        "row": 6,
        "col": 1,
        "rowLabel": "1",
        "seatLabel": "1",
        "x": 260.0,
        "y": 20.0,
        "grade": "red",
        "accessible": False,
        "companion": False,
        "restrictedView": False,
        "aisle": False,
    }


@then("the whole layout tells the same")
def the_layout_tells_the_same(scene: Scene, look: Look) -> None:
    layout = data_of(look.at(scene, f"{scene.path}/seats"))
    columns = layout["seats"]
    told = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    flagged = {flag: set(layout[flag]) for flag in FLAGS}
    match = scene.match
    block_ids = [match.block_ids[block.name] for _, block in match.venue.blocks() for _ in block.seats]
    assert [each.pop("blockId") for each in told] == block_ids
    assert [each | {flag: each["id"] in seat_ids for flag, seat_ids in flagged.items()} for each in told] == [
        _as_told(seat_id, seat) for seat_id, seat in zip(match.seat_ids, match.venue.seats(), strict=True)
    ]


@when(step("the (?P<part>[a-z' ]+) of the match are loaded"))
def a_part_is_loaded(scene: Scene, look: Look, part: str) -> None:
    answer = look.at(scene, scene.path + PARTS[part].format(block=scene.match.block_id))
    data_of(answer)
    look.etag = answer.headers["etag"]


@when("they are loaded again by somebody who has them")
def they_are_loaded_again(scene: Scene, look: Look) -> None:
    look.at(scene, look.path, headers={"If-None-Match": look.etag})


@then("nothing is sent")
def nothing_is_sent(look: Look) -> None:
    assert (look.answer.status_code, look.answer.content) == (304, b"")
    assert look.answer.headers["etag"] == look.etag


@then("they are sent")
def they_are_sent(look: Look) -> None:
    assert data_of(look.answer)
    assert look.answer.headers["etag"] != look.etag


@then("the layout is sent compressed to whoever takes that, and plain to others")
def the_layout_is_compressed(scene: Scene, look: Look) -> None:
    path = f"{scene.path}/seats"
    packed = look.at(scene, path, headers={"Accept-Encoding": "gzip"})
    plain = look.at(scene, path, headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 4


@then(step("the taken seats of the match are SEATS"))
def the_taken_seats_are(scene: Scene, look: Look, seats: str) -> None:
    data = data_of(look.at(scene, f"/api/schedules/{scene.match.id}/seat-status"))
    assert data["seats"] == [{**place, "status": "HOLD"} for place in scene.places(seats)]
    block = data_of(
        look.at(scene, scene.path + PARTS["block's seat statuses"].format(block=scene.match.block_id))
    )
    assert block["version"] == data["version"]
    assert [each["id"] for each in block["seats"]] == scene.match.seat_ids_of_block["101"]


@then("no seats of the match are taken")
def no_seats_are_taken(scene: Scene, look: Look) -> None:
    assert data_of(look.at(scene, f"/api/schedules/{scene.match.id}/seat-status"))["seats"] == []


@when(step("somebody looks for (?P<what>.+)"))
def somebody_looks_for(scene: Scene, look: Look, what: str) -> None:
    foreign = scene.house.world.match().block_id if "{foreign}" in NO_SUCH_PLACES[what] else 0
    path = NO_SUCH_PLACES[what].format(
        match=scene.match.id,
        block=scene.match.block_id,
        unknown=NO_SUCH_ID,
        huge=BEYOND_ALL_NUMBERS,
        foreign=foreign,
    )
    look.at(scene, path)


@then("nothing is found")
def nothing_is_found(look: Look) -> None:
    problem_of(look.answer, "NOT_FOUND")


def _as_told(seat_id: int, seat: Seat) -> dict[str, Any]:
    return {"id": seat_id, **{name: getattr(seat, field) for name, field in SEAT_FIELDS.items()}}
