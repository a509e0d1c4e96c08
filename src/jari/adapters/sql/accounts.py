"""Users, sessions and counted attempts in SQL, for SQLite and PostgreSQL alike."""

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, Select, and_, case, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from jari.adapters.sql.database import Database
from jari.adapters.sql.tables import attempts, idempotency_keys, sessions, users
from jari.domain.errors import key_reused
from jari.domain.users import Role, User, email_taken
from jari.ports.answers import RequestKey, StoredAnswer


def _locked(user_id: int, *conditions: ColumnElement[bool]) -> Select[tuple[int]]:
    """Locks the user's row: those who change several of a user's sessions take turns, and see what was done."""
    return select(users.c.id).where(users.c.id == user_id, *conditions).with_for_update(key_share=True)


class SqlAccountStore:
    """See `jari.ports.AccountStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._now_ms = select(database.now_ms).scalar_subquery()
        self._good = and_(sessions.c.expires_ms > self._now_ms, sessions.c.ended_ms.is_(None))

    async def add_user(
        self,
        *,
        email: str,
        name: str,
        password_hash: str,
        role: Role,
        request: RequestKey | None,
    ) -> User:
        """The new user; the key is stored in the same transaction."""
        try:
            async with self._database.write() as connection:
                user_id = await connection.scalar(
                    insert(users)
                    .values(
                        email=email,
                        name=name,
                        password_hash=password_hash,
                        role=role,
                        created_ms=self._now_ms,
                    )
                    .returning(users.c.id)
                )
                if request is not None:
                    await connection.execute(
                        insert(idempotency_keys).values(
                            scope=request.scope,
                            key=request.key,
                            fingerprint=request.fingerprint,
                            answer=str(user_id),
                            created_ms=self._now_ms,
                        )
                    )
        except IntegrityError as error:
            if request is not None and await self.user_by_email(email) is None:
                raise key_reused() from error
            raise email_taken() from error
        return User(int(user_id or 0), email, name, role)

    async def user_by_email(self, email: str) -> tuple[User, str] | None:
        """The user with this address, and the hash of their password."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(users).where(users.c.email == email))).one_or_none()
        return row and (User(row.id, row.email, row.name, row.role), row.password_hash)

    async def sign_up_of(self, request: RequestKey) -> StoredAnswer | None:
        """The stored answer of an earlier sign-up under this key."""
        statement = select(idempotency_keys).where(
            idempotency_keys.c.scope == request.scope, idempotency_keys.c.key == request.key
        )
        async with self._database.read() as connection:
            row = (await connection.execute(statement)).one_or_none()
        if row is None:
            return None
        return StoredAnswer(RequestKey(row.scope, row.key, row.fingerprint), row.answer)

    async def change_password(
        self, user_id: int, old_hash: str, new_hash: str, kept_session: bytes
    ) -> Sequence[bytes] | None:
        """Change the hash; end all sessions but one, and return the ended ones. None if the hash is not ``old_hash`` any more."""
        change = (
            update(users)
            .where(users.c.id == user_id, users.c.password_hash == old_hash)
            .values(password_hash=new_hash)
        )
        async with self._database.write() as connection:
            if (await connection.execute(change)).rowcount == 0:
                return None
            return await self._end(
                connection, sessions.c.user_id == user_id, sessions.c.token_hash != kept_session
            )

    async def add_session(
        self, token_hash: bytes, user_id: int, password_hash: str, *, lifetime_ms: int, max_sessions: int
    ) -> Sequence[bytes] | None:
        """Remember a session for ``lifetime_ms``, end the oldest beyond the limit, and return those that ended.

        None if ``password_hash``, by which the user was let in, is no longer the user's.
        """
        session = insert(sessions).values(
            token_hash=token_hash, user_id=user_id, expires_ms=self._now_ms + lifetime_ms
        )
        oldest = (
            select(sessions.c.token_hash)
            .where(sessions.c.user_id == user_id, self._good, sessions.c.token_hash != token_hash)
            .order_by(sessions.c.expires_ms.desc())
            .offset(max_sessions - 1)
        )
        async with self._database.write() as connection:
            if await connection.scalar(_locked(user_id, users.c.password_hash == password_hash)) is None:
                return None
            await connection.execute(session)
            too_many = (await connection.scalars(oldest)).all()
            return await self._end(connection, sessions.c.token_hash.in_(too_many))

    async def sessions(self, token_hashes: Sequence[bytes]) -> Mapping[bytes, User]:
        """Those of these sessions that are good, with their users."""
        statement = (
            select(sessions.c.token_hash, users.c.id, users.c.email, users.c.name, users.c.role)
            .join(users, users.c.id == sessions.c.user_id)
            .where(sessions.c.token_hash.in_(token_hashes), self._good)
        )
        async with self._database.read() as connection:
            rows = await connection.execute(statement)
            return {row.token_hash: User(row.id, row.email, row.name, row.role) for row in rows}

    async def end_session(self, token_hash: bytes) -> None:
        """End a session everywhere."""
        async with self._database.write() as connection:
            await self._end(connection, sessions.c.token_hash == token_hash)

    async def end_sessions(self, user_id: int) -> Sequence[bytes]:
        """End all sessions of a user everywhere, and return those that ended."""
        async with self._database.write() as connection:
            await connection.execute(_locked(user_id))
            return await self._end(connection, sessions.c.user_id == user_id)

    async def ended_sessions(self, within_ms: int) -> Sequence[bytes]:
        """The sessions that were ended in the last ``within_ms`` milliseconds."""
        statement = select(sessions.c.token_hash).where(sessions.c.ended_ms >= self._now_ms - within_ms)
        async with self._database.read() as connection:
            return (await connection.scalars(statement)).all()

    async def forget_ended(self) -> None:
        """Delete sessions and windows of attempts whose time is over."""
        async with self._database.write() as connection:
            await connection.execute(sessions.delete().where(sessions.c.expires_ms <= self._now_ms))
            await connection.execute(attempts.delete().where(attempts.c.window_ends_ms <= self._now_ms))

    async def count_attempt(self, bucket: str, window_ms: int) -> tuple[int, int]:
        """Count one attempt in the bucket's window: how many there are now, and in how many ms the window ends."""
        window_ends_ms = self._now_ms + window_ms
        over = attempts.c.window_ends_ms <= self._now_ms
        statement = self._insert().values(bucket=bucket, count=1, window_ends_ms=window_ends_ms)
        counted = statement.on_conflict_do_update(
            index_elements=[attempts.c.bucket],
            set_={
                "count": case((over, 1), else_=attempts.c.count + 1),
                "window_ends_ms": case((over, window_ends_ms), else_=attempts.c.window_ends_ms),
            },
        ).returning(
            attempts.c.count.label("attempts"), (attempts.c.window_ends_ms - self._now_ms).label("wait_ms")
        )
        async with self._database.write() as connection:
            row = (await connection.execute(counted)).one()
        return row.attempts, row.wait_ms

    async def attempts_counted(self, bucket: str) -> int:
        """How many attempts there are in the bucket's window."""
        statement = select(attempts.c.count).where(
            attempts.c.bucket == bucket, attempts.c.window_ends_ms > self._now_ms
        )
        async with self._database.read() as connection:
            return int(await connection.scalar(statement) or 0)

    async def forgive_attempt(self, bucket: str) -> None:
        """Take one attempt back."""
        statement = (
            update(attempts)
            .where(attempts.c.bucket == bucket, attempts.c.count > 0)
            .values(count=attempts.c.count - 1)
        )
        async with self._database.write() as connection:
            await connection.execute(statement)

    async def _end(self, connection: AsyncConnection, *which: ColumnElement[bool]) -> Sequence[bytes]:
        statement = update(sessions).where(*which, self._good).values(ended_ms=self._now_ms)
        return (await connection.scalars(statement.returning(sessions.c.token_hash))).all()

    def _insert(self) -> "sqlite.Insert | postgresql.Insert":
        return sqlite.insert(attempts) if self._database.is_sqlite else postgresql.insert(attempts)
