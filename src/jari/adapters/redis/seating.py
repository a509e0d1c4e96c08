"""The seating store where holds are decided in Redis, before the one on PostgreSQL.

Holding and releasing need no database: a transaction takes the lease of the schedule's sheet, reads there, and writes on
the version that it has read. PostgreSQL is told a moment later (`jari.adapters.redis.persisting`). What is about
reservations, and so about money, is committed in PostgreSQL first, which is caught up before. A transaction changes over
by itself as soon as it is asked for such a thing.
"""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from weakref import WeakValueDictionary

import structlog

from jari.adapters.redis.answers import Answers
from jari.adapters.redis.connection import Connection
from jari.adapters.redis.persisting import Persisting
from jari.adapters.redis.sheet import Head, Look, Sheet, head_step
from jari.adapters.redis.sheet_rows import HEAD, Step, commit_in, steps_of, waking_steps
from jari.adapters.sql.seating_ledger import PostgresLedger
from jari.adapters.sql.seating_postgres import PostgresSeatingTransaction
from jari.domain.errors import StaleDecision, Unavailable
from jari.domain.relays import WEBHOOKS
from jari.domain.reservations import Reservation
from jari.domain.seating import Allocation
from jari.domain.seatmap import Commit
from jari.domain.tenures import Tenure
from jari.ports.answers import RequestKey, StoredAnswer
from jari.ports.seating import Decision, LoadedSeating, ScheduleState
from jari.settings import RedisHoldSettings

log = structlog.get_logger()

NO_SCHEDULE = 0  # none has this id
FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 1, 3  # between two tries to get a lease


class RedisSeatingTransaction:
    """One batch; see `jari.ports.SeatingTransaction`. ``opened`` closes with the batch, and PostgreSQL commits then."""

    def __init__(
        self,
        store: "RedisSeatingStore",
        sheet: Sheet,
        token: str,
        look: Look,
        head: Head,
        opened: AsyncExitStack,
    ) -> None:
        self.state = replace(head.state, version=head.state.version + 1)
        self.now_ms = look.now_ms
        self.has_lease = True
        self._store = store
        self._sheet = sheet
        self._token = token
        self._head = head
        self._opened = opened
        self._inner: PostgresSeatingTransaction | None = None
        self._asked: Sequence[RequestKey] = ()
        self._there: dict[int, Allocation] = {}
        self._looked_at: set[int] = set()
        self._decision: Decision | None = None

    async def read(
        self, seat_ids: Sequence[int], buyer_ids: Sequence[int], kept: Sequence[tuple[int, int]] = ()
    ) -> tuple[Sequence[Allocation], Sequence[Tenure]]:
        """Every allocation of these seats and of these buyers here, and the tenures ``kept``, as (buyer, seat)."""
        if self._inner is not None:
            return await self._inner.read(seat_ids, buyer_ids, kept)
        _, allocations, tenures = await self._sheet.read(seat_ids, buyer_ids, kept)
        self._looked_at.update(seat_ids)
        self._there.update((each.seat_id, each) for each in allocations)
        return allocations, tenures

    async def answers(self, requests: Sequence[RequestKey]) -> Sequence[StoredAnswer]:
        """The stored answers under these keys, whatever their fingerprint."""
        self._asked = requests
        return await self._store.answers(requests)

    async def reservations(
        self, ids: Sequence[int], payment_keys: Sequence[str], buyer_ids: Sequence[int]
    ) -> Sequence[Reservation]:
        """These reservations, those that have these payments, and the PENDING ones of these buyers here."""
        if self._inner is None:
            if not ids and not payment_keys and not await self._sheet.have_open(buyer_ids):
                return []
            self._inner = await self._change_over()
        return await self._inner.reservations(ids, payment_keys, buyer_ids)

    async def write(self, decision: Decision) -> None:
        """Write all. Raises StaleDecision where a seat is not as ``before`` says."""
        if self._inner is not None:
            await self._inner.write(decision)
        elif decision.updates:
            self._inner = await self._change_over()
            await self._inner.write(decision)
        else:
            await self._require_present(decision)
        self._decision = decision

    async def commit(self) -> None:
        """Commit in Redis, unless PostgreSQL will: then only see to it that no other schedule takes the answers' keys.

        Raises:
            StaleDecision: somebody else has decided meanwhile.
            Unavailable: PostgreSQL is too far behind, or Redis is away.
        """
        decision = self._decision
        if decision is None or self._inner is not None:
            return
        self._store.require_room(self._head, self.now_ms)
        fields: dict[str, str | int] = {"version": self.state.version}
        waking: Iterable[Step] = ()
        if not self._head.mark:
            waking = waking_steps(await self._store.mark(self._sheet.schedule_id))
        if self._head.behind == 0:
            fields["behind_since"] = self.now_ms
        async with self._store.claiming(decision.answers):
            steps = [*self._steps(decision, persisted=False), head_step(fields), *waking]
            if not await self._sheet.take_steps(self._token, steps, on=self._head.place, give_back=True):
                raise StaleDecision("Another has decided meanwhile.")
        self.has_lease = False

    async def follow(self) -> None:
        """Let the sheet follow what PostgreSQL has committed. If that fails, the next who looks at the sheet mends it."""
        if self._inner is None:
            return
        steps: list[Step] = [("HDEL", HEAD, ["upgrading"])]
        if self._decision is not None:
            version = self.state.version
            fields: dict[str, str | int] = {
                "version": version,
                "persisted": version,
                "behind_since": self.now_ms,
            }
            steps = [*self._steps(self._decision, persisted=True), head_step(fields), *steps]
        try:
            await self._sheet.take_steps(self._token, steps, on=self._head.place, give_back=True)
            self.has_lease = False
        except Unavailable:
            log.warning("sheet_not_told", schedule=self._sheet.schedule_id, version=self.state.version)

    def _steps(self, decision: Decision, *, persisted: bool) -> Sequence[Step]:
        return [*steps_of(decision, self.now_ms, self._sheet.schedule_id, persisted=persisted)]

    async def _change_over(self) -> PostgresSeatingTransaction:
        """Go on in PostgreSQL, which is caught up before; the lease is kept meanwhile.

        Raises:
            StaleDecision: PostgreSQL is not where the sheet is.
        """
        inner = await self._opened.enter_async_context(
            self._store.changed_over(self._sheet, self._token, self._head)
        )
        if self._asked:
            await inner.answers(self._asked)  # locks their keys there
        return inner

    async def _require_present(self, decision: Decision) -> None:
        """Refuse a decision on seats that are not as it says."""
        effects = [(each, each.before or each.after) for each in decision.effects]
        seat_ids = {there.seat_id for _, there in effects if there is not None}
        if unseen := seat_ids - self._looked_at - self._there.keys():
            await self.read([*unseen], [])
        for effect, named in effects:
            there = self._there.get(named.seat_id) if named else None
            before = effect.before
            if (there is None) != (before is None) or (
                there and before and (there.hold_id, there.status) != (before.hold_id, before.status)
            ):
                raise StaleDecision("A seat changed behind the till's back.")


class RedisSeatingStore:
    """Allocations, versions and the change log; see `jari.ports.SeatingStore`."""

    def __init__(self, redis: Connection, ledger: PostgresLedger, settings: RedisHoldSettings) -> None:
        self._redis = redis
        self._ledger = ledger
        self._settings = settings
        self._answers = Answers(redis, ledger, settings)
        self.persisting = Persisting(redis, ledger, self._answers, settings)
        self.claiming = self._answers.claiming
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def close(self) -> None:
        """Close what is open to PostgreSQL."""
        await self._ledger.close()

    @asynccontextmanager
    async def transaction(self, schedule_id: int) -> AsyncIterator[RedisSeatingTransaction]:
        """Take the schedule's next version. If the block does not `write`, nothing changes."""
        sheet, token = Sheet(self._redis, schedule_id), secrets.token_hex(8)
        turn = self._turns.setdefault(schedule_id, asyncio.Lock())
        transaction: RedisSeatingTransaction | None = None
        async with (
            turn
        ):  # here those of this process wait for each other; the first waits for other processes
            try:
                look, head = await self._begin(sheet, token)
                async with AsyncExitStack() as opened:
                    transaction = RedisSeatingTransaction(self, sheet, token, look, head, opened)
                    yield transaction
                    await transaction.commit()
                await transaction.follow()
                self.persisting.look_after(schedule_id)
            finally:
                if transaction is None or transaction.has_lease:
                    await self._leave(sheet, token)

    async def _begin(self, sheet: Sheet, token: str) -> tuple[Look, Head]:
        """Get the lease of a sound sheet."""
        look = await self._take(sheet, token)
        for _ in range(self._settings.mend_tries):
            if (head := look.sound) is not None:
                return look, head
            look = await self.persisting.mend(sheet, token)
        raise Unavailable(
            "The seats are being put in order again: try again in a second.", retry_after_seconds=1
        )

    async def _take(self, sheet: Sheet, token: str) -> Look:
        """Get a lease, as soon as the others who want it have had it."""
        pause_ms, until = (
            float(FIRST_PAUSE_MS),
            asyncio.get_running_loop().time() + self._settings.sheet_wait_seconds,
        )
        while not (look := await sheet.look(token, self._settings.sheet_lease_ms)).taken:
            if asyncio.get_running_loop().time() > until:
                raise Unavailable(
                    "Too many servers are selling these seats at this moment and nothing was done: try again in a second.",
                    retry_after_seconds=1,
                )
            await asyncio.sleep(random.uniform(0.5, 1) * pause_ms / 1000)  # noqa: S311 - spreads, hides nothing
            pause_ms = min(2 * pause_ms, LONGEST_PAUSE_MS)
        return look

    @asynccontextmanager
    async def changed_over(
        self, sheet: Sheet, token: str, head: Head
    ) -> AsyncIterator[PostgresSeatingTransaction]:
        """The transaction in PostgreSQL that goes on from where the sheet is; the caller has its lease."""
        async with self.persisting.prolonging(sheet, token):
            if head.behind:
                await self.persisting.catch_up(sheet, head.state.version)
            async with self._ledger.transaction(sheet.schedule_id) as inner:
                here = replace(inner.state, version=inner.state.version - 1)
                if here != head.state:
                    raise StaleDecision(f"PostgreSQL is at {here}, and Redis at {head.state}.")
                # Said while the row is locked: who mends the sheet waits for us there, or has taken our lease before.
                if not await sheet.take_steps(token, [head_step({"upgrading": 1})], on=head.place):
                    raise StaleDecision("Another has decided meanwhile.")
                yield inner

    @asynccontextmanager
    async def paused(self, schedule_ids: Sequence[int]) -> AsyncIterator[None]:
        """Let nobody decide about these schedules in Redis within this block; PostgreSQL has all that was decided.

        If Redis is away, nobody decides there anyhow.

        Raises:
            Unavailable: others went on deciding, or PostgreSQL or Redis went away.
        """
        async with AsyncExitStack() as pausing:
            for schedule_id in schedule_ids:
                if await self._look(schedule_id) is None:
                    continue
                sheet, token = Sheet(self._redis, schedule_id), secrets.token_hex(8)
                pausing.push_async_callback(self._leave, sheet, token)
                look = await self._take(sheet, token)
                await pausing.enter_async_context(self.persisting.prolonging(sheet, token))
                if look.head is not None and look.head.behind:
                    await self.persisting.catch_up(sheet, look.head.state.version)
            yield

    async def _leave(self, sheet: Sheet, token: str) -> None:
        with suppress(Unavailable):  # then the lease ends by itself
            await sheet.give_back(token)

    def require_room(self, head: Head, now_ms: int) -> None:
        """Refuse holds while PostgreSQL is too far behind.

        Raises:
            Unavailable: it is.
        """
        late = head.behind and now_ms - head.behind_since_ms > self._settings.max_unpersisted_seconds * 1000
        if late or head.behind >= self._settings.max_unpersisted_commits:
            raise Unavailable(
                "Seats are being taken faster than they can be recorded and nothing was done: try again in a second.",
                retry_after_seconds=1,
            )

    async def mark(self, schedule_id: int) -> str:
        """Tell PostgreSQL that Redis may know more of this schedule from now on; the mark that was made."""
        mark = secrets.token_hex(8)
        await self._ledger.mark(schedule_id, mark)
        return mark

    async def load(self, schedule_id: int, commit_limit: int) -> LoadedSeating:
        """The whole seating, consistent."""
        sheet = Sheet(self._redis, schedule_id)
        now_ms = None
        try:
            look = await sheet.look()
            now_ms = look.now_ms
            if look.head is not None and look.head.behind:
                await self.persisting.catch_up(sheet, look.head.state.version)
        except (StaleDecision, Unavailable) as error:
            log.warning("loaded_behind", schedule=schedule_id, error=repr(error))
        loaded = await self._ledger.load(schedule_id, commit_limit)
        return loaded if now_ms is None else replace(loaded, now_ms=now_ms)

    async def answers(self, requests: Sequence[RequestKey]) -> Sequence[StoredAnswer]:
        """The stored answers under these keys, whatever their fingerprint."""
        return await self._answers.get(requests)

    async def allocations_of(self, schedule_id: int, buyer_id: int) -> tuple[int, Sequence[Allocation]]:
        """The store's time, and all that a buyer has in a schedule, ended holds included."""
        sheet = Sheet(self._redis, schedule_id)
        if (look := await sheet.look()).head is None:
            _, allocations = await self._ledger.allocations_of(schedule_id, buyer_id)
            return look.now_ms, allocations
        now_ms, there, _ = await sheet.read([], [buyer_id])
        return now_ms, sorted(there, key=lambda each: each.seat_id)

    async def states(self, schedule_ids: Sequence[int]) -> tuple[int, Mapping[int, ScheduleState]]:
        """The store's time, and how far each of these schedules is; those of which nobody knows it are left out.

        Sheets that do not fit what PostgreSQL says are mended on the way: a sale that was opened, a new plan, a version
        that was lost.
        """
        before = await self._looks(schedule_ids)
        now_ms, states = await self._ledger.states(schedule_ids)
        marked = set(await self._ledger.marked())
        told: dict[int, ScheduleState] = {}
        after = await self._looks([*states])
        for schedule_id, state in states.items():
            look = after[schedule_id]
            try:
                if look is not None and _misfits(
                    before[schedule_id], look, state, is_marked=schedule_id in marked
                ):
                    look = await self._fit(Sheet(self._redis, schedule_id))
            except (Unavailable, StaleDecision) as error:
                log.warning("sheet_not_mended", schedule=schedule_id, error=repr(error))
                look = None
            if look is not None:
                now_ms = look.now_ms
                told[schedule_id] = look.head.state if look.head else state
            elif schedule_id not in marked:
                told[schedule_id] = state
        if not schedule_ids and (look := await self._look(NO_SCHEDULE)) is not None:
            now_ms = look.now_ms
        return now_ms, told

    async def _looks(self, schedule_ids: Sequence[int]) -> Mapping[int, Look | None]:
        looks = await asyncio.gather(*map(self._look, schedule_ids))
        return dict(zip(schedule_ids, looks, strict=True))

    async def _look(self, schedule_id: int) -> Look | None:
        """A look at a schedule's sheet; None while Redis is away."""
        try:
            return await Sheet(self._redis, schedule_id).look()
        except Unavailable:
            return None

    async def _fit(self, sheet: Sheet) -> Look:
        """Let a sheet fit what PostgreSQL says now."""
        token = secrets.token_hex(8)
        look = await self._take(sheet, token)
        try:
            _, states = await self._ledger.states([sheet.schedule_id])
            state = states[sheet.schedule_id]
            if look.sound is not None and _continues(look.sound, look.sound, state):
                await sheet.change_sale(token, state)
            elif _misfits(look, look, state, is_marked=True):
                await self.persisting.mend(sheet, token)
        finally:
            await sheet.give_back(token)
        return await sheet.look()

    async def commits_after(self, schedule_id: int, version: int, limit: int) -> Sequence[Commit]:
        """The next commits in order."""
        with suppress(Unavailable):  # PostgreSQL has most of them
            entries = await Sheet(self._redis, schedule_id).entries(version + 1, limit)
            commits = [commit_in(each) for each in entries]
            if commits and commits[0].version == version + 1:
                return commits
        return await self._ledger.commits_after(schedule_id, version, limit)

    async def ended_holds(self, limit: int) -> Mapping[int, Sequence[int]]:
        """Schedule → seats whose hold has ended but is still recorded."""
        marked = set(await self._ledger.marked())
        ended = {
            schedule_id: seat_ids
            for schedule_id, seat_ids in (await self._ledger.ended_holds(limit)).items()
            if schedule_id not in marked  # of the others Redis knows more
        }
        for schedule_id in marked:
            room = limit - sum(map(len, ended.values()))
            if room > 0 and (seat_ids := await Sheet(self._redis, schedule_id).ended(room)):
                ended[schedule_id] = seat_ids
        return ended

    async def renew_epoch(self, schedule_id: int, epoch: str) -> None:
        """Name a new run of versions instead of this one."""
        sheet, token = Sheet(self._redis, schedule_id), secrets.token_hex(8)
        await self._take(sheet, token)
        try:
            look = await sheet.look()
            if look.head is not None:
                with suppress(StaleDecision):  # what PostgreSQL does not take is what was lost
                    await self.persisting.catch_up(sheet, look.head.state.version)
            await self._ledger.renew_epoch(schedule_id, epoch)
            await self.persisting.mend(sheet, token)
        finally:
            await sheet.give_back(token)

    async def trim(
        self,
        keep_commits: int,
        keep_answers_ms: int,
        outbox_size: int = 0,
        cool_down_ms: int = 0,
        relays: Sequence[str] = (WEBHOOKS,),
    ) -> Sequence[int]:
        """Forget commits, stored answers and tenures that are older than that."""
        for schedule_id in await self._ledger.marked():
            sheet = Sheet(self._redis, schedule_id)
            with suppress(StaleDecision, Unavailable):
                look = await sheet.look()
                await sheet.forget_tenures(look.now_ms - cool_down_ms)
                if look.head is not None:
                    await self.persisting.catch_up(sheet, look.head.state.version)
                    await sheet.trim(look.head.state.version - keep_commits + 1)
        return await self._ledger.trim(keep_commits, keep_answers_ms, outbox_size, cool_down_ms, relays)

    async def dead_versions(self) -> int:
        """How many old versions of schedules' rows PostgreSQL cannot clean away."""
        return await self._ledger.dead_versions()


def _continues(before: Head, after: Head, state: ScheduleState) -> bool:
    """Whether the sheet goes on from a state that PostgreSQL had between two looks at the sheet."""
    here = (after.state.epoch, after.state.layout_revision)
    return (
        here == (state.epoch, state.layout_revision)
        and before.persisted <= state.version <= after.state.version
    )


def _misfits(before: Look | None, after: Look, state: ScheduleState, *, is_marked: bool) -> bool:
    """Whether the sheet and what PostgreSQL has said between two looks at it do not go together."""
    if before is None or before.head is None or after.head is None:
        return is_marked or after.head is not None
    head = after.sound
    return head is None or head.state.sale != state.sale or not _continues(before.head, head, state)
