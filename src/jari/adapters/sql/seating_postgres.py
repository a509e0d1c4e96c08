"""The seating store on PostgreSQL, through asyncpg directly.

A batch is five round trips, however many holds it carries: begin, take the version, read, write, commit. Its first
statement updates the version row, which stays locked until the commit: so the writers of one schedule take turns
across all processes. Every later statement begins after that, and sees what the writer before has committed.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Self, TypeAlias, cast

import asyncpg
import asyncpg.pool

from jari.adapters.changes import encode_changes
from jari.adapters.sql.away import away_is_unavailable, is_away
from jari.adapters.sql.database import POSTGRES_NOW_MS as NOW_MS
from jari.adapters.sql.database import seating_connections
from jari.adapters.sql.rows import (
    ALLOCATION,
    STATE,
    TENURE,
    allocation_of,
    commit_of,
    new_epoch,
    seats_by_schedule,
    split_effects,
    split_tenures,
    state_of,
)
from jari.adapters.sql.sale_rows import PARTS, assemble, columns, encode_events, rows_to_write, upsert
from jari.adapters.sql.tables import reservations
from jari.domain.errors import StaleDecision
from jari.domain.relays import WEBHOOKS
from jari.domain.reservations import Reservation
from jari.domain.schedules import no_schedule
from jari.domain.seating import Allocation, Effect
from jari.domain.seatmap import Commit
from jari.domain.tenures import Tenure
from jari.ports.answers import RequestKey, StoredAnswer
from jari.ports.seating import Decision, LoadedSeating, ScheduleState
from jari.settings import DatabaseSettings

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"


TAKE_VERSION = (
    f"UPDATE schedules SET version = version + 1 WHERE id = $1 RETURNING {STATE}, {NOW_MS} AS now_ms"
)

# A statement that looks for many seats repeats the schedule beside each of them. With one condition for all, a planner
# without statistics would fetch the whole schedule by it, and compare.
READ = f"""
SELECT {ALLOCATION} FROM unnest(array_fill($1::bigint, ARRAY[cardinality($2::bigint[])]), $2::bigint[]) AS asked (schedule, seat)
JOIN allocations ON schedule_id = asked.schedule AND seat_id = asked.seat
UNION
SELECT {ALLOCATION} FROM unnest(array_fill($1::bigint, ARRAY[cardinality($3::bigint[])]), $3::bigint[]) AS asked (schedule, buyer)
JOIN allocations ON schedule_id = asked.schedule AND buyer_id = asked.buyer
UNION ALL
SELECT {TENURE} FROM unnest(array_fill($1::bigint, ARRAY[cardinality($4::bigint[])]), $4::bigint[], $5::bigint[])
    AS asked (schedule, buyer, seat)
JOIN tenures ON schedule_id = asked.schedule AND buyer_id = asked.buyer AND seat_id = asked.seat
"""

RESERVATIONS = f"""
SELECT {columns(reservations)} FROM unnest($2::bigint[]) AS asked (asked_id)
JOIN reservations ON id = asked_id WHERE schedule_id = $1
UNION
SELECT {columns(reservations, "reservations")} FROM unnest($4::text[]) AS asked (asked_key)
JOIN payments ON payments.payment_key = asked_key JOIN reservations ON reservations.id = payments.reservation_id
UNION
SELECT {columns(reservations)}
FROM unnest(array_fill($1::bigint, ARRAY[cardinality($3::bigint[])]), $3::bigint[]) AS asked (schedule, buyer)
JOIN reservations ON schedule_id = asked.schedule AND buyer_id = asked.buyer WHERE status = 'PENDING'
"""
PARTS_OF = [
    f"SELECT {columns(table)} FROM unnest($1::bigint[]) AS asked (asked_id)"
    f" JOIN {table.name} ON reservation_id = asked_id"
    for table in PARTS
]
UPSERTS = {table: upsert(table, lambda number: f"${number}") for table in (reservations, *PARTS)}

# Every hot statement is a look-up by key. PostgreSQL may plan it while a schedule is empty and keep the plan: without
# these settings that plan would scan or hash the whole table once it is full.
PLANNING = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_material": "off",
    "jit": "off",
}

INSERT = """
WITH logged AS (
    INSERT INTO changes (schedule_id, version, committed_ms, body, events) VALUES ($1, $8, $9, $10, $11)
)
INSERT INTO allocations (schedule_id, seat_id, status, buyer_id, hold_id, expires_ms, since_ms)
SELECT $1, * FROM unnest($2::bigint[], $3::smallint[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[])
"""

KEEP_TENURES = """
INSERT INTO tenures (schedule_id, buyer_id, seat_id, since_ms, ended_ms)
SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
ON CONFLICT (schedule_id, buyer_id, seat_id) DO UPDATE SET since_ms = excluded.since_ms, ended_ms = excluded.ended_ms
"""

UPDATE = """
UPDATE allocations AS old
SET status = new.status, buyer_id = new.buyer_id, hold_id = new.hold_id, expires_ms = new.expires_ms,
    since_ms = new.since_ms
FROM unnest(
    array_fill($1::bigint, ARRAY[cardinality($2::bigint[])]),
    $2::bigint[], $3::smallint[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[], $8::text[], $9::smallint[]
) AS new (schedule_id, seat_id, status, buyer_id, hold_id, expires_ms, since_ms, old_hold_id, old_status)
WHERE old.schedule_id = new.schedule_id AND old.seat_id = new.seat_id
    AND old.hold_id = new.old_hold_id AND old.status = new.old_status
"""

DELETE = """
DELETE FROM allocations AS old
USING unnest(array_fill($1::bigint, ARRAY[cardinality($2::bigint[])]), $2::bigint[], $3::text[], $4::smallint[])
    AS gone (schedule_id, seat_id, hold_id, status)
WHERE old.schedule_id = gone.schedule_id AND old.seat_id = gone.seat_id
    AND old.hold_id = gone.hold_id AND old.status = gone.status
"""

# One key may come at two schedules at once, and their tills are not kept apart by a version. So keys are locked, always
# in the same order: two tills cannot wait for each other.
LOCK_KEYS = """
SELECT pg_advisory_xact_lock(hash) FROM (
    SELECT hashtextextended(scope || ' ' || key, 0) AS hash FROM unnest($1::text[], $2::text[]) AS asked (scope, key)
    ORDER BY hash
) AS in_order
"""

ANSWERS = """
SELECT keys.scope, keys.key, keys.fingerprint, keys.answer FROM idempotency_keys AS keys
JOIN unnest($1::text[], $2::text[]) AS asked (scope, key) ON keys.scope = asked.scope AND keys.key = asked.key
"""

STORE_ANSWERS = """
INSERT INTO idempotency_keys (scope, key, fingerprint, answer, created_ms)
SELECT *, $5::bigint FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
"""

# Commits that a relay has not passed on stay, but not for ever: the relay may be stuck.
PASSED_ON = """
WITH passed_on AS (SELECT schedule_id, min(version) AS version FROM relays WHERE name = ANY($3::text[]) GROUP BY schedule_id)
"""
TRIM = f"""
{PASSED_ON} DELETE FROM changes USING schedules LEFT JOIN passed_on ON passed_on.schedule_id = schedules.id
WHERE changes.schedule_id = schedules.id AND changes.version <= least(
    schedules.version - $1::bigint,
    greatest(schedules.version - $2::bigint, coalesce(passed_on.version, schedules.version))
)
"""
TOO_LATE = f"""
{PASSED_ON} SELECT schedules.id FROM schedules JOIN passed_on ON passed_on.schedule_id = schedules.id
WHERE passed_on.version < schedules.version - greatest($1::bigint, $2::bigint)
"""

DEAD_VERSIONS = "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relid = 'schedules'::regclass"


class PostgresSeatingTransaction:
    """One batch; see `jari.ports.SeatingTransaction`."""

    def __init__(self, connection: Connection, schedule_id: int, state: ScheduleState, now_ms: int) -> None:
        self.state = state
        self.now_ms = now_ms
        self.written = False
        self.connection = connection
        self._schedule_id = schedule_id

    async def read(
        self, seat_ids: Sequence[int], buyer_ids: Sequence[int], kept: Sequence[tuple[int, int]] = ()
    ) -> tuple[Sequence[Allocation], Sequence[Tenure]]:
        """Every allocation of these seats and of these buyers here, and the tenures ``kept``, as (buyer, seat)."""
        buyers, seats = [buyer_id for buyer_id, _ in kept], [seat_id for _, seat_id in kept]
        rows = await self.connection.fetch(READ, self._schedule_id, seat_ids, buyer_ids, buyers, seats)
        return split_tenures(rows)

    async def answers(self, requests: Sequence[RequestKey]) -> Sequence[StoredAnswer]:
        """The stored answers under these keys, whatever their fingerprint."""
        await self.connection.execute(
            LOCK_KEYS, [each.scope for each in requests], [each.key for each in requests]
        )
        return await _answers(self.connection, requests)

    async def reservations(
        self, ids: Sequence[int], payment_keys: Sequence[str], buyer_ids: Sequence[int]
    ) -> Sequence[Reservation]:
        """These reservations, those that have these payments, and the PENDING ones of these buyers here."""
        heads = await self.connection.fetch(RESERVATIONS, self._schedule_id, ids, buyer_ids, payment_keys)
        if not heads:
            return []
        ids = [row["id"] for row in heads]
        return assemble(heads, *[await self.connection.fetch(statement, ids) for statement in PARTS_OF])

    async def write(self, decision: Decision) -> None:
        """Write all. Raises StaleDecision where a seat is not as ``before`` says."""
        inserts, updates, deletes = split_effects(list(decision.effects))
        if deletes:
            await self._delete(deletes)
        if updates:
            await self._update(updates)
        await self._insert(inserts, decision.commit)
        if decision.tenures:
            await self._keep(decision.tenures)
        try:
            for table, rows in rows_to_write(decision.updates):
                await self.connection.executemany(UPSERTS[table], rows)
            if decision.answers:
                await self._store(decision.answers)
        except asyncpg.IntegrityConstraintViolationError as error:
            raise StaleDecision(
                f"A sale was made, or a key used, behind the till's back: {error}."
            ) from error
        self.written = True

    async def _insert(self, inserts: Sequence[Effect], commit: Commit) -> None:
        try:
            await self.connection.execute(
                INSERT,
                self._schedule_id,
                *_columns([each.after for each in inserts]),
                commit.version,
                self.now_ms,
                encode_changes(commit),
                encode_events(commit.events),
            )
        except asyncpg.IntegrityConstraintViolationError as error:
            raise StaleDecision(f"A seat was allocated behind the till's back: {error}.") from error

    async def _update(self, updates: Sequence[Effect]) -> None:
        olds = [each.before for each in updates if each.before]
        tag = await self.connection.execute(
            UPDATE,
            self._schedule_id,
            *_columns([each.after for each in updates]),
            [old.hold_id for old in olds],
            [int(old.status) for old in olds],
        )
        _require_count(tag, len(updates))

    async def _delete(self, deletes: Sequence[Effect]) -> None:
        olds = [each.before for each in deletes if each.before]
        tag = await self.connection.execute(
            DELETE,
            self._schedule_id,
            [old.seat_id for old in olds],
            [old.hold_id for old in olds],
            [int(old.status) for old in olds],
        )
        _require_count(tag, len(deletes))

    async def _keep(self, tenures: Sequence[Tenure]) -> None:
        await self.connection.execute(
            KEEP_TENURES,
            self._schedule_id,
            [each.buyer_id for each in tenures],
            [each.seat_id for each in tenures],
            [each.since_ms for each in tenures],
            [each.ended_ms for each in tenures],
        )

    async def _store(self, answers: Sequence[StoredAnswer]) -> None:
        await self.connection.execute(
            STORE_ANSWERS,
            [each.request.scope for each in answers],
            [each.request.key for each in answers],
            [each.request.fingerprint for each in answers],
            [each.answer for each in answers],
            self.now_ms,
        )


class PostgresSeatingStore:
    """Allocations, versions and the change log; see `jari.ports.SeatingStore`."""

    def __init__(self, pool: asyncpg.Pool, timeout_seconds: float) -> None:
        self._pool = pool
        self._timeout_seconds = timeout_seconds  # to wait for a free connection

    @classmethod
    async def connect(cls, settings: DatabaseSettings) -> Self:
        """Open the pool. Its connections keep no state, so the pool need not reset them."""

        async def keep(_: object) -> None:
            pass

        pool = await asyncpg.create_pool(
            settings.database,
            min_size=0,  # the poller keeps one in use; with a minimum the pool would go on connecting by itself
            max_size=seating_connections(settings),
            timeout=settings.database_timeout_seconds,
            command_timeout=settings.database_timeout_seconds,
            reset=keep,
            server_settings={"application_name": "jari", **PLANNING},
        )
        return cls(pool, settings.database_timeout_seconds)

    async def close(self) -> None:
        """Close the pool."""
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self, schedule_id: int) -> AsyncIterator[PostgresSeatingTransaction]:
        """Take the schedule's next version. If the block does not `write`, nothing changes."""
        async with self._connection() as connection:
            block = connection.transaction()
            await block.start()
            try:
                row = await connection.fetchrow(TAKE_VERSION, schedule_id)
                if row is None:
                    raise no_schedule(schedule_id)
                transaction = PostgresSeatingTransaction(
                    connection, schedule_id, state_of(row), row["now_ms"]
                )
                yield transaction
            except BaseException as error:
                if not _is_lost(error):
                    await block.rollback()
                raise
            await (block.commit() if transaction.written else block.rollback())

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        """A connection of the pool. If the store goes away on it, it is dropped at once, whatever it is doing.

        Raises:
            Unavailable: the store is away, or no connection was free in time.
        """
        with away_is_unavailable():
            async with self._pool.acquire(timeout=self._timeout_seconds) as connection:
                try:
                    yield connection
                except BaseException as error:
                    if _is_lost(error):  # a request to roll back would wait for the store once more
                        with suppress(asyncpg.InterfaceError):  # the pool may have taken it back already
                            connection.terminate()
                    raise

    async def _fetch(self, statement: str, *parameters: Any) -> Sequence[asyncpg.Record]:
        async with self._connection() as connection:
            return cast("Sequence[asyncpg.Record]", await connection.fetch(statement, *parameters))

    async def _execute(self, statement: str, *parameters: Any) -> None:
        async with self._connection() as connection:
            await connection.execute(statement, *parameters)

    async def load(self, schedule_id: int, commit_limit: int) -> LoadedSeating:
        """The whole seating, consistent."""
        async with (
            self._connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            row = await connection.fetchrow(
                f"SELECT {STATE}, {NOW_MS} AS now_ms FROM schedules WHERE id = $1", schedule_id
            )
            if row is None:
                raise no_schedule(schedule_id)
            state = state_of(row)
            allocations = await connection.fetch(
                f"SELECT {ALLOCATION} FROM allocations WHERE schedule_id = $1", schedule_id
            )
            commits = await connection.fetch(
                "SELECT version, body FROM changes WHERE schedule_id = $1 AND version > $2 ORDER BY version",
                schedule_id,
                state.version - commit_limit,
            )
        return LoadedSeating(
            state,
            row["now_ms"],
            [allocation_of(each) for each in allocations],
            [commit_of(each) for each in commits],
        )

    async def answers(self, requests: Sequence[RequestKey]) -> Sequence[StoredAnswer]:
        """The stored answers under these keys, whatever their fingerprint."""
        async with self._connection() as connection:
            return await _answers(connection, requests)

    async def allocations_of(self, schedule_id: int, buyer_id: int) -> tuple[int, Sequence[Allocation]]:
        """The store's time, and all that a buyer has in a schedule, ended holds included."""
        rows = await self._fetch(
            f"SELECT {NOW_MS} AS now_ms, {ALLOCATION} FROM (SELECT) AS once LEFT JOIN allocations"
            " ON schedule_id = $1 AND buyer_id = $2 ORDER BY seat_id",
            schedule_id,
            buyer_id,
        )
        return rows[0]["now_ms"], [allocation_of(row) for row in rows if row["seat_id"] is not None]

    async def states(self, schedule_ids: Sequence[int]) -> tuple[int, Mapping[int, ScheduleState]]:
        """The store's time, and how far each of these schedules is."""
        rows = await self._fetch(
            f"SELECT {STATE}, {NOW_MS} AS now_ms, id FROM (SELECT) AS once LEFT JOIN schedules ON id = ANY($1::bigint[])",
            schedule_ids,
        )
        return rows[0]["now_ms"], {row["id"]: state_of(row) for row in rows if row["id"] is not None}

    async def commits_after(self, schedule_id: int, version: int, limit: int) -> Sequence[Commit]:
        """The next commits in order."""
        rows = await self._fetch(
            "SELECT version, body FROM changes WHERE schedule_id = $1 AND version > $2 ORDER BY version LIMIT $3",
            schedule_id,
            version,
            limit,
        )
        return [commit_of(row) for row in rows]

    async def ended_holds(self, limit: int) -> Mapping[int, Sequence[int]]:
        """Schedule → seats whose hold has ended but is still recorded."""
        rows = await self._fetch(
            f"SELECT schedule_id, seat_id FROM allocations WHERE expires_ms <= (SELECT {NOW_MS}) LIMIT $1",
            limit,
        )
        return seats_by_schedule(rows)

    async def renew_epoch(self, schedule_id: int, epoch: str) -> None:
        """Name a new run of versions instead of this one."""
        await self._execute(
            "UPDATE schedules SET epoch = $3 WHERE id = $1 AND epoch = $2", schedule_id, epoch, new_epoch()
        )

    async def trim(
        self,
        keep_commits: int,
        keep_answers_ms: int,
        outbox_size: int = 0,
        cool_down_ms: int = 0,
        relays: Sequence[str] = (WEBHOOKS,),
    ) -> Sequence[int]:
        """Forget commits, stored answers and tenures that are older than that."""
        too_late = await self._fetch(TOO_LATE, keep_commits, outbox_size, relays)
        await self._execute(TRIM, keep_commits, outbox_size, relays)
        await self._execute(
            f"DELETE FROM idempotency_keys WHERE created_ms < {NOW_MS} - $1::bigint", keep_answers_ms
        )
        await self._execute(f"DELETE FROM tenures WHERE ended_ms < {NOW_MS} - $1::bigint", cool_down_ms)
        return [row["id"] for row in too_late]

    async def dead_versions(self) -> int:
        """How many old versions of schedules' rows wait to be cleaned away: few, unless a snapshot stays open."""
        rows = await self._fetch(DEAD_VERSIONS)
        return int(rows[0]["n_dead_tup"]) if rows else 0


async def _answers(connection: Connection, requests: Sequence[RequestKey]) -> list[StoredAnswer]:
    rows = await connection.fetch(ANSWERS, [each.scope for each in requests], [each.key for each in requests])
    return [
        StoredAnswer(RequestKey(row["scope"], row["key"], row["fingerprint"]), row["answer"]) for row in rows
    ]


def _is_lost(error: BaseException) -> bool:
    """Whether the connection is of no use any more: the store is away, or the caller was cancelled."""
    return isinstance(error, asyncio.CancelledError) or is_away(error)


def _require_count(tag: str, expected: int) -> None:
    """Compare the number of rows in a command tag such as ``UPDATE 3`` with what was decided."""
    if int(tag.rpartition(" ")[2]) != expected:
        raise StaleDecision("A seat changed behind the till's back.")


def _columns(allocations: Sequence[Allocation | None]) -> tuple[list[Any], ...]:
    rows = [each for each in allocations if each]
    return (
        [each.seat_id for each in rows],
        [int(each.status) for each in rows],
        [each.buyer_id for each in rows],
        [each.hold_id for each in rows],
        [each.expires_ms for each in rows],
        [each.since_ms for each in rows],
    )
