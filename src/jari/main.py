"""The composition root: settings → adapters → use cases → the ASGI application. Only this file knows everything."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.types import ASGIApp

from jari import metrics
from jari.adapters.memory import MemoryAttempts
from jari.adapters.sql.accounts import SqlAccounts
from jari.adapters.sql.catalogue import SqlCatalogue
from jari.adapters.sql.database import Database, open_database, require_current_schema
from jari.adapters.sql.seating_postgres import PostgresSeatingStore
from jari.adapters.sql.seating_sqlite import SqliteSeatingStore
from jari.ports import Attempts
from jari.settings import Settings
from jari.usecases.accounts import Accounts
from jari.usecases.catalogue import Catalogue
from jari.usecases.holds import Holds
from jari.usecases.live import Live
from jari.usecases.passwords import Passwords
from jari.usecases.sweeping import Sweeper
from jari.usecases.till import Tills
from jari.web.app import Services, build_app
from jari.web.server import Server
from jari.web.snapshots import Snapshots
from jari.web.streams import Hub

log = structlog.get_logger()

LAG_PROBE_SECONDS = 0.5
GARBAGE_THRESHOLD = 20_000  # the default of 700 collects dozens of times a second under load

SeatingAdapter = PostgresSeatingStore | SqliteSeatingStore


@dataclass(frozen=True, slots=True)
class Stores:
    """Every store on one database."""

    database: Database
    seating: SeatingAdapter
    catalogue: SqlCatalogue
    accounts: SqlAccounts
    attempts: Attempts

    async def close(self) -> None:
        """Close every connection."""
        await self.seating.close()
        await self.database.close()


async def open_stores(settings: Settings) -> Stores:
    """The stores on the database that the settings name, whose schema must be up to date.

    Raises:
        BadSetting: no such kind of database.
        SchemaOutdated: it must be migrated first.
    """
    database = open_database(settings)
    try:
        await require_current_schema(database)
        seating: SeatingAdapter = (
            SqliteSeatingStore(database, settings.database_timeout_seconds)
            if database.is_sqlite
            else await PostgresSeatingStore.connect(settings)
        )
    except BaseException:
        await database.close()
        raise
    accounts = SqlAccounts(database)
    attempts = MemoryAttempts() if database.is_sqlite else accounts
    return Stores(database, seating, SqlCatalogue(database), accounts, attempts)


class Application:
    """Everything that one process runs."""

    def __init__(self, stores: Stores, settings: Settings) -> None:
        self.settings = settings
        self.stores = stores
        self.live = Live(stores.seating, stores.catalogue, settings)
        self.tills = Tills(self.live, stores.seating, settings)
        self.passwords = Passwords(settings)
        self.accounts = Accounts(stores.accounts, stores.attempts, self.passwords, settings)
        self.sweeper = Sweeper(self.live, self.tills, stores.seating, stores.accounts, settings)
        self.holds = Holds(self.live, self.tills, stores.seating, settings)
        self.snapshots = Snapshots()
        self.hub = Hub(self.snapshots, settings)
        self.live.audience = self.hub

    def asgi(self) -> ASGIApp:
        """The ASGI application; its lifespan runs the background tasks and closes the stores."""
        services = Services(
            self.accounts, Catalogue(self.stores.catalogue, self.settings), self.holds, self.live
        )
        return build_app(services, self.hub, self.snapshots, self.settings, self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, _: object) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.stores.close)
            stack.callback(self.passwords.close)
            stack.push_async_callback(self.tills.close)
            for work in (
                self.hub.run(),
                self.live.run(),
                self.sweeper.run(),
                self.accounts.run(),
                _measure_loop_lag(),
            ):
                await stack.enter_async_context(_background(work))
            gc.collect()
            gc.freeze()  # what is there now stays: no collection need look at it again
            gc.set_threshold(GARBAGE_THRESHOLD, 20, 50)
            log.info("started", host=self.settings.host, port=self.settings.port)
            yield
            self.hub.close()
        log.info("stopped")


async def serve(settings: Settings) -> None:
    """Serve until told to end."""
    application = Application(await open_stores(settings), settings)
    await Server(application.asgi(), application.hub, settings).serve()


@asynccontextmanager
async def _background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _measure_loop_lag() -> None:
    while True:
        asked = time.perf_counter()
        await asyncio.sleep(LAG_PROBE_SECONDS)
        metrics.loop_lag_seconds.set(time.perf_counter() - asked - LAG_PROBE_SECONDS)
