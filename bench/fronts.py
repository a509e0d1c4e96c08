"""Streams through the proxies of `deploy/`, in front of two servers on one PostgreSQL."""

import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from bench.rows import Row
from bench.stage import on_postgres, serving, world_in
from support import audience
from support.fronts import Caddy, Front, Nginx
from support.servers import Server
from support.worlds import World

VIEWERS, CHANGES = 5_000, 4
POLL_MS = 100


def streams() -> list[Row]:
    """Have so many viewers behind each proxy, and change seats at both servers in turn."""
    rows: list[Row] = []
    with ExitStack() as stack:
        _, url = stack.enter_context(on_postgres())
        world = stack.enter_context(world_in(url))
        servers = [
            stack.enter_context(serving(url, trusted_proxies="127.0.0.1", poll_ms=POLL_MS)) for _ in range(2)
        ]
        for kind in (Caddy, Nginx):
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="jari-bench-")))
            with kind(directory, servers) as front:
                rows += _watched(front, servers, world)
    return rows


def _watched(front: Front, servers: list[Server], world: World) -> list[Row]:
    match, buyers = world.match(), world.buyers(CHANGES)
    stream = f"{front.url}/api/matches/{match.id}/blocks/{match.block_id}/seats/status-stream"
    command = [sys.executable, audience.__file__, stream, str(front.certificate), str(VIEWERS), str(CHANGES)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as crowd:
        assert crowd.stdout is not None
        started = time.monotonic()
        opened = json.loads(crowd.stdout.readline())["opened"]
        opening_seconds = time.monotonic() - started
        for number, buyer in enumerate(buyers):
            server = servers[number % len(servers)]
            with buyer.client(server.url) as client:
                body = {"seatIds": [match.seat_ids[number]]}
                client.post(f"/api/matches/{match.id}/allocations", json=body).raise_for_status()
        changed_at = time.monotonic()
        seen = json.loads(crowd.stdout.readline())
    last_ms = 1000 * (seen["at"][-1] - changed_at) if seen["at"] else float("inf")
    name = type(front).__name__
    return [
        Row(f"streams through {name}: share of {VIEWERS:,} viewers who got every change", seen["complete"] / opened, "",
            at_least=1.0, note=f"opened in {opening_seconds:.0f} s; the last saw the last change {last_ms:.0f} ms after its answer; "
            f"polling each {POLL_MS} ms"),
    ]  # fmt: skip


FIGURES = {"fronts": streams}
