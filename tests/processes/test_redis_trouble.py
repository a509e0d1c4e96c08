"""Instances that share a Redis, while everything that can fail fails under load.

Whatever happens, within seconds afterwards every viewer of every instance knows what the store holds, has been told each
hold once and in the same order as all others, and did not have to start over. Nobody is acknowledged a seat that
somebody else has.
"""

import signal
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from jari.adapters.redis.keys import seats_of
from jari.domain.seatmap import Position
from support.instances import EQUAL_SECONDS, PAUSE_SECONDS, SLOW_MACHINE, House, Sale
from support.lonely_postgres import LonelyPostgres, lonely_postgres
from support.redises import RedisServer, redis_server
from support.wires import Wire, wire_to
from support.worlds import World


@pytest.fixture(scope="module")
def postgres_alone() -> Iterator[LonelyPostgres]:
    with lonely_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def world(postgres_alone: LonelyPostgres) -> Iterator[World]:
    world = World(postgres_alone.url(postgres_alone.copy()))
    yield world
    world.close()


@pytest.fixture(scope="module")
def valkey_alone() -> Iterator[RedisServer]:
    with redis_server(enable_debug_command="yes") as server:
        yield server


@pytest.fixture(scope="module")
def wire(valkey_alone: RedisServer) -> Iterator[Wire]:
    with wire_to(valkey_alone.port) as wire:
        yield wire


@pytest.fixture(scope="module")
def house(world: World, wire: Wire, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(world, tmp_path_factory.mktemp("house"), redis=f"redis://127.0.0.1:{wire.port}")
    for _ in range(2):
        house.add()
    yield house
    house.close()


@pytest.fixture
def sale(house: House) -> Iterator[Sale]:
    sale = Sale(house)
    yield sale
    sale.close()


def wait_until_redis_shows_all(sale: Sale, valkey: RedisServer) -> None:
    """Until Redis has the store's position, in the store's epoch, though nobody commits any more."""
    store, schedule_id = sale.house.world.stores.seating, sale.match.id
    until = time.monotonic() + EQUAL_SECONDS * SLOW_MACHINE
    _, states = sale.house.world.run(store.states([schedule_id]))
    position = Position(states[schedule_id].epoch, states[schedule_id].version)
    while (head := valkey.ask("HGET", seats_of(schedule_id), "head")) != str(position).encode():
        assert time.monotonic() < until, f"Redis has {head}, the store {position}"
        time.sleep(0.05)


def wait_until_redis_is_used_again(house: House) -> None:
    """Until every instance says that Redis answers."""
    until = time.monotonic() + EQUAL_SECONDS * SLOW_MACHINE
    while any(
        httpx.get(f"{each.url}/readyz", timeout=10).json()["data"].get("redis") != "there"
        for each in house.instances
    ):
        assert time.monotonic() < until, "it does not heal"
        time.sleep(0.05)


def killed_and_empty(valkey: RedisServer, wire: Wire) -> None:
    valkey.kill()
    time.sleep(PAUSE_SECONDS)
    valkey.start()


def emptied_again_and_again(valkey: RedisServer, wire: Wire) -> None:
    for _ in range(5):
        valkey.ask("FLUSHALL")
        time.sleep(PAUSE_SECONDS / 2)


def killed_and_back_with_an_old_file(valkey: RedisServer, wire: Wire) -> None:
    valkey.ask("SAVE")
    time.sleep(PAUSE_SECONDS)
    valkey.kill()
    valkey.start()


def asleep(valkey: RedisServer, wire: Wire) -> None:
    valkey.ask("DEBUG", "SLEEP", "2")


def cut_off(valkey: RedisServer, wire: Wire) -> None:
    wire.cut()
    time.sleep(2 * PAUSE_SECONDS)
    wire.mend()


def silent(valkey: RedisServer, wire: Wire) -> None:
    wire.hold()
    time.sleep(2)
    wire.mend()


def failed_over_to_a_replica_that_lags(valkey: RedisServer, wire: Wire) -> None:
    """The replica stops hearing of its master, and becomes the master later."""
    with redis_server() as replica:
        replica.follow(valkey)
        replica.promote()
        time.sleep(PAUSE_SECONDS)
        wire.lay_to(replica.port)
        time.sleep(PAUSE_SECONDS)
        wire.lay_to(valkey.port)  # and back: now the old master lags


TROUBLES = [
    killed_and_empty,
    emptied_again_and_again,
    killed_and_back_with_an_old_file,
    asleep,
    cut_off,
    silent,
    failed_over_to_a_replica_that_lags,
]


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)
def test_a_redis_in_trouble_shows_no_viewer_a_wrong_seat_for_long(
    house: House,
    sale: Sale,
    valkey_alone: RedisServer,
    wire: Wire,
    trouble: Callable[[RedisServer, Wire], None],
) -> None:
    with sale.load():
        trouble(valkey_alone, wire)
    sale.check()
    sale.check_order()
    assert set(sale.statuses) <= {201, 409, 422}, "nobody is refused because of it"
    wait_until_redis_is_used_again(house)
    wait_until_redis_shows_all(sale, valkey_alone)


def test_a_postgresql_that_restarts_under_load_loses_nothing_and_redis_shows_no_more_than_it_has(
    house: House, sale: Sale, postgres_alone: LonelyPostgres, valkey_alone: RedisServer
) -> None:
    with sale.load():
        postgres_alone.die()
        time.sleep(PAUSE_SECONDS)
        postgres_alone.rise()
        time.sleep(2)
    sale.check()
    sale.check_order()
    wait_until_redis_shows_all(sale, valkey_alone)


def test_instances_that_are_frozen_killed_added_and_removed_under_load(house: House, sale: Sale) -> None:
    second = house.instances[1]
    with sale.load():
        second.signal(signal.SIGSTOP)
        time.sleep(2)
        second.signal(signal.SIGCONT)
        added = house.add()
        sale.viewers.append(sale.view(added))
        time.sleep(PAUSE_SECONDS)
        house.instances.remove(second)
        second.kill()
        time.sleep(PAUSE_SECONDS)
        house.instances.append(second.start())
        house.instances.remove(added)
        added.stop()
    gone = [sale.viewers.pop(), sale.viewers.pop(1)]
    for each in gone:
        each.close()
    sale.viewers.append(sale.view(second))
    sale.check()
    assert [event.name for event in sale.viewers[0].events].count("init") == 1
