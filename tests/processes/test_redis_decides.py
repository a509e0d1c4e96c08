"""Two servers whose holds are decided in Redis: no seat has two owners, whatever dies, and no sale is lost."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import pytest

from jari.domain.seating import Status
from jari.domain.venues import Grade
from support.buyers import Acknowledged, race
from support.lonely_postgres import LonelyPostgres, lonely_postgres
from support.redises import RedisServer
from support.servers import Server
from support.streams import Listener
from support.worlds import Buyer, Match, World, hall

BROKEN = str(Path(__file__).parents[1] / "support" / "broken_server.py")
RACERS, TRIES = 200, 4
BUYERS = 20
LOAD_SECONDS = 5.0
AGREE_SECONDS = 5.0
NEVER_MS = 3_600_000

MakeServer = Callable[..., Server]
MakeWorld = Callable[..., World]
MakeRedis = Callable[..., RedisServer]


async def race_for_fifty_seats(
    url: str, redis: str, make_world: MakeWorld, make_server: MakeServer, breakages: tuple[str, ...] = ()
) -> tuple[World, Match, Acknowledged]:
    beside = {"redis": redis, "holds": "redis"}
    world = make_world(url, **beside)
    match = world.match(rows=5, cols=10)
    program = {"program": (BROKEN, *breakages)} if breakages else {}
    servers = [make_server(url, **beside, **program) for _ in range(2)]
    acknowledged = await race([server.url for server in servers], match, world.buyers(RACERS), tries=TRIES)
    return world, match, acknowledged


@pytest.mark.parametrize(
    "breakages", [(), ("losers",), ("losers", "lease"), ("losers", "version")], ids="+".join
)
async def test_no_seat_has_two_owners_though_one_guard_is_off(
    postgres_url: str,
    valkey_url: str,
    make_world: MakeWorld,
    make_server: MakeServer,
    breakages: tuple[str, ...],
) -> None:
    """With the replica blind the till decides. Without the lease the version refuses, and the other way round."""
    world, match, acknowledged = await race_for_fifty_seats(
        postgres_url, valkey_url, make_world, make_server, breakages
    )
    assert acknowledged.double_sold() == []
    stored = world.allocations(match)
    assert {each.seat_id: {each.buyer_id} for each in stored} == acknowledged.owners()
    assert len(stored) > 40  # the race was for real: nearly all seats went


async def test_without_lease_and_version_seats_are_promised_twice(
    postgres_url: str, valkey_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    """The negative control: a race that finds nothing here would prove nothing above."""
    _, _, acknowledged = await race_for_fifty_seats(
        postgres_url, valkey_url, make_world, make_server, ("losers", "lease", "version")
    )
    assert acknowledged.double_sold() != []


def test_what_a_killed_server_has_not_recorded_another_records(
    postgres_url: str, valkey_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    beside = {"redis": valkey_url, "holds": "redis"}
    recorded = make_world(postgres_url)  # sees PostgreSQL alone
    match, buyer = recorded.match(), recorded.buyer()
    dying = make_server(postgres_url, **beside, persist_ms=NEVER_MS)
    with buyer.client(dying.url) as client:
        answer = client.post(f"/api/matches/{match.id}/allocations", json={"seatIds": match.seat_ids[:3]})
    assert answer.status_code == 201
    dying.kill()
    assert recorded.allocations(match) == []
    make_server(postgres_url, **beside)
    wait_until(lambda: [each.seat_id for each in recorded.allocations(match)] == match.seat_ids[:3])


def wait_until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, f"not so within {seconds} s"
        time.sleep(0.05)


def test_while_redis_is_away_people_look_and_come_back_later(
    postgres_url: str, make_redis: MakeRedis, make_world: MakeWorld, make_server: MakeServer
) -> None:
    redis = make_redis()
    world = make_world(postgres_url)
    match, buyer = world.match(), world.buyer()
    server = make_server(postgres_url, redis=redis.url, holds="redis")
    holds, status = f"/api/matches/{match.id}/allocations", f"/api/schedules/{match.id}/seat-status"
    with buyer.client(server.url) as client:
        assert client.post(holds, json={"seatIds": match.seat_ids[:1]}).status_code == 201
        redis.kill()
        refused = client.post(holds, json={"seatIds": match.seat_ids[1:2]})
        assert (refused.status_code, refused.json()["code"]) == (503, "UNAVAILABLE")
        assert int(refused.headers["Retry-After"]) > 0
        assert len(client.get(status).json()["data"]["seats"]) == 1
        assert client.get("/readyz").is_success
        redis.start()
        wait_until(lambda: client.post(holds, json={"seatIds": match.seat_ids[2:3]}).status_code == 201)


# --- trouble while people hold and buy


@dataclass
class Told:
    """What buyers were told."""

    sold: dict[int, set[int]] = field(default_factory=dict)  # seat → who was told that it is theirs
    lost: int = 0  # seats that were held, and gone at the checkout
    statuses: set[int] = field(default_factory=set)


async def buy_until(until: float, servers: list[Server], match: Match, buyers: list[Buyer]) -> Told:
    """Each buyer holds a seat and buys it, or gives it back, seat after seat, through one server after the other."""
    told = Told()
    async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=len(buyers))) as client:

        async def buy(number: int, buyer: Buyer) -> None:
            seats = match.seat_ids[number :: len(buyers)]
            for turn, seat_id in enumerate(seats):
                if time.monotonic() > until:
                    return
                url = servers[(number + turn) % len(servers)].url
                await buy_or_return(client, url, match, buyer, seat_id, told, buys=turn % 3 == 0)
                await asyncio.sleep(0.05)

        await asyncio.gather(*(buy(number, buyer) for number, buyer in enumerate(buyers)))
    return told


async def buy_or_return(
    client: httpx.AsyncClient, url: str, match: Match, buyer: Buyer, seat_id: int, told: Told, *, buys: bool
) -> None:
    who, holds = {"Cookie": f"jari={buyer.token}"}, f"{url}/api/matches/{match.id}/allocations"
    try:
        held = await client.post(holds, json={"seatIds": [seat_id]}, headers=who)
        told.statuses.add(held.status_code)
        if held.status_code != 201:
            return
        if not buys:
            await client.delete(holds, params={"seatId": seat_id}, headers=who)
            return
        reserved = await client.post(f"{url}/api/reservations", json={"scheduleId": match.id}, headers=who)
    except httpx.HTTPError:
        return
    told.statuses.add(reserved.status_code)
    if reserved.status_code == 201:  # it costs nothing, so it is sold
        for seat in reserved.json()["data"]["seats"]:
            told.sold.setdefault(seat["id"], set()).add(buyer.id)
    elif reserved.status_code == 409:
        assert reserved.json()["code"] == "NOTHING_HELD"
        told.lost += 1


@dataclass
class Scene:
    """Two servers, what they stand on, and viewers at both."""

    postgres: LonelyPostgres
    redis: RedisServer
    servers: list[Server]
    recorded: World
    match: Match
    viewers: list[Listener]


@pytest.fixture
def scene(make_world: MakeWorld, make_server: MakeServer, make_redis: MakeRedis) -> Iterator[Scene]:
    with ExitStack() as opened:
        postgres, redis = opened.enter_context(lonely_postgres()), make_redis()
        url = postgres.url(postgres.copy())
        servers = [
            make_server(url, redis=redis.url, holds="redis", max_seats_per_buyer=1_000, poll_ms=500)
            for _ in range(2)
        ]
        recorded = make_world(url)
        gifts = replace(hall(rows=40, cols=40), grades=(Grade("red", "레드석", "#d03030", 0),))
        match = recorded.match(gifts)
        streams = [
            f"{server.url}/api/matches/{match.id}/blocks/{match.block_id}/seats/status-stream"
            for server in servers
        ]
        viewers = [opened.enter_context(Listener(stream)) for stream in streams]
        for viewer in viewers:
            viewer.wait_for_opening()
        yield Scene(postgres, redis, servers, recorded, match, viewers)


def empty_redis(scene: Scene) -> None:
    scene.redis.ask("FLUSHALL")


def kill_redis(scene: Scene) -> None:
    """Without files: it comes back with nothing."""
    scene.redis.kill()
    time.sleep(0.5)
    scene.redis.start()


def put_back_redis(scene: Scene) -> None:
    """It comes back with what it had a second ago."""
    scene.redis.ask("SAVE")
    time.sleep(1)
    scene.redis.kill()
    scene.redis.start()


def restart_postgres(scene: Scene) -> None:
    scene.postgres.die()
    time.sleep(0.5)
    scene.postgres.rise()


def freeze_a_server(scene: Scene) -> None:
    """For longer than it may have a lease."""
    scene.servers[0].signal(signal.SIGSTOP)
    time.sleep(3)
    scene.servers[0].signal(signal.SIGCONT)


TROUBLES = [empty_redis, kill_redis, put_back_redis, restart_postgres, freeze_a_server]


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda each: each.__name__)
async def test_no_sale_is_lost_and_every_viewer_agrees_with_the_store(
    scene: Scene, trouble: Callable[[Scene], None]
) -> None:
    buyers = await asyncio.to_thread(scene.recorded.buyers, BUYERS)
    buying = asyncio.create_task(
        buy_until(time.monotonic() + LOAD_SECONDS, scene.servers, scene.match, buyers)
    )
    await asyncio.sleep(LOAD_SECONDS / 3)
    await asyncio.to_thread(trouble, scene)
    told = await buying

    assert told.statuses <= {201, 409, 503}
    assert all(len(owners) == 1 for owners in told.sold.values())
    assert told.sold
    await asyncio.to_thread(wait_until, lambda: agree(scene), AGREE_SECONDS)
    stored = await asyncio.to_thread(scene.recorded.allocations, scene.match)
    sold = {each.seat_id: {each.buyer_id} for each in stored if each.status is Status.OCCUPIED}
    assert told.sold.items() <= sold.items()


def agree(scene: Scene) -> bool:
    """Whether both viewers see what PostgreSQL has."""
    seats = dict.fromkeys(scene.match.seat_ids, "AVAILABLE")
    seats |= {each.seat_id: each.status.name for each in scene.recorded.allocations(scene.match)}
    return all(viewer.statuses() == seats for viewer in scene.viewers)
