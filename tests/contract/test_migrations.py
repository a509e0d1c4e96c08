"""The schema that the migrations make is the one that the code names, on SQLite and on PostgreSQL."""

import re

import pytest
import sqlalchemy
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from jari.adapters.sql.database import (
    SchemaOutdated,
    _alembic_config,
    current_revision,
    migrate,
    open_database,
    require_current_schema,
)
from jari.adapters.sql.tables import metadata
from jari.main import open_stores
from jari.settings import BadSetting, Settings
from support.worlds import hall

HEAD = ScriptDirectory.from_config(_alembic_config()).get_current_head()


@pytest.fixture
async def database(database_url):
    database = open_database(Settings(database=database_url))
    yield database
    await database.close()


async def in_transaction(database, work):
    async with database.write() as connection:
        return await connection.run_sync(work)


async def run_alembic(database, run, revision):
    """What ``alembic upgrade`` and ``alembic downgrade`` do, on this database."""

    def work(connection):
        config = _alembic_config()
        config.attributes["connection"] = connection
        run(config, revision)

    await in_transaction(database, work)


def differences(connection):
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "compare_server_default": True}
    )
    return compare_metadata(context, metadata)


def tables(connection):
    return set(sqlalchemy.inspect(connection).get_table_names()) - {"alembic_version"}


async def test_the_migrated_schema_is_the_one_that_the_code_names(database):
    assert await in_transaction(database, differences) == []


async def test_the_comparison_notices_a_missing_index_and_a_surplus_column(database):
    def spoil(connection):
        connection.execute(sqlalchemy.text("DROP INDEX ix_allocations_expires_ms"))
        connection.execute(sqlalchemy.text("ALTER TABLE venues ADD COLUMN surplus INTEGER"))

    await in_transaction(database, spoil)
    found = [each[0] for each in await in_transaction(database, differences)]
    assert sorted(found) == ["add_index", "remove_column"]


async def test_constraints_bear_the_names_of_the_convention(database):
    """Migrations of both databases can only name what has one name in both."""

    def names(connection):
        inspector = sqlalchemy.inspect(connection)
        return {
            name: (
                sorted(each["name"] for each in inspector.get_foreign_keys(name)),
                sorted(each["name"] for each in inspector.get_unique_constraints(name)),
            )
            for name in tables(connection)
        }

    found = await in_transaction(database, names)
    assert found["seats"] == (
        ["fk_seats_block_id", "fk_seats_venue_id"],
        ["uq_seats_venue_id_guid", "uq_seats_venue_id_row_col"],
    )
    assert found["blocks"] == (["fk_blocks_section_id", "fk_blocks_venue_id"], ["uq_blocks_venue_id_name"])


async def test_a_migrated_database_is_at_the_head_and_migrating_again_changes_nothing(database):
    assert await current_revision(database) == HEAD
    await require_current_schema(database)
    assert await migrate(database) == HEAD
    assert await in_transaction(database, differences) == []


async def test_downgrading_removes_every_table_and_upgrading_brings_it_back(database):
    await run_alembic(database, command.downgrade, "base")
    assert await in_transaction(database, tables) == set()
    assert await current_revision(database) is None
    assert await migrate(database) == HEAD
    assert await in_transaction(database, tables) == set(metadata.tables)
    assert await in_transaction(database, differences) == []


async def test_a_database_without_tables_is_refused_with_the_command_that_mends_it(database, database_url):
    await run_alembic(database, command.downgrade, "base")
    with pytest.raises(SchemaOutdated, match=r"has no tables yet\. Type: jari migrate"):
        await require_current_schema(database)
    with pytest.raises(SchemaOutdated):
        await open_stores(Settings(database=database_url))


async def test_a_database_of_another_version_is_refused_by_both_revisions(database):
    def pretend(connection):
        connection.execute(sqlalchemy.text("UPDATE alembic_version SET version_num = 'future'"))

    await in_transaction(database, pretend)
    expected = f"is at schema future, but {HEAD} is needed. Type: jari migrate"
    with pytest.raises(SchemaOutdated, match=re.escape(expected)):
        await require_current_schema(database)


async def test_migrating_leaves_what_is_there_alone(database_url, database):
    stores = await open_stores(Settings(database=database_url))
    try:
        venue = hall()
        venue_id, _ = await stores.catalogue.save_venue(venue)
        await migrate(database)
        assert await stores.catalogue.venue(venue_id) == venue
    finally:
        await stores.close()


OLD, TWIN, HIDDEN = "jose\u0301@example.com", "jos\u00e9@example.com", "ki\u200bm@example.com"


async def test_old_accounts_are_found_under_their_address_whichever_way_it_is_typed(database_url, database):
    """What is stored decomposed is composed, unless another account has that form; nobody is locked out."""
    await run_alembic(database, command.downgrade, "0002")
    users = metadata.tables["users"]
    for email in (OLD, "min\u0301@example.com", TWIN, HIDDEN):
        row = {"email": email, "name": email, "password_hash": "", "role": "buyer", "created_ms": 0}
        await in_transaction(database, lambda connection, row=row: connection.execute(users.insert(), row))
    await migrate(database)
    stored = await in_transaction(
        database, lambda connection: connection.scalars(users.select().with_only_columns(users.c.email)).all()
    )
    assert sorted(stored) == sorted([OLD, "mi\u0144@example.com", TWIN, HIDDEN])


def test_the_migrations_stand_in_one_line():
    scripts = ScriptDirectory.from_config(_alembic_config())
    assert scripts.get_heads() == [HEAD]
    assert len(scripts.get_bases()) == 1


@pytest.mark.parametrize(
    "url",
    ["", "jari.db", "mysql://localhost/jari", "sqlite://", "sqlite:///:memory:", "redis://localhost", "://"],
)
def test_a_url_of_no_known_form_is_refused(url):
    with pytest.raises(BadSetting, match="A database URL has the form sqlite:///FILE or postgresql://"):
        open_database(Settings(database=url))


@pytest.mark.parametrize("port", ["abc", "54321x", "-1", "99999", "5432:5432"])
def test_a_port_that_is_none_is_refused_with_the_remedy_and_without_the_password(port):
    with pytest.raises(BadSetting, match="The port in the database URL is no number up to 65535") as caught:
        open_database(Settings(database=f"postgresql://kim:secret@localhost:{port}/jari"))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["mysql://kim:secret@localhost/jari", "nonsense secret"])
def test_a_refused_url_is_not_repeated_for_it_may_hold_a_password(url):
    with pytest.raises(BadSetting) as caught:
        open_database(Settings(database=url))
    assert "secret@" not in str(caught.value)
