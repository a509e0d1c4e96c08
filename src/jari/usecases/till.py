"""The till: where seats are decided, one transaction per batch.

Each schedule has one till in each process. The till takes the commands that wait, decides and commits them
together, and collects the next batch while that commit is under way. The store keeps the tills of different
processes apart: a transaction begins by taking the schedule's next version. Every caller gets its own outcome.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, Generic
from weakref import WeakValueDictionary

import structlog

from jari import metrics
from jari.domain.box_office import BoxOffice, Command, Outcome
from jari.domain.errors import JariError, StaleDecision, StillRunning, Unavailable
from jari.domain.needs import Reading
from jari.domain.reservations import Reservation
from jari.domain.seating import Seating
from jari.domain.seatmap import Commit
from jari.ports.answers import RequestClaims, RequestKey, StoredAnswer
from jari.ports.seating import Decision, ScheduleState, SeatingStore, SeatingTransaction
from jari.settings import TillSettings
from jari.usecases.idempotency import remember, replay
from jari.usecases.live import Live, LiveSchedule

log = structlog.get_logger()

RELOAD_TRIES = 3  # how often a batch is tried on a map that proves outdated


class Entry(Generic[Outcome]):
    """A command, the key that came with it, and the future that its caller waits for."""

    def __init__(self, command: Command[Outcome], request: RequestKey | None) -> None:
        self.command = command
        self.request = request
        self.needs = command.needs
        self.outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._decided: Outcome | Exception

    def decide(self, office: BoxOffice, answers: "Answers") -> None:
        """Decide the command, or repeat its stored answer. A fault of ours in it fails this command alone."""
        first_answer: Outcome | None = None
        try:
            if self.request is not None:
                first_answer = answers.replay(self.request, type(self.command))
            self._decided = office.decide(self.command) if first_answer is None else first_answer
        except JariError as refusal:
            self._decided = refusal
        except Exception as fault:
            log.exception("command_failed", command=type(self.command).__name__)
            self._decided = fault
        else:
            if self.request is not None and first_answer is None:
                answers.add(self.request, self._decided)

    def tell(self) -> None:
        """Tell the caller what was decided, now that it is durable."""
        if isinstance(self._decided, Exception):
            self.fail(self._decided)
        elif not self.outcome.done():  # else the caller has gone
            self.outcome.set_result(self._decided)

    def fail(self, error: Exception) -> None:
        """Tell the caller the error that ended the command."""
        if not self.outcome.done():
            self.outcome.set_exception(error)


class MapOutdated(Exception):
    """The venue has a new plan, or the schedule a new epoch: load the map anew, then decide again."""


class VersionsLost(Exception):
    """The store gives out versions that we have seen before: it was restored, or failed over to an older copy."""


class Till:
    """The till of one schedule in this process: at work while commands wait, and let go when none do."""

    def __init__(
        self,
        schedule: LiveSchedule,
        live: Live,
        store: SeatingStore,
        settings: TillSettings,
        at_work: "dict[Till, asyncio.Task[None]]",
    ) -> None:
        self._schedule = schedule
        self._live = live
        self._store = store
        self._settings = settings
        self._at_work = at_work
        self._waiting: deque[Entry[Any]] = deque()

    async def submit(self, command: Command[Outcome], request: RequestKey | None = None) -> Outcome:
        """Have a command decided and made durable.

        Raises:
            JariError: the refusal; Unavailable where the queue is full or the store failed.
        """
        if len(self._waiting) >= self._settings.till_queue_size:
            raise Unavailable(
                "Too many people are choosing seats at this moment and nothing was done: try again in a second.",
                retry_after_seconds=1,
            )
        entry = Entry(command, request)
        self._waiting.append(entry)
        if self not in self._at_work:
            self._at_work[self] = asyncio.create_task(self._run(), name=f"till-{self._schedule.id}")
        return await entry.outcome

    async def _run(self) -> None:
        try:
            while self._waiting:
                if batch := self._next_batch(self._settings.till_batch_size):
                    with metrics.batch_seconds.time():
                        await self._settle(batch, self._settings.till_batch_size)
                    metrics.batch_commands.observe(len(batch))
        finally:
            # Nothing is awaited since `_waiting` was seen to be empty: no command can have come in between.
            del self._at_work[self]

    def _next_batch(self, room: int) -> list[Entry[Any]]:
        """The next commands, without those whose callers have gone or were told of a failure already."""
        taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), room))]
        return [entry for entry in taken if not entry.outcome.done()]

    async def _settle(self, batch: list[Entry[Any]], max_size: int) -> None:
        """Commit a batch, which may grow to ``max_size``. Answer each of its callers, whatever happens."""
        try:
            committed = await self._commit_on_the_present_map(batch, max_size)
        except Unavailable:  # the store is away: tell the callers, so that none waits for ever
            log.exception("batch_failed", schedule=self._schedule.id, commands=len(batch))
            committed = False
        except Exception as fault:  # what one command would write: try each alone, so only that one fails
            log.exception("batch_refused_by_store", schedule=self._schedule.id, commands=len(batch))
            if len(batch) > 1:
                for entry in batch:
                    await self._settle([entry], max_size=1)
            else:
                batch[0].fail(_store_failed() if isinstance(fault, StaleDecision) else fault)
            return
        for entry in batch:
            if committed:
                entry.tell()
            else:
                entry.fail(_store_failed())

    async def _commit_on_the_present_map(self, batch: list[Entry[Any]], max_size: int) -> bool:
        """Decide and commit the batch, and return whether that was done: it is not if the map changes at every try."""
        for _ in range(RELOAD_TRIES):
            judged = self._schedule.seat_map
            try:
                await self._commit(batch, max_size)
            except MapOutdated:
                await self._live.reload(self._schedule, judged)
            except VersionsLost:
                await self._live.break_off(self._schedule, judged)
                await self._live.reload(self._schedule, judged)
            else:
                return True
        return False

    async def _commit(self, batch: list[Entry[Any]], max_size: int) -> None:
        """Decide and write a batch. Commands that came while it waited for the version come along, if there is room."""
        commit: Commit | None = None
        async with self._store.transaction(self._schedule.id) as transaction:
            batch += self._next_batch(max_size - len(batch))
            self._require_present_map(transaction.state)
            self._live.learn_time(transaction.now_ms)
            requests = [entry.request for entry in batch if entry.request is not None]
            answers = Answers(await transaction.answers(requests) if requests else ())
            office = await self._read(transaction, batch)
            for entry in batch:
                entry.decide(office, answers)
            seating, updates = office.seating, office.updates()
            if seating.changes or updates or answers.fresh:
                commit = Commit(transaction.state.version, tuple(seating.changes), tuple(office.events))
                decision = Decision(commit, seating.effects(), updates, answers.fresh, seating.tenures())
                await transaction.write(decision)
        if commit is not None:
            await self._publish(commit)

    def _require_present_map(self, state: ScheduleState) -> None:
        seat_map = self._schedule.seat_map
        if (state.epoch, state.layout_revision) != (seat_map.epoch, seat_map.layout.revision):
            raise MapOutdated
        if state.version <= seat_map.version:
            raise VersionsLost

    async def _publish(self, commit: Commit) -> None:
        """Show the commit here at once. It is durable, so a failure refuses nobody: the poller will show it."""
        try:
            await self._live.advance(self._schedule, [commit])
        except Exception:
            log.exception("publish_failed", schedule=self._schedule.id, version=commit.version)

    async def _read(self, transaction: SeatingTransaction, batch: Sequence[Entry[Any]]) -> BoxOffice:
        # `_require_present_map` has checked that this transaction sees the same plan.
        plan = self._schedule.seat_map.layout.index_of
        reading = Reading((entry.needs for entry in batch), plan)
        reservations: Sequence[Reservation] = ()
        if reading.reservation_ids or reading.open_of_buyers:
            reservations = await transaction.reservations(
                list(reading.reservation_ids), list(reading.payment_keys), list(reading.open_of_buyers)
            )
            reading.add_seats_of(reservations)
        allocations, earlier = await transaction.read(
            list(reading.seat_ids), list(reading.buyer_ids), list(reading.tenures)
        )
        seating = Seating(allocations, transaction.state.sale, transaction.now_ms, plan, earlier)
        return BoxOffice(seating, reservations)


class Answers:
    """The stored answers to the keys of a batch, and those that the batch adds."""

    def __init__(self, stored: Sequence[StoredAnswer]) -> None:
        self._by_name = {each.request.name: each for each in stored}
        self.fresh: list[StoredAnswer] = []

    def replay(self, request: RequestKey, command: type[Command[Outcome]]) -> Outcome | None:
        """The answer of the first time, if there was one.

        Raises:
            KeyReused: the key came before with another request.
        """
        stored = self._by_name.get(request.name)
        return None if stored is None else replay(stored, request, command)

    def add(self, request: RequestKey, outcome: object) -> None:
        """Remember an answer."""
        answer = remember(request, outcome)
        self._by_name[request.name] = answer
        self.fresh.append(answer)


class Tills:
    """The tills of this process, opened when needed. While a till has commands it keeps its replica alive."""

    def __init__(
        self, live: Live, store: SeatingStore, claims: RequestClaims, settings: TillSettings
    ) -> None:
        self._live = live
        self._store = store
        self._claims = claims
        self._settings = settings
        self._tills: WeakValueDictionary[int, Till] = WeakValueDictionary()
        self._at_work: dict[Till, asyncio.Task[None]] = {}
        self._closing = False

    async def submit(
        self, schedule_id: int, command: Command[Outcome], request: RequestKey | None = None
    ) -> Outcome:
        """Have a command decided and made durable at the schedule's till, once for each key.

        Raises:
            StillRunning: the first request with this key has not ended.
            JariError: the refusal.
        """
        till = self.of(self._live.known(schedule_id) or await self._live.open(schedule_id))
        if self._closing:
            raise Unavailable("This server is ending and nothing was done: try again.", retry_after_seconds=1)
        if request is None:
            return await till.submit(command)
        if not await self._claims.claim(request):
            raise StillRunning(
                "The first request with this Idempotency-Key has not ended: wait a second, then send it again.",
                retry_after_seconds=1,
            )
        try:
            return await till.submit(command, request)
        finally:
            await self._claims.let_go(request)

    def of(self, schedule: LiveSchedule) -> Till:
        """The till of a schedule."""
        till = self._tills.get(schedule.id)
        if till is None:
            till = Till(schedule, self._live, self._store, self._settings, self._at_work)
            self._tills[schedule.id] = till
        return till

    async def close(self) -> None:
        """Let every till finish what waits; cancel those that need longer than ``shutdown_seconds``."""
        self._closing = True
        working = list(self._at_work.values())
        if working:
            _, late = await asyncio.wait(working, timeout=self._settings.shutdown_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


def _store_failed() -> Unavailable:
    return Unavailable(
        "The store could not be reached, and it is not known whether the seats were changed: look at your holds, "
        "or send the same request with the same Idempotency-Key again.",
        retry_after_seconds=1,
    )
