"""The recipe for the sandbox in docs/operations.md, done as it stands there: only the ports are others."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from support.sandboxes import checkout, parameters_of
from support.servers import END_SECONDS, START_SECONDS, free_port
from support.worlds import World

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
SANDBOX_PORT, SERVER_PORT = "9000", "8000"


def recipe() -> tuple[str, str]:
    """The commands for the two terminals."""
    _, _, text = OPERATIONS.read_text().partition("To try it without an account there")
    sandbox, server = re.findall(r"^```\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)[:2]
    return sandbox, server


@contextmanager
def terminal(commands: str, directory: Path, **environment: str) -> Iterator[Path]:
    """A shell that types these commands; the file that it prints to."""
    printed = directory / f"terminal-{len(list(directory.iterdir()))}.log"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("JARI_")}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with printed.open("wb") as out:
        shell = subprocess.Popen(
            ["sh", "-e", "-c", commands],
            cwd=directory,
            env={**clean, "PATH": path, **environment},
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        yield printed
    finally:
        os.killpg(shell.pid, signal.SIGTERM)
        shell.wait(END_SECONDS)


def wait_for(url: str, printed: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            if httpx.get(url, timeout=2).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
        assert time.monotonic() < until, printed.read_text()


def test_a_ticket_is_bought_by_the_recipe(tmp_path: Path, make_world: Callable[[str], World]) -> None:
    sandbox_commands, server_commands = recipe()
    ports = {SANDBOX_PORT: f"{free_port()}", SERVER_PORT: f"{free_port()}"}
    gateway, shop = (f"http://127.0.0.1:{port}" for port in ports.values())
    sandbox_commands = sandbox_commands.replace(SANDBOX_PORT, ports[SANDBOX_PORT])
    server_commands = server_commands.replace(SANDBOX_PORT, ports[SANDBOX_PORT])
    with (
        terminal(sandbox_commands, tmp_path) as sandbox_log,
        terminal(server_commands, tmp_path, JARI_PORT=ports[SERVER_PORT]) as server_log,
    ):
        wait_for(f"{gateway}/livez", sandbox_log)
        wait_for(f"{shop}/readyz", server_log)
        world = make_world(f"sqlite:///{tmp_path / 'jari.db'}")
        match = world.match()
        with world.buyer().client(shop) as client:
            config = client.get("/api/payments/config").raise_for_status().json()["data"]
            assert httpx.get(config["scriptUrl"]).is_success
            held = {"seatIds": match.seat_ids[:2]}
            client.post(f"/api/matches/{match.id}/allocations", json=held).raise_for_status()
            made = client.post("/api/reservations", json={"scheduleId": match.id}).json()["data"]
            form = {**checkout(made["orderId"], made["amount"]), "choice": "good"}
            back = parameters_of(httpx.post(f"{gateway}/pay", data=form).headers["location"])
            paid = {"orderId": made["orderId"], "amount": made["amount"], "paymentKey": back["paymentKey"]}
            answer = client.post("/api/payments/confirm", json=paid)
            assert answer.status_code == 200, answer.text
