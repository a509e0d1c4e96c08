"""Connecting to the database that a URL names, and bringing its schema up to date."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, TextClause, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from jari.adapters.sql.away import away_is_unavailable
from jari.settings import BadSetting, DatabaseSettings

MIGRATIONS = Path(__file__).parent / "migrations"
LAST_PORT = 65_535
BAD_PORT = (
    f"The port in the database URL is no number up to {LAST_PORT}: correct it, or leave out ':port' for 5432."
)

SEATING_SHARE = 0.5  # of a process's connections are the tills'; the rest is for everything else
LEAST_CONNECTIONS = 2  # one for each share

WRITES = "jari_writes"  # the execution option of transactions that will write

SQLITE_NOW_MS = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
# now() is when the transaction began; it may have waited for locks since.
POSTGRES_NOW_MS = "floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"

SQLITE_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY")


class SchemaOutdated(Exception):
    """The database's schema is not the one that this version of jari needs; the message says what to type."""


@dataclass(frozen=True, slots=True)
class Database:
    """An engine, and for SQLite a lock: its writers take turns by it, instead of polling the file."""

    url: str
    engine: AsyncEngine
    write_lock: asyncio.Lock | None

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.write_lock is not None

    @property
    def sqlite_path(self) -> str:
        """The file of an embedded database."""
        return make_url(self.url).database or ""

    @property
    def now_ms(self) -> TextClause:
        """The store's clock as an expression, in milliseconds since 1970."""
        return text(SQLITE_NOW_MS if self.is_sqlite else POSTGRES_NOW_MS)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that writes.

        Raises:
            Unavailable: the store is away.
        """
        writing = self.engine.execution_options(**{WRITES: True})
        with away_is_unavailable():
            async with self.write_lock or nullcontext(), writing.begin() as connection:
                yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees one state throughout.

        Raises:
            Unavailable: the store is away.
        """
        with away_is_unavailable():
            async with self.engine.connect() as connection:
                if not self.is_sqlite:
                    await connection.execution_options(
                        isolation_level="REPEATABLE READ", postgresql_readonly=True
                    )
                async with connection.begin():
                    yield connection

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def open_database(settings: DatabaseSettings) -> Database:
    """The database that ``settings.database`` names; nothing is connected yet.

    Raises:
        BadSetting: the URL is of no form that jari knows.
    """
    timeout = settings.database_timeout_seconds
    try:
        url = make_url(settings.database)
    except ArgumentError:
        raise BadSetting(_unknown_database(settings.database)) from None
    except ValueError:  # it can only be the port: all other parts are text
        raise BadSetting(BAD_PORT) from None
    if url.port is not None and not 0 < url.port <= LAST_PORT:
        raise BadSetting(BAD_PORT)
    match url.get_backend_name():
        case "sqlite" if url.database not in (None, "", ":memory:"):
            engine = create_async_engine(
                url.set(drivername="sqlite+aiosqlite"),
                connect_args={"timeout": timeout},
                pool_size=4,
                hide_parameters=True,
            )
            event.listen(engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(engine.sync_engine, "begin", _begin_sqlite)
            return Database(settings.database, engine, asyncio.Lock())
        case "postgresql":
            engine = create_async_engine(
                url.set(drivername="postgresql+asyncpg"),
                pool_size=settings.database_connections - seating_connections(settings),
                max_overflow=0,
                pool_timeout=timeout,
                pool_pre_ping=True,
                hide_parameters=True,  # errors are logged, and parameters are e-mail addresses and hashes
                connect_args={"timeout": timeout, "command_timeout": timeout},
            )
            return Database(settings.database, engine, None)
    raise BadSetting(_unknown_database(settings.database))


def seating_connections(settings: DatabaseSettings) -> int:
    """How many of a process's connections to PostgreSQL the seating store opens; the engine opens the others.

    Raises:
        BadSetting: there are too few to share.
    """
    if settings.database_connections < LEAST_CONNECTIONS:
        raise BadSetting(
            f"JARI_DATABASE_CONNECTIONS={settings.database_connections} is too few: a process needs "
            f"{LEAST_CONNECTIONS}, and better 10."
        )
    return max(1, int(settings.database_connections * SEATING_SHARE))


async def migrate(database: Database) -> str:
    """Bring the schema up to date, and return the revision that it has then."""

    def upgrade(connection: Connection) -> None:
        config = _alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    async with database.write() as connection:
        await connection.run_sync(upgrade)
    return await current_revision(database) or ""


async def require_current_schema(database: Database) -> None:
    """Refuse a database that this version does not fit.

    Raises:
        SchemaOutdated: with the command that mends it.
    """
    head = ScriptDirectory.from_config(_alembic_config()).get_current_head()
    current = await current_revision(database)
    if current != head:
        state = "has no tables yet" if current is None else f"is at schema {current}, but {head} is needed"
        # The URL may carry a password, so the message does not repeat it: the operator names the database.
        raise SchemaOutdated(
            f"The database {state}. Type: jari migrate (with the same --database or JARI_DATABASE)"
        )


async def current_revision(database: Database) -> str | None:
    """The schema revision that the database is at, or None where it has no tables."""
    async with database.engine.connect() as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


def _alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # `_begin_sqlite` begins transactions, not the driver
    cursor = connection.cursor()
    for pragma in SQLITE_PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """Let a writer take its lock at once: if it read first, it would fail when another process writes meanwhile."""
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _unknown_database(url: str) -> str:
    kind = url.partition(":")[0]
    return f"A database URL has the form sqlite:///FILE or postgresql://…; this one begins with {kind!r}."
