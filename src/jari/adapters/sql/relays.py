"""The cursors of relays in SQL, for SQLite and PostgreSQL alike.

The change log is the outbox: the transaction that makes an event true also logs it. A relay remembers for each
schedule the version up to which it has passed commits on, its cursor. The versions of a schedule become visible in
order and without a gap, so a relay misses nothing after its cursor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, and_, case, exists, func, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from jari.adapters.sql.database import Database
from jari.adapters.sql.rows import Row, commit_of
from jari.adapters.sql.sale_rows import decode_events
from jari.adapters.sql.tables import changes, leases, relays, schedules
from jari.domain.relays import passed_on
from jari.ports.relays import LoggedCommit, Stretch


class SqlRelayStore:
    """See `jari.ports.RelayStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = sqlite.insert if database.is_sqlite else postgresql.insert

    async def next(self, relay: str, limit: int) -> Sequence[Stretch]:
        """What the relay has not passed on, about ``limit`` commits; each schedule that is behind has its share."""
        await self._begin(relay)
        async with self._database.read() as connection:
            rows = (await connection.execute(behind(relay).limit(limit))).all()
            share = max(1, limit // max(1, len(rows)))
            stretches: list[Stretch] = []
            for each in rows:
                # A schedule that was made in this moment has nothing that could be trimmed.
                cursor = each.cursor or 0
                statement = commits_after(each.id, cursor, share)
                commits = [logged(row) for row in (await connection.execute(statement)).mappings()]
                reached, lost = passed_on(cursor, each.version, [one.commit.version for one in commits])
                stretches.append(Stretch(each.id, each.epoch, cursor, reached, lost, commits))
        return stretches

    async def _begin(self, relay: str) -> None:
        """Give the relay a cursor in schedules that are new to it, before the first commit that the log still has."""
        has_none = ~exists().where(relays.c.name == relay, relays.c.schedule_id == schedules.c.id)
        async with self._database.read() as connection:
            if await connection.scalar(select(schedules.c.id).where(has_none).limit(1)) is None:
                return
        first = select(func.min(changes.c.version)).where(changes.c.schedule_id == schedules.c.id)
        beginnings = select(
            literal(relay),
            schedules.c.id,
            func.coalesce(first.scalar_subquery(), schedules.c.version + 1) - 1,
        ).where(has_none)
        insertion = self._insert(relays).from_select(["name", "schedule_id", "version"], beginnings)
        async with self._database.write() as connection:
            await connection.execute(insertion.on_conflict_do_nothing())

    async def move(self, relay: str, stretches: Sequence[Stretch]) -> None:
        """Remember that these were passed on. A cursor that somebody else has moved since stays where it is."""
        async with self._database.write() as connection:
            for each in stretches:
                await connection.execute(
                    update(relays)
                    .where(
                        relays.c.name == relay,
                        relays.c.schedule_id == each.schedule_id,
                        relays.c.version == each.cursor,
                    )
                    .values(version=each.reached)
                )

    async def lags(self, patience_ms: int) -> Mapping[str, int]:
        """Relay → how many commits it has yet to pass on, without relays that are not set up any more."""
        lag = case((schedules.c.version > relays.c.version, schedules.c.version - relays.c.version), else_=0)
        now_ms = select(self._database.now_ms).scalar_subquery()
        statement = (
            select(relays.c.name, func.sum(lag).label("lag"))
            .join(schedules, schedules.c.id == relays.c.schedule_id)
            .outerjoin(leases, leases.c.name == relays.c.name)
            # A relay without a lease of its own is a duty of every server.
            .where(or_(leases.c.name.is_(None), leases.c.expires_ms > now_ms - patience_ms))
            .group_by(relays.c.name)
        )
        async with self._database.read() as connection:
            return {row.name: int(row.lag) for row in await connection.execute(statement)}


def behind(relay: str) -> Select[Any]:
    """The schedules whose version is not the relay's ``cursor`` there; that is NULL where the relay is new."""
    its = and_(relays.c.name == relay, relays.c.schedule_id == schedules.c.id)
    return (
        select(schedules.c.id, schedules.c.epoch, schedules.c.version, relays.c.version.label("cursor"))
        .outerjoin(relays, its)
        .where(or_(relays.c.version.is_(None), relays.c.version != schedules.c.version))
        .order_by(schedules.c.id)
    )


def commits_after(schedule_id: int, version: int, limit: int, *, with_seats: bool = True) -> Select[Any]:
    """The next commits. What happened to seats is the bulk of the log: leave it out where nobody wants to know."""
    body = changes.c.body if with_seats else literal("[]").label("body")
    return (
        select(changes.c.version, changes.c.committed_ms, body, changes.c.events)
        .where(changes.c.schedule_id == schedule_id, changes.c.version > version)
        .order_by(changes.c.version)
        .limit(limit)
    )


def logged(row: Row) -> LoggedCommit:
    """The commit in a row of `commits_after`."""
    commit = replace(commit_of(row), events=tuple(decode_events(row["events"])))
    return LoggedCommit(commit, row["committed_ms"])
