"""Looking at many schedules once must not cost their memory for good."""

import time
from collections.abc import Callable

import httpx

from support.servers import Server
from support.worlds import Match, World

SCHEDULES = 60
SHARE = 0.4  # of what keeping all of them costs
SETTLE_SECONDS = 15.0

MakeServer = Callable[..., Server]
MakeWorld = Callable[[str], World]


def growth_bytes(server: Server, matches: list[Match]) -> int:
    """What it costs to have looked at each of them; the first is known already, with its venue."""
    with httpx.Client(base_url=server.url, timeout=30) as client:
        client.get(f"/api/schedules/{matches[0].id}/seat-status").raise_for_status()
        before = server.resident_bytes()
        for match in matches[1:]:
            client.get(f"/api/schedules/{match.id}/seat-status").raise_for_status()
    return server.resident_bytes() - before


def test_what_nobody_looks_at_any_more_is_given_back(
    sqlite_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    world = make_world(sqlite_url)
    first = world.ballpark()
    matches = [first, *(world.another_match(first) for _ in range(SCHEDULES - 1))]
    server = make_server(sqlite_url, max_replicas=SCHEDULES, replica_idle_seconds=4)
    growth_bytes(server, matches[:1])
    before = server.resident_bytes()
    growth = growth_bytes(server, matches)
    until = time.monotonic() + SETTLE_SECONDS
    while server.resident_bytes() - before > SHARE * growth:
        assert time.monotonic() < until, f"{server.resident_bytes() - before:,} of {growth:,} bytes stay"
        time.sleep(0.2)


def test_of_many_schedules_that_were_looked_at_few_stay_in_memory(
    sqlite_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    world = make_world(sqlite_url)
    first = world.ballpark()
    matches = [first, *(world.another_match(first) for _ in range(SCHEDULES - 1))]
    keeping_all = growth_bytes(make_server(sqlite_url, max_replicas=SCHEDULES), matches)
    keeping_few = growth_bytes(make_server(sqlite_url, max_replicas=2), matches)
    assert keeping_few < SHARE * keeping_all, f"{keeping_few:,} against {keeping_all:,} bytes"
