"""A venue gets a new plan while its sale runs."""

import dataclasses
from collections.abc import Callable

import pytest

from jari.domain.errors import PlanDropsSeats
from jari.domain.venues import Block, Venue
from jari.usecases.organising import Organising
from support.imports import sell_while_importing, with_seats
from support.servers import Server
from support.streams import Listener
from support.worlds import World, hall

MakeServer = Callable[..., Server]
MakeWorld = Callable[[str], World]
IMPORTS = 5


def plus_one_minus_one(venue: Venue) -> Venue:
    """The last seat is gone, and a new one stands beside the first row."""
    (section,) = venue.sections
    (block,) = section.blocks
    new = dataclasses.replace(block.seats[0], guid="new", col=99, seat_label="99", x=block.seats[0].x - 10)
    changed = Block(block.name, (*block.seats[:-1], new))
    return dataclasses.replace(venue, sections=(dataclasses.replace(section, blocks=(changed,)),))


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
            Organising(world.stores.catalogue, world.stores.news).import_venue(
                plus_one_minus_one(match.venue)
            )
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
            Organising(world.stores.catalogue, world.stores.news).import_venue(
                plus_one_minus_one(match.venue)
            )
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
            Organising(world.stores.catalogue, world.stores.news).import_venue(
                plus_one_minus_one(match.venue)
            )
        )
    assert refusal.value.seat_ids == (match.seat_ids[-1],)
    assert set(world.run(world.stores.catalogue.seat_ids(match.venue_id)).values()) == set(match.seat_ids)


def test_tills_wait_for_the_differences_only(database_url: str, make_world: MakeWorld) -> None:
    """Once they waited for the whole plan to be written, every time: for most of what an import takes.

    The machine may be busy with something else just then, so one import of several shows it.
    """
    world = make_world(database_url)
    match = world.ballpark()
    first = next(match.venue.seats())
    shorter = with_seats(match.venue, lambda each: None if each == first else each)
    parts = []
    for number in range(IMPORTS):
        plan = match.venue if number % 2 else shorter
        took, waited = world.run(sell_while_importing(world.stores, match.id, database_url, plan))
        parts.append(waited / took)
        if parts[-1] < 1 / 2:
            return
    pytest.fail(f"tills waited for so much of each import: {parts}")
