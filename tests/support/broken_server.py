"""A server that is broken on purpose, for tests that must be able to fail.

``python broken_server.py BREAKAGE …`` serves like ``jari serve`` does, with these parts out of order:

- ``losers``: the live replica refuses nobody.
- ``decision``: the till decides without having read what is taken.
- ``database``: the store overwrites rows of others instead of refusing.
- ``die-before-commit``, ``die-after-commit``: the process dies of SIGKILL in the middle of a batch that holds
  more than one command, before or after its commit.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

import uvloop

from jari import logs
from jari.adapters.sql import seating_postgres, seating_sqlite
from jari.domain.seating import Allocation
from jari.domain.seatmap import SeatMap
from jari.main import serve
from jari.settings import Settings
from jari.usecases.till import Till

OVERWRITE = """ ON CONFLICT (schedule_id, seat_id) DO UPDATE SET status = excluded.status,
buyer_id = excluded.buyer_id, hold_id = excluded.hold_id, expires_ms = excluded.expires_ms"""

TRANSACTIONS = (seating_sqlite.SqliteSeatingTransaction, seating_postgres.PostgresSeatingTransaction)


def losers() -> None:
    SeatMap.taken_by_others = lambda *_: []  # type: ignore[assignment,method-assign]


def decision() -> None:
    async def read_nothing(*_: object) -> Sequence[Allocation]:
        return []

    for transaction in TRANSACTIONS:
        transaction.read = read_nothing  # type: ignore[assignment,method-assign]


def database() -> None:
    seating_sqlite.INSERT += OVERWRITE
    seating_postgres.INSERT += OVERWRITE


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_before_commit() -> None:
    for transaction in TRANSACTIONS:
        whole = transaction.write

        async def write(self: Any, effects: Any, commit: Any, answers: Any, whole: Any = whole) -> None:
            await whole(self, effects, commit, answers)
            if len(commit.changes) > 1:
                die()

        transaction.write = write  # type: ignore[method-assign]


def die_after_commit() -> None:
    async def publish(_: Till, commit: Any) -> None:
        if len(commit.changes) > 1:
            die()

    Till._publish = publish  # type: ignore[method-assign]


BREAKAGES: dict[str, Callable[[], None]] = {
    "losers": losers,
    "decision": decision,
    "database": database,
    "die-before-commit": die_before_commit,
    "die-after-commit": die_after_commit,
}

if __name__ == "__main__":
    for name in sys.argv[1:]:
        BREAKAGES[name]()
    logs.configure()
    uvloop.run(serve(Settings.from_environment(os.environ)))
