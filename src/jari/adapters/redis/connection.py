"""Connecting to the Redis or Valkey that a URL names, one server or a cluster.

There are two kinds of connections. Those for commands are few, and a command that is not answered within a short time
has failed: nothing is sent twice. Those for blocking reads wait for news; they are others, since a read occupies its
connection. Nothing is connected before it is used, so jari starts and serves while Redis is away.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import structlog
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import ConnectionPool, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError

from jari import metrics
from jari.adapters.redis.away import is_away
from jari.adapters.redis.circuit import Circuit
from jari.domain.errors import Unavailable
from jari.ports.system import Clock
from jari.settings import BadSetting, RedisSettings

log = structlog.get_logger()

SCHEMES = ("redis", "rediss", "redis+cluster", "rediss+cluster")
DEFAULT_PORT = 6379
BAD_URL = (
    "JARI_REDIS, or --redis, names no Redis that jari can find: write redis://HOST:PORT for one server, or "
    "redis+cluster://HOST:PORT,HOST:PORT for a cluster."
)

Client = Redis | RedisCluster
Entry = tuple[bytes, Mapping[bytes, bytes]]  # a stream entry: its id, and its fields


class Script:
    """A script that runs on the server as one step; its keys must share one hash tag."""

    def __init__(self, caller: str, name: str) -> None:
        """Read the file of that name beside the Python file that calls it."""
        self.text = Path(caller).with_name(name).read_text(encoding="utf-8")
        self.digest = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


class Connection:
    """What one process has open to Redis. While the circuit is open every use is refused at once.

    Whoever uses it must go on without it: each use may raise Unavailable.
    """

    def __init__(self, settings: RedisSettings, clock: Clock) -> None:
        self._clock = clock
        self._circuit = Circuit(
            failures=settings.redis_failures, pause_seconds=settings.redis_pause_ms / 1000
        )
        timeout_seconds = settings.redis_timeout_ms / 1000
        self._block_ms = settings.redis_block_ms
        self._commands = _client(settings.redis, timeout_seconds, settings.redis_connections)
        self._reads = _client(settings.redis, self._block_ms / 1000 + timeout_seconds, settings.redis_reads)
        self._room_for_commands = asyncio.Semaphore(settings.redis_connections)
        self._room_for_reads = asyncio.Semaphore(settings.redis_reads)
        self._learning_nodes = asyncio.Lock()
        self._reading: set[asyncio.Task[Any]] = set()

    @property
    def is_cluster(self) -> bool:
        """Whether it is a cluster, where keys must share a slot to be read together."""
        return isinstance(self._commands, RedisCluster)

    @property
    def is_away(self) -> bool:
        """Whether Redis counts as away at the moment."""
        return self._circuit.is_open

    @asynccontextmanager
    async def commands(self) -> AsyncIterator[Client]:
        """The client for commands, within this block.

        Raises:
            Unavailable: Redis is away, and nobody knows whether it has done what it was told.
        """
        async with self._room_for_commands:
            with self._guarded():
                yield await self._ready(self._commands)

    async def run(self, script: Script, keys: Sequence[str], *arguments: str | bytes | int) -> Any:
        """Run a script, and return its answer.

        Raises:
            Unavailable: Redis is away, and nobody knows whether the script has run.
        """
        async with self.commands() as client:
            try:
                return await client.evalsha(script.digest, len(keys), *keys, *arguments)
            except NoScriptError:  # the server has started anew, or is one that has not run it yet
                return await client.eval(script.text, len(keys), *keys, *arguments)

    async def read(self, positions: Mapping[str, str], count: int) -> Mapping[bytes, Sequence[Entry]]:
        """The next entries of these streams after these ids, as soon as there are any; none after ``redis_block_ms``.

        On a cluster all the streams must share one hash tag. A caller that is cancelled leaves at once; the read ends
        by itself, for its connection cannot be used before.

        Raises:
            Unavailable: Redis is away.
        """
        task = asyncio.create_task(self._read(positions, count))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)
        task.add_done_callback(_look_at)
        return await asyncio.shield(task)

    async def check(self) -> bool:
        """Whether Redis answers now."""
        try:
            async with self.commands() as client:
                await client.ping()
        except Unavailable:
            return False
        return True

    async def close(self) -> None:
        """Close every connection, once the reads under way have ended."""
        await asyncio.gather(*self._reading, return_exceptions=True)
        await self._reads.aclose()
        await self._commands.aclose()

    async def _read(self, positions: Mapping[str, str], count: int) -> Mapping[bytes, Sequence[Entry]]:
        async with self._room_for_reads:
            with self._guarded():
                client = await self._ready(self._reads)
                answer: Any = await client.xread(cast("Any", positions), count=count, block=self._block_ms)
        return dict(answer)

    async def _ready(self, client: Client) -> Client:
        """The client, once a cluster's nodes are known. Of many who ask for them at once, each ends others' connections."""
        if isinstance(client, RedisCluster):
            async with self._learning_nodes:
                await client.initialize()
        return client

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        if not self._circuit.admits(self._clock.seconds()):
            raise _away()
        try:
            yield
        except Exception as error:
            if not is_away(error):
                raise
            self._tell(error)
            raise _away() from error
        self._tell(None)

    def _tell(self, error: Exception | None) -> None:
        was_open = self._circuit.is_open
        if error is None:
            self._circuit.succeeded()
        else:
            metrics.redis_failures.inc()
            self._circuit.failed(self._clock.seconds())
        if self._circuit.is_open and not was_open:
            log.warning("redis_away", error=repr(error))
        elif was_open and not self._circuit.is_open:
            log.info("redis_back")
        metrics.redis_away.set(self._circuit.is_open)


def open_redis(settings: RedisSettings, clock: Clock) -> Connection | None:
    """The Redis that the settings name, if they name one; nothing is connected yet.

    Raises:
        BadSetting: the URL is of no form that jari knows.
    """
    return Connection(settings, clock) if settings.redis else None


def _client(url: str, timeout_seconds: float, connections: int) -> Client:
    try:
        parts = urlsplit(url)
        scheme, _, cluster = parts.scheme.partition("+")
        first, *others = [_node(host) for host in parts.netloc.rpartition("@")[2].split(",")]
        login = parts.netloc[: -len(parts.netloc.rpartition("@")[2])]
        options: dict[str, Any] = {**parse_url(f"{scheme}://{login}{first[0]}:{first[1]}{parts.path}")}
    except ValueError:
        raise BadSetting(BAD_URL) from None
    if parts.scheme not in SCHEMES or (others and not cluster) or parts.query:
        raise BadSetting(BAD_URL)
    common: dict[str, Any] = {
        "socket_timeout": timeout_seconds,
        "socket_connect_timeout": timeout_seconds,
        "max_connections": connections,
        "retry": Retry(NoBackoff(), 0),  # whoever asks knows better whether to ask again
        "protocol": 2,  # spares each connection a greeting, and what only newer servers can tell
        "driver_info": None,
    }
    if not cluster:
        return Redis.from_pool(ConnectionPool(**options, **common))
    common["ssl"] = options.pop("connection_class", None) is not None
    nodes = [ClusterNode(host, port) for host, port in (first, *others)]
    del options["host"], options["port"]
    return RedisCluster(startup_nodes=nodes, **options, **common)


def _node(text: str) -> tuple[str, int]:
    """Host and port of ``HOST``, ``HOST:PORT`` or ``[ADDRESS]:PORT``."""
    place = urlsplit(f"//{text}")
    if not place.hostname:
        raise ValueError(text)
    return place.hostname, place.port or DEFAULT_PORT


def _look_at(task: "asyncio.Task[Any]") -> None:
    """Take note of what a read ended with, though perhaps nobody waits for it any more."""
    if not task.cancelled():
        task.exception()


def _away() -> Unavailable:
    return Unavailable(
        "Redis does not answer at the moment, and a change may or may not have been made there: try again in a second.",
        retry_after_seconds=1,
    )
