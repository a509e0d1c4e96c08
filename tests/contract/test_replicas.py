"""Replicas are let go when nobody has them, and there is never a second one of a schedule that takes commits."""

import asyncio
import gc
import random
import weakref
from collections import defaultdict
from contextlib import suppress
from dataclasses import replace
from weakref import WeakSet

import pytest

from jari.adapters.system import CHANCE, CLOCK
from jari.caches import let_go
from jari.domain.errors import JariError, Unavailable
from jari.domain.schedules import Kind
from jari.domain.users import Role, User
from jari.main import open_stores
from jari.settings import Settings
from jari.usecases.holds import Holds
from jari.usecases.live import Live
from jari.usecases.organising import Organising
from jari.usecases.till import Tills
from jari.web.live.snapshots import Snapshots
from support.worlds import hall

SCHEDULES, WORKERS, TURNS = 4, 12, 25
BUYERS = [
    User(number, f"buyer-{number}@example.com", "Buyer", Role.BUYER) for number in range(1, WORKERS + 1)
]


class Forgetful(Live):
    """Lets go of replicas that somebody has: what must never happen."""

    def forget(self):
        for schedule_id in list(self._schedules):
            if schedule_id not in self._recent:
                del self._schedules[schedule_id]


class Witness:
    """An audience that knows every replica that lives, and what each has taken."""

    def __init__(self):
        self.seen = WeakSet()
        self.versions = defaultdict(list)
        self.twins = 0

    def opened(self, schedule):
        """A replica is only counted once it has taken a commit, or when a test says so."""

    def committed(self, schedule, commit):
        self.seen.add(schedule)
        self.twins += sum(each.id == schedule.id and each is not schedule for each in self.seen)
        self.versions[schedule.id].append(commit.version)

    def replaced(self, schedule):
        self.seen.add(schedule)


class Process:
    def __init__(self, stores, settings, live=Live):
        self.live = live(stores.seating, stores.catalogue, CLOCK, settings)
        self.tills = Tills(self.live, stores.seating, stores.claims, settings)
        self.holds = Holds(self.live, self.tills, stores.seating, CLOCK, CHANCE, settings)
        self.witness = Witness()
        self.live.audiences = [self.witness]


@pytest.fixture
def limits(store_url):
    return Settings(database=store_url, max_replicas=2, max_seats_per_buyer=50)


@pytest.fixture
async def stores(limits):
    stores = await open_stores(limits)
    yield stores
    await stores.close()


@pytest.fixture
async def schedule_ids(stores):
    organising = Organising(stores.catalogue, stores.news)
    venue_id, _ = await organising.import_venue(hall(rows=10, cols=10))
    return [
        await organising.create_schedule(
            venue_id=venue_id, kind=Kind.MATCH, title="LG : Doosan", starts_ms=0, opens_ms=0
        )
        for _ in range(SCHEDULES)
    ]


def time_passes(live):
    """Nobody has asked for any replica for longer than they are kept."""
    for each in list(live._recent):
        live._recent.pop(each)
    if isinstance(live, Forgetful):
        live.forget()


async def living(live):
    await asyncio.sleep(0)  # the step of the loop that brought a replica holds it until it ends
    gc.collect()
    return set(live._schedules)


async def test_what_nobody_asks_for_is_let_go_with_its_snapshots(stores, limits, schedule_ids):
    live, snapshots = Process(stores, limits).live, Snapshots()
    snapshot = weakref.ref(snapshots.of(await live.open(schedule_ids[0])))
    let_go()
    assert await living(live) == {schedule_ids[0]}  # not idle for long enough
    assert snapshot() is not None
    time_passes(live)
    assert await living(live) == set()
    assert snapshot() is None


async def test_of_those_that_nobody_has_so_many_are_kept(stores, limits, schedule_ids):
    live = Process(stores, limits).live
    for schedule_id in schedule_ids:
        await live.open(schedule_id)
    assert await living(live) == set(schedule_ids[-2:])


async def test_no_more_wait_to_be_loaded_than_the_limit_says_and_one_that_waits_is_waited_for(
    stores, limits, schedule_ids
):
    live = Process(stores, replace(limits, max_replica_loads=1, replica_queue_size=2)).live
    first, second, third = schedule_ids[:3]
    opened = [asyncio.create_task(live.open(each)) for each in (first, second, first, third)]
    with pytest.raises(Unavailable, match="try again"):
        await opened.pop()
    assert [(await each).id for each in opened] == [first, second, first]
    assert (await live.open(third)).id == third


async def test_one_that_somebody_has_is_the_same_for_all_and_goes_on(stores, limits, schedule_ids):
    here, there = Process(stores, limits), Process(stores, limits)
    watched = await here.live.open(schedule_ids[0])
    for schedule_id in schedule_ids[1:]:
        await here.live.open(schedule_id)
    time_passes(here.live)
    assert await living(here.live) == {schedule_ids[0]}
    assert await here.live.open(schedule_ids[0]) is watched
    seat_id = watched.seat_map.layout.seat_ids[0]
    await there.holds.hold(BUYERS[0], schedule_ids[0], (seat_id,))
    time_passes(here.live)
    await here.live.poll()
    assert watched.seat_map.version == 1


async def test_a_till_has_its_replica_while_it_works_and_lets_go_of_it_afterwards(
    stores, limits, schedule_ids
):
    process = Process(stores, limits)
    layout = (await process.live.open(schedule_ids[0])).seat_map.layout
    async with stores.seating.transaction(schedule_ids[0]):  # the till has to wait for its turn
        holding = asyncio.create_task(process.holds.hold(BUYERS[0], schedule_ids[0], (layout.seat_ids[0],)))
        await working(process.tills)
        time_passes(process.live)
        assert await living(process.live) == {schedule_ids[0]}
    await holding
    del holding
    assert process.witness.versions[schedule_ids[0]] == [1]
    time_passes(process.live)
    assert await living(process.live) == set()
    assert dict(process.tills._tills) == {}


async def working(tills):
    async with asyncio.timeout(5):
        while not tills._at_work:  # noqa: ASYNC110 - it is looked into from outside
            await asyncio.sleep(0)


async def storm(stores, limits, schedule_ids, live):
    """All hold and release everywhere, while two processes poll and let go of whatever they can all the time.

    Half of the schedules are watched from the beginning to the end.
    """
    processes = [Process(stores, limits, live) for _ in range(2)]
    watched = [(process, await process.live.open(each)) for process in processes for each in schedule_ids[:2]]
    for process, schedule in watched:
        process.witness.seen.add(schedule)
    layout = (await processes[0].live.open(schedule_ids[0])).seat_map.layout
    ended = asyncio.Event()

    async def work(number):
        dice = random.Random(number)
        for _ in range(TURNS):
            process, schedule_id = dice.choice(processes), dice.choice(schedule_ids)
            seat_ids = tuple(dice.sample(layout.seat_ids[number * 8 : number * 8 + 8], 2))
            with suppress(JariError):
                await process.holds.hold(BUYERS[number], schedule_id, seat_ids)
                await process.holds.release(BUYERS[number], schedule_id, seat_ids[:1])

    async def let_go_all_the_time(process):
        while not ended.is_set():
            time_passes(process.live)
            await process.live.poll()
            await asyncio.sleep(0)

    letting_go = [asyncio.create_task(let_go_all_the_time(process)) for process in processes]
    await asyncio.gather(*(work(number) for number in range(WORKERS)))
    ended.set()
    await asyncio.gather(*letting_go)
    return processes


async def test_no_schedule_ever_has_two_replicas_and_each_ends_at_the_stores_state(
    stores, limits, schedule_ids
):
    for process in await storm(stores, limits, schedule_ids, Live):
        assert process.witness.twins == 0
        for schedule_id in schedule_ids:
            versions = process.witness.versions[schedule_id]
            assert versions == sorted(set(versions))  # none is taken twice, by whichever replica
            schedule = await process.live.open(schedule_id)
            await process.live.poll()
            loaded = await stores.seating.load(schedule_id, 0)
            held = {each.seat_id for each in loaded.allocations}
            status, index_of = schedule.seat_map.status, schedule.seat_map.layout.index_of
            assert {seat_id for seat_id, index in index_of.items() if status[index]} == held


async def test_a_process_that_forgets_replicas_which_somebody_has_is_found_out(stores, limits, schedule_ids):
    processes = await storm(stores, limits, schedule_ids, Forgetful)
    assert sum(process.witness.twins for process in processes) > 0
