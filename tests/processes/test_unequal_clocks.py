"""Two servers whose clocks differ by minutes: holds, their ends and openings go by the store's clock."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from jari.domain.schedules import Kind
from jari.usecases.organising import Organising
from support.servers import Server
from support.worlds import Buyer, Match, World

SHIFTED = str(Path(__file__).parents[1] / "support" / "shifted_server.py")
SKEW_SECONDS = 300
HOLD_SECONDS = 4
SLACK_SECONDS = 2.0
WAIT_SECONDS = 15.0

MakeServer = Callable[..., Server]
MakeWorld = Callable[[str], World]


@pytest.fixture
def world(postgres_url: str, make_world: MakeWorld) -> World:
    return make_world(postgres_url)


@pytest.fixture
def servers(postgres_url: str, make_server: MakeServer) -> Iterator[list[Server]]:
    """One is early, one is late."""
    return [
        make_server(
            postgres_url, program=(SHIFTED, str(skew)), afresh=True, hold_seconds=HOLD_SECONDS, poll_ms=200
        )
        for skew in (SKEW_SECONDS, -SKEW_SECONDS)
    ]


def store_seconds(world: World) -> float:
    now_ms, _ = world.run(world.stores.seating.states([]))
    return now_ms / 1000


def hold(server: Server, buyer: Buyer, match_id: int, seat_id: int) -> tuple[int, dict]:
    with buyer.client(server.url) as client:
        answer = client.post(f"/api/matches/{match_id}/allocations", json={"seatIds": [seat_id]})
    return answer.status_code, answer.json()


def seconds_of(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def seat_status(server: Server, buyer: Buyer, match: Match) -> list[dict]:
    with buyer.client(server.url) as client:
        return client.get(f"/api/schedules/{match.id}/seat-status").json()["data"]["seats"]


@pytest.mark.parametrize("first", [0, 1], ids=["held early", "held late"])
def test_a_hold_lasts_as_long_as_the_store_says_whoever_gave_it(
    world: World, servers: list[Server], first: int
) -> None:
    match, (holder, rival) = world.match(), world.buyers(2)
    here, there = servers[first], servers[1 - first]
    seat_id, other_seat_id = match.seat_ids[:2]
    asked = store_seconds(world)
    status, body = hold(here, holder, match.id, seat_id)
    assert status == 201
    end = seconds_of(body["data"]["expiresAt"])
    assert 0 <= end - asked - HOLD_SECONDS < SLACK_SECONDS
    assert hold(there, rival, match.id, seat_id)[0] == 409
    assert hold(there, rival, match.id, other_seat_id)[0] == 201  # nobody takes anybody's hold for ended
    for server in servers:
        with holder.client(server.url) as client:
            mine = client.get(f"/api/matches/{match.id}/allocations").json()["data"]
        assert [each["seatIds"] for each in mine["holds"]] == [[seat_id]]
        assert abs(seconds_of(mine["serverTime"]) - store_seconds(world)) < SLACK_SECONDS
    while (status := hold(there, rival, match.id, seat_id)[0]) != 201:
        assert status == 409
        assert store_seconds(world) < end + SLACK_SECONDS, "it does not end"
        time.sleep(0.05)
    assert store_seconds(world) >= end


def test_the_end_of_a_hold_is_shown_by_both_when_it_has_come(world: World, servers: list[Server]) -> None:
    match, buyer = world.match(), world.buyer()
    for server in servers:
        assert seat_status(server, buyer, match) == []
    _, body = hold(servers[0], buyer, match.id, match.seat_ids[0])
    end = seconds_of(body["data"]["expiresAt"])
    until = time.monotonic() + WAIT_SECONDS
    while any(seat_status(server, buyer, match) for server in servers) or store_seconds(world) < end:
        if store_seconds(world) < end - SLACK_SECONDS:
            assert seat_status(servers[0], buyer, match) != []
        assert time.monotonic() < until, "nobody announces the end"
        time.sleep(0.05)


def test_a_sale_opens_when_the_store_says(world: World, servers: list[Server]) -> None:
    match, buyers = world.match(), world.buyers(2)
    opens = store_seconds(world) + HOLD_SECONDS
    schedule_id = world.run(
        Organising(world.stores.catalogue, world.stores.news).create_schedule(
            venue_id=match.venue_id,
            kind=Kind.MATCH,
            title="LG : KT",
            starts_ms=int(opens * 1000) + 3_600_000,
            opens_ms=int(opens * 1000),
        )
    )
    for server, buyer in zip(servers, buyers, strict=True):
        with buyer.client(server.url) as client:
            shown = client.get(f"/api/schedules/{schedule_id}").json()["data"]["status"]
        status, body = hold(server, buyer, schedule_id, match.seat_ids[0])
        assert (shown, status, body["code"]) == ("UPCOMING", 409, "SALE_NOT_OPEN")
    for number, (server, buyer) in enumerate(zip(servers, buyers, strict=True)):
        while hold(server, buyer, schedule_id, match.seat_ids[number])[0] != 201:
            assert store_seconds(world) < opens + SLACK_SECONDS, "it does not open"
            time.sleep(0.05)
        assert store_seconds(world) >= opens
