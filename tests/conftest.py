"""Fixtures: databases, servers and worlds, all real."""

import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest

from support.databases import Postgres, postgres_server, sqlite_in
from support.redises import RedisCluster, RedisServer, empty, redis7_program, redis_cluster, redis_server
from support.servers import Server
from support.worlds import World

TESTS = Path(__file__).parent

# Nobody here speaks TLS. A client need not read the system's certificates, which takes it longer than a request does.
os.environ.pop("SSL_CERT_FILE", None)
os.environ["SSL_CERT_DIR"] = str(TESTS / "no-certificates")

# For the same reason the clients of httpx share one context. To make one takes longer than ten requests do.
NO_TLS = httpx.create_ssl_context()
httpx._transports.default.create_ssl_context = lambda *_, **__: NO_TLS

# The tests write to a file system in memory where it has room. There a database is copied in a tenth of the time, and
# no commit waits for a disk. What was written outlives the process that wrote it, there as well.
MEMORY, ROOM_BYTES = Path("/dev/shm"), 4 * 1024**3
if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM_BYTES:
    os.environ.setdefault("TMPDIR", str(MEMORY))
    tempfile.tempdir = None  # pytest has asked already: ask again

# A busy machine is no fault: no example is judged by its time.
hypothesis.settings.register_profile("jari", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("jari")

# What takes long comes first, so that the processes of a run end together. Browser tests come last: from the first one
# on, the browser's event loop occupies the main thread.
LAST_FOLDERS = ("acceptance", "contract", "unit", "browser")
_opened: list[str] = []


def _listen(event: str, _: object) -> None:
    if event in ("socket.bind", "socket.connect"):
        _opened.append(event)


sys.addaudithook(_listen)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--house-store",
        choices=("sqlite", "memory", "redis", "holds-in-redis"),
        default="sqlite",
        help="where the houses of the features keep their books; in memory they serve within the tests' process, with "
        "redis on a PostgreSQL beside it",
    )


@pytest.fixture(scope="session")
def house_store(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--house-store"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {folder: number for number, folder in enumerate(LAST_FOLDERS, 1)}
    items.sort(key=lambda item: place.get(folder_of(item), 0))
    for item in items:
        if folder_of(item) == "unit" or item.get_closest_marker("memory"):
            item.add_marker("unit")


def folder_of(item: pytest.Item) -> str:
    return item.path.relative_to(TESTS).parts[0]


@pytest.fixture(autouse=True)
def opened(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Every socket that the test has bound or connected. A unit test speaks to nobody, so it has none."""
    _opened.clear()
    yield _opened
    # Beside other tests a thread of theirs may have opened one.
    if request.config.getoption("markexpr") == "unit":
        assert _opened == []


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with postgres_server(durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def embedded_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A migrated SQLite database that the tests of a session share."""
    return sqlite_in(tmp_path_factory.mktemp("embedded"))


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A fresh SQLite database."""
    return sqlite_in(tmp_path)


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """A fresh PostgreSQL database."""
    name = postgres.copy()
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh database of each kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(scope="session")
def valkey() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def redis7() -> Iterator[RedisServer]:
    with redis_server(program=redis7_program()) as server:
        yield server


@pytest.fixture(scope="session")
def valkey_cluster() -> Iterator[RedisCluster]:
    with redis_cluster() as cluster:
        yield cluster


@pytest.fixture
def valkey_url(request: pytest.FixtureRequest) -> str:
    """A Valkey with nothing in it."""
    return emptied(request, "valkey", "JARI_TEST_REDIS")


@pytest.fixture
def redis7_url(request: pytest.FixtureRequest) -> str:
    """A Redis 7 with nothing in it."""
    return emptied(request, "redis7")


@pytest.fixture
def cluster_url(request: pytest.FixtureRequest) -> str:
    """A Valkey cluster of three masters with nothing in it."""
    return emptied(request, "valkey_cluster", "JARI_TEST_REDIS_CLUSTER")


def emptied(request: pytest.FixtureRequest, fixture: str, variable: str = "") -> str:
    """The address of that server, or of the one that the environment names, without what earlier tests left."""
    url = os.environ.get(variable) or str(request.getfixturevalue(fixture).url)
    empty(url)
    return url


@pytest.fixture(params=["valkey", "cluster", "redis7"])
def redis_url(request: pytest.FixtureRequest) -> str:
    """An empty Redis of each kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def make_redis(tmp_path: Path) -> Iterator[Callable[..., RedisServer]]:
    """Starts servers that a test may kill, freeze and start again; options as in Redis's configuration, with ``_``."""
    made: list[RedisServer] = []

    def make(**options: Any) -> RedisServer:
        directory = tmp_path / f"redis-{len(made)}"
        directory.mkdir()
        made.append(RedisServer(directory, **options))
        return made[-1].start()

    yield make
    for server in made:
        server.kill()


@pytest.fixture
def make_redis_cluster() -> Iterator[Callable[[], RedisCluster]]:
    """Starts clusters whose masters a test may kill, freeze and start again."""
    with ExitStack() as made:
        yield lambda: made.enter_context(redis_cluster())


@pytest.fixture
def memory_url() -> str:
    """A fresh memory, shared by all who open it in this test."""
    return f"memory:{uuid.uuid4().hex}"


@pytest.fixture(params=[pytest.param("memory", marks=pytest.mark.memory), "sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest) -> str:
    """A fresh store of each kind, for tests that open it in their own process."""
    if request.param == "memory" and (marker := request.node.get_closest_marker("not_in_memory")):
        pytest.skip(*marker.args)
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def make_world() -> Iterator[Callable[..., World]]:
    made: list[World] = []

    def make(url: str, **settings: Any) -> World:
        made.append(World(url, **settings))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers; what still runs at the end of the test is killed."""
    made: list[Server] = []

    def make(url: str, **settings: object) -> Server:
        made.append(Server(url, tmp_path / f"server-{len(made)}.log", **settings))
        return made[-1].start()

    yield make
    for server in made:
        server.kill()


@pytest.fixture(scope="session")
def shared_server(embedded_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server on the embedded database for all tests that only need some server."""
    server = Server(embedded_url, tmp_path_factory.mktemp("shared") / "server.log", poll_ms=200)
    yield server.start()
    server.kill()


@pytest.fixture(scope="session")
def shared_world(embedded_url: str) -> Iterator[World]:
    world = World(embedded_url)
    yield world
    world.close()
