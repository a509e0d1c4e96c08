"""What many requests have had loaded is let go when nobody asks for it any more, whoever asked."""

import time
from collections.abc import Callable

import httpx

from support.servers import Server
from support.worlds import Match, World

VENUES = 9
IDLE_SECONDS = 2
SETTLE_SECONDS = 30.0
SHARE = 0.7  # of what keeping them costs

MakeServer = Callable[..., Server]
MakeWorld = Callable[[str], World]


def loaded(server: Server) -> tuple[int, int]:
    """How many replicas and plans the server has in memory, by its own account."""
    lines = httpx.get(f"{server.url}/metrics", timeout=30).text.splitlines()
    figures = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return int(float(figures["jari_replicas"])), int(float(figures["jari_plans"]))


def look_at_everything(server: Server, matches: list[Match]) -> None:
    """All that somebody who is not logged in can have loaded."""
    with httpx.Client(base_url=server.url, timeout=60) as client:
        for match in matches:
            schedule = f"/api/schedules/{match.id}"
            for path in ("", "/sections", "/blocks", "/seats", "/seat-status"):
                client.get(schedule + path).raise_for_status()
            for block_id in match.block_ids.values():
                client.get(f"{schedule}/blocks/{block_id}/seats").raise_for_status()
                client.get(f"{schedule}/blocks/{block_id}/seats/status").raise_for_status()
        for page in range(1, 20):
            client.get("/api/schedules", params={"limit": 1, "page": page}).raise_for_status()


def wait_for(server: Server, counts: tuple[int, int]) -> None:
    until = time.monotonic() + SETTLE_SECONDS
    while loaded(server) != counts:
        assert time.monotonic() < until, f"{loaded(server)} stay"
        time.sleep(0.2)


def wait_until_it_shrinks_to(server: Server, limit_bytes: int) -> None:
    until = time.monotonic() + SETTLE_SECONDS
    while server.resident_bytes() > limit_bytes:
        assert time.monotonic() < until, f"{server.resident_bytes() - limit_bytes:,} bytes too much stay"
        time.sleep(0.2)


def test_the_plans_and_seats_of_many_venues_are_given_back_when_nobody_asks_for_them(
    sqlite_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    world = make_world(sqlite_url)
    first, *matches = [world.match(blocks=8, rows=20, cols=25) for _ in range(VENUES)]
    server = make_server(sqlite_url, max_plans=VENUES)  # nothing is idle for long enough
    look_at_everything(server, [first])
    before = server.resident_bytes()
    look_at_everything(server, matches)
    growth = server.resident_bytes() - before
    wait_for(server, (VENUES, VENUES))
    server.stop()

    idle = {"idle_seconds": IDLE_SECONDS, "replica_idle_seconds": IDLE_SECONDS}
    server = make_server(sqlite_url, max_plans=VENUES, **idle)
    look_at_everything(server, [first])
    before = server.resident_bytes()
    for _ in range(3):  # the heap keeps some of it in pieces, but no more each time
        look_at_everything(server, matches)
        wait_for(server, (0, 0))
        wait_until_it_shrinks_to(server, before + int(SHARE * growth))


def test_of_many_plans_that_are_asked_for_few_stay_in_memory(
    sqlite_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    world = make_world(sqlite_url)
    matches = [world.match() for _ in range(VENUES)]
    server = make_server(sqlite_url, max_plans=3, max_replicas=2)
    for _ in range(2):
        look_at_everything(server, matches)
    wait_for(server, (2, 3))
    look_at_everything(server, matches[:1])  # what was let go is loaded again
