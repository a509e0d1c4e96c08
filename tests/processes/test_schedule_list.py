"""The list of schedules, which everybody may ask for: what it costs, and that it is right all the same."""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator

import httpx
import msgspec
import pytest
from sqlalchemy import insert, update

from jari.adapters.sql.tables import schedules
from support.servers import Server
from support.worlds import Match, World

FEW, MANY = 25, 6_000
SAMPLES = 40
# A page of six thousand schedules may cost so many times what one of a few does; it was twenty times as much.
DEARER = 4
DAY_MS = 24 * 3_600_000
LONG_AGO, LATE = "2001", "2096"
EARLY_MS, LATE_MS = 2_000_000_000_000, 4_000_000_000_000
POLL_SECONDS = 1.0
FLOOD = 200


def add_schedules(world: World, match: Match, count: int, first_ms: int) -> None:
    """Schedules in the venue of a match, three at a time: written in one go, for each would wait for the disk."""
    rows = [
        {
            "venue_id": match.venue_id,
            "kind": "match" if number % 2 else "performance",
            "title": f"{number}",
            "starts_ms": first_ms + number // 3 * DAY_MS,
            "enabled": True,
            "opens_ms": 0,
            "epoch": "0",
            "version": 0,
            "layout_revision": 1,
        }
        for number in range(count)
    ]

    async def write() -> None:
        async with world.stores.database.write() as connection:
            await connection.execute(insert(schedules), rows)

    world.run(write())


def same_page(year: str, _: int) -> dict[str, object]:
    return {"limit": 1, "from": f"{year}-01-01"}


def another_page(year: str, number: int) -> dict[str, object]:
    return {"limit": 1, "from": f"{year}-01-01T00:00:{number:02}Z"}


@pytest.mark.parametrize("query", [same_page, another_page])
def test_what_a_page_costs_does_not_depend_on_how_many_schedules_there_are(
    database_url: str,
    make_world: Callable[[str], World],
    make_server: Callable[..., Server],
    query: Callable[[str, int], dict[str, object]],
) -> None:
    """Asked for by turns, so that whatever else the machine does is in both."""
    world = make_world(database_url)
    match = world.match()
    add_schedules(world, match, MANY, EARLY_MS)
    add_schedules(world, match, FEW, LATE_MS)
    took: dict[str, list[float]] = {LATE: [], LONG_AGO: []}
    with httpx.Client(base_url=make_server(database_url).url) as client:
        for number in range(SAMPLES):
            for year, seconds in took.items():
                started = time.perf_counter()
                client.get("/api/schedules", params=query(year, number)).raise_for_status()
                seconds.append(time.perf_counter() - started)
        assert client.get("/api/schedules").json()["data"]["total"] == 1 + MANY + FEW
    assert statistics.median(took[LONG_AGO]) < DEARER * statistics.median(took[LATE])


def another_long_page(number: int) -> str:
    return f"/api/schedules?limit=200&from=2001-01-01T00:{number // 60:02}:{number % 60:02}Z"


class Onlooker:
    """A connection on which one request follows the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def ask(self, path: str) -> None:
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    async def answer(self) -> tuple[int, bytes]:
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        body = await self._reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r", 1)[0]))
        return int(head.split(b" ", 2)[1]), body

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


async def flood_and_come_in(server: Server) -> tuple[Counter[int], Counter[int], bytes]:
    """Many ask for a page of their own each; then somebody comes in by the first page.

    How the many were answered until that one was, and how all of them were in the end; and the first page.
    """
    onlookers = [Onlooker(*await asyncio.open_connection("127.0.0.1", server.port)) for _ in range(FLOOD + 1)]
    *flood, visitor = onlookers
    answered: Counter[int] = Counter()

    async def wait(onlooker: Onlooker) -> None:
        status, body = await onlooker.answer()
        assert status == 200 or msgspec.json.decode(body)["code"] == "UNAVAILABLE"
        answered[status] += 1

    for number, each in enumerate(flood):
        each.ask(another_long_page(number))
    waiting = [asyncio.create_task(wait(each)) for each in flood]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)  # the flood has come in
    visitor.ask("/api/schedules")
    status, body = await visitor.answer()
    assert status == 200
    before = answered.copy()
    await asyncio.gather(*waiting)
    await asyncio.gather(*(each.close() for each in onlookers))
    return before, answered, body


def test_whoever_asks_for_ever_other_pages_waits_for_themselves(
    database_url: str, make_world: Callable[[str], World], make_server: Callable[..., Server]
) -> None:
    """The page that people come in by passes them; it came when all of them had been looked up."""
    world = make_world(database_url)
    add_schedules(world, world.match(), MANY, EARLY_MS)
    before, after, _ = asyncio.run(flood_and_come_in(make_server(database_url, catalogue_queue_size=FLOOD)))
    assert before.total() < FLOOD / 2
    assert after == {200: FLOOD}


def test_only_so_many_pages_wait_and_the_first_one_finds_room(
    database_url: str, make_world: Callable[[str], World], make_server: Callable[..., Server]
) -> None:
    world = make_world(database_url)
    add_schedules(world, world.match(), MANY, EARLY_MS)
    server = make_server(database_url, catalogue_queue_size=20)
    _, after, first = asyncio.run(flood_and_come_in(server))
    assert set(after) == {200, 503}
    assert msgspec.json.decode(first)["data"]["total"] == 1 + MANY
    assert httpx.get(f"{server.url}{another_long_page(FLOOD)}").status_code == 200


def test_a_page_behind_the_last_is_known_to_be_empty(
    sqlite_url: str, make_world: Callable[[str], World], make_server: Callable[..., Server]
) -> None:
    """Nothing is looked up for it until the next look, which is a minute away."""
    world = make_world(sqlite_url)
    match = world.match()
    add_schedules(world, match, FEW, EARLY_MS)
    server = make_server(sqlite_url, poll_ms=60_000)
    with httpx.Client(base_url=server.url) as client:
        known = client.get("/api/schedules", params={"limit": 5}).json()["data"]
        assert (known["pages"], known["total"]) == (6, FEW + 1)
        add_schedules(world, match, 1, LATE_MS)
        for number in (7, 8, 10**15):
            data = client.get("/api/schedules", params={"limit": 5, "page": number}).json()["data"]
            assert (data["items"], data["total"], data["page"]) == ([], FEW + 1, number)
        assert client.get("/api/schedules", params={"limit": 5, "page": 6}).json()["data"]["total"] == FEW + 2


@pytest.fixture
def league(shared_server: Server, shared_world: World) -> Iterator[httpx.Client]:
    """The late schedules, some of which begin at the same time."""
    add_schedules(shared_world, shared_world.match(), FEW, LATE_MS)
    with httpx.Client(base_url=shared_server.url) as client:
        yield client


def test_the_pages_together_are_the_list(league: httpx.Client) -> None:
    titles, number = [], 1
    while True:
        query = {"from": f"{LATE}-01-01", "limit": 4, "page": number}
        data = league.get("/api/schedules", params=query).json()["data"]
        assert (data["page"], data["pages"], data["total"]) == (number, 7, 25)
        titles += [each["title"] for each in data["items"]]
        if number == data["pages"]:
            break
        number += 1
    assert titles == [f"{number}" for number in range(25)]
    matches = league.get("/api/matches", params={"from": f"{LATE}-01-01", "limit": 200}).json()["data"]
    assert [each["title"] for each in matches["items"]] == [f"{number}" for number in range(1, 25, 2)]


def test_what_another_process_changes_is_in_the_list_within_a_poll(
    sqlite_url: str, make_world: Callable[[str], World], make_server: Callable[..., Server]
) -> None:
    world = make_world(sqlite_url)
    match = world.match(opened=False)
    server = make_server(sqlite_url)
    with httpx.Client(base_url=server.url) as client:

        def status() -> str:
            (only,) = client.get("/api/schedules").json()["data"]["items"]
            return only["status"]

        assert status() == "CLOSED"
        world.run(world.stores.catalogue.set_sale(match.id, enabled=True))
        until = time.monotonic() + POLL_SECONDS + 0.5
        while status() != "OPEN":
            assert time.monotonic() < until
            time.sleep(0.02)


def test_a_sale_opens_in_the_list_at_its_moment_and_not_when_the_list_is_looked_at_again(
    sqlite_url: str, make_world: Callable[[str], World], make_server: Callable[..., Server]
) -> None:
    """The next look is a minute away."""
    world = make_world(sqlite_url)
    match = world.match()
    server = make_server(sqlite_url, poll_ms=60_000)
    opens_ms = time.time_ns() // 1_000_000 + 2_000

    async def write() -> None:
        async with world.stores.database.write() as connection:
            await connection.execute(
                update(schedules).where(schedules.c.id == match.id).values(opens_ms=opens_ms)
            )

    world.run(write())
    seen = []
    with httpx.Client(base_url=server.url) as client:
        while "OPEN" not in seen:
            (only,) = client.get("/api/schedules").json()["data"]["items"]
            seen.append(only["status"])
            assert time.time_ns() // 1_000_000 < opens_ms + 10_000, seen
            time.sleep(0.05)
    assert time.time_ns() // 1_000_000 >= opens_ms
    assert seen[0] == "UPCOMING"
