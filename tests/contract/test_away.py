"""A store that is away is Unavailable, whichever driver says so; a fault of ours stays what it is."""

import asyncio
import sqlite3
from contextlib import asynccontextmanager, closing

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from jari.adapters.sql.database import open_database
from jari.domain.errors import Unavailable
from jari.domain.schedules import Kind
from jari.main import open_stores
from jari.settings import BadSetting, Settings
from jari.usecases.organising import Organising
from support.worlds import hall

SOON = {"database_timeout_seconds": 1}
NO_TABLE = "UPDATE no_such_table SET nothing = 1"


@pytest.fixture
async def stores(database_url):
    stores = await open_stores(Settings(database=database_url, **SOON))
    yield stores
    await stores.close()


@pytest.fixture
async def schedule_id(stores):
    organising = Organising(stores.catalogue, stores.news)
    venue_id, _ = await organising.import_venue(hall())
    return await organising.create_schedule(
        venue_id=venue_id, kind=Kind.MATCH, title="LG : Doosan", starts_ms=0, opens_ms=0
    )


async def use_everything(stores, schedule_id):
    """What each way to the store says: through SQLAlchemy, and through the driver."""

    async def take():
        async with stores.seating.transaction(schedule_id):
            pass

    return await asyncio.gather(
        stores.reservations.take_numbers(1),
        stores.accounts.add_session(b"x" * 32, 1, "hash", lifetime_ms=1, max_sessions=1),
        take(),
        stores.seating.renew_epoch(schedule_id, ""),
        return_exceptions=True,
    )


@asynccontextmanager
async def connected(database_url):
    connection = await asyncpg.connect(database_url)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
def sqlite_locked(sqlite_url):
    """Somebody else keeps the file's write lock."""
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        yield other


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_file_that_somebody_else_has_locked(stores, schedule_id, sqlite_locked):
    sqlite_locked.execute("BEGIN IMMEDIATE")
    said = await use_everything(stores, schedule_id)
    assert [type(each) for each in said] == [Unavailable] * 4
    sqlite_locked.execute("ROLLBACK")
    assert await stores.reservations.take_numbers(1) > 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_file_that_is_full(stores, schedule_id):
    async def fill(connection):
        for _ in range(100):
            await connection.execute(text("INSERT INTO secrets VALUES (hex(randomblob(8)), zeroblob(4000))"))

    async def overfill():
        async with stores.database.write() as connection:
            size = await connection.scalar(text("PRAGMA page_count"))
            await connection.execute(text(f"PRAGMA max_page_count = {size}"))
            await fill(connection)

    with pytest.raises(Unavailable):
        await overfill()
    await stores.database.close()  # the limit was that connection's
    async with stores.database.write() as connection:
        await fill(connection)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_connections_that_the_server_has_ended(stores, schedule_id, database_url):
    await use_everything(stores, schedule_id)
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> $1"

    async def be_cut_off():
        async with stores.seating.transaction(schedule_id) as transaction, connected(database_url) as other:
            await other.fetch(cut, other.get_server_pid())
            await transaction.read([1], [1])

    with pytest.raises(Unavailable):
        await be_cut_off()
    assert await stores.reservations.take_numbers(1) > 0


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_a_row_that_somebody_else_has_locked(stores, schedule_id, database_url):
    async with connected(database_url) as other, other.transaction():
        await other.execute("LOCK TABLE schedules, counters, sessions, users")
        said = await use_everything(stores, schedule_id)
    assert [type(each) for each in said] == [Unavailable] * 4
    assert await stores.reservations.take_numbers(1) > 0


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_every_connection_in_use(database_url):
    """Who waits for one is told in time; and nothing opens more than there may be."""
    stores = await open_stores(Settings(database=database_url, database_connections=2, **SOON))
    try:
        async with stores.database.read():
            asked = (stores.accounts.user_by_email("kim@example.com") for _ in range(2))
            said = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(each) for each in said] == [Unavailable] * 2
        assert await stores.accounts.user_by_email("kim@example.com") is None
    finally:
        await stores.close()


def test_a_process_needs_a_connection_for_each_share():
    with pytest.raises(BadSetting, match="JARI_DATABASE_CONNECTIONS=1 is too few"):
        open_database(Settings(database="postgresql://localhost/jari", database_connections=1))


@pytest.mark.parametrize("kind", ["read", "write"])
async def test_a_statement_that_is_wrong_is_a_fault_of_ours(stores, kind):
    async def mistake():
        async with getattr(stores.database, kind)() as connection:
            await connection.execute(text(NO_TABLE))

    with pytest.raises(DBAPIError):
        await mistake()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_statement_that_is_wrong_in_the_sqlite_till_is_a_fault_of_ours(stores):
    with pytest.raises(sqlite3.OperationalError):
        await stores.seating._writer.run(lambda connection: connection.execute(NO_TABLE))


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_a_statement_that_is_wrong_in_the_postgresql_till_is_a_fault_of_ours(stores):
    with pytest.raises(asyncpg.UndefinedTableError):
        await stores.seating._execute(NO_TABLE)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_a_value_of_a_wrong_type_is_a_fault_of_ours(stores):
    with pytest.raises(asyncpg.DataError):
        await stores.seating.renew_epoch("seven", "")
