"""Publishing: bringing the status stream to where the store is.

Whatever a replica of this process takes is published if the stream is not known to show it: the commits of our own
tills at once, and those that only a poll has found, since whoever made them may have died before publishing. Nobody
waits for it. What cannot be published is let fall, for the change log has it: whoever looks next brings it.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import structlog

from jari import metrics
from jari.domain.errors import Unavailable
from jari.domain.heads import Step, next_step, shows
from jari.domain.seatmap import Commit, Position
from jari.ports.seating import SeatingStore
from jari.ports.status_stream import StatusStream
from jari.ports.system import Clock
from jari.settings import StatusStreamSettings
from jari.usecases.live import Live, LiveSchedule

log = structlog.get_logger()

MEND_TRIES = 5  # somebody else may be mending the same schedule, but not for ever


class Line:
    """The commits of one schedule that wait to be published, of one epoch; and how far the stream is known to be."""

    def __init__(self, size: int) -> None:
        self.waiting: deque[tuple[Commit, float]] = deque(maxlen=size)  # with the time that each came
        self.shown = Position("", 0)
        self.is_moving = False


class Look(NamedTuple):
    """Where a replica and the stream were at a look."""

    position: Position
    head: Position | None

    @property
    def lag(self) -> int:
        """How many commits the stream was behind."""
        if self.head is None or self.head.epoch != self.position.epoch:
            return self.position.version
        return max(0, self.position.version - self.head.version)

    def is_reached_by(self, position: Position) -> bool:
        """Whether the replica has come by now to where the stream was."""
        return self.head is None or self.head.epoch != position.epoch or self.head.version <= position.version


class Publisher:
    """An audience of the replicas. For each schedule it has at most one publication under way."""

    def __init__(
        self,
        stream: StatusStream,
        store: SeatingStore,
        live: Live,
        clock: Clock,
        settings: StatusStreamSettings,
    ) -> None:
        self._stream = stream
        self._store = store
        self._live = live
        self._clock = clock
        self._settings = settings
        self._lines: WeakKeyDictionary[LiveSchedule, Line] = WeakKeyDictionary()
        self._at_work: set[asyncio.Task[None]] = set()
        self._mending: set[int] = set()
        self._looks: dict[int, Look] = {}
        self._room = asyncio.Semaphore(settings.status_rebuilds_at_once)

    def opened(self, schedule: LiveSchedule) -> None:
        """Nothing yet: the next look at the heads mends what is missing."""

    def committed(self, schedule: LiveSchedule, commit: Commit) -> None:
        """Publish the commit with the next call, unless the stream shows it already."""
        line = self._line(schedule)
        position = Position(schedule.seat_map.epoch, commit.version)
        if shows(line.shown, position):
            return
        line.waiting.append((commit, self._clock.seconds()))
        if not line.is_moving:
            line.is_moving = True
            self._work(self._move(schedule, line))

    def replaced(self, schedule: LiveSchedule) -> None:
        """What waited led to another map."""
        self._line(schedule).waiting.clear()

    def learn(self, schedule: LiveSchedule, position: Position) -> None:
        """The stream shows this position."""
        self._line(schedule).shown = position

    async def check(self) -> None:
        """Mend every schedule of which the stream lacks what this process had at the last look, or the other way round."""
        positions = {each.id: each.seat_map.position for each in self._live.schedules}
        heads = await self._stream.heads(list(positions))
        for schedule_id, position in positions.items():
            looked = Look(position, heads.get(schedule_id))
            before = self._looks.get(schedule_id, looked)
            if not shows(looked.head, before.position) or not before.is_reached_by(position):
                self._work(self._try_to_mend(schedule_id))
        self._looks = {number: Look(position, heads.get(number)) for number, position in positions.items()}
        metrics.head_lag_commits.set(max((each.lag for each in self._looks.values()), default=0))

    async def mend(self, schedule_id: int) -> None:
        """Bring the stream to where the store is, whatever it shows now.

        Raises:
            Unavailable: one of them is away.
        """
        if schedule_id in self._mending:
            return
        self._mending.add(schedule_id)
        try:
            async with self._room:
                for _ in range(MEND_TRIES):
                    if await self._is_mended(schedule_id):
                        return
        finally:
            self._mending.discard(schedule_id)

    async def run(self) -> None:
        """Look at the heads until cancelled."""
        while True:
            await asyncio.sleep(self._settings.poll_ms / 1000)
            try:
                await self.check()
            except Unavailable:
                self._looks = {}
            except Exception:
                log.exception("head_check_failed")

    async def close(self) -> None:
        """Publish what waits, if Redis answers. What does not come through is in the change log."""
        if self._at_work:
            await asyncio.wait(self._at_work, timeout=self._settings.redis_timeout_ms / 1000)
        for task in self._at_work:
            task.cancel()
        await asyncio.gather(*self._at_work, return_exceptions=True)

    def _line(self, schedule: LiveSchedule) -> Line:
        line = self._lines.get(schedule)
        if line is None:
            line = self._lines[schedule] = Line(self._settings.status_queue_size)
        return line

    def _work(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)

    async def _move(self, schedule: LiveSchedule, line: Line) -> None:
        try:
            while line.waiting:
                await self._publish(schedule, line)
        except Unavailable:
            line.waiting.clear()
        except Exception:
            log.exception("publish_failed", schedule=schedule.id)
            line.waiting.clear()
        finally:
            line.is_moving = False

    async def _publish(self, schedule: LiveSchedule, line: Line) -> None:
        epoch, waited = schedule.seat_map.epoch, self._take(line)
        commits = [commit for commit, _ in waited]
        head = await self._stream.publish(schedule.id, epoch, commits)
        if head is None or not shows(head, Position(epoch, commits[-1].version)):
            await self.mend(schedule.id)
            return
        line.shown = head
        now = self._clock.seconds()
        for _, came_at in waited:
            metrics.publication_seconds.observe(now - came_at)

    def _take(self, line: Line) -> list[tuple[Commit, float]]:
        """What one call carries: at least one commit, and no more seats than Redis should change in one step."""
        taken = [line.waiting.popleft()]
        size = _seats_in(taken[0][0])
        while line.waiting and size + _seats_in(line.waiting[0][0]) <= self._settings.status_publish_size:
            taken.append(line.waiting.popleft())
            size += _seats_in(taken[-1][0])
        return taken

    async def _try_to_mend(self, schedule_id: int) -> None:
        try:
            await self.mend(schedule_id)
        except Unavailable:
            pass  # the next look tries again
        except Exception:
            log.exception("mending_failed", schedule=schedule_id)

    async def _is_mended(self, schedule_id: int) -> bool:
        """Take one step, if one is needed."""
        head = (await self._stream.heads([schedule_id])).get(schedule_id)
        _, states = await self._store.states([schedule_id])
        state = states.get(schedule_id)
        if state is None:  # the schedule is gone
            return True
        position = Position(state.epoch, state.version)
        step = next_step(head, position)
        if step is Step.NOTHING:
            return True
        if step is Step.BRING and head is not None and await self._bring(schedule_id, head, position):
            return False  # look again
        if step is Step.BREAK_OFF:
            log.error("versions_lost", schedule=schedule_id, head=str(head), store=str(position))
            await self._store.renew_epoch(schedule_id, position.epoch)
        await self._rebuild(schedule_id, head)
        return False

    async def _bring(self, schedule_id: int, head: Position, position: Position) -> bool:
        """Publish the commits after the head. Return False if that is not worth it, or the change log no longer has them."""
        if position.version - head.version > self._settings.status_stream_size:
            return False
        commits = await self._store.commits_after(schedule_id, head.version, self._settings.poll_page_size)
        if not commits or commits[0].version != head.version + 1:
            return False
        line = Line(len(commits))
        line.waiting.extend((commit, 0.0) for commit in commits)
        while line.waiting:
            await self._stream.publish(schedule_id, head.epoch, [commit for commit, _ in self._take(line)])
        return True

    async def _rebuild(self, schedule_id: int, head: Position | None) -> None:
        seating = await self._store.load(schedule_id, self._settings.status_stream_size)
        if await self._stream.rebuild(schedule_id, head, seating):
            metrics.stream_rebuilds.inc()
            log.info(
                "status_stream_rebuilt", schedule=schedule_id, head=str(head), version=seating.state.version
            )


def _seats_in(commit: Commit) -> int:
    return sum(len(change.seat_ids) for change in commit.changes)
