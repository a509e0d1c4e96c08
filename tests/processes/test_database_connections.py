"""A server opens no more connections to PostgreSQL than its setting says, all its workers together."""

import asyncio
from collections.abc import Callable

import asyncpg
import httpx
import pytest

from support.servers import Server
from support.worlds import Buyer, Match, World

CONNECTIONS = 6
ROUNDS = 6
SCHEDULES = 12
SAMPLE_SECONDS = 0.01
PATIENT = {"request_seconds": 60, "database_timeout_seconds": 60}

MakeServer = Callable[..., Server]
MakeWorld = Callable[[str], World]


async def busy(server: Server, buyer: Buyer, match: Match, number: int) -> list[int]:
    """What a crowd does all at once: come unknown, look, hold, reserve, look again, give up."""
    statuses = []
    async with httpx.AsyncClient(base_url=server.url, cookies=buyer.cookies, timeout=60) as client:
        for turn in range(ROUNDS):
            seat_id = match.seat_ids[(number * ROUNDS + turn) % len(match.seat_ids)]
            answers = await asyncio.gather(
                client.get("/api/matches", params={"limit": 1}),
                client.get(f"/api/matches/{match.id}/allocations"),
                client.post(f"/api/matches/{match.id}/allocations", json={"seatIds": [seat_id]}),
                client.post("/api/reservations", json={"scheduleId": match.id}),
                client.get("/api/reservations"),
            )
            statuses += [answer.status_code for answer in answers]
    return statuses


async def most_connections(database_url: str, ended: asyncio.Event, own: int) -> int:
    """The most that were open at a time, besides our own."""
    connection = await asyncpg.connect(database_url)
    count = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    most = 0
    try:
        while not ended.is_set():
            most = max(most, await connection.fetchval(count) - own)
            await asyncio.sleep(SAMPLE_SECONDS)
    finally:
        await connection.close()
    return most


@pytest.mark.parametrize("workers", [1, 2])
async def test_all_that_is_asked_at_once_keeps_to_the_connections_of_the_setting(
    postgres_url: str, make_world: MakeWorld, make_server: MakeServer, workers: int
) -> None:
    world = make_world(postgres_url)
    first = world.match()
    matches = [first, *(world.another_match(first) for _ in range(SCHEDULES - 1))]
    buyers = world.buyers(len(matches) * 2)

    async def count_own() -> int:
        async with world.stores.database.read() as connection:
            statement = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            return int((await connection.exec_driver_sql(statement)).scalar_one())

    own = world.run(count_own())
    # one that is given up would be replaced before PostgreSQL has noticed: on a slow machine that would be counted
    server = make_server(postgres_url, database_connections=CONNECTIONS, workers=workers, **PATIENT)
    ended = asyncio.Event()
    sampling = asyncio.create_task(most_connections(postgres_url, ended, own))
    crowd = [busy(server, buyer, matches[each % SCHEDULES], each) for each, buyer in enumerate(buyers)]
    statuses = [status for each in await asyncio.gather(*crowd) for status in each]
    ended.set()
    most = await sampling
    assert [status for status in statuses if status >= 500] == []
    assert workers < most <= CONNECTIONS
