"""The composition root: settings → adapters → use cases → the ASGI application. Only this file knows everything."""

import asyncio
import gc
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.types import ASGIApp

from jari import metrics
from jari.adapters import payments
from jari.adapters.memory.accounts import MemoryAccountStore
from jari.adapters.memory.attempts import MemoryAttemptStore
from jari.adapters.memory.catalogue import MemoryCatalogueStore
from jari.adapters.memory.claims import MemoryRequestClaims
from jari.adapters.memory.duties import MemoryDutyStore
from jari.adapters.memory.news import MemoryNews
from jari.adapters.memory.relays import MemoryRelayStore
from jari.adapters.memory.reservations import MemoryReservationStore
from jari.adapters.memory.seating import MemorySeatingStore
from jari.adapters.memory.tables import MEMORY, Memory, open_memory
from jari.adapters.memory.webhooks import MemoryWebhookStore
from jari.adapters.passwords import ArgonPasswords
from jari.adapters.redis.attempts import FallbackAttemptStore, RedisAttemptStore
from jari.adapters.redis.catalogue import RedisCatalogueStore
from jari.adapters.redis.claims import RedisRequestClaims
from jari.adapters.redis.connection import Connection, open_redis
from jari.adapters.redis.news import RedisNews
from jari.adapters.redis.persisting import Persisting
from jari.adapters.redis.seating import RedisSeatingStore
from jari.adapters.redis.status_stream import RedisStatusStream
from jari.adapters.signing import Signer
from jari.adapters.sql.accounts import SqlAccountStore
from jari.adapters.sql.catalogue import SqlCatalogueStore
from jari.adapters.sql.database import LEAST_CONNECTIONS, Database, open_database, require_current_schema
from jari.adapters.sql.duties import SqlDutyStore
from jari.adapters.sql.relays import SqlRelayStore
from jari.adapters.sql.reservations import SqlReservationStore
from jari.adapters.sql.seating_ledger import PostgresLedger
from jari.adapters.sql.seating_postgres import PostgresSeatingStore
from jari.adapters.sql.seating_sqlite import SqliteSeatingStore
from jari.adapters.sql.webhooks import SqlWebhookStore
from jari.adapters.system import CHANCE, CLOCK
from jari.adapters.webhook_sender import HttpWebhookSender
from jari.domain.relays import KAFKA
from jari.ports.accounts import AccountStore, AttemptStore
from jari.ports.answers import RequestClaims
from jari.ports.catalogue import CatalogueStore
from jari.ports.duties import DutyStore
from jari.ports.news import NewsWire
from jari.ports.relays import EventSink, RelayStore
from jari.ports.reservations import ReservationStore
from jari.ports.seating import SeatingStore
from jari.ports.system import Chance, Clock
from jari.ports.webhooks import WebhookStore
from jari.settings import BadSetting, Settings
from jari.usecases.accounts import Accounts
from jari.usecases.auditing import Auditor
from jari.usecases.catalogue import Catalogue
from jari.usecases.devices import Devices
from jari.usecases.duties import Duties, Work
from jari.usecases.following import Follower
from jari.usecases.gateways import NAME_IT, Gateways
from jari.usecases.holds import Holds
from jari.usecases.idling import Idling
from jari.usecases.live import Live
from jari.usecases.news import Newsreader
from jari.usecases.numbers import Numbers
from jari.usecases.pace import Pace
from jari.usecases.payments import Payments
from jari.usecases.publishing import Publisher
from jari.usecases.refunds import Refunds
from jari.usecases.relays import EventRelay
from jari.usecases.reservations import Reservations
from jari.usecases.sweeping import Sweeper
from jari.usecases.tickets import Tickets
from jari.usecases.till import Tills
from jari.usecases.webhooks import Webhooks
from jari.web.api.documents import Documents, Lists
from jari.web.api.table import description
from jari.web.app import Addresses, build_app
from jari.web.cookies import Cookies
from jari.web.deadlines import Deadlines
from jari.web.draining import Drain
from jari.web.figures import Figures
from jari.web.listening import listen
from jari.web.live.snapshots import Snapshots
from jari.web.live.streams import Hub
from jari.web.server import Server, warn_of_proxies
from jari.web.services import Services
from jari.web.site.printer import Printer
from jari.web.workers import Worker

log = structlog.get_logger()

LAG_PROBE_SECONDS = 0.5
GARBAGE_THRESHOLD = 20_000  # the default of 700 collects dozens of times a second under load

DUTIES = "duties"  # the lease of all duties but the relay to Kafka, which may run in a process of its own
TICKET_KEY = "ticket-key"
DEVICE_KEY = "device-key"
DEVICE_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Stores:
    """Every store, all on one database or in one memory; ``close`` lets go of it, and of Redis where there is one."""

    database: Database | Memory
    seating: SeatingStore
    catalogue: CatalogueStore
    accounts: AccountStore
    attempts: AttemptStore
    reservations: ReservationStore
    duties: DutyStore
    relays: RelayStore
    webhooks: WebhookStore
    news: NewsWire
    claims: RequestClaims
    close: Callable[[], Coroutine[Any, Any, None]]
    redis: Connection | None = None
    persisting: Persisting | None = None


def require_workers_allowed(settings: Settings) -> None:
    """Refuse several workers where they cannot work.

    Raises:
        BadSetting: says why, and what to do instead.
    """
    if settings.database.startswith(MEMORY) or open_database(settings).is_sqlite:
        raise BadSetting(
            f"{settings.workers} workers need a database that processes can share, and this one is for one: leave out "
            "--workers (JARI_WORKERS), or name a PostgreSQL with --database postgresql://…"
        )
    if sys.platform != "linux":
        raise BadSetting(
            "Several workers need Linux, which spreads connections over them: leave out --workers."
        )
    if settings.database_connections < settings.workers * LEAST_CONNECTIONS:
        raise BadSetting(
            f"JARI_DATABASE_CONNECTIONS={settings.database_connections} is too few for {settings.workers} workers, "
            f"who share it: each needs {LEAST_CONNECTIONS}, and better 5."
        )


def _require_redis_allowed(settings: Settings, *, shared: bool) -> None:
    if settings.redis and not shared:
        raise BadSetting(
            "Redis helps processes that share a database, and this one is for one process: leave out --redis "
            "(JARI_REDIS), or name a PostgreSQL with --database postgresql://…"
        )


async def open_stores(settings: Settings, clock: Clock = CLOCK, chance: Chance = CHANCE) -> Stores:
    """The stores on the database that the settings name, whose schema must be up to date.

    Raises:
        BadSetting: jari knows no such kind of database or Redis, they do not go together, or it would lose what people
            have paid for.
        SchemaOutdated: the database must be migrated first.
    """
    if settings.database.startswith(MEMORY):
        if settings.environment == "production":
            raise BadSetting(
                "What is sold in memory is gone when the server ends: name a database in production."
            )
        _require_redis_allowed(settings, shared=False)
        return _memory_stores(open_memory(settings.database, clock, chance))
    async with AsyncExitStack() as opening:
        database = open_database(settings)
        opening.push_async_callback(database.close)
        _require_redis_allowed(settings, shared=not database.is_sqlite)
        redis = open_redis(settings, clock)
        if redis is not None:
            opening.push_async_callback(redis.close)
        await require_current_schema(database)
        seating = await _open_seating(database, redis, settings)
        opening.push_async_callback(seating.close)
        accounts = SqlAccountStore(database)
        attempts = MemoryAttemptStore(clock, settings) if database.is_sqlite else accounts
        return Stores(
            database,
            seating,
            RedisCatalogueStore(database, seating)
            if isinstance(seating, RedisSeatingStore)
            else SqlCatalogueStore(database),
            accounts,
            attempts if redis is None else FallbackAttemptStore(RedisAttemptStore(redis), attempts),
            SqlReservationStore(database),
            SqlDutyStore(database),
            SqlRelayStore(database),
            SqlWebhookStore(database),
            MemoryNews() if redis is None else RedisNews(redis, settings),
            MemoryRequestClaims() if redis is None else RedisRequestClaims(redis, chance, settings),
            close=opening.pop_all().aclose,
            redis=redis,
            persisting=seating.persisting if isinstance(seating, RedisSeatingStore) else None,
        )


async def _open_seating(
    database: Database, redis: Connection | None, settings: Settings
) -> SqliteSeatingStore | PostgresSeatingStore | RedisSeatingStore:
    match settings.holds:
        case "database" if database.is_sqlite:
            return SqliteSeatingStore(database, settings.database_timeout_seconds)
        case "database":
            return await PostgresSeatingStore.connect(settings)
        case "redis" if redis is not None:
            return RedisSeatingStore(redis, await PostgresLedger.connect(settings), settings)
        case "redis":
            raise BadSetting(
                "JARI_HOLDS=redis needs a Redis: name one with --redis (JARI_REDIS), or unset it."
            )
    raise BadSetting(f"JARI_HOLDS={settings.holds!r} is not known: write database or redis.")


def _memory_stores(memory: Memory) -> Stores:
    return Stores(
        memory,
        MemorySeatingStore(memory),
        MemoryCatalogueStore(memory),
        MemoryAccountStore(memory),
        memory.attempts,
        MemoryReservationStore(memory),
        MemoryDutyStore(memory),
        MemoryRelayStore(memory),
        MemoryWebhookStore(memory),
        memory.news,
        memory.claims,
        close=memory.close,
    )


def open_gateways(settings: Settings) -> Gateways:
    """The payment gateways that the settings name.

    Raises:
        BadSetting: a gateway is unknown or named twice; its address is missing or cannot be its own; a key is missing,
            or is live outside production.
    """
    every = payments.open_gateways(settings)
    return Gateways(every, every[0] if settings.gateway_url else None)


async def open_signer(duties: DutyStore) -> Signer:
    """The signer of tickets. Its key is made once for each database and stored there."""
    fresh = Signer.generate().private_bytes
    return Signer.from_private(await duties.secret(TICKET_KEY, fresh))


async def open_devices(
    duties: DutyStore, settings: Settings, clock: Clock = CLOCK, chance: Chance = CHANCE
) -> Devices:
    """What tells known devices. Its key is made once for each database and stored there."""
    key = await duties.secret(DEVICE_KEY, chance.randbytes(DEVICE_KEY_BYTES))
    return Devices(
        key,
        clock,
        chance,
        accounts_per_device=settings.accounts_per_device,
        days=settings.device_days,
    )


class Application:
    """Everything that one process runs."""

    def __init__(  # noqa: PLR0913 - all that differs between a server, a worker, a demo and a simulation
        self,
        stores: Stores,
        signer: Signer,
        devices: Devices,
        gateways: Gateways,
        settings: Settings,
        mounts: Mapping[str, ASGIApp] | None = None,
        *,
        sink: EventSink | None = None,
        worker: Worker | None = None,
        clock: Clock = CLOCK,
        chance: Chance = CHANCE,
    ) -> None:
        self.sink = sink
        self.figures = Figures(worker, settings)
        self.settings = settings
        self.stores = stores
        self.gateways = gateways
        self.mounts = mounts or {}
        stream = RedisStatusStream(stores.redis, settings) if stores.redis else None
        self.live = Live(stores.seating, stores.catalogue, clock, settings, stream)
        self.tills = Tills(self.live, stores.seating, stores.claims, settings)
        self.passwords = ArgonPasswords(settings)
        self.accounts = Accounts(
            stores.accounts, stores.attempts, stores.news, self.passwords, devices, clock, chance, settings
        )
        self.catalogue = Catalogue(stores.catalogue, clock, settings)
        self.newsreader = Newsreader(stores.news, self.accounts, self.catalogue)
        self.idling = Idling(self.live, self.catalogue)
        self.holds = Holds(self.live, self.tills, stores.seating, clock, chance, settings)
        sold, numbers = stores.reservations, Numbers(stores.reservations, settings)
        self.reservations = Reservations(sold, self.tills, self.holds, self.catalogue, numbers, chance)
        pace = Pace(clock, settings)
        self.payments = Payments(sold, self.tills, self.live, gateways, numbers, pace, settings)
        self.refunds = Refunds(sold, self.tills, self.catalogue, gateways, numbers, pace, settings)
        self.tickets = Tickets(self.reservations, signer)
        self.sweeper = Sweeper(
            self.live, self.tills, stores.seating, sold, stores.accounts, stores.relays, settings
        )
        self.sender = HttpWebhookSender(
            timeout_seconds=settings.webhook_timeout_seconds,
            connections=settings.max_webhooks * settings.duty_page_size,
        )
        self.webhooks = Webhooks(stores.webhooks, self.sender, clock, chance, settings)
        self.auditor = Auditor(sold, clock, settings)
        self.duties = Duties(DUTIES, stores.duties, self._works(), clock, chance, settings)
        self.printer = Printer(settings)
        self.snapshots = Snapshots()
        self.hub = Hub(self.snapshots, settings)
        self.live.audiences = [self.hub]
        self.follower: Follower | None = None
        if stream is not None:
            publisher = Publisher(stream, stores.seating, self.live, clock, settings)
            self.follower = Follower(stream, self.live, publisher, settings)
            self.live.audiences += [publisher, self.follower]
            self.live.is_followed = self.follower.is_complete
        self.deadlines = Deadlines()
        self.drain = Drain()

    def services(self) -> Services:
        """What the handlers of the web work with."""
        return Services(
            settings=self.settings,
            accounts=self.accounts,
            catalogue=self.catalogue,
            holds=self.holds,
            live=self.live,
            reservations=self.reservations,
            payments=self.payments,
            refunds=self.refunds,
            tickets=self.tickets,
            hub=self.hub,
            deadlines=self.deadlines,
            drain=self.drain,
            snapshots=self.snapshots,
            printer=self.printer,
            documents=Documents(self.catalogue),
            lists=Lists(self.catalogue, self.live, self.settings),
            cookies=Cookies(self.settings),
            description=description(),
            figures=self.figures.text,
            redis_answers=None if self.stores.redis is None else self.stores.redis.check,
        )

    def asgi(self) -> Addresses:
        """The ASGI application; its lifespan runs the background tasks and closes the stores."""
        return build_app(self.services(), self._lifespan, self.mounts)

    def _works(self) -> list[Work]:
        """The works that one process does for all."""
        works: list[Work] = [self.webhooks.relay, self.webhooks.deliver, self.auditor.audit]
        if self.gateways:
            works += [self.payments.reconcile, self.refunds.give_back_what_is_due]
        return works

    async def _leave_the_gateway(self) -> None:
        """End what waits for a gateway; the process that has the duties takes it up."""
        await asyncio.gather(self.payments.close(), self.refunds.close())

    @asynccontextmanager
    async def _lifespan(self, _: object) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.stores.close)
            stack.callback(self.passwords.close)
            stack.push_async_callback(self.printer.close)
            stack.push_async_callback(self.sender.close)
            stack.push_async_callback(self.gateways.close)
            if self.follower is not None:
                await stack.enter_async_context(self.follower.following())
            stack.push_async_callback(self.tills.close)
            stack.push_async_callback(self._leave_the_gateway)
            for work in (
                *([self.stores.persisting.run()] if self.stores.persisting else ()),
                self.hub.run(),
                self.live.run(),
                self.idling.run(),
                self.sweeper.run(),
                self.accounts.run(),
                self.newsreader.run(),
                self.duties.run(),
                _measure_loop_lag(),
            ):
                await stack.enter_async_context(_background(work))
            if self.sink is not None:
                await stack.enter_async_context(relaying(self.stores, self.sink, self.settings))
            await stack.enter_async_context(self.figures.told_to_others())
            gc.collect()
            gc.freeze()  # all objects of now stay, so no collection need look at them again
            gc.set_threshold(GARBAGE_THRESHOLD, 20, 50)
            if not self.gateways and await self.stores.reservations.has_unsettled():
                log.error("payments_without_gateway", remedy=NAME_IT)
            yield
            self.hub.close()
        log.info("stopped")


async def serve(
    settings: Settings, mounts: Mapping[str, ASGIApp] | None = None, worker: Worker | None = None
) -> None:
    """Serve until told to end, alone or as one of several workers; ``mounts`` is path → another application."""
    async with AsyncExitStack() as opened:  # a server that began has closed them itself, in its own order
        gateways = open_gateways(settings)
        opened.push_async_callback(gateways.close)
        stores = await open_stores(settings)
        opened.push_async_callback(stores.close)
        signer, devices = await open_signer(stores.duties), await open_devices(stores.duties, settings)
        sink = open_sink(settings) if settings.kafka else None
        application = Application(
            stores, signer, devices, gateways, settings, mounts, sink=sink, worker=worker
        )
        if worker is None:
            warn_of_proxies(settings)
        listening = listen(settings) if worker is None else worker.listening
        server = Server(
            application.asgi(), application.hub, application.deadlines, application.drain, settings, worker
        )
        await server.serve([listening])


def open_sink(settings: Settings) -> EventSink:
    """Where events go.

    Raises:
        BadSetting: Kafka's client is not installed, or does not take the settings.
    """
    try:
        from jari.adapters.kafka.sink import KafkaSink  # noqa: PLC0415 - its client is an extra
    except ImportError:
        raise BadSetting(
            "JARI_KAFKA is set, but Kafka's client is not installed: install it by pip install 'jari[kafka]', or unset"
            " JARI_KAFKA."
        ) from None
    return KafkaSink(settings)


@asynccontextmanager
async def relaying(stores: Stores, sink: EventSink, settings: Settings) -> AsyncIterator[None]:
    """Within the block, pass events on to Kafka while this process has the lease for that."""
    relay = EventRelay(KAFKA, stores.relays, sink, settings)
    duties = Duties(relay.name, stores.duties, [relay.relay], CLOCK, CHANCE, settings)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(sink.close)
        await stack.enter_async_context(_background(duties.run()))
        yield


async def relay_events(settings: Settings) -> None:
    """Pass events on to Kafka until told to end."""
    sink, ended = open_sink(settings), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    stores = await open_stores(settings)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(stores.close)
        await stack.enter_async_context(relaying(stores, sink, settings))
        log.info("relaying", kafka=settings.kafka, topic=settings.kafka_topic)
        await ended.wait()
    log.info("stopped")


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
