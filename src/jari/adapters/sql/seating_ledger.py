"""The seating store on PostgreSQL where holds are decided in Redis: what was decided there is entered here, in order.

Several decisions become one write: a seat that was taken and given back between two of them is not written at all. The
row of the schedule is locked meanwhile, so whoever enters takes turns with everybody who decides here, and each decision
is entered once. ``ahead`` marks the schedules of which Redis may know more than this database; without the mark, nothing
can be lost with Redis.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from jari.adapters.changes import encode_changes
from jari.adapters.sql.database import POSTGRES_NOW_MS as NOW_MS
from jari.adapters.sql.rows import (
    ALLOCATION,
    STATE,
    Row,
    allocation_of,
    new_epoch,
    state_of,
)
from jari.adapters.sql.sale_rows import encode_events
from jari.adapters.sql.seating_postgres import Connection, PostgresSeatingStore, PostgresSeatingTransaction
from jari.domain.errors import StaleDecision
from jari.domain.schedules import no_schedule
from jari.domain.seating import Allocation, Effect
from jari.domain.tenures import Tenure
from jari.ports.seating import Decision, ScheduleState

LOG = """
WITH logged AS (
    INSERT INTO changes (schedule_id, version, committed_ms, body, events)
    SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[])
)
UPDATE schedules SET version = $6 WHERE id = $1
"""
BODY = "SELECT body FROM changes WHERE schedule_id = $1 AND version = $2"
LOCK = f"SELECT {STATE}, {NOW_MS} AS now_ms FROM schedules WHERE id = $1 FOR UPDATE"
TENURES = "SELECT seat_id, buyer_id, since_ms, ended_ms FROM tenures WHERE schedule_id = $1"
OPEN = """
SELECT buyer_id, count(*) AS open FROM reservations WHERE schedule_id = $1 AND status = 'PENDING' GROUP BY buyer_id
"""
MARKED = "SELECT schedule_id, mark FROM ahead"
MARK = """
INSERT INTO ahead (schedule_id, mark) VALUES ($1, $2) ON CONFLICT (schedule_id) DO UPDATE SET mark = excluded.mark
"""
UNMARK: Final = "DELETE FROM ahead WHERE schedule_id = $1 AND mark = $2"


@dataclass(frozen=True, slots=True)
class LoggedDecision:
    """A decision that was committed in Redis, and when."""

    decision: Decision
    committed_ms: int


@dataclass(frozen=True, slots=True)
class Stock:
    """All that PostgreSQL knows of a schedule's seats; ``body`` is that of the version that was asked for.

    ``mark`` was made by whoever was ahead of PostgreSQL in Redis.
    """

    state: ScheduleState
    allocations: Sequence[Allocation]
    tenures: Sequence[Tenure]
    open_of_buyers: Mapping[int, int]
    mark: str | None
    body: str | None


# What follows a schedule's state here, whose last commit has this body (None: it was trimmed, or there is none).
Read = Callable[[ScheduleState, str | None], Awaitable[Sequence[LoggedDecision]]]


class PostgresLedger(PostgresSeatingStore):
    """The seating store, and what Redis needs besides."""

    async def enter(self, schedule_id: int, read: Read) -> int:
        """Enter the decisions that ``read`` gives for the schedule as it is here. Returns the version reached.

        The schedule is locked before ``read`` is called.

        Raises:
            StaleDecision: they do not continue what is here, a seat is not as they say, or the plan no longer has it.
        """
        async with self.transaction(schedule_id) as transaction:
            here = replace(transaction.state, version=transaction.state.version - 1)
            body = await transaction.connection.fetchval(BODY, schedule_id, here.version)
            logged = await read(here, body)
            if not logged:
                return here.version
            require_next(here.version, logged)
            transaction.now_ms = logged[-1].committed_ms  # the log goes by one clock, that of Redis
            if len(logged) > 1:
                await _log(transaction.connection, schedule_id, logged)
            await transaction.write(await _together(transaction, [each.decision for each in logged]))
        return logged[-1].decision.commit.version

    async def take_stock(
        self, schedule_id: int, version: int, has_lost: Callable[[Stock], Awaitable[bool]]
    ) -> Stock:
        """All that is here, with the body of a version. If ``has_lost`` says so, a new epoch begins.

        The schedule is locked meanwhile: whoever still decides here has ended before.
        """
        async with self._connection() as connection, connection.transaction():
            row = await connection.fetchrow(LOCK, schedule_id)
            if row is None:
                raise no_schedule(schedule_id)
            stock = await _stock(connection, schedule_id, row, version)
            if await has_lost(stock):
                stock = replace(stock, state=replace(stock.state, epoch=new_epoch()))
                await connection.execute(
                    "UPDATE schedules SET epoch = $2 WHERE id = $1", schedule_id, stock.state.epoch
                )
        return stock

    async def marked(self) -> Mapping[int, str]:
        """The schedules of which Redis may know more than this database, with their marks."""
        return {row["schedule_id"]: row["mark"] for row in await self._fetch(MARKED)}

    async def mark(self, schedule_id: int, mark: str) -> None:
        """From now on Redis may know more of this schedule."""
        await self._execute(MARK, schedule_id, mark)

    async def unmark(self, schedule_id: int, mark: str) -> None:
        """All that Redis knows is here, unless somebody has marked the schedule anew."""
        await self._execute(UNMARK, schedule_id, mark)


def require_next(version: int, logged: Sequence[LoggedDecision]) -> None:
    """Refuse decisions that do not follow a version, one after the other.

    Raises:
        StaleDecision: they do not.
    """
    versions = [each.decision.commit.version for each in logged]
    if versions != list(range(version + 1, version + 1 + len(versions))):
        raise StaleDecision(f"Version {version} is not continued by {versions[0]} to {versions[-1]}.")


async def _log(connection: Connection, schedule_id: int, logged: Sequence[LoggedDecision]) -> None:
    """Log all commits but the last, and let the schedule be at the last one's version."""
    *earlier, last = logged
    commits = [each.decision.commit for each in earlier]
    await connection.execute(
        LOG,
        schedule_id,
        [each.version for each in commits],
        [each.committed_ms for each in earlier],
        [encode_changes(each) for each in commits],
        [encode_events(each.events) for each in commits],
        last.decision.commit.version,
    )


async def _together(transaction: PostgresSeatingTransaction, decisions: Sequence[Decision]) -> Decision:
    """One decision that writes what several would. An answer whose key was used elsewhere meanwhile is left out."""
    answers = {each.request.name: each for decision in decisions for each in decision.answers}
    if answers:
        for stored in await transaction.answers([each.request for each in answers.values()]):
            del answers[stored.request.name]
    tenures = {(each.buyer_id, each.seat_id): each for decision in decisions for each in decision.tenures}
    return Decision(
        decisions[-1].commit, merged(decisions), answers=[*answers.values()], tenures=[*tenures.values()]
    )


def merged(decisions: Sequence[Decision]) -> list[Effect]:
    """What decisions, one after the other, do to each seat: from what the first has read to what the last leaves."""
    seats: dict[int, Effect] = {}
    for effect in (effect for decision in decisions for effect in decision.effects):
        there = effect.before or effect.after
        if there is None:
            continue
        earlier = seats.get(there.seat_id)
        seats[there.seat_id] = Effect(earlier.before, effect.after) if earlier else effect
    return [each for each in seats.values() if each.before != each.after]


async def _stock(connection: Connection, schedule_id: int, row: Row, version: int) -> Stock:
    allocations = await connection.fetch(
        f"SELECT {ALLOCATION} FROM allocations WHERE schedule_id = $1", schedule_id
    )
    tenures = await connection.fetch(TENURES, schedule_id)
    opened = await connection.fetch(OPEN, schedule_id)
    return Stock(
        state_of(row),
        [allocation_of(each) for each in allocations],
        [Tenure(each["seat_id"], each["buyer_id"], each["since_ms"], each["ended_ms"]) for each in tenures],
        {each["buyer_id"]: each["open"] for each in opened},
        mark=await connection.fetchval("SELECT mark FROM ahead WHERE schedule_id = $1", schedule_id),
        body=await connection.fetchval(BODY, schedule_id, version),
    )
