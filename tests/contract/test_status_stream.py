"""The status stream on every Redis: what a head makes of commits, and what readers get."""

import asyncio
from dataclasses import replace

import pytest

from jari.adapters.redis import keys
from jari.adapters.redis.connection import Connection
from jari.adapters.redis.status_stream import RedisStatusStream
from jari.adapters.system import CLOCK
from jari.domain.schedules import Sale
from jari.domain.seating import Allocation, Change, Status
from jari.domain.seatmap import Commit, Position
from jari.main import open_stores
from jari.ports.seating import LoadedSeating, ScheduleState
from jari.ports.status_stream import ShownSeating, StreamEntry
from jari.settings import Settings
from jari.usecases.loading import Loader
from support.worlds import make_match

HERE, OTHER = 7, 8  # schedules; on the cluster they live on different nodes
EPOCH = "a1b2c3d4"
END_MS = 1_800_000_000_000


def hold(version, *seat_ids, buyer_id=42):
    return Commit(version, (Change(Status.HOLD, seat_ids, buyer_id, END_MS),))


def release(version, *seat_ids):
    return Commit(version, (Change(Status.AVAILABLE, seat_ids, 0, None),))


def sold(version, *seat_ids):
    return Commit(version, (Change(Status.OCCUPIED, seat_ids, 42, None),))


def held(seat_id, status=Status.HOLD, expires_ms=END_MS):
    return Allocation(seat_id, status, 42, "", expires_ms)


def seating(version, allocations=(), commits=(), epoch=EPOCH):
    state = ScheduleState(epoch, version, Sale(enabled=True, opens_ms=None), 1)
    return LoadedSeating(state, 0, allocations, commits)


def at(version, epoch=EPOCH):
    return Position(epoch, version)


@pytest.fixture
async def open_stream(redis_url):
    opened = []

    def open_one(**settings):
        limits = Settings(redis=redis_url, redis_block_ms=200, redis_timeout_ms=10_000, **settings)
        opened.append(Connection(limits, CLOCK))
        return RedisStatusStream(opened[-1], limits)

    yield open_one
    for connection in opened:
        await connection.close()


@pytest.fixture
async def stream(open_stream):
    """A stream that shows the schedule at version 3, with one seat held."""
    stream = open_stream()
    assert await stream.rebuild(HERE, None, seating(3, [held(1)], [hold(3, 1)]))
    return stream


async def contents(stream, schedule_id=HERE):
    """The shown seats by id, and the head."""
    shown = await stream.read(schedule_id)
    return shown.head, {each.seat_id: each.status.name for each in shown.allocations}


async def test_of_what_nobody_has_published_nothing_is_shown(open_stream):
    stream = open_stream()
    assert await stream.heads([]) == {}
    assert await stream.heads([HERE, OTHER]) == {}
    assert await stream.read(HERE) is None


@pytest.mark.parametrize(
    ("epoch", "commits", "head", "seats"),
    [
        pytest.param(EPOCH, [hold(4, 2)], at(4), {1: "HOLD", 2: "HOLD"}, id="the next one is applied"),
        pytest.param(
            EPOCH, [hold(4, 2), release(5, 1, 2), sold(6, 3)], at(6), {3: "OCCUPIED"}, id="several in order"
        ),
        pytest.param(EPOCH, [hold(3, 9)], at(3), {1: "HOLD"}, id="what is shown already does nothing"),
        pytest.param(
            EPOCH, [release(2, 1), hold(3, 9), hold(4, 2)], at(4), {1: "HOLD", 2: "HOLD"},
            id="what is shown already does not keep the next from being applied",
        ),
        pytest.param(EPOCH, [hold(5, 2)], at(3), {1: "HOLD"}, id="one beyond the next is not applied"),
        pytest.param(EPOCH, [hold(4, 2), hold(6, 3)], at(4), {1: "HOLD", 2: "HOLD"}, id="nor after a gap"),
        pytest.param("beef0000", [hold(4, 2)], at(3), {1: "HOLD"}, id="nor in another epoch"),
        pytest.param(EPOCH, [Commit(4, ())], at(4), {1: "HOLD"}, id="one that changes no seat counts, too"),
    ],
)  # fmt: skip
async def test_what_becomes_of_commits_on_version_3(stream, epoch, commits, head, seats):
    assert await stream.publish(HERE, epoch, commits) == head
    assert await contents(stream) == (head, seats)
    assert await stream.heads([OTHER, HERE]) == {HERE: head}


async def test_without_a_head_nothing_is_applied(open_stream):
    stream = open_stream()
    assert await stream.publish(HERE, EPOCH, [hold(1, 1)]) is None
    assert await stream.read(HERE) is None


async def test_what_is_read_is_what_was_published_with_owners_ends_and_commits(stream):
    commits = [hold(4, 2, 3), sold(5, 2), release(6, 1)]
    await stream.publish(HERE, EPOCH, commits)
    assert await stream.read(HERE) == ShownSeating(
        at(6), [held(2, Status.OCCUPIED, None), held(3)], [hold(3, 1), *commits]
    )


async def test_many_publish_the_same_at_once_and_each_commit_is_there_once(open_stream, stream):
    others = [open_stream() for _ in range(3)]
    commits = [hold(version, version) for version in range(4, 34)]
    pages = [commits[start : start + 7] for start in range(len(commits))]
    await asyncio.gather(*(each.publish(HERE, EPOCH, page) for page in pages for each in (stream, *others)))
    for page in pages:  # whoever came too early comes again
        await stream.publish(HERE, EPOCH, page)
    assert await stream.follow({HERE: 3}) == [StreamEntry(HERE, EPOCH, commit) for commit in commits]


@pytest.mark.parametrize("expected", [None, at(2), at(4), at(3, "beef0000")], ids=str)
async def test_a_rebuild_for_another_head_than_there_is_does_nothing(stream, expected):
    assert not await stream.rebuild(HERE, expected, seating(9, [held(5)]))
    assert await contents(stream) == (at(3), {1: "HOLD"})


async def test_a_rebuild_shows_another_state_at_once_and_commits_go_on_after_it(stream):
    assert await stream.rebuild(HERE, at(3), seating(2, [held(5)], [hold(2, 5)], epoch="beef0000"))
    assert await stream.publish(HERE, EPOCH, [hold(4, 2)]) == at(2, "beef0000")
    assert await stream.publish(HERE, "beef0000", [hold(3, 6)]) == at(3, "beef0000")
    shown = await stream.read(HERE)
    assert shown == ShownSeating(at(3, "beef0000"), [held(5), held(6)], [hold(2, 5), hold(3, 6)])


async def test_a_house_that_is_larger_than_a_page_is_rebuilt_whole(open_stream):
    stream = open_stream(status_rebuild_page_size=7)
    allocations = [held(number) for number in range(1, 51)]
    commits = [hold(version, version) for version in range(11, 31)]
    assert await stream.rebuild(HERE, None, seating(30, allocations, commits))
    assert await stream.read(HERE) == ShownSeating(at(30), allocations, commits)


async def test_an_empty_house_is_shown_too(open_stream):
    stream = open_stream()
    assert await stream.rebuild(HERE, None, seating(0))
    assert await stream.read(HERE) == ShownSeating(at(0), [], [])
    assert await stream.publish(HERE, EPOCH, [hold(1, 1)]) == at(1)


async def test_of_commits_in_the_stream_only_those_count_that_lead_to_the_head_without_a_gap(open_stream):
    stream = open_stream()
    commits = [hold(5, 1), hold(7, 1), hold(8, 2)]
    await stream.rebuild(HERE, None, seating(8, [held(1), held(2)], commits))
    assert (await stream.read(HERE)).commits == commits[1:]


async def test_a_stream_keeps_no_more_than_its_size_and_a_reader_sees_the_gap(open_stream):
    stream = open_stream(status_stream_size=100)
    await stream.rebuild(HERE, None, seating(0))
    for start in range(1, 1001, 100):
        await stream.publish(HERE, EPOCH, [hold(version, 1) for version in range(start, start + 100)])
    first, *_ = await stream.follow({HERE: 0})
    assert 1 < first.commit.version <= 901


async def test_a_reader_that_waits_is_told_of_a_publication_and_of_a_rebuild(open_stream, stream):
    reader = open_stream(status_stream_page_size=100)
    for work, versions in [
        (stream.publish(HERE, EPOCH, [hold(4, 2)]), [4]),
        (stream.rebuild(HERE, at(4), seating(9, [], [hold(8, 1), hold(9, 2)])), [8, 9]),
    ]:
        waiting = asyncio.create_task(told(reader, {HERE: versions[0] - 1}))
        await asyncio.sleep(0.05)  # so that it waits already; if it does not, it is told all the same
        await work
        assert [each.commit.version for each in await waiting] == versions


async def told(stream, versions):
    """The next entries, however often the read has to be begun again."""
    async with asyncio.timeout(10):
        while not (entries := await stream.follow(versions)):
            pass
    return entries


async def test_a_reader_that_is_ahead_of_the_stream_is_told_nothing(stream):
    assert await stream.follow({HERE: 5}) == []


async def test_schedules_of_one_shard_are_followed_together(open_stream):
    stream = open_stream()
    other = next(number for number in range(8, 10**6) if stream.shard_of(number) == stream.shard_of(HERE))
    for schedule_id in (HERE, other):
        await stream.rebuild(schedule_id, None, seating(0))
        await stream.publish(schedule_id, EPOCH, [hold(1, schedule_id), hold(2, 1)])
    entries = await told(stream, {HERE: 0, other: 1})
    assert sorted((each.schedule_id, each.commit.version) for each in entries) == [
        (HERE, 1),
        (HERE, 2),
        (other, 2),
    ]


async def test_a_schedule_in_which_nothing_happens_leaves(stream, open_stream, redis_url):
    connection = Connection(Settings(redis=redis_url), CLOCK)
    async with connection.commands(keys.seats_of(HERE)) as client:
        lives = [await client.ttl(name) for name in (keys.seats_of(HERE), keys.stream_of(HERE))]
        await client.delete(keys.stream_of(HERE))
    await connection.close()
    assert all(47 * 3600 < seconds <= 48 * 3600 for seconds in lives)
    # a stream that went alone, as by an eviction, is a gap and no more
    assert await stream.publish(HERE, EPOCH, [hold(4, 2)]) == at(4)
    assert (await stream.read(HERE)).commits == [hold(4, 2)]


async def test_waking_ends_a_read_before_its_time(open_stream, stream):
    reader = open_stream()
    if reader.shard_of(HERE) != reader.shard_of(OTHER):
        pytest.skip("on a cluster a read ends by itself, soon enough")
    await reader.follow({HERE: 3})
    waiting = asyncio.create_task(reader.follow({HERE: 3}))
    await stream.wake()
    assert await waiting == []
    assert reader._woken != "0-0"


async def test_a_seat_that_is_written_by_the_script_reads_as_one_that_a_rebuild_has_written(open_stream):
    one, all_at_once = open_stream(), open_stream()
    await one.rebuild(HERE, None, seating(0))
    await one.publish(HERE, EPOCH, [hold(1, 1, 2), sold(2, 2)])
    allocations = [held(1), held(2, Status.OCCUPIED, None)]
    await all_at_once.rebuild(OTHER, None, seating(2, allocations, [hold(1, 1, 2), sold(2, 2)]))
    assert await one.read(HERE) == replace(await all_at_once.read(OTHER))


async def test_a_store_that_is_behind_the_stream_has_lost_versions_and_begins_a_new_epoch(open_stream):
    settings, stream = Settings(database="memory:"), open_stream()
    stores = await open_stores(settings)
    match = await make_match(stores)
    loaded = await stores.seating.load(match.id, 1)
    ahead = replace(loaded, state=replace(loaded.state, version=loaded.state.version + 2))
    assert await stream.rebuild(match.id, None, ahead)
    after = await Loader(stores.seating, stores.catalogue, settings, stream).load(match.id)
    assert after.state.version == loaded.state.version
    assert after.state.epoch != loaded.state.epoch


async def test_what_was_written_aside_in_vain_is_gone(stream):
    assert not await stream.rebuild(HERE, at(2), seating(5, [held(2)], [hold(5, 2)]))
    async with stream._connection.commands(keys.seats_of(HERE)) as client:
        assert await client.keys("*aside*") == []
    assert await contents(stream) == (at(3), {1: "HOLD"})
