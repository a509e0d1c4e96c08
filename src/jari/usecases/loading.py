"""Loading a schedule's seat map, with its venue's plan, for those who have none yet or an outdated one."""

from typing import NamedTuple
from weakref import WeakValueDictionary

import structlog

from jari.domain.errors import Unavailable
from jari.domain.seatmap import Layout, SeatMap
from jari.ports.catalogue import CatalogueStore
from jari.ports.seating import ScheduleState, SeatingStore
from jari.ports.status_stream import ShownSeating, StatusStream
from jari.settings import LiveSettings

log = structlog.get_logger()

LOAD_TRIES = 5  # a new plan may come between reading the layout and the seating, but not for ever


class Loaded(NamedTuple):
    """A seat map, the state that it was read with, and the store's time."""

    seat_map: SeatMap
    state: ScheduleState
    now_ms: int


class Loader:
    """Loads seat maps at one version each, from the status stream where it is good for that."""

    def __init__(
        self,
        store: SeatingStore,
        catalogue: CatalogueStore,
        settings: LiveSettings,
        stream: StatusStream | None = None,
    ) -> None:
        self._store = store
        self._stream = stream
        self._catalogue = catalogue
        self._settings = settings
        # all schedules of a venue share one layout: it is the larger part of a replica
        self._layouts: WeakValueDictionary[tuple[int, int], Layout] = WeakValueDictionary()

    async def load(self, schedule_id: int) -> Loaded:
        """The schedule's seats, and when each changed last as far as the change log knows.

        Raises:
            NotFound: there is no such schedule.
            Unavailable: its venue gets one new plan after the other.
        """
        for _ in range(LOAD_TRIES):
            layout = await self._layout(schedule_id)
            loaded = await self._begin_with_the_stream(schedule_id, layout)
            if loaded is None:
                loaded = await self._load(schedule_id, layout)
            if loaded is not None:
                return loaded
        raise Unavailable("The venue's plan is being changed: try again in a moment.", retry_after_seconds=2)

    async def _begin_with_the_stream(self, schedule_id: int, layout: Layout) -> Loaded | None:
        """The seats that the stream shows, brought to the store's version; None if the store is to be read instead."""
        shown = await self._shown(schedule_id)
        if shown is None:
            return None
        now_ms, states = await self._store.states([schedule_id])
        state = states.get(schedule_id)
        head = shown.head
        if state is None or (state.epoch, state.layout_revision) != (head.epoch, layout.revision):
            return None
        missing = state.version - head.version
        if missing < 0:  # the head was read first, so the store has lost what viewers have seen
            log.error("versions_lost", schedule=schedule_id, seen=head.version)
            await self._store.renew_epoch(schedule_id, head.epoch)
            return None
        if missing > self._settings.poll_page_size:
            return None
        commits = await self._store.commits_after(schedule_id, head.version, missing) if missing else ()
        if len(commits) < missing:  # the change log was trimmed past the head
            return None
        seat_map = SeatMap(layout, head.epoch, head.version, shown.allocations)
        seat_map.remember(shown.commits)
        for commit in commits:
            seat_map.apply(commit)
        return Loaded(seat_map, state, now_ms)

    async def _shown(self, schedule_id: int) -> ShownSeating | None:
        try:
            return await self._stream.read(schedule_id) if self._stream else None
        except Unavailable:
            return None

    async def _load(self, schedule_id: int, layout: Layout) -> Loaded | None:
        """Everything from the store; None if the plan is another meanwhile."""
        loaded = await self._store.load(schedule_id, self._settings.change_log_size)
        state = loaded.state
        if state.layout_revision != layout.revision:
            return None
        seat_map = SeatMap(layout, state.epoch, state.version, loaded.allocations)
        seat_map.remember(loaded.commits)
        return Loaded(seat_map, state, loaded.now_ms)

    async def _layout(self, schedule_id: int) -> Layout:
        """The layout of the schedule's venue. It is read if nobody has it: tens of thousands of seats take a while."""
        schedule = await self._catalogue.schedule(schedule_id)
        layout = self._layouts.get((schedule.venue_id, schedule.layout_revision))
        if layout is None:
            layout = await self._catalogue.layout(schedule_id)
        return self._layouts.setdefault((layout.venue_id, layout.revision), layout)
