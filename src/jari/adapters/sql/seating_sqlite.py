"""The seating store on SQLite.

One thread owns the writing connection and one the reading connection: a batch costs a handful of hand-overs to a
thread, and never blocks the event loop. WAL lets the reader see the last commit while the writer is busy.
``synchronous=FULL`` makes a commit durable before it is acknowledged.
"""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

from jari.adapters.changes import encode_changes
from jari.adapters.sql.away import away_is_unavailable
from jari.adapters.sql.database import SQLITE_NOW_MS as NOW_MS
from jari.adapters.sql.database import SQLITE_PRAGMAS, Database
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

T = TypeVar("T")


RESERVATIONS = f"""
SELECT {columns(reservations)} FROM reservations WHERE id IN (SELECT value FROM json_each(?)) AND schedule_id = ?
UNION
SELECT {columns(reservations)} FROM reservations WHERE id IN
    (SELECT reservation_id FROM payments WHERE payment_key IN (SELECT value FROM json_each(?)))
UNION
SELECT {columns(reservations)} FROM reservations
WHERE schedule_id = ? AND buyer_id IN (SELECT value FROM json_each(?)) AND status = 'PENDING'
"""
PARTS_OF = [
    f"SELECT {columns(table)} FROM {table.name} WHERE reservation_id IN (SELECT value FROM json_each(?))"
    for table in PARTS
]
UPSERTS = {table: upsert(table, lambda _: "?") for table in (reservations, *PARTS)}
# For each schedule the last version to be forgotten, and how far its commits were passed on. Commits that a relay
# has not passed on stay, but not for ever: the relay may be stuck.
LAST_TO_GO = """
SELECT id, min(version - ?, max(version - ?, passed_on)) AS last_to_go, passed_on FROM (
    SELECT id, schedules.version, coalesce(min(relays.version), schedules.version) AS passed_on
    FROM schedules LEFT JOIN relays
        ON relays.schedule_id = schedules.id AND relays.name IN (SELECT value FROM json_each(?))
    GROUP BY id
)
"""
INSERT = f"INSERT INTO allocations (schedule_id, {ALLOCATION}) VALUES (?, ?, ?, ?, ?, ?, ?)"
KEEP_TENURE = """
INSERT INTO tenures (schedule_id, buyer_id, seat_id, since_ms, ended_ms) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (schedule_id, buyer_id, seat_id) DO UPDATE SET since_ms = excluded.since_ms, ended_ms = excluded.ended_ms
"""


class Thread:
    """One connection, and the only thread that uses it."""

    def __init__(self, path: str, timeout_seconds: float) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite")
        self._path = path
        self._timeout_seconds = timeout_seconds
        self._connection: sqlite3.Connection | None = None

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in the thread, and return what it returns.

        Raises:
            Unavailable: the store is away.
        """
        with away_is_unavailable():
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._work, work)

    async def close(self) -> None:
        """Close the connection and end the thread."""
        if self._connection is not None:
            await self.run(sqlite3.Connection.close)
        self._pool.shutdown()

    def _work(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._connection is None:
            self._connection = sqlite3.connect(
                self._path, timeout=self._timeout_seconds, isolation_level=None, cached_statements=256
            )
            self._connection.row_factory = sqlite3.Row
            for pragma in SQLITE_PRAGMAS:
                self._connection.execute(f"PRAGMA {pragma}")
        return work(self._connection)


class SqliteSeatingTransaction:
    """One batch; see `jari.ports.SeatingTransaction`."""

    def __init__(self, thread: Thread, schedule_id: int, state: ScheduleState, now_ms: int) -> None:
        self.state = state
        self.now_ms = now_ms
        self.written = False
        self._thread = thread
        self._schedule_id = schedule_id

    async def read(
        self, seat_ids: Sequence[int], buyer_ids: Sequence[int], kept: Sequence[tuple[int, int]] = ()
    ) -> tuple[Sequence[Allocation], Sequence[Tenure]]:
        """Every allocation of these seats and of these buyers here, and the tenures ``kept``, as (buyer, seat)."""
        here = self._schedule_id
        parameters = (here, json.dumps(seat_ids), here, json.dumps(buyer_ids), json.dumps(kept), here)
        rows = await self._thread.run(
            lambda connection: connection.execute(
                f"SELECT {ALLOCATION} FROM allocations"
                " WHERE schedule_id = ? AND seat_id IN (SELECT value FROM json_each(?))"
                f" UNION SELECT {ALLOCATION} FROM allocations"
                " WHERE schedule_id = ? AND buyer_id IN (SELECT value FROM json_each(?))"
                f" UNION ALL SELECT {TENURE} FROM json_each(?) AS asked CROSS JOIN tenures ON schedule_id = ?"
                " AND buyer_id = json_extract(asked.value, '$[0]') AND seat_id = json_extract(asked.value, '$[1]')",
                parameters,
            ).fetchall()
        )
        return split_tenures(rows)

    async def answers(self, requests: Sequence[RequestKey]) -> Sequence[StoredAnswer]:
        """The stored answers under these keys, whatever their fingerprint."""
        return await self._thread.run(partial(_answers, requests))

    async def reservations(
        self, ids: Sequence[int], payment_keys: Sequence[str], buyer_ids: Sequence[int]
    ) -> Sequence[Reservation]:
        """These reservations, those that have these payments, and the PENDING ones of these buyers here."""
        here = self._schedule_id
        asked = (json.dumps(ids), here, json.dumps(payment_keys), here, json.dumps(buyer_ids))

        def select(connection: sqlite3.Connection) -> list[Reservation]:
            heads = connection.execute(RESERVATIONS, asked).fetchall()
            ids = json.dumps([row["id"] for row in heads])
            parts = [connection.execute(statement, (ids,)).fetchall() for statement in PARTS_OF]
            return assemble(heads, *parts)

        return await self._thread.run(select)

    async def write(self, decision: Decision) -> None:
        """Write all. Raises StaleDecision where a seat is not as ``before`` says."""
        await self._thread.run(partial(self._write, decision))
        self.written = True

    def _write(self, decision: Decision, connection: sqlite3.Connection) -> None:
        self._write_allocations(connection, *split_effects(list(decision.effects)))
        connection.executemany(
            KEEP_TENURE,
            [
                (self._schedule_id, each.buyer_id, each.seat_id, each.since_ms, each.ended_ms)
                for each in decision.tenures
            ],
        )
        commit = decision.commit
        connection.execute(
            "INSERT INTO changes (schedule_id, version, committed_ms, body, events) VALUES (?, ?, ?, ?, ?)",
            (
                self._schedule_id,
                commit.version,
                self.now_ms,
                encode_changes(commit),
                encode_events(commit.events),
            ),
        )
        try:
            for table, rows in rows_to_write(decision.updates):
                connection.executemany(UPSERTS[table], rows)
            connection.executemany(
                "INSERT INTO idempotency_keys (scope, key, fingerprint, answer, created_ms) VALUES (?, ?, ?, ?, ?)",
                [
                    (each.request.scope, each.request.key, each.request.fingerprint, each.answer, self.now_ms)
                    for each in decision.answers
                ],
            )
        except sqlite3.IntegrityError as error:
            raise StaleDecision(
                f"A sale was made, or a key used, behind the till's back: {error}."
            ) from error

    def _write_allocations(
        self,
        connection: sqlite3.Connection,
        inserts: Sequence[Effect],
        updates: Sequence[Effect],
        deletes: Sequence[Effect],
    ) -> None:
        guard = "schedule_id = ? AND seat_id = ? AND hold_id = ? AND status = ?"
        try:
            connection.executemany(
                INSERT,
                [(self._schedule_id, each.seat_id, *_values(each)) for _, each in _pairs(inserts) if each],
            )
        except sqlite3.IntegrityError as error:
            raise StaleDecision(f"A seat was allocated behind the till's back: {error}.") from error
        updated = connection.executemany(
            f"UPDATE allocations SET status = ?, buyer_id = ?, hold_id = ?, expires_ms = ?, since_ms = ? WHERE {guard}",
            [
                (*_values(after), *self._guard_values(before))
                for before, after in _pairs(updates)
                if before and after
            ],
        ).rowcount
        deleted = connection.executemany(
            f"DELETE FROM allocations WHERE {guard}",
            [self._guard_values(before) for before, _ in _pairs(deletes) if before],
        ).rowcount
        if max(updated, 0) != len(updates) or max(deleted, 0) != len(deletes):
            raise StaleDecision("A seat changed behind the till's back.")

    def _guard_values(self, before: Allocation) -> tuple[int, int, str, int]:
        return self._schedule_id, before.seat_id, before.hold_id, int(before.status)


class SqliteSeatingStore:
    """Allocations, versions and the change log; see `jari.ports.SeatingStore`."""

    def __init__(self, database: Database, timeout_seconds: float) -> None:
        if database.write_lock is None:
            raise ValueError("an embedded database is needed")
        self._write_lock = database.write_lock
        self._writer = Thread(database.sqlite_path, timeout_seconds)
        self._reader = Thread(database.sqlite_path, timeout_seconds)

    async def close(self) -> None:
        """Close both connections."""
        await self._writer.close()
        await self._reader.close()

    @asynccontextmanager
    async def transaction(self, schedule_id: int) -> AsyncIterator[SqliteSeatingTransaction]:
        """Take the schedule's next version. If the block does not `write`, nothing changes."""
        async with self._write_lock:
            try:
                state, now_ms = await self._writer.run(partial(_begin, schedule_id))
                transaction = SqliteSeatingTransaction(self._writer, schedule_id, state, now_ms)
                yield transaction
                await self._writer.run(_commit if transaction.written else _rollback)
            except BaseException:
                await self._writer.run(_rollback)
                raise

    async def load(self, schedule_id: int, commit_limit: int) -> LoadedSeating:
        """The whole seating, consistent."""
        return await self._reader.run(partial(_load, schedule_id, commit_limit))

    async def answers(self, requests: Sequence[RequestKey]) -> Sequence[StoredAnswer]:
        """The stored answers under these keys, whatever their fingerprint."""
        return await self._reader.run(partial(_answers, requests))

    async def allocations_of(self, schedule_id: int, buyer_id: int) -> tuple[int, Sequence[Allocation]]:
        """The store's time, and all that a buyer has in a schedule, ended holds included."""

        def select(connection: sqlite3.Connection) -> tuple[int, list[Allocation]]:
            (now_ms,) = connection.execute(f"SELECT {NOW_MS}").fetchone()
            rows = connection.execute(
                f"SELECT {ALLOCATION} FROM allocations WHERE schedule_id = ? AND buyer_id = ? ORDER BY seat_id",
                (schedule_id, buyer_id),
            )
            return now_ms, [allocation_of(row) for row in rows]

        return await self._reader.run(select)

    async def states(self, schedule_ids: Sequence[int]) -> tuple[int, Mapping[int, ScheduleState]]:
        """The store's time, and how far each of these schedules is."""

        def select(connection: sqlite3.Connection) -> tuple[int, dict[int, ScheduleState]]:
            (now_ms,) = connection.execute(f"SELECT {NOW_MS}").fetchone()
            rows = connection.execute(
                f"SELECT {STATE}, id FROM schedules WHERE id IN (SELECT value FROM json_each(?))",
                (json.dumps(schedule_ids),),
            )
            return now_ms, {row["id"]: state_of(row) for row in rows}

        return await self._reader.run(select)

    async def commits_after(self, schedule_id: int, version: int, limit: int) -> Sequence[Commit]:
        """The next commits in order."""
        rows = await self._reader.run(
            lambda connection: connection.execute(
                "SELECT version, body FROM changes WHERE schedule_id = ? AND version > ? ORDER BY version LIMIT ?",
                (schedule_id, version, limit),
            ).fetchall()
        )
        return [commit_of(row) for row in rows]

    async def ended_holds(self, limit: int) -> Mapping[int, Sequence[int]]:
        """Schedule → seats whose hold has ended but is still recorded."""
        rows = await self._reader.run(
            lambda connection: connection.execute(
                f"SELECT schedule_id, seat_id FROM allocations WHERE expires_ms <= {NOW_MS} LIMIT ?", (limit,)
            ).fetchall()
        )
        return seats_by_schedule(rows)

    async def renew_epoch(self, schedule_id: int, epoch: str) -> None:
        """Name a new run of versions instead of this one."""
        async with self._write_lock:
            await self._writer.run(
                lambda connection: connection.execute(
                    "UPDATE schedules SET epoch = ? WHERE id = ? AND epoch = ?",
                    (new_epoch(), schedule_id, epoch),
                )
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

        def delete(connection: sqlite3.Connection) -> list[int]:
            rows = connection.execute(LAST_TO_GO, (keep_commits, outbox_size, json.dumps(relays))).fetchall()
            connection.execute("BEGIN IMMEDIATE")
            try:
                connection.executemany(
                    "DELETE FROM changes WHERE schedule_id = ? AND version <= ?",
                    [(row["id"], row["last_to_go"]) for row in rows],
                )
                connection.execute(
                    f"DELETE FROM idempotency_keys WHERE created_ms < {NOW_MS} - ?", (keep_answers_ms,)
                )
                connection.execute(f"DELETE FROM tenures WHERE ended_ms < {NOW_MS} - ?", (cool_down_ms,))
                connection.execute("COMMIT")
            except BaseException:
                _rollback(connection)
                raise
            return [row["id"] for row in rows if row["last_to_go"] > row["passed_on"]]

        async with self._write_lock:
            return await self._writer.run(delete)

    async def dead_versions(self) -> int:
        """Always 0: SQLite changes rows in place."""
        return 0


def _begin(schedule_id: int, connection: sqlite3.Connection) -> tuple[ScheduleState, int]:
    connection.execute("BEGIN IMMEDIATE")
    row = connection.execute(
        f"UPDATE schedules SET version = version + 1 WHERE id = ? RETURNING {STATE}, {NOW_MS} AS now_ms",
        (schedule_id,),
    ).fetchone()
    if row is None:
        raise no_schedule(schedule_id)
    return state_of(row), row["now_ms"]


def _commit(connection: sqlite3.Connection) -> None:
    connection.execute("COMMIT")


def _rollback(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _load(schedule_id: int, commit_limit: int, connection: sqlite3.Connection) -> LoadedSeating:
    connection.execute("BEGIN")
    try:
        row = connection.execute(
            f"SELECT {STATE}, {NOW_MS} AS now_ms FROM schedules WHERE id = ?", (schedule_id,)
        ).fetchone()
        if row is None:
            raise no_schedule(schedule_id)
        state = state_of(row)
        allocations = connection.execute(
            f"SELECT {ALLOCATION} FROM allocations WHERE schedule_id = ?", (schedule_id,)
        ).fetchall()
        commits = connection.execute(
            "SELECT version, body FROM changes WHERE schedule_id = ? AND version > ? ORDER BY version",
            (schedule_id, state.version - commit_limit),
        ).fetchall()
    finally:
        connection.execute("COMMIT")
    return LoadedSeating(
        state,
        row["now_ms"],
        [allocation_of(each) for each in allocations],
        [commit_of(each) for each in commits],
    )


def _answers(requests: Sequence[RequestKey], connection: sqlite3.Connection) -> list[StoredAnswer]:
    statement = "SELECT fingerprint, answer FROM idempotency_keys WHERE scope = ? AND key = ?"
    return [
        StoredAnswer(RequestKey(request.scope, request.key, row["fingerprint"]), row["answer"])
        for request in requests
        for row in connection.execute(statement, (request.scope, request.key))
    ]


def _pairs(effects: Sequence[Effect]) -> list[tuple[Allocation | None, Allocation | None]]:
    return [(each.before, each.after) for each in effects]


def _values(each: Allocation) -> tuple[int, int, str, int | None, int]:
    return int(each.status), each.buyer_id, each.hold_id, each.expires_ms, each.since_ms
