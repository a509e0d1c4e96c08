"""Snapshot + every later change = the store's state, for every viewer, whatever happens to it.

Two processes' worth of use cases work on one real SQLite file. Viewers of every kind follow either of them,
stop reading, vanish, and come back to one or the other with the position they had, while seats are held, given
back, paid and run out, the change log is trimmed and processes start anew. When all is quiet, every viewer's
screen must show what the store holds.
"""

import asyncio
import itertools
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from jari.adapters.system import CHANCE, CLOCK
from jari.domain.commands.holds import Hold
from jari.domain.errors import JariError
from jari.domain.schedules import Kind
from jari.domain.seating import Status
from jari.domain.users import Role, User
from jari.main import open_stores
from jari.settings import Settings
from jari.usecases.holds import Holds
from jari.usecases.live import Live
from jari.usecases.organising import Organising
from jari.usecases.sweeping import Sweeper
from jari.usecases.till import Tills
from jari.web.live.snapshots import Snapshots
from jari.web.live.streams import Hub
from properties.viewers import BatchScreen, BlockScreen, Peer, ScheduleScreen
from support.databases import sqlite_in
from support.selling import purchase_of
from support.worlds import hall

BUYERS = [User(number, f"buyer-{number}@example.com", "Buyer", Role.BUYER) for number in (1, 2, 3)]
RUSHING = User(4, "rushing@example.com", "Buyer", Role.BUYER)
VENUE = hall(blocks=2, rows=2, cols=3)
SEATS = 12
WAIT_SECONDS = 5
_holds = itertools.count(1)

# A log and pages so short that viewers and processes fall off them all the time.
SMALL = {"change_log_size": 3, "poll_page_size": 2, "tick_min_ms": 1, "max_seats_per_buyer": 6}


class Process:
    """What one server process runs, without its socket and its clockwork."""

    def __init__(self, stores, limits, *, audience=lambda hub: hub):
        self.stores = stores
        self.live = Live(stores.seating, stores.catalogue, CLOCK, limits)
        self.tills = Tills(self.live, stores.seating, stores.claims, limits)
        self.holds = Holds(self.live, self.tills, stores.seating, CLOCK, CHANCE, limits)
        sold, accounts = stores.reservations, stores.accounts
        self.sweeper = Sweeper(self.live, self.tills, stores.seating, sold, accounts, stores.relays, limits)
        self.snapshots = Snapshots()
        self.hub = Hub(self.snapshots, limits)
        self.live.audiences = [audience(self.hub)]
        self._sending = asyncio.create_task(self.hub.run())

    async def quiet(self, schedule_id):
        """Until all that was committed has been sent: two viewers joined, one tick after the other."""
        for _ in range(2):
            probe = Peer()
            probe.open(self.hub, await self.live.open(schedule_id), None, batch=True, since=None)
            async with asyncio.timeout(WAIT_SECONDS):
                await probe.until(b"event: snapshot")
            await probe.close()

    async def close(self):
        self.hub.close()
        await self._sending
        await self.tills.close()


@dataclass
class Viewer:
    """A page: what it shows, its connection if there is one, and what it asks for."""

    screen: object
    block_id: int | None
    batch: bool
    peer: Peer | None = None
    process: int = 0
    met: Counter[str] = field(default_factory=Counter)

    async def show(self):
        if self.peer is not None:
            await self.screen.show(self.peer.take())

    async def connect(self, process, number, schedule_id, since):
        schedule = await process.live.open(schedule_id)
        self.peer, self.process = Peer(), number
        self.peer.open(process.hub, schedule, self.block_id, batch=self.batch, since=since)

    async def disconnect(self):
        """The client goes; what it had received it has seen."""
        await self.show()
        await self.peer.close()
        self.count(self.screen.parser.names, waited=self.peer.waited)
        self.screen.parser.names = []
        self.peer = None

    def count(self, names, *, waited):
        """What happened on a connection, for the test that asks whether enough does."""
        whole = {"init", "snapshot", "ready"}
        if names and names[0] != "ready":
            self.met["opened by a snapshot" if names[0] in whole else "opened by changes"] += 1
        self.met["replaced while open"] += len(whole.intersection(names[1:]))
        self.met["had to wait"] += waited


class Scene:
    """One schedule, two processes, a viewer of each kind."""

    def __init__(self, stores, schedule_id, limits, *, audience=lambda hub: hub):
        self.stores = stores
        self.id = schedule_id
        self.limits = limits
        self.audience = audience
        self.processes = [Process(each, limits, audience=audience) for each in stores]

    async def open(self):
        for process in self.processes:
            await process.live.open(self.id)
        layout = (await self.processes[0].live.open(self.id)).seat_map.layout
        self.seat_ids = list(layout.seat_ids)
        block_id = layout.block_ids[1]
        self.home = {
            block_id: {self.seat_ids[index] for index in layout.block_range(1)},
            None: set(self.seat_ids),
        }
        self.viewers = [
            Viewer(BlockScreen(), block_id, batch=False),
            Viewer(BatchScreen(self.home[block_id]), block_id, batch=True),
            Viewer(BatchScreen(self.home[None]), None, batch=True),
            Viewer(ScheduleScreen(layout.seat_at, self.load_seats), None, batch=False),
        ]
        for number, viewer in enumerate(self.viewers):
            await viewer.connect(self.processes[number % 2], number % 2, self.id, None)

    async def load_seats(self):
        """``seat-status`` as the process that the schedule's viewer is connected to gives it."""
        process = self.processes[self.viewers[3].process]
        return await process.snapshots.of(await process.live.open(self.id)).whole()

    async def close(self):
        for viewer in self.viewers:
            if viewer.peer is not None:
                await viewer.disconnect()
        for process in self.processes:
            await process.close()

    # --- what may happen

    async def hold(self, number, buyer, seats, short):
        process = self.processes[number]
        if not short:
            await process.holds.hold(buyer, self.id, seats)
        else:  # a hold that has ended by the time anybody looks
            await process.tills.submit(self.id, Hold(buyer.id, seats, f"short-{next(_holds)}", 1, 6))

    async def release(self, number, buyer):
        own = await self.held_by(number, buyer)
        await self.processes[number].holds.release(buyer, self.id, tuple(each.seat_id for each in own[:2]))

    async def pay(self, number, buyer):
        own = await self.held_by(number, buyer)
        seat_ids = tuple(each.seat_id for each in own)
        sold = self.stores[number].reservations
        for each in purchase_of(buyer.id, seat_ids, await sold.take_numbers(1), self.id):
            await self.processes[number].tills.submit(self.id, each)

    async def rush(self, number):
        """More commits than the log keeps: who does not look meanwhile has fallen off it."""
        process = self.processes[number]
        free = [seat_id for seat_id in self.seat_ids if not await self.is_taken(process, seat_id)]
        for seat_id in free[:3]:
            await process.holds.hold(RUSHING, self.id, (seat_id,))
            await process.holds.release(RUSHING, self.id, (seat_id,))
        await process.sweeper.trim()

    async def is_taken(self, process, seat_id):
        seats = (await process.live.open(self.id)).seat_map
        return seats.status[seats.layout.index_of[seat_id]] != Status.AVAILABLE

    async def held_by(self, number, buyer):
        _, allocations = await self.processes[number].holds.mine(buyer, self.id)
        return [each for each in allocations if each.status is Status.HOLD]

    async def sweep(self, number):
        await self.processes[number].sweeper.sweep()

    async def poll(self, number):
        await self.processes[number].live.poll()

    async def trim(self, number):
        await self.processes[number].sweeper.trim()

    async def let_go(self, number):
        """Nobody has asked for the replica for long; whoever watches still has it."""
        recent = self.processes[number].live._recent
        for each in list(recent):
            recent.pop(each)

    async def restart(self, number):
        """The process ends and another takes its place; its viewers must connect again."""
        for viewer in self.viewers:
            if viewer.peer is not None and viewer.process == number:
                await viewer.disconnect()
        await self.processes[number].close()
        self.processes[number] = Process(self.stores[number], self.limits, audience=self.audience)

    async def stop_reading(self, number):
        if (peer := self.viewers[number].peer) is not None:
            peer.stop_reading()

    async def read_on(self, number):
        if (peer := self.viewers[number].peer) is not None:
            peer.read_on()

    async def vanish(self, number):
        if self.viewers[number].peer is not None:
            await self.viewers[number].disconnect()

    async def come_back(self, number, process, since):
        """Connect again: with the last id, with one of an unknown epoch, with nonsense, or with none."""
        viewer = self.viewers[number]
        if viewer.peer is not None:
            await viewer.disconnect()
        last_id = viewer.screen.parser.last_id
        asked = {"last": last_id, "unknown": "feed0000-1", "nonsense": "yesterday", "none": None}[since]
        await viewer.connect(self.processes[process], process, self.id, asked)

    async def pause(self):
        """Long enough for a tick, so that histories differ in what is gathered into one."""
        await asyncio.sleep(0.003)

    # --- what must be true in the end

    async def become_quiet(self):
        for number, viewer in enumerate(self.viewers):
            if viewer.peer is None:
                await self.come_back(number, viewer.process, "last")
            viewer.peer.read_on()
        for process in self.processes:
            await process.live.open(self.id)
            await process.live.poll()
        for process in self.processes:
            await process.quiet(self.id)
        for viewer in self.viewers:
            await viewer.show()

    async def check(self):
        """Every screen, and both replicas, against the store."""
        await self.become_quiet()
        loaded = await self.stores[0].seating.load(self.id, 0)
        stored = dict.fromkeys(self.seat_ids, "AVAILABLE")
        stored |= {each.seat_id: each.status.name for each in loaded.allocations}
        for viewer in self.viewers:
            expected = {seat_id: stored[seat_id] for seat_id in self.home[viewer.block_id]}
            assert viewer.screen.seats == expected, f"{viewer.screen} of process {viewer.process}"
        for process in self.processes:
            seats = (await process.live.open(self.id)).seat_map
            assert seats.version == loaded.state.version
            shown = {seat_id: seats.status[place] for seat_id, place in seats.layout.index_of.items()}
            assert shown == {seat_id: _number(status) for seat_id, status in stored.items()}


def _number(status):
    return {"AVAILABLE": 0, "HOLD": 1, "OCCUPIED": 2}[status]


places = st.lists(st.integers(0, SEATS - 1), min_size=1, max_size=3, unique=True).map(tuple)
process = st.integers(0, 1)
buyer = st.sampled_from(BUYERS)
viewer = st.integers(0, 3)
since = st.sampled_from(["last", "last", "last", "unknown", "nonsense", "none"])

steps = st.one_of(
    st.tuples(st.just("hold"), process, buyer, places, st.booleans()),
    st.tuples(st.just("hold"), process, buyer, places, st.just(False)),
    st.tuples(st.sampled_from(["release", "pay"]), process, buyer),
    st.tuples(st.sampled_from(["sweep", "poll", "trim", "restart", "rush", "let_go"]), process),
    st.tuples(st.sampled_from(["stop_reading", "read_on", "vanish"]), viewer),
    st.tuples(st.just("come_back"), viewer, process, since),
    st.tuples(st.just("pause")),
)


histories = st.lists(steps, min_size=20, max_size=50)


async def play(scene, history):
    """Do all of it; refusals are a part of life."""
    for name, *arguments in history:
        if name == "hold":
            arguments[2] = tuple(scene.seat_ids[place] for place in arguments[2])
        with suppress(JariError):
            await getattr(scene, name)(*arguments)


class House:
    """A database with one venue, two processes' connections to it, and the loop they live in."""

    def __init__(self, url):
        self.runner = asyncio.Runner()
        self.limits = Settings(database=url, **SMALL)
        self.stores = [self.runner.run(open_stores(self.limits)) for _ in range(2)]
        self.organising = Organising(self.stores[0].catalogue, self.stores[0].news)
        self._venue_ids = {}

    def close(self):
        for stores in self.stores:
            self.runner.run(stores.close())
        self.runner.close()

    async def schedule(self, plan):
        """A new occasion, on sale."""
        venue_id = self._venue_ids.get(plan.name)
        if venue_id is None:
            venue_id, _ = await self.organising.import_venue(plan)
            self._venue_ids[plan.name] = venue_id
        return await self.organising.create_schedule(
            venue_id=venue_id, kind=Kind.MATCH, title="LG : Doosan", starts_ms=0, opens_ms=0
        )

    def play(self, history, *, audience=lambda hub: hub):
        """Live through a history and check its end; what the viewers have met."""
        return self.runner.run(self._play(history, audience))

    async def _play(self, history, audience):
        scene = Scene(self.stores, await self.schedule(VENUE), self.limits, audience=audience)
        await scene.open()
        try:
            await play(scene, history)
            await scene.check()
        finally:
            await scene.close()
        return sum((viewer.met for viewer in scene.viewers), Counter())


@pytest.fixture(scope="module")
def house():
    house = House("memory:streams")
    yield house
    house.close()


@pytest.fixture(scope="module")
def house_on_disk(tmp_path_factory):
    house = House(sqlite_in(tmp_path_factory.mktemp("streams")))
    yield house
    house.close()


@pytest.mark.parametrize("where", [pytest.param("house", marks=pytest.mark.memory), "house_on_disk"])
def test_every_viewer_ends_up_with_the_stores_state(request, where):
    house = request.getfixturevalue(where)

    @settings(max_examples=120, deadline=None)
    @given(history=histories)
    def search(history):
        house.play(history)

    search()


class Lossy:
    """An audience that passes on all but one commit: what the whole design must never do."""

    def __init__(self, hub):
        self._hub = hub

    def opened(self, schedule):
        self._hub.opened(schedule)

    def committed(self, schedule, commit):
        if commit.version != 2:
            self._hub.committed(schedule, commit)

    def replaced(self, schedule):
        self._hub.replaced(schedule)


TWO_HOLDS = [
    ("hold", 0, BUYERS[0], (0, 6), False),
    ("pause",),
    ("hold", 0, BUYERS[1], (1, 7), False),
]


def test_two_holds_are_seen_by_all(house):
    house.play(TWO_HOLDS)


def test_a_commit_that_the_hub_is_not_told_of_is_found_out(house):
    with pytest.raises(AssertionError):
        house.play(TWO_HOLDS, audience=Lossy)


def test_random_histories_find_a_lost_commit(house):
    @settings(
        max_examples=100, deadline=None, phases=[Phase.generate], database=None, report_multiple_bugs=False
    )
    @given(history=histories)
    def search(history):
        house.play(history, audience=Lossy)

    with pytest.raises((AssertionError, Flaky)):  # flaky: found out, but not again in the same ticks
        search()


def test_the_histories_meet_all_that_they_are_for(house):
    met = Counter()

    @settings(max_examples=60, deadline=None, phases=[Phase.generate], database=None, derandomize=True)
    @given(history=histories)
    def search(history):
        met.update(house.play(history))

    search()
    wanted = {"opened by a snapshot", "opened by changes", "replaced while open", "had to wait"}
    assert wanted <= met.keys(), met


@pytest.mark.parametrize("absence", ["stop_reading", "vanish"])
def test_a_viewer_that_missed_a_new_plan_gets_the_block_anew(house, absence):
    """Changes alone do not lead from one plan to the next, whichever way the viewer was away."""
    house.runner.run(_miss_a_new_plan(house, absence))


async def _miss_a_new_plan(house, absence):
    plan = hall(blocks=2, rows=2, cols=3)
    scene = Scene(house.stores, await house.schedule(plan), house.limits)
    await scene.open()
    try:
        await scene.become_quiet()
        await getattr(scene, absence)(0)
        await scene.hold(0, BUYERS[0], tuple(scene.seat_ids[6:8]), short=False)
        await scene.processes[0].quiet(scene.id)
        await house.organising.import_venue(hall(blocks=2, rows=2, cols=4, name=plan.name))
        for process in scene.processes:
            await process.live.poll()
            await process.quiet(scene.id)
        await scene.become_quiet()
        assert len(scene.viewers[0].screen.seats) == 8
    finally:
        await scene.close()
