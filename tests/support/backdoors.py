"""What a test does to a store behind its back: it lets time pass, loses commits, and writes what nobody may write."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from sqlalchemy import delete, func, insert, select, text, update

from jari.adapters.memory.accounts import MemoryAccountStore
from jari.adapters.memory.tables import Memory
from jari.adapters.sql import tables
from jari.adapters.sql.database import Database
from jari.adapters.sql.sale_rows import rows_to_write
from jari.adapters.sql.tables import allocations, attempts, changes, deliveries, relays, schedules, sessions
from jari.domain.box_office import Update
from jari.domain.relays import WEBHOOKS
from jari.domain.reservations import Reservation
from jari.domain.seating import Allocation
from jari.domain.users import Role
from jari.main import Stores
from jari.ports.system import Clock

NAME = "Buyer"
WEEK_MS = 7 * 24 * 3_600_000


@dataclass(frozen=True)
class LoggedIn:
    """A user to be put into the store, and the token of the user's session."""

    email: str
    token: str

    @property
    def token_hash(self) -> bytes:
        return hashlib.sha256(self.token.encode()).digest()


class Backdoor(Protocol):
    async def pass_time(self, passed_ms: int) -> None:
        """Make sessions and windows of attempts begin earlier, as if time had passed."""

    async def passed_on(self, schedule_id: int, relay: str = WEBHOOKS) -> int | None:
        """The version up to which the relay has passed commits on."""

    async def lose_commits(self, schedule_id: int, version: int) -> None:
        """Put the schedule back to an earlier version, as a copy of the database would."""

    async def lose_log(self, schedule_id: int) -> None:
        """Forget every commit."""

    async def count_deliveries(self) -> int: ...

    async def take_off_guards(self) -> None:
        """From now on let this backdoor allocate seats that do not exist."""

    async def put_allocation(self, schedule_id: int, allocation: Allocation) -> None: ...

    async def put_reservation(self, reservation: Reservation) -> None: ...

    async def begin(self, ago_ms: int) -> None:
        """Make every schedule begin so long ago."""

    async def put_users(self, users: Sequence[LoggedIn], role: Role) -> None:
        """Put users with a session each. Nobody can log in as one of them: passwords would cost a hash each."""

    async def promote(self, user_id: int, role: Role) -> None: ...


class SqlBackdoor:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def pass_time(self, passed_ms: int) -> None:
        async with self._database.write() as connection:
            for column in (sessions.c.expires_ms, sessions.c.ended_ms, attempts.c.window_ends_ms):
                await connection.execute(update(column.table).values({column: column - passed_ms}))

    async def passed_on(self, schedule_id: int, relay: str = WEBHOOKS) -> int | None:
        async with self._database.read() as connection:
            cursor: int | None = await connection.scalar(
                select(relays.c.version).where(relays.c.name == relay, relays.c.schedule_id == schedule_id)
            )
            return cursor

    async def lose_commits(self, schedule_id: int, version: int) -> None:
        async with self._database.write() as connection:
            here = changes.c.schedule_id == schedule_id
            await connection.execute(delete(changes).where(here, changes.c.version > version))
            await connection.execute(
                update(schedules).where(schedules.c.id == schedule_id).values(version=version)
            )

    async def lose_log(self, schedule_id: int) -> None:
        async with self._database.write() as connection:
            await connection.execute(delete(changes).where(changes.c.schedule_id == schedule_id))

    async def count_deliveries(self) -> int:
        async with self._database.read() as connection:
            return await connection.scalar(select(func.count()).select_from(deliveries)) or 0

    async def take_off_guards(self) -> None:
        on = "" if self._database.is_sqlite else " ON allocations"
        async with self._database.write() as connection:
            await connection.execute(text(f"DROP TRIGGER require_seats{on}"))

    async def put_allocation(self, schedule_id: int, allocation: Allocation) -> None:
        values = {name: getattr(allocation, name) for name in Allocation.__dataclass_fields__}
        async with self._database.write() as connection:
            await connection.execute(insert(allocations).values(schedule_id=schedule_id, **values))

    async def put_reservation(self, reservation: Reservation) -> None:
        async with self._database.write() as connection:
            for table, rows in rows_to_write([Update(None, reservation)]):
                for row in rows:
                    await connection.execute(
                        insert(table).values(dict(zip(table.columns.keys(), row, strict=True)))
                    )

    async def begin(self, ago_ms: int) -> None:
        async with self._database.write() as connection:
            await connection.execute(update(schedules).values(starts_ms=int(time.time() * 1000) - ago_ms))

    async def put_users(self, users: Sequence[LoggedIn], role: Role) -> None:
        """Put all in one transaction. One by one, each would wait for the disk."""
        plain = {"name": NAME, "password_hash": "-", "role": role, "created_ms": 0}
        async with self._database.write() as connection:
            await connection.execute(insert(tables.users), [{"email": each.email, **plain} for each in users])
            rows = await connection.execute(select(tables.users.c.email, tables.users.c.id))
            id_of = {row[0]: row[1] for row in rows}
            await connection.execute(
                insert(sessions),
                [
                    {
                        "token_hash": each.token_hash,
                        "user_id": id_of[each.email],
                        "expires_ms": int(time.time() * 1000) + WEEK_MS,
                    }
                    for each in users
                ],
            )

    async def promote(self, user_id: int, role: Role) -> None:
        async with self._database.write() as connection:
            await connection.execute(
                update(tables.users).where(tables.users.c.id == user_id).values(role=role)
            )


class MemoryBackdoor:
    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def pass_time(self, passed_ms: int) -> None:
        self._memory.clock = Later(self._memory.clock, passed_ms)

    async def passed_on(self, schedule_id: int, relay: str = WEBHOOKS) -> int | None:
        return self._memory.schedule(schedule_id).passed_on.get(relay)

    async def lose_commits(self, schedule_id: int, version: int) -> None:
        schedule = self._memory.schedule(schedule_id)
        schedule.log = [each for each in schedule.log if each.commit.version <= version]
        schedule.state = replace(schedule.state, version=version)

    async def lose_log(self, schedule_id: int) -> None:
        self._memory.schedule(schedule_id).log = []

    async def count_deliveries(self) -> int:
        return len(self._memory.deliveries)

    async def take_off_guards(self) -> None:
        """Do nothing: this store does not guard what is put into it directly."""

    async def put_allocation(self, schedule_id: int, allocation: Allocation) -> None:
        self._memory.schedule(schedule_id).allocations[allocation.seat_id] = allocation

    async def put_reservation(self, reservation: Reservation) -> None:
        self._memory.sales.put(reservation)

    async def begin(self, ago_ms: int) -> None:
        for schedule in self._memory.schedules.values():
            schedule.starts_ms = self._memory.now_ms() - ago_ms

    async def put_users(self, users: Sequence[LoggedIn], role: Role) -> None:
        accounts = MemoryAccountStore(self._memory)
        for each in users:
            user = await accounts.add_user(
                email=each.email, name=NAME, password_hash="-", role=role, request=None
            )
            await accounts.add_session(each.token_hash, user.id, "-", lifetime_ms=WEEK_MS, max_sessions=1)

    async def promote(self, user_id: int, role: Role) -> None:
        record = self._memory.users[user_id]
        record.user = replace(record.user, role=role)


class Later:
    """A clock that is ahead of another."""

    def __init__(self, clock: Clock, ahead_ms: int) -> None:
        self._clock = clock
        self._ahead_ms = ahead_ms

    def now_ms(self) -> int:
        return self._clock.now_ms() + self._ahead_ms

    def seconds(self) -> float:
        return self._clock.seconds() + self._ahead_ms / 1000


def database_of(stores: Stores) -> Database:
    """The database, for tests that write their own SQL."""
    assert isinstance(stores.database, Database)
    return stores.database


def backdoor_of(stores: Stores) -> Backdoor:
    if isinstance(stores.database, Memory):
        return MemoryBackdoor(stores.database)
    return SqlBackdoor(stores.database)
