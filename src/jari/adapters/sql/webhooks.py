"""Webhooks and their deliveries in SQL, for SQLite and PostgreSQL alike.

The relay reads the outbox from its cursors on (see `jari.adapters.sql.relays`). The transaction that writes the
deliveries moves the cursors, so none is made twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, delete, exists, func, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from jari.adapters.sql.database import Database
from jari.adapters.sql.relays import behind, commits_after, logged
from jari.adapters.sql.rows import Row
from jari.adapters.sql.tables import deliveries, relays, schedules, webhooks
from jari.domain.events import KIND_OF_CHANGE
from jari.domain.relays import WEBHOOKS, passed_on
from jari.domain.webhooks import Webhook, matches, no_webhook, tell, too_many_webhooks
from jari.ports.webhooks import Delivery, Relayed, Undelivered

WAITING, DEAD = "WAITING", "DEAD"
LOCK = 0x6A617269  # names the relay among PostgreSQL's advisory locks

DELIVERY = (
    deliveries.c.id,
    deliveries.c.webhook_id,
    deliveries.c.event_id,
    deliveries.c.kind,
    deliveries.c.body,
    deliveries.c.attempt,
    deliveries.c.error,
    deliveries.c.created_ms,
)


class SqlWebhookStore:
    """See `jari.ports.WebhookStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = sqlite.insert if database.is_sqlite else postgresql.insert

    async def add(self, url: str, secret: bytes, patterns: Sequence[str], limit: int) -> Webhook:
        """A new webhook, told of what is committed from now on."""
        statement = (
            insert(webhooks)
            .values(
                url=url,
                secret=secret,
                kinds=msgspec.json.encode(patterns).decode(),
                created_ms=select(self._database.now_ms).scalar_subquery(),
            )
            .returning(webhooks)
        )
        async with self._database.write() as connection:
            if (await connection.scalar(select(func.count()).select_from(webhooks)) or 0) >= limit:
                raise too_many_webhooks(limit)
            return _webhook((await connection.execute(statement)).one())

    async def counts(self) -> Sequence[tuple[Webhook, int, int]]:
        """Each webhook with the number of its deliveries that wait, and of its dead letters."""
        statement = select(webhooks, _count(WAITING).label("waiting"), _count(DEAD).label("dead")).order_by(
            webhooks.c.id
        )
        async with self._database.read() as connection:
            return [(_webhook(row), row.waiting, row.dead) for row in await connection.execute(statement)]

    async def remove(self, webhook_id: int) -> None:
        """Forget a webhook with its deliveries."""
        async with self._database.write() as connection:
            # A relay that is under way has locked the row: wait until it has added its deliveries.
            locked_id = await connection.scalar(
                select(webhooks.c.id).where(webhooks.c.id == webhook_id).with_for_update()
            )
            if locked_id is None:
                raise no_webhook(webhook_id)
            await connection.execute(delete(deliveries).where(deliveries.c.webhook_id == webhook_id))
            await connection.execute(delete(webhooks).where(webhooks.c.id == webhook_id))

    async def relay(self, limit: int, max_waiting: int = 100_000) -> Relayed:
        """Make deliveries of the next commits, about ``limit`` of them, each commit once, all in one transaction.

        A webhook for which ``max_waiting`` deliveries wait is not told of them.
        """
        async with self._database.read() as connection:
            if (await connection.execute(behind(WEBHOOKS).limit(1))).first() is None:
                return Relayed(0, 0, {})
        async with self._database.write() as connection:
            if not self._database.is_sqlite:
                # Another relay may still be under way: from here on we read what it has left.
                await connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
            listening = [
                _webhook(row) for row in await connection.execute(select(webhooks).with_for_update(read=True))
            ]
            if not listening:
                await connection.execute(self._skip())
                return Relayed(0, 0, {})
            waiting = await self._count_waiting(connection)
            deaf = [each.id for each in listening if waiting.get(each.id, 0) >= max_waiting]
            told = [each for each in listening if each.id not in deaf]
            relayed = await self._pass_on(connection, told, limit)
            return replace(relayed, deaf=deaf)

    async def _count_waiting(self, connection: AsyncConnection) -> dict[int, int]:
        statement = (
            select(deliveries.c.webhook_id, func.count().label("waiting"))
            .where(deliveries.c.status == WAITING)
            .group_by(deliveries.c.webhook_id)
        )
        return {row.webhook_id: row.waiting for row in await connection.execute(statement)}

    def _skip(self) -> Any:
        """Move every cursor to the end. The same statement makes sure that nobody listens."""
        ends = select(literal(WEBHOOKS), schedules.c.id, schedules.c.version).where(
            ~exists().where(webhooks.c.id > 0)
        )
        skipping = self._insert(relays).from_select(["name", "schedule_id", "version"], ends)
        return skipping.on_conflict_do_update(
            index_elements=[relays.c.name, relays.c.schedule_id],
            set_={"version": skipping.excluded.version},
            where=relays.c.version != skipping.excluded.version,
        )

    async def _pass_on(
        self, connection: AsyncConnection, listening: Sequence[Webhook], limit: int
    ) -> Relayed:
        schedules_behind = (await connection.execute(behind(WEBHOOKS).limit(limit))).all()
        wants_seats = any(
            matches(each.patterns, kind) for each in listening for kind in KIND_OF_CHANGE.values()
        )
        commits, made, lost = 0, 0, {}
        for each in schedules_behind:
            # Each schedule gets a share, so that a busy one does not keep the others waiting.
            share = max(1, limit // len(schedules_behind))
            statement = commits_after(each.id, each.cursor or 0, share, with_seats=wants_seats)
            rows = (await connection.execute(statement)).mappings().all()
            values = list(_deliveries(listening, each.id, each.epoch, rows))
            if values:
                await connection.execute(self._insert(deliveries).on_conflict_do_nothing(), values)
            reached, missing = passed_on(each.cursor, each.version, [row["version"] for row in rows])
            if missing:
                lost[each.id] = missing
            await self._move(connection, each.id, reached)
            commits += len(rows)
            made += len(values)
        return Relayed(commits, made, lost)

    async def _move(self, connection: AsyncConnection, schedule_id: int, version: int) -> None:
        moved = self._insert(relays).values(name=WEBHOOKS, schedule_id=schedule_id, version=version)
        await connection.execute(
            moved.on_conflict_do_update(
                index_elements=[relays.c.name, relays.c.schedule_id],
                set_={"version": moved.excluded.version},
            )
        )

    async def waiting(self) -> Sequence[Webhook]:
        """The webhooks for which a delivery is due."""
        statement = select(webhooks).where(exists().where(*self._is_due(webhooks.c.id)))
        async with self._database.read() as connection:
            return [_webhook(row) for row in await connection.execute(statement)]

    async def due(self, webhook_id: int, limit: int) -> Sequence[Delivery]:
        """Deliveries of a webhook whose time has come, in the order of their times."""
        statement = (
            select(*DELIVERY)
            .where(*self._is_due(literal(webhook_id)))
            .order_by(deliveries.c.next_try_ms, deliveries.c.id)
            .limit(limit)
        )
        return await self._select(statement)

    def _is_due(self, webhook_id: ColumnElement[int]) -> tuple[ColumnElement[bool], ...]:
        return (
            deliveries.c.webhook_id == webhook_id,
            deliveries.c.status == WAITING,
            # As a subquery the time is the same for all rows, and an index can be searched for it.
            deliveries.c.next_try_ms <= select(self._database.now_ms).scalar_subquery(),
        )

    async def settle(self, delivered: Sequence[int], undelivered: Sequence[Undelivered]) -> None:
        """Forget these deliveries, and keep those for another try or as dead letters."""
        now_ms = select(self._database.now_ms).scalar_subquery()
        async with self._database.write() as connection:
            if delivered:
                await connection.execute(delete(deliveries).where(deliveries.c.id.in_(delivered)))
            for each in undelivered:
                await connection.execute(
                    update(deliveries)
                    .where(deliveries.c.id == each.delivery_id)
                    .values(
                        status=DEAD if each.retry_ms is None else WAITING,
                        attempt=deliveries.c.attempt + 1,
                        next_try_ms=now_ms + (each.retry_ms or 0),
                        error=each.error,
                    )
                )

    async def dead(self, limit: int) -> Sequence[Delivery]:
        """Dead letters, the latest first."""
        statement = select(*DELIVERY).where(deliveries.c.status == DEAD)
        return await self._select(
            statement.order_by(deliveries.c.next_try_ms.desc(), deliveries.c.id.desc()).limit(limit)
        )

    async def revive(self, ids: Sequence[int] | None) -> int:
        """Try these dead letters (None: all) again from the beginning, and return how many there were."""
        statement = (
            update(deliveries)
            .where(deliveries.c.status == DEAD)
            .values(status=WAITING, attempt=0, next_try_ms=select(self._database.now_ms).scalar_subquery())
        )
        if ids is not None:
            statement = statement.where(deliveries.c.id.in_(ids))
        async with self._database.write() as connection:
            return (await connection.execute(statement)).rowcount

    async def forget_dead(self, keep_ms: int) -> int:
        """Delete dead letters that died longer ago than ``keep_ms``, and return how many there were."""
        now_ms = select(self._database.now_ms).scalar_subquery()
        statement = delete(deliveries).where(
            deliveries.c.status == DEAD, deliveries.c.next_try_ms < now_ms - keep_ms
        )
        async with self._database.write() as connection:
            return (await connection.execute(statement)).rowcount

    async def _select(self, statement: Select[Any]) -> list[Delivery]:
        async with self._database.read() as connection:
            rows = await connection.execute(statement)
            return [Delivery(**row) for row in rows.mappings()]


def _deliveries(
    listening: Sequence[Webhook], schedule_id: int, epoch: str, rows: Sequence[Row]
) -> Iterator[dict[str, Any]]:
    """The rows of deliveries for the events of these commits."""
    for row in rows:
        one = logged(row)
        committed_ms = one.committed_ms
        for told in tell(listening, schedule_id, epoch, one.commit, committed_ms):
            body_told = msgspec.json.encode(told.payload).decode()
            for webhook_id in told.webhook_ids:
                yield {
                    "webhook_id": webhook_id,
                    "event_id": told.event_id,
                    "kind": told.kind,
                    "body": body_told,
                    "status": WAITING,
                    "attempt": 0,
                    "next_try_ms": committed_ms,
                    "error": "",
                    "created_ms": committed_ms,
                }


def _webhook(row: Any) -> Webhook:
    return Webhook(row.id, row.url, bytes(row.secret), tuple(msgspec.json.decode(row.kinds)), row.created_ms)


def _count(status: str) -> Any:
    return (
        select(func.count())
        .select_from(deliveries)
        .where(deliveries.c.webhook_id == webhooks.c.id, deliveries.c.status == status)
        .scalar_subquery()
    )
