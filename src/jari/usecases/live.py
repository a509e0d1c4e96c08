"""The live replica: every watched schedule's seat map in memory, brought forward by commits in order.

A commit comes at once from a till of this process, or from the change log: there one poller for the whole process
looks for what others have committed. `Live.advance` takes both: it applies the next commit, drops an old one, and
fetches those that are missing first, so that none is skipped.

A replica lives as long as somebody has it: a stream, a till at work, a request under way. Besides, `Live` keeps the
ones used last for a while. It knows every replica that lives, and gives it to whoever asks: so there is never a second
one of the same schedule. To let one go only means no longer to keep it.
"""

import asyncio
import functools
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol
from weakref import WeakValueDictionary

import structlog

from jari import metrics
from jari.caches import Cache
from jari.domain.errors import Unavailable
from jari.domain.seatmap import Commit, SeatMap
from jari.ports.catalogue import CatalogueStore
from jari.ports.seating import ScheduleState, SeatingStore
from jari.ports.status_stream import StatusStream
from jari.ports.system import Clock
from jari.settings import LiveSettings
from jari.usecases.loading import Loader

log = structlog.get_logger()

TOO_MANY_SCHEDULES = (
    "Too many people are asking for different schedules and nothing was done: try again in a moment."
)


class LiveSchedule:
    """One schedule as this process knows it."""

    def __init__(self, schedule_id: int, seat_map: SeatMap, state: ScheduleState) -> None:
        self.id = schedule_id
        self.seat_map = seat_map
        self.sale = state.sale
        self.advancing = asyncio.Lock()


class Audience(Protocol):
    """Who is told of what happens to the replicas; called without waiting."""

    def opened(self, schedule: LiveSchedule) -> None:
        """The schedule has a replica from now on."""

    def committed(self, schedule: LiveSchedule, commit: Commit) -> None:
        """The schedule's map has taken this commit."""

    def replaced(self, schedule: LiveSchedule) -> None:
        """The schedule's map was loaded anew: viewers need the whole of it, changes are not enough."""


class Live:
    """Every replica that somebody has, and those that were asked for last."""

    def __init__(
        self,
        store: SeatingStore,
        catalogue: CatalogueStore,
        clock: Clock,
        settings: LiveSettings,
        stream: StatusStream | None = None,
    ) -> None:
        self._store = store
        self._loader = Loader(store, catalogue, settings, stream)
        self._clock = clock
        self._settings = settings
        # every replica that lives, even one that is no longer kept: whoever asks gets that one
        self._schedules: WeakValueDictionary[int, LiveSchedule] = WeakValueDictionary()
        self._recent: Cache[int, LiveSchedule] = Cache(
            settings.max_replicas, idle_seconds=settings.replica_idle_seconds, clock=clock.seconds
        )
        self._loads = asyncio.Semaphore(settings.max_replica_loads)
        self._opening: dict[int, asyncio.Task[LiveSchedule]] = {}
        self._clock_offset_ms = 0
        self._soon = asyncio.Event()
        self.audiences: list[Audience] = []
        # whether others tell of all that a poll would find
        self.is_followed: Callable[[], bool] = lambda: False

    def now_ms(self) -> int:
        """The store's time, as well as this process knows it. No final decision rests on it."""
        return self._clock.now_ms() + self._clock_offset_ms

    def learn_time(self, store_now_ms: int) -> None:
        """Learn the store's time from one of its answers."""
        self._clock_offset_ms = store_now_ms - self._clock.now_ms()

    def known(self, schedule_id: int) -> LiveSchedule | None:
        """The schedule's replica if it was asked for lately: then nobody need wait for it."""
        return self._recent.get(schedule_id)

    @property
    def schedules(self) -> list[LiveSchedule]:
        """Every replica that lives. Whoever keeps the list keeps them alive."""
        return list(self._schedules.values())

    def living(self, schedule_id: int) -> LiveSchedule | None:
        """The schedule's replica, if it has one."""
        return self._schedules.get(schedule_id)

    def look_soon(self) -> None:
        """Poll at the usual pace again, from now on."""
        self._soon.set()

    async def open(self, schedule_id: int) -> LiveSchedule:
        """The schedule's replica, loaded once however many ask at the same time.

        Raises:
            NotFound: there is none.
            Unavailable: too many others wait to be loaded.
        """
        if (schedule := self.known(schedule_id)) is not None:
            return schedule
        if (schedule := self._schedules.get(schedule_id)) is not None:
            self._recent.put(schedule_id, schedule)
            return schedule
        opening = self._opening.get(schedule_id)
        if opening is None:
            if len(self._opening) >= self._settings.replica_queue_size:
                raise Unavailable(TOO_MANY_SCHEDULES, retry_after_seconds=2)
            opening = asyncio.create_task(self._open(schedule_id))
            self._opening[schedule_id] = opening
            opening.add_done_callback(functools.partial(self._opened, schedule_id))
        return await asyncio.shield(opening)

    async def advance(self, schedule: LiveSchedule, commits: Sequence[Commit]) -> None:
        """Apply commits that were just made; first fetch those before them that are missing here."""
        async with schedule.advancing:
            for commit in commits:
                if commit.version > schedule.seat_map.version + 1:
                    await self._catch_up(schedule, commit.version - 1)
                self._apply(schedule, commit)

    async def reload(self, schedule: LiveSchedule, judged: SeatMap) -> None:
        """Load the map anew because ``judged`` no longer fits, unless somebody has replaced it already."""
        async with schedule.advancing:
            if schedule.seat_map is judged:
                await self._reload(schedule)

    async def break_off(self, schedule: LiveSchedule, judged: SeatMap) -> None:
        """Begin a new epoch: the store was restored or failed over, and has lost versions that viewers have seen."""
        log.error("versions_lost", schedule=schedule.id, seen=judged.version)
        await self._store.renew_epoch(schedule.id, judged.epoch)

    async def poll(self) -> None:
        """Look once at the store's clock, and for what other processes have done to the schedules loaded here."""
        with metrics.poll_seconds.time():
            await self.look(list(self._schedules))

    async def look(self, schedule_ids: Sequence[int]) -> None:
        """Bring the replicas of these schedules to where the store is, as far as they live."""
        now_ms, states = await self._store.states(schedule_ids)
        self.learn_time(now_ms)
        for schedule_id, state in states.items():
            schedule = self._schedules.get(schedule_id)
            if schedule is None:  # let go meanwhile
                continue
            try:
                await self._follow(schedule, state)
            except Exception:  # the others are followed all the same
                log.exception("follow_failed", schedule=schedule_id)

    @property
    def replica_count(self) -> int:
        """How many replicas live."""
        return len(self._schedules)

    async def check_store(self) -> None:
        """Ask the store for a sign of life.

        Raises:
            Unavailable: it gave none.
        """
        try:
            await self._store.states([])
        except Exception as error:
            log.warning("store_not_ready", error=repr(error))
            raise Unavailable(
                "The store does not answer: look at the database and its connection.", retry_after_seconds=5
            ) from error

    async def run(self) -> None:
        """Poll until cancelled, the first time at once. If the store is away, go on asking."""
        while True:
            try:
                await self.poll()
            except Exception:
                log.exception("poll_failed")
            await asyncio.sleep(self._settings.poll_ms / 1000)
            if self.is_followed():
                self._soon.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(
                        (self._settings.relaxed_poll_ms - self._settings.poll_ms) / 1000
                    ):
                        await self._soon.wait()

    async def _open(self, schedule_id: int) -> LiveSchedule:
        async with self._loads:
            seat_map, state = await self._load(schedule_id)
        schedule = LiveSchedule(schedule_id, seat_map, state)
        self._schedules[schedule_id] = schedule
        self._recent.put(schedule_id, schedule)
        for audience in self.audiences:
            audience.opened(schedule)
        return schedule

    def _opened(self, schedule_id: int, opening: asyncio.Task[LiveSchedule]) -> None:
        self._opening.pop(schedule_id, None)
        if not opening.cancelled():
            opening.exception()  # marks it as seen: those who wait get it, and perhaps nobody waits any more

    async def _load(self, schedule_id: int) -> tuple[SeatMap, ScheduleState]:
        loaded = await self._loader.load(schedule_id)
        self.learn_time(loaded.now_ms)
        return loaded.seat_map, loaded.state

    async def _follow(self, schedule: LiveSchedule, state: ScheduleState) -> None:
        schedule.sale = state.sale
        async with schedule.advancing:
            seat_map = schedule.seat_map
            if state.epoch != seat_map.epoch or state.layout_revision != seat_map.layout.revision:
                await self._reload(schedule)
            elif state.version > seat_map.version:
                await self._catch_up(schedule, state.version)
            elif state.version < seat_map.version:
                await self._look_closer(schedule)

    async def _look_closer(self, schedule: LiveSchedule) -> None:
        """Find out why a state is older than our map: was it read before our last commit, or did the store lose it?"""
        _, states = await self._store.states([schedule.id])
        if states[schedule.id].version < schedule.seat_map.version:
            await self.break_off(schedule, schedule.seat_map)
            await self._reload(schedule)

    async def _catch_up(self, schedule: LiveSchedule, version: int) -> None:
        """Fetch and apply every commit up to ``version``."""
        while schedule.seat_map.version < version:
            commits = await self._store.commits_after(
                schedule.id, schedule.seat_map.version, self._settings.poll_page_size
            )
            if not commits or commits[0].version != schedule.seat_map.version + 1:
                await self._reload(schedule)  # the log was trimmed past us
                return
            for commit in commits:
                self._apply(schedule, commit)

    def _apply(self, schedule: LiveSchedule, commit: Commit) -> None:
        if commit.version <= schedule.seat_map.version:
            return
        schedule.seat_map.apply(commit)
        for audience in self.audiences:
            audience.committed(schedule, commit)

    async def _reload(self, schedule: LiveSchedule) -> None:
        schedule.seat_map, state = await self._load(schedule.id)
        schedule.sale = state.sale
        log.info("seat_map_reloaded", schedule=schedule.id, version=schedule.seat_map.version)
        for audience in self.audiences:
            audience.replaced(schedule)
