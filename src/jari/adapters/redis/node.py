"""One server: its connections, and its circuit."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast

import structlog
from redis.asyncio import Redis
from redis.asyncio.connection import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ReadOnlyError

from jari import metrics
from jari.adapters.redis.away import is_away, is_elsewhere
from jari.adapters.redis.circuit import Circuit
from jari.domain.errors import Unavailable
from jari.ports.system import Clock
from jari.settings import RedisSettings

log = structlog.get_logger()

Address = tuple[str, int]  # host and port
Entry = tuple[bytes, Mapping[bytes, bytes]]  # of a stream: its id, and its fields
Entries = Mapping[bytes, Sequence[Entry]]  # by stream


class Node:
    """A server. While its circuit is open every use is refused at once, but for one try in each pause."""

    def __init__(
        self, address: Address, options: Mapping[str, Any], settings: RedisSettings, clock: Clock
    ) -> None:
        self.address = address
        self._clock = clock
        self._circuit = Circuit(
            failures=settings.redis_failures, pause_seconds=settings.redis_pause_ms / 1000
        )
        timeout_seconds = settings.redis_timeout_ms / 1000
        self._block_ms = settings.redis_block_ms
        options = {**options, "host": address[0], "port": address[1]}
        self._commands = _client(options, timeout_seconds, settings.redis_connections)
        self._reads = _client(options, self._block_ms / 1000 + timeout_seconds, settings.redis_reads)
        self._room_for_commands = asyncio.Semaphore(settings.redis_connections)
        self._room_for_reads = asyncio.Semaphore(settings.redis_reads)
        self._reading: set[asyncio.Task[Any]] = set()
        self.is_outdated = False  # it has failed, or said that its keys are elsewhere: look who has them now

    @property
    def is_away(self) -> bool:
        """Whether the server counts as away."""
        return self._circuit.is_open

    @asynccontextmanager
    async def commands(self) -> AsyncIterator[Redis]:
        """The client for commands, within this block.

        Raises:
            Unavailable: the server is away, or has not what is asked for.
        """
        async with self._room_for_commands:
            with self._guarded():
                try:
                    yield self._commands
                except ReadOnlyError:
                    await self._hang_up()
                    raise

    async def _hang_up(self) -> None:
        """Let go of idle connections: this server was demoted, and its address may lead to another by now."""
        for client in (self._commands, self._reads):
            await client.connection_pool.disconnect(inuse_connections=False)

    async def read(self, positions: Mapping[str, str], count: int) -> Entries:
        """The next entries of these streams; see `Connection.read`."""
        task = asyncio.create_task(self._read(positions, count))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)
        task.add_done_callback(_look_at)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Close every connection, once the reads under way have ended."""
        await asyncio.gather(*self._reading, return_exceptions=True)
        await self._reads.aclose()
        await self._commands.aclose()

    async def _read(self, positions: Mapping[str, str], count: int) -> Entries:
        async with self._room_for_reads:
            with self._guarded():
                answer: Any = await self._reads.xread(
                    cast("Any", positions), count=count, block=self._block_ms
                )
        return dict(answer)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        if not self._circuit.admits(self._clock.seconds()):
            raise away()
        try:
            yield
        except Exception as error:
            if is_elsewhere(error):  # it answers, after all
                self.is_outdated = True
                raise away() from error
            if not is_away(error):
                raise
            self._tell(error)
            raise away() from error
        self._tell(None)

    def _tell(self, error: Exception | None) -> None:
        was_open = self._circuit.is_open
        if error is None:
            self._circuit.succeeded()
        else:
            metrics.redis_failures.inc()
            self._circuit.failed(self._clock.seconds())
            self.is_outdated = True
        if self._circuit.is_open and not was_open:
            log.warning("redis_away", address=self.address, error=repr(error))
        elif was_open and not self._circuit.is_open:
            log.info("redis_back", address=self.address)


def away() -> Unavailable:
    """What to raise where Redis is away."""
    return Unavailable(
        "Redis does not answer at the moment, and a change may or may not have been made there: try again in a second.",
        retry_after_seconds=1,
    )


def _client(options: Mapping[str, Any], timeout_seconds: float, connections: int) -> Redis:
    return Redis.from_pool(
        ConnectionPool(
            **options,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            max_connections=connections,
            retry=Retry(NoBackoff(), 0),  # whoever asks knows better whether to ask again
            protocol=2,  # spares each connection a greeting, and what only newer servers can tell
            driver_info=None,
        )
    )


def _look_at(task: "asyncio.Task[Any]") -> None:
    """Take note of what a read ended with, though perhaps nobody waits for it any more."""
    if not task.cancelled():
        task.exception()
