"""A venue gets a new plan while its sale runs."""

import asyncio
import dataclasses
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import pytest

from jari.domain.errors import PlanDropsSeats
from jari.domain.venues import Block, Venue
from jari.main import Stores, open_stores
from jari.settings import Settings
from jari.usecases.organising import Organising
from support.servers import Server
from support.streams import Listener
from support.worlds import World, hall

MakeServer = Callable[..., Server]
MakeWorld = Callable[[str], World]


def with_seats(venue: Venue, choose: Callable[[Block], Block]) -> Venue:
    (section,) = venue.sections
    blocks = tuple(choose(block) for block in section.blocks)
    return dataclasses.replace(venue, sections=(dataclasses.replace(section, blocks=blocks),))


def plus_one_minus_one(block: Block) -> Block:
    """The last seat is gone, and a new one stands beside the first row."""
    new = dataclasses.replace(block.seats[0], guid="new", col=99, seat_label="99", x=block.seats[0].x - 10)
    return Block(block.name, (*block.seats[:-1], new))


def test_viewers_and_buyers_go_on_with_the_new_plan(
    database_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    world = make_world(database_url)
    match, buyer = world.match(hall(rows=2, cols=5)), world.buyer()
    held, dropped = match.seat_ids[0], match.seat_ids[-1]
    allocations = f"/api/matches/{match.id}/allocations"
    server = make_server(database_url, poll_ms=100)
    url = f"{server.url}/api/matches/{match.id}/blocks/{match.block_id}/seats/status-stream"
    with Listener(url) as listener, buyer.client(server.url) as client:
        client.post(allocations, json={"seatIds": [held]}).raise_for_status()
        listener.wait_for_status(held, "HOLD")

        world.run(
            Organising(world.stores.catalogue).import_venue(with_seats(match.venue, plus_one_minus_one))
        )
        new = world.run(world.stores.catalogue.seat_ids(match.venue_id))["new"]

        listener.wait_for_status(new, "AVAILABLE")
        statuses = listener.statuses()
        assert statuses[held] == "HOLD"
        assert dropped not in statuses
        assert client.post(allocations, json={"seatIds": [dropped]}).json()["code"] == "UNKNOWN_SEATS"
        client.post(allocations, json={"seatIds": [new]}).raise_for_status()
        listener.wait_for_status(new, "HOLD")


def test_a_till_that_has_not_heard_of_the_new_plan_looks_again_before_it_decides(
    database_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    """The poll comes too late here: the first hold itself finds out."""
    world = make_world(database_url)
    match, buyer = world.match(hall(rows=2, cols=5)), world.buyer()
    allocations = f"/api/matches/{match.id}/allocations"
    server = make_server(database_url, poll_ms=60_000)
    with buyer.client(server.url) as client:
        client.post(allocations, json={"seatIds": [match.seat_ids[0]]}).raise_for_status()
        world.run(
            Organising(world.stores.catalogue).import_venue(with_seats(match.venue, plus_one_minus_one))
        )
        refused = client.post(allocations, json={"seatIds": [match.seat_ids[-1]]})
        assert refused.json()["code"] == "UNKNOWN_SEATS"
    assert [each.seat_id for each in world.allocations(match)] == [match.seat_ids[0]]


def test_a_plan_that_drops_a_held_seat_is_refused_whole(
    database_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    world = make_world(database_url)
    match, buyer = world.match(hall(rows=2, cols=5)), world.buyer()
    server = make_server(database_url)
    with buyer.client(server.url) as client:
        client.post(
            f"/api/matches/{match.id}/allocations", json={"seatIds": [match.seat_ids[-1]]}
        ).raise_for_status()
    with pytest.raises(PlanDropsSeats) as refusal:
        world.run(
            Organising(world.stores.catalogue).import_venue(with_seats(match.venue, plus_one_minus_one))
        )
    assert refusal.value.seat_ids == (match.seat_ids[-1],)
    assert set(world.run(world.stores.catalogue.seat_ids(match.venue_id)).values()) == set(match.seat_ids)


def import_apart(url: str, plan: Venue) -> float:
    """What ``jari venue import`` does, in a process of its own: how many seconds it takes."""

    async def work() -> float:
        stores = await open_stores(Settings(database=url))
        try:
            started = time.perf_counter()
            await Organising(stores.catalogue).import_venue(plan)
            return time.perf_counter() - started
        finally:
            await stores.close()

    return asyncio.run(work())


async def longest_wait_of_a_till(stores: Stores, schedule_id: int, until: asyncio.Future[float]) -> float:
    longest = 0.0
    while not until.done():
        started = time.perf_counter()
        async with stores.seating.transaction(schedule_id):
            pass
        longest = max(longest, time.perf_counter() - started)
        await asyncio.sleep(0.001)
    return longest


async def sell_while_importing(
    stores: Stores, schedule_id: int, url: str, plan: Venue
) -> tuple[float, float]:
    """How long the import took, and how long a till waited at most meanwhile."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        await asyncio.wrap_future(pool.submit(abs, 0))  # the process is there
        importing = asyncio.wrap_future(pool.submit(import_apart, url, plan))
        waited = await longest_wait_of_a_till(stores, schedule_id, importing)
        return await importing, waited


def test_tills_wait_for_the_differences_only(database_url: str, make_world: MakeWorld) -> None:
    """Once they waited for the whole plan to be written: a second or two for a ballpark."""
    world = make_world(database_url)
    match = world.ballpark()
    first = next(match.venue.seats())
    shorter = dataclasses.replace(
        match.venue,
        sections=tuple(
            dataclasses.replace(
                section,
                blocks=tuple(
                    Block(block.name, tuple(each for each in block.seats if each != first))
                    for block in section.blocks
                ),
            )
            for section in match.venue.sections
        ),
    )
    took, waited = world.run(sell_while_importing(world.stores, match.id, database_url, shorter))
    assert waited < took / 2
