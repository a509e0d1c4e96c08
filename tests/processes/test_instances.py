"""Instances that share a Redis: what is held through one is seen through all, at once, in order, none missing."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from support.instances import House, Sale
from support.servers import Server
from support.streams import Listener
from support.worlds import Match, World

# If an instance waited for its poll, nothing would be seen.
NO_POLL = {"poll_ms": 60_000, "relaxed_poll_ms": 60_000}

MakeServer = Callable[..., Server]
MakeWorld = Callable[[str], World]


def stream_url(server: Server, match: Match) -> str:
    return f"{server.url}/api/matches/{match.id}/blocks/{match.block_id}/seats/status-stream"


def updates(listener: Listener) -> list[tuple[int, str]]:
    told = [event.data["data"] for event in listener.events if event.name == "update"]
    return [(each["seatId"], each["status"]) for each in told]


def test_a_hold_through_one_instance_is_seen_on_a_stream_of_the_other(
    postgres_url: str, redis_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    world = make_world(postgres_url)
    match, buyers = world.match(rows=10, cols=10), world.buyers(10)
    here, there = (make_server(postgres_url, redis=redis_url, **NO_POLL) for _ in range(2))
    path, expected = f"/api/matches/{match.id}/allocations", []
    with Listener(stream_url(there, match)) as listener:
        listener.wait_for_opening()
        for seat_id, buyer in zip(match.seat_ids, buyers, strict=False):
            with buyer.client(here.url) as client:
                client.post(path, json={"seatIds": [seat_id]}).raise_for_status()
                client.delete(path, params={"seatId": seat_id}).raise_for_status()
            expected += [(seat_id, "HOLD"), (seat_id, "AVAILABLE")]
        listener.wait_for(lambda _: len(updates(listener)) >= len(expected))
        assert updates(listener) == expected


def test_what_is_held_anywhere_is_seen_everywhere_in_one_order_none_missing_and_each_once(
    postgres_url: str, valkey_url: str, make_world: MakeWorld, tmp_path: Path
) -> None:
    """Four instances that do not poll: all that they know of each other comes by the stream."""
    with closing(House(make_world(postgres_url), tmp_path, redis=valkey_url, **NO_POLL)) as house:
        for _ in range(4):
            house.add()
        with closing(Sale(house)) as sale:
            with sale.load():
                pass
            sale.check()
            sale.check_order()


def test_instances_that_neither_poll_nor_share_a_redis_are_found_out(
    postgres_url: str, make_world: MakeWorld, tmp_path: Path
) -> None:
    with closing(House(make_world(postgres_url), tmp_path, **NO_POLL)) as house:
        for _ in range(2):
            house.add()
        with closing(Sale(house)) as sale:
            idle = house.instances.pop()  # an instance that commits fetches what the others have committed
            with sale.load():
                pass
            house.instances.append(idle)
            with pytest.raises(AssertionError, match="not seen within"):
                sale.check(seconds=1)
