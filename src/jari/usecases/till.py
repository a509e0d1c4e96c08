"""The till: where seats are decided, one transaction per batch.

Each schedule has one till in each process. It drains the commands that wait, decides and commits them
together, and collects the next batch while that commit is under way. The store keeps the tills of different
processes apart: a transaction begins by taking the schedule's next version. Every caller gets its own outcome.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from jari import metrics
from jari.domain.errors import JariError, KeyReused, StaleDecision, Unavailable, UnknownSeats
from jari.domain.seating import Command, Held, Hold, Outcome, Seating
from jari.domain.seatmap import Commit
from jari.ports import RequestKey, ScheduleState, SeatingStore, SeatingTransaction, StoredAnswer
from jari.settings import Settings
from jari.usecases.idempotency import remember, replay
from jari.usecases.live import Live, LiveSchedule

log = structlog.get_logger()

RELOAD_TRIES = 3  # how often a batch is decided again because the map was outdated


@dataclass(slots=True)
class Entry:
    """A command, the key that came with it, and who waits for its outcome."""

    command: Command
    request: RequestKey | None
    outcome: asyncio.Future[Outcome]


class MapOutdated(Exception):
    """The venue has a new plan, or the schedule a new epoch: load the map anew before deciding."""


class VersionsLost(Exception):
    """The store gives out versions that were seen before: it was restored, or failed over to an older copy."""


class Till:
    """The till of one schedule in this process."""

    def __init__(self, schedule: LiveSchedule, live: Live, store: SeatingStore, settings: Settings) -> None:
        self._schedule = schedule
        self._live = live
        self._store = store
        self._settings = settings
        self._waiting: deque[Entry] = deque()
        self._arrived = asyncio.Event()
        self._closing = False
        self._task = asyncio.create_task(self._run(), name=f"till-{schedule.id}")

    async def submit(self, command: Command, request: RequestKey | None = None) -> Outcome:
        """Have a command decided and made durable.

        Raises:
            JariError: the refusal; Unavailable where the queue is full or the store failed.
        """
        if self._closing:
            raise Unavailable("This server is ending and nothing was done: try again.", retry_after_seconds=1)
        if len(self._waiting) >= self._settings.till_queue_size:
            raise Unavailable(
                "Too many people are choosing seats at this moment and nothing was done: try again in a second.",
                retry_after_seconds=1,
            )
        entry = Entry(command, request, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        self._arrived.set()
        return await entry.outcome

    async def close(self) -> None:
        """Finish what waits, then end: within the time for ending, even if the store does not answer."""
        self._closing = True
        self._arrived.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._task, self._settings.shutdown_seconds)

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            if self._closing and not self._waiting:
                return
            batch = self._next_batch()
            started = time.perf_counter()
            await self._settle(batch)
            metrics.batch_seconds.observe(time.perf_counter() - started)
            metrics.batch_commands.observe(len(batch))

    def _next_batch(self) -> list[Entry]:
        size = min(len(self._waiting), self._settings.till_batch_size)
        batch = [self._waiting.popleft() for _ in range(size)]
        if not self._waiting and not self._closing:
            self._arrived.clear()
        return batch

    async def _settle(self, batch: Sequence[Entry]) -> None:
        """Commit a batch and answer its callers; whatever happens, each caller is answered."""
        try:
            outcomes = await self._commit_on_the_present_map(batch)
        except StaleDecision:  # one of them is at fault: let it be that one's trouble alone
            log.exception("batch_refused_by_store", schedule=self._schedule.id, commands=len(batch))
            if len(batch) > 1:
                for entry in batch:
                    await self._settle([entry])
                return
            outcomes = [_store_failed()]
        except Exception:  # the store is away: nobody may wait for ever
            log.exception("batch_failed", schedule=self._schedule.id, commands=len(batch))
            outcomes = [_store_failed() for _ in batch]
        for entry, outcome in zip(batch, outcomes, strict=True):
            if entry.outcome.done():  # the caller has gone
                continue
            if isinstance(outcome, JariError):
                entry.outcome.set_exception(outcome)
            else:
                entry.outcome.set_result(outcome)

    async def _commit_on_the_present_map(self, batch: Sequence[Entry]) -> Sequence[Outcome | JariError]:
        for _ in range(RELOAD_TRIES):
            judged = self._schedule.seat_map
            try:
                return await self._commit(batch)
            except MapOutdated:
                await self._live.reload(self._schedule, judged)
            except VersionsLost:
                await self._live.break_off(self._schedule)
                await self._live.reload(self._schedule, judged)
        return [_store_failed() for _ in batch]

    async def _commit(self, batch: Sequence[Entry]) -> Sequence[Outcome | JariError]:
        commit: Commit | None = None
        async with self._store.transaction(self._schedule.id) as transaction:
            self._require_present_map(transaction.state)
            self._live.learn_time(transaction.now_ms)
            requests = [entry.request for entry in batch if entry.request is not None]
            answers = Answers(await transaction.answers(requests) if requests else ())
            seating = await self._read(transaction, batch)
            outcomes = [self._decide(seating, entry, answers) for entry in batch]
            if seating.changes or answers.fresh:
                commit = Commit(transaction.state.version, tuple(seating.changes))
                await transaction.write(list(seating.effects()), commit, answers.fresh)
        if commit is not None:
            await self._publish(commit)
        return outcomes

    def _require_present_map(self, state: ScheduleState) -> None:
        seat_map = self._schedule.seat_map
        if (state.epoch, state.layout_revision) != (seat_map.epoch, seat_map.layout.revision):
            raise MapOutdated
        if state.version <= seat_map.version:
            raise VersionsLost

    async def _publish(self, commit: Commit) -> None:
        """Show the commit here at once. It is durable already, so a failure is no refusal: the poller mends it."""
        try:
            await self._live.advance(self._schedule, [commit])
        except Exception:
            log.exception("publish_failed", schedule=self._schedule.id, version=commit.version)

    async def _read(self, transaction: SeatingTransaction, batch: Sequence[Entry]) -> Seating:
        known = self._schedule.seat_map.layout.index_of
        seat_ids = {seat_id for entry in batch for seat_id in entry.command.seat_ids if seat_id in known}
        buyer_ids = {entry.command.buyer_id for entry in batch if isinstance(entry.command, Hold)}
        allocations = await transaction.read(list(seat_ids), list(buyer_ids))
        return Seating(allocations, transaction.state.sale, transaction.now_ms)

    def _decide(self, seating: Seating, entry: Entry, answers: "Answers") -> Outcome | JariError:
        if entry.request is None:
            return self._decide_new(seating, entry.command)
        try:
            if (again := answers.replay(entry.request)) is not None:
                return again
        except KeyReused as refusal:
            return refusal
        outcome = self._decide_new(seating, entry.command)
        if isinstance(outcome, Held):
            answers.add(entry.request, outcome)
        return outcome

    def _decide_new(self, seating: Seating, command: Command) -> Outcome | JariError:
        unknown = [each for each in command.seat_ids if each not in self._schedule.seat_map.layout.index_of]
        if unknown and isinstance(command, Hold):
            return unknown_seats(unknown)
        return seating.decide(command)


class Answers:
    """The stored answers to the keys of a batch, and those that the batch adds."""

    def __init__(self, stored: Sequence[StoredAnswer]) -> None:
        self._by_name = {each.request.name: each for each in stored}
        self.fresh: list[StoredAnswer] = []

    def replay(self, request: RequestKey) -> Held | None:
        """The answer of the first time, if there was one.

        Raises:
            KeyReused: the key came before with another request.
        """
        stored = self._by_name.get(request.name)
        return None if stored is None else replay(stored, request)

    def add(self, request: RequestKey, held: Held) -> None:
        """Remember an answer."""
        answer = remember(request, held)
        self._by_name[request.name] = answer
        self.fresh.append(answer)


class Tills:
    """The tills of this process, opened when first needed."""

    def __init__(self, live: Live, store: SeatingStore, settings: Settings) -> None:
        self._live = live
        self._store = store
        self._settings = settings
        self._tills: dict[int, Till] = {}

    def of(self, schedule: LiveSchedule) -> Till:
        """The till of a schedule."""
        till = self._tills.get(schedule.id)
        if till is None:
            till = self._tills[schedule.id] = Till(schedule, self._live, self._store, self._settings)
        return till

    async def close(self) -> None:
        """Finish what waits in every till."""
        await asyncio.gather(*(till.close() for till in self._tills.values()))


def unknown_seats(seat_ids: Sequence[int]) -> UnknownSeats:
    """The refusal of seats that the schedule does not have."""
    return UnknownSeats(
        f"{len(seat_ids)} of the seats do not exist in this schedule: load the seats of the block again.",
        seat_ids=seat_ids,
    )


def _store_failed() -> Unavailable:
    return Unavailable(
        "The store could not be reached, and it is not known whether the seats were changed: look at your holds, "
        "or send the same request with the same Idempotency-Key again.",
        retry_after_seconds=1,
    )
