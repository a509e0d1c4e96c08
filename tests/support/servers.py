"""A jari server in a process of its own, spoken to over a real socket."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO, Any

from support.nursery import Process, nursery

START_SECONDS = 20.0
END_SECONDS = 15.0
KEEP_SECONDS = 2  # a server closes a connection that was idle for 5: none may be used at that moment
SERVE = ("-m", "jari", "serve")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """``jari serve`` on a database; settings as for ``JARI_<NAME>``.

    Args:
        afresh: whether its interpreter is a new one, as a user's is. Else the process is forked from one that has
            imported jari, which costs a sixth of the time.
    """

    def __init__(
        self,
        database_url: str,
        log_file: Path,
        *,
        program: Sequence[str] = SERVE,
        afresh: bool = False,
        **settings: Any,
    ) -> None:
        self.database_url = database_url
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_file = log_file
        self._program = program
        self._afresh = afresh
        self._settings = {f"JARI_{name.upper()}": str(value) for name, value in settings.items()}
        self.process: Process | None = None

    def start(self) -> "Server":
        environment = outer_environment() | {
            "JARI_DATABASE": self.database_url,
            "JARI_PORT": str(self.port),
            "JARI_SIGN_UPS_PER_ADDRESS": "100000",
            **self._settings,
        }
        with self.log_file.open("ab") as log, Path(os.devnull).open("wb") as nowhere:
            self.process = begin(self._program, environment, nowhere, log, afresh=self._afresh)
        if not comes_up(self.process, self.port, "/readyz"):
            raise AssertionError(f"the server did not start:\n{self.log_file.read_text()}")
        return self

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


def outer_environment() -> dict[str, str]:
    """The environment, without what jari would take for settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("JARI_")}


def begin(
    program: Sequence[str],
    environment: Mapping[str, str],
    stdout: IO[bytes],
    stderr: IO[bytes],
    *,
    afresh: bool = False,
) -> Process:
    """Start ``python PROGRAM …``."""
    if afresh:
        return subprocess.Popen([sys.executable, *program], env=environment, stdout=stdout, stderr=stderr)
    return nursery().bear(program, environment, stdout, stderr)


def comes_up(process: Process, port: int, path: str) -> bool:
    """Whether the process answers in time."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", path)
            if connection.getresponse().status < 300:
                return True
        except (OSError, HTTPException):
            time.sleep(0.02)
        finally:
            connection.close()
    return False
