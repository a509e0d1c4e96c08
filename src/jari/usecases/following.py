"""Following: showing at once what other processes have committed, as the status stream tells it.

Each process reads the streams of the schedules that it has replicas of, from the version of each replica. One read
waits for all schedules of a shard. `Live.advance` drops what a replica has already, and fetches from the change log
what the stream no longer has. Polling goes on beside it, more slowly, and at its usual pace while anything is not
followed.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog

from jari import metrics
from jari.domain.errors import Unavailable
from jari.domain.seatmap import Commit, Position
from jari.ports.status_stream import StatusStream, StreamEntry
from jari.settings import StatusStreamSettings
from jari.usecases.live import Live, LiveSchedule
from jari.usecases.publishing import Publisher

log = structlog.get_logger()

PAUSE_SECONDS = 0.2  # after a read that failed, or one that could not be taken


class Follower:
    """An audience of the replicas: it learns from them what to follow."""

    def __init__(
        self, stream: StatusStream, live: Live, publisher: Publisher, settings: StatusStreamSettings
    ) -> None:
        self._stream = stream
        self._live = live
        self._publisher = publisher
        self._settings = settings
        self._readers: dict[int, asyncio.Task[None]] = {}  # by shard
        self._failing: set[int] = set()  # shards whose last read failed
        self._waking: asyncio.Task[None] | None = None
        self._closing = False

    def is_complete(self) -> bool:
        """Whether every replica is followed at the moment, and polling may be slow."""
        shards = {self._stream.shard_of(each.id) for each in self._live.schedules}
        return not self._failing and shards <= self._readers.keys()

    def opened(self, schedule: LiveSchedule) -> None:
        """Follow the schedule from now on, if there is a reader for it."""
        if self._stream.shard_of(schedule.id) not in self._readers:
            self._begin()
        elif self._waking is None:
            self._waking = asyncio.create_task(self._wake())

    def committed(self, schedule: LiveSchedule, commit: Commit) -> None:
        """Nothing: the next read begins after the replica's version."""

    def replaced(self, schedule: LiveSchedule) -> None:
        """Nothing: the next read begins after the replica's version."""

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Follow and publish within this block; at its end publish what still waits."""
        looking = asyncio.create_task(self._publisher.run())
        try:
            yield
        finally:
            self._closing = True
            tasks = [looking, *self._readers.values()] + ([self._waking] if self._waking else [])
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._publisher.close()

    def _begin(self) -> None:
        """Begin a reader for each shard that needs one, as far as there may be more."""
        for shard in {self._stream.shard_of(each.id) for each in self._live.schedules} - self._readers.keys():
            if not self._closing and len(self._readers) < self._settings.max_status_readers:
                self._readers[shard] = asyncio.create_task(
                    self._read_on(shard), name=f"status-reader-{shard}"
                )

    async def _wake(self) -> None:
        try:
            await self._stream.wake()
        except Unavailable:
            pass  # no reader waits
        finally:
            self._waking = None

    async def _read_on(self, shard: int) -> None:
        """Read until no schedule of the shard has a replica any more."""
        try:
            while versions := self._versions(shard):
                try:
                    done = await self._take(await self._stream.follow(versions))
                except Unavailable:
                    done = False
                except Exception:
                    log.exception("follow_failed", shard=shard)
                    done = False
                if done:
                    self._failing.discard(shard)
                else:
                    self._failing.add(shard)
                    self._live.look_soon()
                    await asyncio.sleep(PAUSE_SECONDS)
        finally:
            # Nothing is awaited since no replica was found: none can have been opened in between.
            self._failing.discard(shard)
            del self._readers[shard]
        self._begin()

    def _versions(self, shard: int) -> dict[int, int]:
        """The replicas to follow. Only their numbers: a reader that waits must not keep them alive."""
        return {
            each.id: each.seat_map.version
            for each in self._live.schedules
            if self._stream.shard_of(each.id) == shard
        }

    async def _take(self, entries: Sequence[StreamEntry]) -> bool:
        """Bring each replica forward by its entries. Return whether all could take theirs."""
        metrics.stream_entries.inc(len(entries))
        by_schedule: dict[int, list[StreamEntry]] = {}
        for entry in entries:
            by_schedule.setdefault(entry.schedule_id, []).append(entry)
        outcomes = await asyncio.gather(*(self._advance(*each) for each in by_schedule.items()))
        return all(outcomes)

    async def _advance(self, schedule_id: int, entries: Sequence[StreamEntry]) -> bool:
        schedule = self._live.living(schedule_id)
        if schedule is None:  # let go meanwhile
            return True
        try:
            epoch, last = entries[-1].epoch, entries[-1].commit.version
            if any(each.epoch != schedule.seat_map.epoch for each in entries):
                return await self._agree(schedule_id)
            self._publisher.learn(schedule, Position(epoch, last))
            await self._live.advance(schedule, [each.commit for each in entries])
        except Exception:  # the others go on; polling does what is left
            log.exception("advance_failed", schedule=schedule_id)
            return False
        return True

    async def _agree(self, schedule_id: int) -> bool:
        """The stream and the replica are of different epochs: bring both to the store's."""
        await self._live.look([schedule_id])
        await self._publisher.mend(schedule_id)
        return False
