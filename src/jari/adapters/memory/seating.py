"""Allocations, versions and the change log in memory."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from jari.adapters.memory.tables import Memory, ScheduleRecord
from jari.domain.errors import StaleDecision
from jari.domain.relays import WEBHOOKS
from jari.domain.reservations import Reservation
from jari.domain.seating import Allocation, Effect
from jari.domain.seatmap import Commit
from jari.domain.tenures import Tenure
from jari.ports.answers import RequestKey, StoredAnswer
from jari.ports.relays import LoggedCommit
from jari.ports.seating import Decision, LoadedSeating, ScheduleState


class MemorySeatingTransaction:
    """One batch; see `jari.ports.SeatingTransaction`. `write` checks at once; the end of the block carries it out."""

    def __init__(self, memory: Memory, schedule: ScheduleRecord, now_ms: int) -> None:
        self.state = replace(schedule.state, version=schedule.state.version + 1)
        self.now_ms = now_ms
        self._memory = memory
        self._schedule = schedule
        self._decision: Decision | None = None

    async def read(
        self, seat_ids: Sequence[int], buyer_ids: Sequence[int], kept: Sequence[tuple[int, int]] = ()
    ) -> tuple[Sequence[Allocation], Sequence[Tenure]]:
        """Every allocation of these seats and of these buyers here, and the tenures ``kept``, as (buyer, seat)."""
        seats, buyers = set(seat_ids), set(buyer_ids)
        allocations = self._schedule.allocations.values()
        tenures = self._schedule.tenures
        return (
            [each for each in allocations if each.seat_id in seats or each.buyer_id in buyers],
            [tenures[asked] for asked in kept if asked in tenures],
        )

    async def answers(self, requests: Sequence[RequestKey]) -> Sequence[StoredAnswer]:
        """The stored answers under these keys, whatever their fingerprint."""
        return answers_to(self._memory, requests)

    async def reservations(
        self, ids: Sequence[int], payment_keys: Sequence[str], buyer_ids: Sequence[int]
    ) -> Sequence[Reservation]:
        """These reservations, those that have these payments, and the PENDING ones of these buyers here."""
        return self._memory.sales.find(self._schedule.id, ids, payment_keys, buyer_ids)

    async def write(self, decision: Decision) -> None:
        """Take what is to be written. Raises StaleDecision where a seat is not as ``before`` says."""
        for effect in decision.effects:
            _require_present(self._schedule, effect)
        self._memory.sales.require_unclaimed(decision.updates)
        if answers_to(self._memory, [each.request for each in decision.answers]):
            raise StaleDecision("A key was used behind the till's back.")
        self._decision = decision

    def commit(self) -> None:
        """Carry out what `write` took; nothing if it was not called."""
        if self._decision is None:
            return
        decision, schedule, memory = self._decision, self._schedule, self._memory
        for before, after in ((each.before, each.after) for each in decision.effects):
            if after is not None:
                schedule.allocations[after.seat_id] = after
            elif before is not None:
                del schedule.allocations[before.seat_id]
        for tenure in decision.tenures:
            schedule.tenures[tenure.buyer_id, tenure.seat_id] = tenure
        for update in decision.updates:
            memory.sales.put(update.after)
        for answer in decision.answers:
            memory.answers[answer.request.name] = answer, self.now_ms
        schedule.log.append(LoggedCommit(decision.commit, self.now_ms))
        schedule.state = self.state


class MemorySeatingStore:
    """See `jari.ports.SeatingStore`."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    @asynccontextmanager
    async def transaction(self, schedule_id: int) -> AsyncIterator[MemorySeatingTransaction]:
        """Take the schedule's next version. If the block does not `write`, nothing changes."""
        async with self._memory.write() as now_ms:
            transaction = MemorySeatingTransaction(self._memory, self._memory.schedule(schedule_id), now_ms)
            yield transaction
            transaction.commit()

    async def load(self, schedule_id: int, commit_limit: int) -> LoadedSeating:
        """The whole seating, consistent."""
        schedule = self._memory.schedule(schedule_id)
        return LoadedSeating(
            schedule.state,
            self._memory.now_ms(),
            list(schedule.allocations.values()),
            [_for_viewers(each) for each in schedule.commits_after(schedule.state.version - commit_limit)],
        )

    async def answers(self, requests: Sequence[RequestKey]) -> Sequence[StoredAnswer]:
        """The stored answers under these keys, whatever their fingerprint."""
        return answers_to(self._memory, requests)

    async def allocations_of(self, schedule_id: int, buyer_id: int) -> tuple[int, Sequence[Allocation]]:
        """The store's time, and all that a buyer has in a schedule, ended holds included."""
        schedule = self._memory.schedules.get(schedule_id)
        allocations = schedule.allocations.values() if schedule else ()
        theirs = [each for each in allocations if each.buyer_id == buyer_id]
        return self._memory.now_ms(), sorted(theirs, key=lambda each: each.seat_id)

    async def states(self, schedule_ids: Sequence[int]) -> tuple[int, Mapping[int, ScheduleState]]:
        """The store's time, and how far each of these schedules is."""
        schedules = self._memory.schedules
        states = {number: schedules[number].state for number in schedule_ids if number in schedules}
        return self._memory.now_ms(), states

    async def commits_after(self, schedule_id: int, version: int, limit: int) -> Sequence[Commit]:
        """The next commits in order."""
        schedule = self._memory.schedules.get(schedule_id)
        return [_for_viewers(each) for each in schedule.commits_after(version, limit)] if schedule else []

    async def ended_holds(self, limit: int) -> Mapping[int, Sequence[int]]:
        """Schedule → seats whose hold has ended but is still recorded."""
        now_ms = self._memory.now_ms()
        ended: dict[int, list[int]] = {}
        for schedule in self._memory.schedules.values():
            seat_ids = [each.seat_id for each in schedule.allocations.values() if each.is_free(now_ms)]
            if seat_ids := seat_ids[:limit]:
                ended[schedule.id] = seat_ids
                limit -= len(seat_ids)
        return ended

    async def renew_epoch(self, schedule_id: int, epoch: str) -> None:
        """Name a new run of versions instead of this one."""
        async with self._memory.write():
            schedule = self._memory.schedule(schedule_id)
            if schedule.state.epoch != epoch:
                return
            schedule.state = replace(schedule.state, epoch=self._memory.new_epoch())

    async def trim(
        self,
        keep_commits: int,
        keep_answers_ms: int,
        outbox_size: int = 0,
        cool_down_ms: int = 0,
        relays: Sequence[str] = (WEBHOOKS,),
    ) -> Sequence[int]:
        """Forget commits, stored answers and tenures that are older than that."""
        async with self._memory.write() as now_ms:
            self._memory.answers = {
                name: (answer, committed_ms)
                for name, (answer, committed_ms) in self._memory.answers.items()
                if committed_ms >= now_ms - keep_answers_ms
            }
            schedules = self._memory.schedules.values()
            for each in schedules:
                each.forget_tenures(now_ms - cool_down_ms)
            return [each.id for each in schedules if _trim(each, keep_commits, outbox_size, relays)]

    async def dead_versions(self) -> int:
        """Always 0: memory keeps no old versions."""
        return 0


def answers_to(memory: Memory, requests: Sequence[RequestKey]) -> list[StoredAnswer]:
    """The stored answers under these keys, whatever their fingerprint."""
    return [memory.answers[each.name][0] for each in requests if each.name in memory.answers]


def _trim(schedule: ScheduleRecord, keep_commits: int, outbox_size: int, relays: Sequence[str]) -> bool:
    """Forget old commits, and return whether a relay has lost some by it."""
    version = schedule.state.version
    passed_on = min(
        (schedule.passed_on[name] for name in relays if name in schedule.passed_on), default=version
    )
    last_to_go = min(version - keep_commits, max(version - outbox_size, passed_on))
    schedule.log = schedule.commits_after(last_to_go)
    return last_to_go > passed_on


def _require_present(schedule: ScheduleRecord, effect: Effect) -> None:
    """Refuse a decision on a state that is no longer so, and an allocation of a seat that the venue does not have.

    Raises:
        StaleDecision: says which.
    """
    if effect.before is not None:
        there = schedule.allocations.get(effect.before.seat_id)
        if there is None or (there.hold_id, there.status) != (effect.before.hold_id, effect.before.status):
            raise StaleDecision("A seat changed behind the till's back.")
    elif effect.after is not None:
        if effect.after.seat_id in schedule.allocations:
            raise StaleDecision("A seat was allocated behind the till's back.")
        if effect.after.seat_id not in schedule.venue.seat_ids:
            raise StaleDecision("The venue of the schedule has no such seat.")


def _for_viewers(logged: LoggedCommit) -> Commit:
    return replace(logged.commit, events=()) if logged.commit.events else logged.commit
