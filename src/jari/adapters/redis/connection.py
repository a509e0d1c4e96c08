"""Connecting to the Redis or Valkey that a URL names, one server or a cluster.

There are two kinds of connections. Those for commands are few, and a command that is not answered within a short time
has failed: nothing is sent twice. Those for blocking reads wait for news; they are others, since a read occupies its
connection. Nothing is connected before it is used, so jari starts and serves while Redis is away.

On a cluster the key says which server is meant. redis-py could find it, too, but its client for clusters closes the
connections of every server, those in use among them, when a few keys were found elsewhere (8.1).
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.connection import parse_url
from redis.crc import key_slot
from redis.exceptions import NoScriptError

from jari import metrics
from jari.adapters.redis.node import Address, Entries, Node, away
from jari.domain.errors import Unavailable
from jari.ports.system import Clock
from jari.settings import BadSetting, RedisSettings

SCHEMES = ("redis", "rediss", "redis+cluster", "rediss+cluster")
DEFAULT_PORT = 6379
BAD_URL = (
    "JARI_REDIS, or --redis, names no Redis that jari can find: write redis://HOST:PORT for one server, or "
    "redis+cluster://HOST:PORT,HOST:PORT for a cluster."
)


class Script:
    """A script that runs on the server as one step; its keys must share one hash tag."""

    def __init__(self, caller: str, name: str) -> None:
        """Read the file of that name beside the Python file that calls it."""
        self.text = Path(caller).with_name(name).read_text(encoding="utf-8")
        self.digest = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


class Connection:
    """What one process has open to Redis. A server that is away refuses every use at once.

    Whoever uses it must go on without it: each use may raise Unavailable.
    """

    def __init__(self, settings: RedisSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        seeds, self._options, self._is_cluster = _parse(settings.redis)
        self._seeds = {address: self._node(address) for address in seeds}
        self._nodes = self._seeds  # where it is a cluster, its masters once they are known
        self._masters: list[tuple[range, Node]] = []  # the slots of a cluster, and who has them
        self._looking = asyncio.Lock()
        self._next_look = 0.0

    @property
    def is_cluster(self) -> bool:
        """Whether it is a cluster, where keys must share a slot to be read together."""
        return self._is_cluster

    @property
    def is_away(self) -> bool:
        """Whether a server of it counts as away at the moment."""
        return any(node.is_away for node in self._nodes.values())

    @asynccontextmanager
    async def commands(self, key: str) -> AsyncIterator[Redis]:
        """The client of the server that has this key; all keys that are used within this block share its hash tag.

        Raises:
            Unavailable: Redis is away, and nobody knows whether it has done what it was told.
        """
        node = await self._node_of(key)
        try:
            async with node.commands() as client:
                yield client
        finally:
            metrics.redis_away.set(self.is_away)

    async def run(self, script: Script, keys: Sequence[str], *arguments: str | bytes | int) -> Any:
        """Run a script, and return its answer.

        Raises:
            Unavailable: Redis is away, and nobody knows whether the script has run.
        """
        async with self.commands(keys[0]) as client:
            try:
                return await client.evalsha(script.digest, len(keys), *keys, *arguments)
            except NoScriptError:  # the server has started anew, or is one that has not run it yet
                return await client.eval(script.text, len(keys), *keys, *arguments)

    async def read(self, positions: Mapping[str, str], count: int) -> Entries:
        """The next entries of these streams after these ids, as soon as there are any; none after ``redis_block_ms``.

        On a cluster all the streams must share one hash tag. A caller that is cancelled leaves at once; the read ends
        by itself, for its connection cannot be used before.

        Raises:
            Unavailable: Redis is away.
        """
        node = await self._node_of(next(iter(positions)))
        return await node.read(positions, count)

    async def by_server(self, keys: Sequence[str]) -> Sequence[Sequence[str]]:
        """The keys, in groups of which each is on one server.

        Raises:
            Unavailable: Redis is away.
        """
        groups: dict[Address, list[str]] = {}
        for key in keys:
            groups.setdefault((await self._node_of(key)).address, []).append(key)
        return list(groups.values())

    async def check(self) -> bool:
        """Whether every server answers now."""
        try:
            await self._require_masters()
            for node in list(self._nodes.values()):
                async with node.commands() as client:
                    await client.ping()
        except Unavailable:
            return False
        finally:
            metrics.redis_away.set(self.is_away)
        return True

    async def close(self) -> None:
        """Close every connection, once the reads under way have ended."""
        every = self._seeds | self._nodes
        await asyncio.gather(*(node.close() for node in every.values()))

    async def _node_of(self, key: str) -> Node:
        if not self._is_cluster:
            return next(iter(self._nodes.values()))
        await self._require_masters()
        slot = key_slot(key.encode())
        for slots, node in self._masters:
            if slot in slots:
                return node
        raise away()

    async def _require_masters(self) -> None:
        """Look who has which slots, unless that is known; not more often than once in a pause, if it is of no use."""
        if not self._is_cluster or not self._is_outdated():
            return
        async with self._looking:
            now = self._clock.seconds()
            if self._is_outdated() and now >= self._next_look:
                await self._look()
                self._next_look = now + self._settings.redis_pause_ms / 1000

    def _is_outdated(self) -> bool:
        return not self._masters or any(node.is_outdated for node in self._nodes.values())

    async def _look(self) -> None:
        """Ask one server after the other for the masters, until one knows them: first those that have not failed."""
        for node in sorted((self._seeds | self._nodes).values(), key=lambda node: node.is_outdated):
            try:
                async with node.commands() as client:
                    asking: Any = client
                    answer = await asking.execute_command("CLUSTER SLOTS")
            except Unavailable:
                continue
            masters = list(_masters(answer, node.address[0]))
            if masters:
                await self._know(masters)
                break

    async def _know(self, masters: Sequence[tuple[range, Address]]) -> None:
        before = self._seeds | self._nodes
        self._nodes = {address: before.get(address) or self._node(address) for _, address in masters}
        self._masters = [(slots, self._nodes[address]) for slots, address in masters]
        for node in self._nodes.values():
            node.is_outdated = False
        for address, node in before.items():
            if address not in self._nodes and address not in self._seeds:
                await node.close()

    def _node(self, address: Address) -> Node:
        return Node(address, self._options, self._settings, self._clock)


def open_redis(settings: RedisSettings, clock: Clock) -> Connection | None:
    """The Redis that the settings name, if they name one; nothing is connected yet.

    Raises:
        BadSetting: the URL is of no form that jari knows.
    """
    return Connection(settings, clock) if settings.redis else None


def _masters(answer: Sequence[Any], asked: str) -> Sequence[tuple[range, Address]]:
    """The slots and the address of each master, as CLUSTER SLOTS says; one without a host is the server that was asked."""
    return [
        (range(first, last + 1), (master[0].decode() if master[0] else asked, master[1]))
        for first, last, master, *_ in answer
    ]


def _parse(url: str) -> tuple[Sequence[Address], Mapping[str, Any], bool]:
    """The addresses that a URL names, how to connect to each, and whether it is a cluster."""
    try:
        parts = urlsplit(url)
        scheme, _, cluster = parts.scheme.partition("+")
        login, at, hosts = parts.netloc.rpartition("@")
        addresses = [_address(host) for host in hosts.split(",")]
        options = parse_url(f"{scheme}://{login}{at}host{parts.path}")
    except ValueError:
        raise BadSetting(BAD_URL) from None
    if parts.scheme not in SCHEMES or parts.query or (len(addresses) > 1 and not cluster):
        raise BadSetting(BAD_URL)
    return addresses, dict(options), bool(cluster)


def _address(text: str) -> Address:
    """Host and port of ``HOST``, ``HOST:PORT`` or ``[ADDRESS]:PORT``."""
    place = urlsplit(f"//{text}")
    if not place.hostname:
        raise ValueError(text)
    return place.hostname, place.port or DEFAULT_PORT
