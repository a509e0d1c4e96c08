"""A snapshot that stays open in PostgreSQL while seats are sold: nothing may be cleaned away, and every batch walks
past the old versions of its schedule's row. Holds must stay quick all the same, and the operator must see it."""

import asyncio
import re
import statistics
import time
from collections.abc import Callable

import asyncpg
import httpx
import pytest

from support.servers import Server
from support.worlds import Buyer, Match, World

VERSIONS = 20_000  # as many as a sale leaves that is sold out to the last seat, one seat a batch
HOLDS = 40
TIMES, SLACK_SECONDS = 5, 0.1
WAIT_SECONDS = 20.0

MakeServer = Callable[..., Server]
MakeWorld = Callable[[str], World]


async def hold_seconds(server: Server, match: Match, buyer: Buyer, first: int) -> float:
    """What a hold takes, one after the other; the median."""
    taken = []
    async with httpx.AsyncClient(base_url=server.url, cookies=buyer.cookies, timeout=30) as client:
        for seat_id in match.seat_ids[first : first + HOLDS]:
            started = time.perf_counter()
            answer = await client.post(f"/api/matches/{match.id}/allocations", json={"seatIds": [seat_id]})
            taken.append(time.perf_counter() - started)
            assert answer.status_code == 201
    return statistics.median(taken)


async def leave_versions(connection: asyncpg.Connection, match: Match) -> None:
    """Change the schedule's row so often, as its tills do, each time in a transaction of its own."""
    await connection.execute("SET synchronous_commit = off")
    await connection.execute(
        f"""DO $$ BEGIN FOR turn IN 1..{VERSIONS} LOOP
            UPDATE schedules SET enabled = enabled WHERE id = {match.id}; COMMIT;
        END LOOP; END $$"""
    )


async def dead_versions(server: Server) -> int:
    async with httpx.AsyncClient(base_url=server.url) as client:
        figures = (await client.get("/metrics")).text
    found = re.search(r"^jari_dead_versions ([\d.e+]+)$", figures, re.MULTILINE)
    assert found is not None
    return int(float(found[1]))


@pytest.mark.timeout(100)
async def test_holds_stay_quick_while_a_snapshot_is_open_and_the_figure_shows_it(
    postgres_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    world = make_world(postgres_url)
    match, buyer = world.match(rows=10, cols=20), world.buyer()
    server = make_server(postgres_url, max_seats_per_buyer=500, change_log_trim_seconds=1)
    onlooker, writer = await asyncpg.connect(postgres_url), await asyncpg.connect(postgres_url)
    try:
        await hold_seconds(server, match, buyer, 0)  # to warm up
        before = await hold_seconds(server, match, buyer, HOLDS)
        async with onlooker.transaction(isolation="repeatable_read"):
            await onlooker.fetchval("SELECT count(*) FROM schedules")
            await leave_versions(writer, match)
            during = await hold_seconds(server, match, buyer, 2 * HOLDS)
            until = time.monotonic() + WAIT_SECONDS
            while await dead_versions(server) < VERSIONS / 2:
                assert time.monotonic() < until, "the figure does not show it"
                await asyncio.sleep(0.2)
    finally:
        await onlooker.close()
        await writer.close()
    assert during < TIMES * before + SLACK_SECONDS, f"{before:.4f} s before, {during:.4f} s during"
