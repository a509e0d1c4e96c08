"""The till: where seats are decided, one transaction per batch.

Each schedule has one till in each process. It drains the commands that wait, decides and commits them
together, and collects the next batch while that commit is under way. The store keeps the tills of different
processes apart: a transaction begins by taking the schedule's next version. Every caller gets its own outcome.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import structlog

from jari import metrics
from jari.domain.box_office import BoxOffice
from jari.domain.errors import JariError, KeyReused, StaleDecision, StillRunning, Unavailable
from jari.domain.reservations import Reservation
from jari.domain.sales import Needs, SaleCommand, needs
from jari.domain.seating import Command, Outcome, Seating
from jari.domain.seatmap import Commit
from jari.ports import Decision, RequestKey, ScheduleState, SeatingStore, SeatingTransaction, StoredAnswer
from jari.settings import Settings
from jari.usecases.idempotency import remember, replay
from jari.usecases.live import Live, LiveSchedule

log = structlog.get_logger()

RELOAD_TRIES = 3  # how often a batch is decided again because the map was outdated


AnyCommand = Command | SaleCommand
AnyOutcome = Outcome | Reservation
T = TypeVar("T", bound=AnyOutcome)


@dataclass(slots=True)
class Entry:
    """A command, the key that came with it, and who waits for which kind of outcome."""

    command: AnyCommand
    expected: type[Any]
    request: RequestKey | None
    outcome: asyncio.Future[Any]


class MapOutdated(Exception):
    """The venue has a new plan, or the schedule a new epoch: load the map anew before deciding."""


class VersionsLost(Exception):
    """The store gives out versions that were seen before: it was restored, or failed over to an older copy."""


class Till:
    """The till of one schedule in this process: at work while commands wait, and let go when none do."""

    def __init__(
        self,
        schedule: LiveSchedule,
        live: Live,
        store: SeatingStore,
        settings: Settings,
        at_work: "dict[Till, asyncio.Task[None]]",
    ) -> None:
        self._schedule = schedule
        self._live = live
        self._store = store
        self._settings = settings
        self._at_work = at_work
        self._waiting: deque[Entry] = deque()

    async def submit(self, command: AnyCommand, expected: type[T], request: RequestKey | None = None) -> T:
        """Have a command decided and made durable; its outcome is of the ``expected`` kind.

        Raises:
            JariError: the refusal; Unavailable where the queue is full or the store failed.
        """
        if len(self._waiting) >= self._settings.till_queue_size:
            raise Unavailable(
                "Too many people are choosing seats at this moment and nothing was done: try again in a second.",
                retry_after_seconds=1,
            )
        entry = Entry(command, expected, request, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        if self not in self._at_work:
            self._at_work[self] = asyncio.create_task(self._run(), name=f"till-{self._schedule.id}")
        outcome = await entry.outcome
        if not isinstance(outcome, expected):
            raise TypeError(f"{type(command).__name__} is not answered by {expected.__name__}")
        return outcome

    async def _run(self) -> None:
        try:
            while self._waiting:
                if batch := self._next_batch():
                    with metrics.batch_seconds.time():
                        await self._settle(batch)
                    metrics.batch_commands.observe(len(batch))
        finally:
            # Between the look that found nothing waiting and this nothing is awaited: nobody can have come.
            del self._at_work[self]

    def _next_batch(self) -> list[Entry]:
        """The next commands; one whose caller has been told meanwhile that it is not known is not begun any more."""
        size = min(len(self._waiting), self._settings.till_batch_size)
        taken = [self._waiting.popleft() for _ in range(size)]
        return [entry for entry in taken if not entry.outcome.done()]

    async def _settle(self, batch: Sequence[Entry]) -> None:
        """Commit a batch and answer its callers; whatever happens, each caller is answered."""
        outcomes: Sequence[AnyOutcome | Exception]
        try:
            outcomes = await self._commit_on_the_present_map(batch)
        except Unavailable:  # the store is away: nobody may wait for ever
            log.exception("batch_failed", schedule=self._schedule.id, commands=len(batch))
            outcomes = [_store_failed() for _ in batch]
        except Exception as fault:  # one of them is at fault: let it be that one's trouble alone
            log.exception("batch_refused_by_store", schedule=self._schedule.id, commands=len(batch))
            if len(batch) > 1:
                for entry in batch:
                    await self._settle([entry])
                return
            outcomes = [_store_failed() if isinstance(fault, StaleDecision) else fault]
        for entry, outcome in zip(batch, outcomes, strict=True):
            if entry.outcome.done():  # the caller has gone
                continue
            if isinstance(outcome, Exception):
                entry.outcome.set_exception(outcome)
            else:
                entry.outcome.set_result(outcome)

    async def _commit_on_the_present_map(self, batch: Sequence[Entry]) -> Sequence[AnyOutcome | JariError]:
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

    async def _commit(self, batch: Sequence[Entry]) -> Sequence[AnyOutcome | JariError]:
        commit: Commit | None = None
        async with self._store.transaction(self._schedule.id) as transaction:
            self._require_present_map(transaction.state)
            self._live.learn_time(transaction.now_ms)
            requests = [entry.request for entry in batch if entry.request is not None]
            answers = Answers(await transaction.answers(requests) if requests else ())
            office = await self._read(transaction, batch)
            outcomes = [self._decide(office, entry, answers) for entry in batch]
            seating, updates = office.seating, office.updates()
            if seating.changes or updates or answers.fresh:
                commit = Commit(transaction.state.version, tuple(seating.changes), tuple(office.events))
                decision = Decision(
                    commit, list(seating.effects()), updates, answers.fresh, seating.tenures()
                )
                await transaction.write(decision)
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

    async def _read(self, transaction: SeatingTransaction, batch: Sequence[Entry]) -> BoxOffice:
        needed = [needs(entry.command) for entry in batch]
        known = self._schedule.seat_map.layout.index_of
        seat_ids = {seat_id for each in needed for seat_id in each.seat_ids if seat_id in known}
        buyer_ids = {buyer_id for each in needed for buyer_id in each.buyer_ids}
        reservation_ids = {number for each in needed for number in each.reservation_ids}
        payment_keys = {key for each in needed for key in each.payment_keys}
        open_of = {buyer_id for each in needed for buyer_id in each.open_of_buyers}
        reservations: Sequence[Reservation] = ()
        if reservation_ids or open_of:
            reservations = await transaction.reservations(
                list(reservation_ids), list(payment_keys), list(open_of)
            )
            seat_ids.update(seat_id for each in reservations for seat_id in each.seat_ids)
        kept = _kept(needed, reservations)
        allocations, earlier = await transaction.read(list(seat_ids), list(buyer_ids), kept)
        plan = self._schedule.seat_map.layout.index_of  # that of this transaction: `_require_present_map`
        seating = Seating(allocations, transaction.state.sale, transaction.now_ms, plan, earlier)
        return BoxOffice(seating, reservations)

    def _decide(self, office: BoxOffice, entry: Entry, answers: "Answers") -> AnyOutcome | JariError:
        if entry.request is None:
            return office.decide(entry.command)
        try:
            again: AnyOutcome | None = answers.replay(entry.request, entry.expected)
        except KeyReused as refusal:
            return refusal
        if again is not None:
            return again
        outcome = office.decide(entry.command)
        if not isinstance(outcome, JariError):
            answers.add(entry.request, outcome)
        return outcome


class Answers:
    """The stored answers to the keys of a batch, and those that the batch adds."""

    def __init__(self, stored: Sequence[StoredAnswer]) -> None:
        self._by_name = {each.request.name: each for each in stored}
        self.fresh: list[StoredAnswer] = []

    def replay(self, request: RequestKey, expected: type[T]) -> T | None:
        """The answer of the first time, if there was one.

        Raises:
            KeyReused: the key came before with another request.
        """
        stored = self._by_name.get(request.name)
        return None if stored is None else replay(stored, request, expected)

    def add(self, request: RequestKey, outcome: AnyOutcome) -> None:
        """Remember an answer."""
        answer = remember(request, outcome)
        self._by_name[request.name] = answer
        self.fresh.append(answer)


class Tills:
    """The tills of this process, opened when needed. A till has its replica for as long as it has commands."""

    def __init__(self, live: Live, store: SeatingStore, settings: Settings) -> None:
        self._live = live
        self._store = store
        self._settings = settings
        self._tills: WeakValueDictionary[int, Till] = WeakValueDictionary()
        self._at_work: dict[Till, asyncio.Task[None]] = {}
        self._closing = False
        self._running: set[tuple[str, str]] = set()

    async def submit(
        self, schedule_id: int, command: AnyCommand, expected: type[T], request: RequestKey | None = None
    ) -> T:
        """Have a command decided and made durable at the schedule's till, once for each key.

        Raises:
            StillRunning: the first request with this key has not ended.
            JariError: the refusal.
        """
        till = self.of(await self._live.open(schedule_id))
        if self._closing:
            raise Unavailable("This server is ending and nothing was done: try again.", retry_after_seconds=1)
        if request is None:
            return await till.submit(command, expected)
        if request.name in self._running:
            raise StillRunning(
                "The first request with this Idempotency-Key has not ended: wait a second, then send it again.",
                retry_after_seconds=1,
            )
        self._running.add(request.name)
        try:
            return await till.submit(command, expected, request)
        finally:
            self._running.discard(request.name)

    def of(self, schedule: LiveSchedule) -> Till:
        """The till of a schedule."""
        till = self._tills.get(schedule.id)
        if till is None:
            till = Till(schedule, self._live, self._store, self._settings, self._at_work)
            self._tills[schedule.id] = till
        return till

    async def close(self) -> None:
        """Finish what waits in every till: within the time for ending, even if the store does not answer."""
        self._closing = True
        working = list(self._at_work.values())
        if working:
            _, late = await asyncio.wait(working, timeout=self._settings.shutdown_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


def _kept(needed: Sequence[Needs], reservations: Sequence[Reservation]) -> list[tuple[int, int]]:
    """Who may be about to take which seat, as (buyer, seat): how long they have kept it before must be known."""
    reserved = {each.id: each.seat_ids for each in reservations}
    return list(
        {
            (buyer_id, seat_id)
            for each in needed
            for buyer_id in each.buyer_ids
            for seat_ids in (each.seat_ids, *(reserved.get(number, ()) for number in each.reservation_ids))
            for seat_id in seat_ids
        }
    )


def _store_failed() -> Unavailable:
    return Unavailable(
        "The store could not be reached, and it is not known whether the seats were changed: look at your holds, "
        "or send the same request with the same Idempotency-Key again.",
        retry_after_seconds=1,
    )
