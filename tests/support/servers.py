"""A jari server in a process of its own, spoken to over a real socket."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

START_SECONDS = 20.0
END_SECONDS = 15.0
SERVE = ("-m", "jari", "serve")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """``jari serve`` on a database; settings as for ``JARI_<NAME>``."""

    def __init__(
        self, database_url: str, log_file: Path, *, program: Sequence[str] = SERVE, **settings: Any
    ) -> None:
        self.database_url = database_url
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_file = log_file
        self._program = program
        self._settings = {f"JARI_{name.upper()}": str(value) for name, value in settings.items()}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Server":
        environment = {name: value for name, value in os.environ.items() if not name.startswith("JARI_")}
        environment |= {
            "JARI_DATABASE": self.database_url,
            "JARI_PORT": str(self.port),
            "JARI_SIGN_UPS_PER_ADDRESS": "100000",
            **self._settings,
        }
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen([sys.executable, *self._program], env=environment, stderr=log)
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            try:
                if httpx.get(f"{self.url}/readyz", timeout=2).is_success:
                    return self
            except httpx.HTTPError:
                time.sleep(0.05)
        raise AssertionError(f"the server did not start:\n{self.log_file.read_text()}")

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> float:
        """Ask the server to end. Returns the seconds it took."""
        started = time.monotonic()
        self._end(signal.SIGTERM)
        return time.monotonic() - started

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def resident_bytes(self) -> int:
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self, kind: str = "") -> int:
        """How many descriptors the server has open: all, or those of one kind such as ``socket:``."""
        assert self.process is not None
        targets = []
        for each in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                targets.append(str(each.readlink()))
        return sum(1 for name in targets if name.startswith(kind))

    def log(self) -> str:
        return self.log_file.read_text()

    def _end(self, number: int) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(END_SECONDS)
