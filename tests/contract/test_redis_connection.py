"""The connection to Redis, on every kind of server: commands, scripts, waiting for news, and what happens without it."""

import asyncio
import time

import pytest
from redis.crc import key_slot
from redis.exceptions import ResponseError

from jari.adapters.redis import connection as module
from jari.adapters.redis.connection import Connection, Script
from jari.adapters.system import CLOCK
from jari.domain.errors import Unavailable
from jari.settings import BadSetting, Settings
from support.clocks import StandingClock

QUICK = {"redis_failures": 2, "redis_pause_ms": 100, "redis_block_ms": 100}
PATIENT = {"redis_timeout_ms": 10_000}


@pytest.fixture
async def connect():
    opened = []

    def connect(url, clock=CLOCK, **settings):
        opened.append(Connection(Settings(redis=url, **QUICK | PATIENT | settings), clock))
        return opened[-1]

    yield connect
    for each in opened:
        await each.close()


@pytest.fixture
def script(tmp_path):
    (tmp_path / "add.lua").write_text("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    return Script(str(tmp_path / "caller.py"), "add.lua")


async def add(connection, stream, entry_id):
    async with connection.commands(stream) as client:
        await client.xadd(stream, {"a": "b"}, id=entry_id)


async def refused(connection):
    try:
        async with connection.commands("{1}:a") as client:
            await client.ping()
    except Unavailable as refusal:
        return refusal
    return None


async def test_a_command_is_answered(connect, redis_url):
    async with connect(redis_url).commands("{1}:a") as client:
        await client.set("{1}:a", "b")
        assert await client.get("{1}:a") == b"b"


async def test_many_who_are_the_first_and_come_at_once_are_all_answered(connect, redis_url):
    connection = connect(redis_url, redis_connections=20)
    assert set(await asyncio.gather(*(refused(connection) for _ in range(20)))) == {None}


async def test_a_script_runs_whether_the_server_knows_it_or_not(connect, redis_url, script):
    connection = connect(redis_url)
    assert await connection.run(script, ["{1}:n"], 2) == 2
    async with connection.commands("{1}:a") as client:
        await client.script_flush()
    assert [await connection.run(script, ["{1}:n"], 2) for _ in range(2)] == [4, 6]


async def test_a_read_ends_with_the_first_news(connect, redis_url):
    connection = connect(redis_url, redis_block_ms=20_000)
    await add(connection, "{1}:s", "1-0")
    reading = asyncio.create_task(connection.read({"{1}:s": "1-0", "{1}:t": "0-0"}, 10))
    await add(connection, "{1}:s", "2-0")
    assert await reading == {b"{1}:s": [(b"2-0", {b"a": b"b"})]}


async def test_a_read_without_news_ends_empty(connect, redis_url):
    assert await connect(redis_url).read({"{1}:s": "0-0"}, 10) == {}


async def test_commands_do_not_wait_for_reads(connect, valkey_url):
    connection = connect(valkey_url, redis_connections=1, redis_reads=1, redis_block_ms=300)
    reading = [asyncio.create_task(connection.read({"{1}:s": "0-0"}, 10)) for _ in range(2)]
    assert await refused(connection) is None
    assert not any(each.done() for each in reading)
    assert await asyncio.gather(*reading) == [{}, {}]


async def test_a_read_that_nobody_waits_for_any_more_harms_no_later_one(connect, redis_url):
    connection = connect(redis_url, redis_reads=1, redis_block_ms=500)
    await add(connection, "{1}:s", "1-0")
    left = asyncio.create_task(connection.read({"{1}:s": "1-0"}, 10))
    await asyncio.wait([left], timeout=0.1)
    assert left.cancel()
    await asyncio.gather(left, return_exceptions=True)
    await add(connection, "{1}:s", "2-0")
    await add(connection, "{1}:t", "7-0")
    assert await connection.read({"{1}:t": "0-0"}, 10) == {b"{1}:t": [(b"7-0", {b"a": b"b"})]}


async def test_more_commands_than_connections_take_turns(connect, redis_url):
    connection = connect(redis_url, redis_connections=2)
    assert set(await asyncio.gather(*(refused(connection) for _ in range(50)))) == {None}


async def test_a_fault_of_ours_stays_what_it_is(connect, redis_url):
    connection = connect(redis_url)
    for _ in range(5):
        with pytest.raises(ResponseError):
            async with connection.commands("{1}:a") as client:
                await client.execute_command("INCRBY", "{1}:n", "much")
    assert not connection.is_away


async def test_a_wrong_password_is_no_fault_of_ours(connect, make_redis):
    server = make_redis(password="right")
    assert await refused(connect(server.url)) is None
    assert await refused(connect(server.url.replace("right", "wrong"))) is not None


async def test_a_redis_that_was_killed_is_used_again_once_it_is_back(connect, make_redis):
    server = make_redis()
    connection = connect(server.url)
    assert await refused(connection) is None
    server.kill()
    while not connection.is_away:
        assert await refused(connection) is not None
    server.start()
    while connection.is_away:
        await refused(connection)
        await asyncio.sleep(0.02)
    assert await connection.check()


async def test_connections_to_a_server_that_was_demoted_are_let_go(connect, make_redis):
    """Its address may lead to the new master by now; an old connection would be refused for ever."""
    server, other = make_redis(), make_redis()
    connection = connect(server.url)

    async def connection_id():
        async with connection.commands("k") as client:
            return await client.client_id()

    before = await connection_id()
    assert await connection_id() == before
    server.follow(other)
    with pytest.raises(Unavailable):
        async with connection.commands("k") as client:
            await client.set("k", "v")
    assert await connection_id() != before


async def test_while_redis_is_away_nobody_asks_it(connect, make_redis):
    """A frozen server would make each wait for its time-out."""
    server, clock = make_redis(), StandingClock()
    connection = connect(server.url, clock, redis_timeout_ms=200)
    assert await refused(connection) is None
    server.freeze()
    for _ in range(2):
        assert (await refused(connection)).__cause__ is not None
    assert connection.is_away
    assert {type((await refused(connection)).__cause__) for _ in range(20)} == {type(None)}
    with pytest.raises(Unavailable):
        await connection.read({"{1}:s": "0-0"}, 1)
    server.thaw()
    clock.pass_seconds(1)
    assert await connection.check()
    assert not connection.is_away


@pytest.mark.parametrize("has_replica", [False, True])
async def test_a_cluster_that_loses_a_master_is_used_again(connect, make_redis_cluster, has_replica):
    """Once it is back, or a replica has taken its place. The other masters go on meanwhile."""
    cluster = make_redis_cluster()
    if has_replica:
        cluster.add_replica(cluster.masters[1])
    connection = connect(cluster.url)
    names = [f"{{{number}}}:a" for number in range(30)]  # of every slot range
    lost = {name for name in names if key_slot(name.encode()) in cluster.slots_of(cluster.masters[1])}

    async def unsettable():
        return {name for name in names if not await settable(connection, name)}

    assert await unsettable() == set()
    cluster.masters[1].kill()
    assert await unsettable() == lost
    if not has_replica:
        cluster.masters[1].start()
    until = time.monotonic() + 60
    while await unsettable():
        assert time.monotonic() < until
        await asyncio.sleep(0.1)
    assert await connection.check()


async def settable(connection, name):
    try:
        async with connection.commands(name) as client:
            await client.set(name, "b")
    except Unavailable:
        return False
    return True


async def test_on_a_cluster_many_at_once_each_find_their_server(connect, cluster_url, script):
    connection = connect(cluster_url)
    names = [f"{{{number}}}:n" for number in range(200)]
    assert set(await asyncio.gather(*(connection.run(script, [name], 3) for name in names))) == {3}
    assert set(await asyncio.gather(*(connection.run(script, [name], 3) for name in names))) == {6}


async def test_on_a_cluster_keys_that_move_are_found_again(connect, make_redis_cluster, script):
    """The server that had them says so; nobody counts as away for that."""
    cluster = make_redis_cluster()
    connection = connect(cluster.url)
    slot = cluster.masters[0].ask("CLUSTER", "KEYSLOT", "{1}")
    taker = next(each for each in cluster.masters if slot not in cluster.slots_of(each))
    assert await connection.check()
    taker_id = taker.ask("CLUSTER", "MYID").decode()
    for master in (taker, *cluster.masters):
        master.ask("CLUSTER", "SETSLOT", slot, "NODE", taker_id)
    with pytest.raises(Unavailable):
        await connection.run(script, ["{1}:n"], 1)
    assert not connection.is_away
    assert await until_answered(lambda: connection.run(script, ["{1}:n"], 1)) == 1
    assert taker.ask("GET", "{1}:n") == b"1"


async def until_answered(ask):
    until = time.monotonic() + 30
    while True:
        try:
            return await ask()
        except Unavailable:
            assert time.monotonic() < until
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "url",
    [
        "http://a",
        "redis",
        "redis://",
        "redis://a:port",
        "redis://a:1,b:2",
        "redis+cluster://a:1,",
        "redis://a?x=1",
    ],
)
def test_an_address_that_makes_no_sense_is_refused(url):
    with pytest.raises(BadSetting, match=r"redis://HOST:PORT"):
        module.open_redis(Settings(redis=url), CLOCK)


async def test_without_an_address_there_is_no_redis():
    assert module.open_redis(Settings(), CLOCK) is None
