"""Whatever becomes of Redis and of those who publish: what it shows is a state of the store, and all end up with the last.

Three instances sell one schedule of a store in memory, and show each other by a real Valkey. Commits are lost between
the store and Redis, instances die, Redis is emptied, trimmed, or falls back to an older state. A newcomer that begins
with Redis must know what the store knows, at any time.
"""

import asyncio
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest
import redis.asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jari.adapters.redis import keys, status_stream
from jari.adapters.redis.connection import Connection
from jari.adapters.redis.status_stream import RedisStatusStream
from jari.adapters.system import CHANCE, CLOCK
from jari.domain.errors import JariError
from jari.domain.schedules import Kind
from jari.domain.users import Role, User
from jari.main import open_stores
from jari.settings import Settings
from jari.usecases.following import Follower
from jari.usecases.holds import Holds
from jari.usecases.live import Live
from jari.usecases.loading import Loader
from jari.usecases.organising import Organising
from jari.usecases.publishing import Publisher
from jari.usecases.till import Tills
from support.worlds import hall

INSTANCES, BUYERS, SEATS = 3, 3, 12
SETTLE_SECONDS = 10


class Witness:
    """What the viewers of an instance were told."""

    def __init__(self):
        self.versions = []
        self.replaced_times = 0

    def opened(self, schedule):
        self.versions.append(schedule.seat_map.version)

    def committed(self, schedule, commit):
        self.versions.append(commit.version)

    def replaced(self, schedule):
        self.replaced_times += 1


class Instance:
    """What one process runs, without its clockwork: a test polls and looks at the heads when it likes."""

    def __init__(self, stores, limits):
        self.connection = Connection(limits, CLOCK)
        stream = RedisStatusStream(self.connection, limits)
        self.live = Live(stores.seating, stores.catalogue, CLOCK, limits, stream)
        self.tills = Tills(self.live, stores.seating, stores.claims, limits)
        self.holds = Holds(self.live, self.tills, stores.seating, CLOCK, CHANCE, limits)
        self.publisher = Publisher(stream, stores.seating, self.live, CLOCK, limits)
        self.follower = Follower(stream, self.live, self.publisher, limits)
        self.witness = Witness()
        self.live.audiences = [self.witness, self.publisher, self.follower]
        self._running = AsyncExitStack()

    async def begin(self, schedule_id):
        await self._running.enter_async_context(self.follower.following())
        self.schedule = await self.live.open(schedule_id)

    async def look(self):
        await self.publisher.check()
        await self.at_rest()

    async def at_rest(self):
        async with asyncio.timeout(SETTLE_SECONDS):
            while working := list(self.publisher._at_work):
                await asyncio.gather(*working)

    async def die(self):
        """What is not published yet is lost, as with a process that is killed."""
        for task in list(self.publisher._at_work):
            task.cancel()
        await self.close()

    async def close(self):
        await self._running.aclose()
        await self.connection.close()


class Scene:
    """The instances, and all that may happen to them."""

    def __init__(self, stores, schedule_id, limits):
        self.stores, self.id, self.limits = stores, schedule_id, limits
        self.names = [keys.seats_of(schedule_id), keys.stream_of(schedule_id)]
        self.saved = [None, None]
        self.redis = redis.asyncio.Redis.from_url(limits.redis)

    async def open(self):
        await self.redis.flushall()
        self.instances = [Instance(self.stores, self.limits) for _ in range(INSTANCES)]
        for each in self.instances:
            await each.begin(self.id)
        self.seat_ids = list(self.instances[0].schedule.seat_map.layout.seat_ids)

    async def close(self):
        for each in self.instances:
            await each.close()
        await self.redis.aclose()

    # --- what may happen

    async def hold(self, number, buyer, seats):
        await self.instances[number].holds.hold(buyer, self.id, tuple(self.seat_ids[each] for each in seats))

    async def release(self, number, buyer):
        _, held = await self.stores.seating.allocations_of(self.id, buyer.id)
        await self.instances[number].holds.release(buyer, self.id, tuple(each.seat_id for each in held[:2]))

    async def die(self, number):
        dead = self.instances[number]
        self.instances[number] = Instance(self.stores, self.limits)
        await dead.die()
        check_order(dead)
        await self.instances[number].begin(self.id)

    async def poll(self, number):
        await self.instances[number].live.poll()

    async def look(self, number):
        await self.instances[number].look()

    async def empty(self):
        await self.redis.flushall()

    async def trim(self):
        await self.redis.xtrim(self.names[1], maxlen=1, approximate=False)

    async def save(self):
        self.saved = [await self.redis.dump(name) for name in self.names]

    async def fall_back(self):
        """As when a replica that lags becomes the master."""
        async with self.redis.pipeline() as pipeline:
            pipeline.delete(*self.names)
            for name, saved in zip(self.names, self.saved, strict=True):
                if saved is not None:
                    pipeline.restore(name, 0, saved)
            await pipeline.execute()

    async def newcomer(self):
        """Whoever begins with Redis knows what the store knows."""
        connection = Connection(self.limits, CLOCK)
        stream = RedisStatusStream(connection, self.limits)
        loader = Loader(self.stores.seating, self.stores.catalogue, self.limits, stream)
        while True:
            loaded = await loader.load(self.id)
            if loaded.seat_map.version == (seating := await self.store()).state.version:
                break
        await connection.close()
        assert seats_of(loaded.seat_map) == held(seating)

    async def pause(self):
        await asyncio.sleep(0.002)

    # --- what must be true in the end

    async def store(self):
        return await self.stores.seating.load(self.id, 0)

    async def check(self):
        """Two looks: what is missing at one may be on its way, at the second it is mended."""
        for _ in range(2):
            for each in self.instances:
                await each.live.poll()
                await each.look()
        seating = await self.store()
        for each in self.instances:
            assert seats_of(each.schedule.seat_map) == held(seating)
            assert each.schedule.seat_map.version == seating.state.version
            check_order(each)
        shown = await RedisStatusStream(self.instances[0].connection, self.limits).read(self.id)
        assert (shown.head.epoch, shown.head.version) == (seating.state.epoch, seating.state.version)
        assert {each.seat_id: (each.status, each.buyer_id) for each in shown.allocations} == held(seating)


def held(seating):
    return {each.seat_id: (each.status, each.buyer_id) for each in seating.allocations}


def seats_of(seat_map):
    return {
        seat_id: (seat_map.status[place], seat_map.buyer_ids[place])
        for seat_id, place in seat_map.layout.index_of.items()
        if seat_map.status[place]
    }


def check_order(instance):
    """Its viewers were told every commit once and in order, and none had to start over."""
    versions = instance.witness.versions
    assert versions == list(range(versions[0], versions[0] + len(versions)))
    assert instance.witness.replaced_times == 0


instance = st.integers(0, INSTANCES - 1)
buyer = st.integers(1, BUYERS).map(lambda number: User(number, f"{number}@example.com", "Kim", Role.BUYER))
places = st.lists(st.integers(0, SEATS - 1), min_size=1, max_size=2, unique=True)
steps = st.one_of(
    st.tuples(st.just("hold"), instance, buyer, places),
    st.tuples(st.just("hold"), instance, buyer, places),
    st.tuples(st.just("release"), instance, buyer),
    st.tuples(st.just("release"), instance, buyer),
    st.tuples(st.sampled_from(["die", "poll", "look"]), instance),
    st.tuples(st.sampled_from(["empty", "trim", "save", "fall_back", "newcomer", "pause"])),
)
histories = st.lists(steps, min_size=10, max_size=30)


class House:
    """A store in memory, and the loop that everything lives in."""

    def __init__(self, redis_url):
        self.runner = asyncio.Runner()
        self.limits = Settings(
            database="memory:heads", redis=redis_url, redis_block_ms=20, redis_timeout_ms=5_000,
            max_seats_per_buyer=SEATS, poll_ms=600_000,
        )  # fmt: skip
        self.stores = self.runner.run(open_stores(Settings(database="memory:heads")))
        self.venue_id, _ = self.runner.run(
            Organising(self.stores.catalogue, self.stores.news).import_venue(hall(rows=2, cols=SEATS // 2))
        )

    def close(self):
        self.runner.run(self.stores.close())
        self.runner.close()

    def play(self, history):
        self.runner.run(self._play(history))

    async def _play(self, history):
        schedule_id = await Organising(self.stores.catalogue, self.stores.news).create_schedule(
            venue_id=self.venue_id, kind=Kind.MATCH, title="LG : Doosan", starts_ms=0, opens_ms=0
        )
        scene = Scene(self.stores, schedule_id, self.limits)
        await scene.open()
        try:
            for name, *arguments in history:
                with suppress(JariError):
                    await getattr(scene, name)(*arguments)
            await scene.check()
            await scene.newcomer()
        finally:
            await scene.close()


@pytest.fixture
def house(valkey_url):
    house = House(valkey_url)
    yield house
    house.close()


def test_whatever_happens_all_end_up_with_the_stores_state(house):
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(history=histories)
    def search(history):
        house.play(history)

    search()


KIM, LEE = (User(number, f"{number}@example.com", "Kim", Role.BUYER) for number in (1, 2))
A_GAP = [
    ("look", 0), ("save",), ("hold", 0, KIM, [0]), ("look", 0), ("pause",), ("look", 0), ("fall_back",),
    ("hold", 0, LEE, [1]), ("look", 0), ("newcomer",),
]  # fmt: skip


def test_a_redis_that_fell_back_gets_what_it_lacks_before_the_next_commit(house):
    house.play(A_GAP)


@pytest.fixture
def without_the_version_check(monkeypatch, tmp_path):
    """Redis takes whatever is newer than what it has."""
    text = Path(status_stream.__file__).with_name("publish.lua").read_text()
    broken = text.replace("== version + 1", "> version").replace(
        "version = version + 1", "version = tonumber(ARGV[place])"
    )
    assert broken != text
    (tmp_path / "publish.lua").write_text(broken)
    script = status_stream.Script(str(tmp_path / "caller.py"), "publish.lua")
    monkeypatch.setattr(status_stream, "PUBLISH", script)


def test_a_redis_that_skips_commits_is_found_out(house, without_the_version_check):
    with pytest.raises(AssertionError):
        house.play(A_GAP)
