"""Persisting: what was decided in Redis is entered in PostgreSQL, in order, each decision once.

A consumer group wakes one of the processes for each commit. The order does not come from the group: whoever persists
locks the schedule in PostgreSQL and reads the commits after the version that it finds there. So it does no harm if two
are woken, and nothing is left out if one that was woken dies: the next who looks enters everything.

PostgreSQL has the last word. Where its log and Redis's disagree, the sheet is thrown away and begun anew with what
PostgreSQL has. Viewers start over if versions that they may have seen are gone.
"""

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from weakref import WeakValueDictionary

import structlog

from jari import metrics
from jari.adapters.redis.answers import Answers
from jari.adapters.redis.connection import Connection
from jari.adapters.redis.sheet import Head, Look, Sheet, lease_lost
from jari.adapters.redis.sheet_rows import read_entry, resting_steps, version_of
from jari.adapters.sql.seating_ledger import LoggedDecision, PostgresLedger, Stock
from jari.domain.errors import StaleDecision, Unavailable
from jari.ports.seating import ScheduleState
from jari.settings import RedisHoldSettings

log = structlog.get_logger()


class Persisting:
    """Brings PostgreSQL up to what Redis has, and sheets that are not sound back to what PostgreSQL has."""

    def __init__(
        self, redis: Connection, ledger: PostgresLedger, answers: Answers, settings: RedisHoldSettings
    ) -> None:
        self._redis = redis
        self._ledger = ledger
        self._answers = answers
        self._settings = settings
        self._consumer = secrets.token_hex(8)
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._busy: set[int] = set()  # schedules that may be ahead of PostgreSQL
        # of these, how many commits PostgreSQL lacks, and for how many ms
        self._behind: dict[int, tuple[int, int]] = {}
        self._owed: set[int] = set()  # those that this process was woken for, and has not persisted yet

    def look_after(self, schedule_id: int) -> None:
        """There is something to persist."""
        self._busy.add(schedule_id)

    async def catch_up(self, sheet: Sheet, version: int) -> None:
        """Enter everything up to this version, here and now.

        Raises:
            StaleDecision: PostgreSQL refuses it.
            Unavailable: PostgreSQL or Redis is away.
        """
        turn = self._turns.setdefault(sheet.schedule_id, asyncio.Lock())
        async with turn:
            reached = -1
            while reached < version:
                before, reached = reached, await self._enter_page(sheet)
                if reached == before:
                    raise StaleDecision(f"PostgreSQL stays at version {reached}, and Redis has {version}.")

    async def _enter_page(self, sheet: Sheet) -> int:
        """Enter the next commits, and return the version that PostgreSQL has then."""
        looks: list[Look] = []
        entered: list[LoggedDecision] = []

        async def read(here: ScheduleState, body: str | None) -> Sequence[LoggedDecision]:
            look = await sheet.look()
            looks.append(look)
            logged = [] if look.head is None else await self._next(sheet, look.head, here, body)
            entered.extend(logged)
            return logged

        version = await self._ledger.enter(sheet.schedule_id, read)
        await self._answers.leave_to_the_ledger(
            [answer for each in entered for answer in each.decision.answers]
        )
        look = looks[-1]
        if look.head is not None and version <= look.head.state.version:
            since_ms = entered[-1].committed_ms if entered else look.now_ms
            await sheet.note_persisted(
                look.head.state.epoch, version, since_ms, self._settings.persist_page_size
            )
        return version

    async def _next(
        self, sheet: Sheet, head: Head, here: ScheduleState, body: str | None
    ) -> Sequence[LoggedDecision]:
        """The decisions after the version that PostgreSQL has."""
        if head.behind == 0 and here.version >= head.state.version:
            return []
        if here.version < head.persisted:
            raise StaleDecision(
                f"PostgreSQL had version {head.persisted}, and has lost what is after {here.version}."
            )
        if here.version > head.state.version:
            raise StaleDecision(
                f"PostgreSQL is at version {here.version}, and Redis at {head.state.version}."
            )
        if (head.state.epoch, head.state.layout_revision) != (here.epoch, here.layout_revision):
            same_plan = head.state.layout_revision == here.layout_revision
            if same_plan:  # a new plan brings a new epoch, too, but goes on with the versions
                raise StaleDecision("PostgreSQL has begun a new epoch.")
        entries = await sheet.entries(max(1, here.version), self._settings.persist_page_size + 1)
        if entries and version_of(entries[0]) == here.version:
            if body is not None and entries[0][1][b"body"].decode() != body:
                raise StaleDecision(f"PostgreSQL has another version {here.version}.")
            entries = entries[1:]
        logged = [read_entry(each) for each in entries]
        if (not logged and here.version < head.state.version) or None in logged:
            raise StaleDecision(f"Redis does not have what follows version {here.version}.")
        return [each for each in logged if each is not None]

    async def mend(self, sheet: Sheet, token: str) -> Look:
        """Begin a sheet anew with what PostgreSQL has, after all that can still be persisted. The caller has its lease.

        Raises:
            StaleDecision: the lease was lost.
            Unavailable: PostgreSQL or Redis is away.
        """
        async with self.prolonging(sheet, token):
            look = await sheet.look()
            body = None
            if look.head is not None:
                body = await self._body(sheet, look.head.state.version)
                await self._offer(sheet, look.head.state.version)
            version = look.head.state.version if look.head else 0

            async def lost(stock: Stock) -> bool:
                if not await sheet.prolong(token, self._settings.sheet_lease_ms):
                    raise lease_lost()  # another has mended it, and what was seen of it is no longer so
                return has_lost(look, body, stock)

            stock = await self._ledger.take_stock(sheet.schedule_id, version, lost)
            await sheet.install(token, stock, look)
            if stock.mark is not None:
                await self._ledger.unmark(sheet.schedule_id, stock.mark)
            self._tell(sheet, look, stock)
        return await sheet.look()

    async def _offer(self, sheet: Sheet, version: int) -> bool:
        """Enter everything up to this version; whether PostgreSQL has taken it."""
        refusal: StaleDecision | None = None
        try:
            await self.catch_up(sheet, version)
        except StaleDecision as error:
            refusal = error
        if refusal is not None:
            log.error("holds_refused", schedule=sheet.schedule_id, why=refusal.detail)
        return refusal is None

    def _tell(self, sheet: Sheet, look: Look, stock: Stock) -> None:
        has_begun_anew = look.head is not None and look.head.state.epoch != stock.state.epoch
        lost = has_begun_anew or (look.head is None and stock.mark is not None)
        metrics.sheets_begun.labels("anew" if lost else "as before").inc()
        (log.error if lost else log.info)(
            "sheet_begun",
            schedule=sheet.schedule_id,
            version=stock.state.version,
            lost_versions=lost,
            seats=len(stock.allocations),
        )

    async def _body(self, sheet: Sheet, version: int) -> str | None:
        entries = await sheet.entries(max(1, version), 1)
        return entries[0][1][b"body"].decode() if entries and version_of(entries[0]) == version else None

    @asynccontextmanager
    async def prolonging(self, sheet: Sheet, token: str) -> AsyncIterator[None]:
        """Keep a lease within this block."""

        async def prolong() -> None:
            while True:
                with suppress(Unavailable):
                    await sheet.prolong(token, self._settings.sheet_lease_ms)
                await asyncio.sleep(self._settings.sheet_lease_ms / 3000)

        task = asyncio.create_task(prolong())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    # What runs in the background

    async def run(self) -> None:
        """Persist until cancelled. If Redis or PostgreSQL is away, go on trying."""
        rounds = max(1, self._settings.take_over_ms // self._settings.persist_ms)
        looking: dict[int, asyncio.Task[None]] = {}  # one that takes long holds up no other schedule
        try:
            for turn in itertools.count():
                takes_over = turn % rounds == 0
                if takes_over:
                    await self._find_the_marked()
                    self._tell_figures()
                looking = {number: task for number, task in looking.items() if not task.done()}
                for number in self._busy - looking.keys():
                    looking[number] = asyncio.create_task(self._try_to_look_at(number, takes_over=takes_over))
                await asyncio.sleep(self._settings.persist_ms / 1000)
        finally:
            for task in looking.values():
                task.cancel()
            await asyncio.gather(*looking.values(), return_exceptions=True)

    async def _find_the_marked(self) -> None:
        try:
            self._busy.update(await self._ledger.marked())
        except Unavailable:
            log.warning("ledger_away")
        except Exception:
            log.exception("marked_not_found")

    async def _try_to_look_at(self, schedule_id: int, *, takes_over: bool) -> None:
        try:
            await self._look_at(Sheet(self._redis, schedule_id), takes_over=takes_over)
        except Unavailable:
            log.warning("not_persisted", schedule=schedule_id)
        except Exception:
            log.exception("persist_failed", schedule=schedule_id)

    async def _look_at(self, sheet: Sheet, *, takes_over: bool) -> None:
        """Persist what this process was woken for. Now and then look after what others have left, too."""
        versions = [version for version in (await sheet.wakes(self._consumer),) if version is not None]
        if takes_over:
            versions += await sheet.inherit(self._consumer, self._settings.take_over_ms)
        if versions:
            self._owed.add(sheet.schedule_id)
        if not takes_over and sheet.schedule_id not in self._owed:
            return
        look = await sheet.look()
        head = look.head
        if head is not None and sheet.schedule_id in self._owed:
            if head.behind and not await self._offer(sheet, head.state.version):
                await self.mend_soon(sheet)
            self._owed.discard(sheet.schedule_id)
            await sheet.looked_after(versions)
        if takes_over:
            await self._look_closer(sheet, look)

    async def _look_closer(self, sheet: Sheet, look: Look) -> None:
        """Mend a sheet that is not sound, and let one rest that nobody writes on."""
        head = look.sound
        if head is None:
            await self.mend_soon(sheet)
            return
        waited_ms = look.now_ms - head.behind_since_ms
        self._behind[sheet.schedule_id] = (head.behind, waited_ms if head.behind else 0)
        if head.behind == 0 and waited_ms > self._settings.quiet_seconds * 1000:
            await self.rest(sheet)

    def _tell_figures(self) -> None:
        metrics.unpersisted_commits.set(sum(commits for commits, _ in self._behind.values()))
        metrics.unpersisted_seconds.set(max((ms for _, ms in self._behind.values()), default=0) / 1000)

    async def mend_soon(self, sheet: Sheet) -> None:
        """Mend a sheet if its lease is free; who has the lease will see to it, or the next who looks."""
        token = secrets.token_hex(8)
        if (await sheet.look(token, self._settings.sheet_lease_ms)).taken:
            try:
                await self.mend(sheet, token)
            finally:
                await sheet.give_back(token)

    async def rest(self, sheet: Sheet) -> None:
        """Take the mark off a sheet if PostgreSQL has caught up with it; if nobody marks it again, it leaves Redis."""
        token = secrets.token_hex(8)
        look = await sheet.look(token, self._settings.sheet_lease_ms)
        if not look.taken:
            return
        try:
            head = look.sound
            if head is None or head.behind:
                return
            mark = (await self._ledger.marked()).get(sheet.schedule_id)
            steps = resting_steps(self._settings.sheet_idle_seconds)
            if not await sheet.take_steps(token, steps, on=head.place):
                return
            if mark is not None:
                await self._ledger.unmark(sheet.schedule_id, mark)
            self._busy.discard(sheet.schedule_id)
            self._behind.pop(sheet.schedule_id, None)
        finally:
            with suppress(Unavailable):
                await sheet.give_back(token)


def has_lost(look: Look, body: str | None, stock: Stock) -> bool:
    """Whether versions that somebody may have seen are gone, though nobody has named a new epoch yet.

    ``look`` is at the sheet, ``body`` of its last commit, and ``stock`` is what PostgreSQL has now that it was offered
    all that the sheet had.
    """
    head = look.head
    if head is None or head.run != look.run:  # the server has begun anew: with what, nobody knows
        return stock.mark is not None
    if head.state.epoch != stock.state.epoch:
        return False
    if stock.state.version < head.state.version:
        return True
    # PostgreSQL is ahead: it was told first of what the sheet has not heard of. Did it go on from where the sheet is?
    return head.behind > 0 and stock.body not in (None, body)
