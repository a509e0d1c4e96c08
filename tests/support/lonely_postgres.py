"""A PostgreSQL server for one test. It may fall silent, die and come back without harm to other tests."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from support.databases import Postgres, start_postgres

END_SECONDS = 20.0


class LonelyPostgres(Postgres):
    """The server behind ``admin_url``, with ways to stop and kill its processes."""

    def __init__(self, server: Any) -> None:
        super().__init__(server.get_uri())
        self._server = server

    def freeze(self) -> None:
        """Let the server answer nobody. The kernel still accepts connections for it."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def die(self) -> None:
        """End the server at once, without a checkpoint. From then on the kernel refuses connections."""
        process_id = self._server.get_pid()
        os.kill(process_id, signal.SIGQUIT)
        until = time.monotonic() + END_SECONDS
        while Path(f"/proc/{process_id}").exists() and not _is_zombie(process_id):
            assert time.monotonic() < until, "PostgreSQL does not end"
            time.sleep(0.02)

    def rise(self) -> None:
        """Start the server again, with what was committed."""
        self._server.ensure_postgres_running()

    def _signal(self, number: int) -> None:
        """Signal all processes. The postmaster stops first, so that it starts none meanwhile, and goes on last."""
        postmaster = self._server.get_pid()
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        family = [postmaster, *map(int, children)]
        for process_id in family if number == signal.SIGSTOP else reversed(family):
            with suppress(ProcessLookupError):
                os.kill(process_id, number)


def _is_zombie(process_id: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


@contextmanager
def lonely_postgres() -> Iterator[LonelyPostgres]:
    server = start_postgres("jari-lonely-postgres-")
    postgres = LonelyPostgres(server)
    postgres.prepare()
    try:
        yield postgres
    finally:
        with suppress(FileNotFoundError):  # the test may have left it dead
            postgres.thaw()
        server.cleanup()
