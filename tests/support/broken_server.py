"""A server that is broken on purpose, for tests that must be able to fail.

``python broken_server.py BREAKAGE …`` serves as ``jari serve`` does, with these parts broken:

- ``losers``: the live replica refuses nobody.
- ``decision``: the till does not read which seats are taken before it decides.
- ``database``: the store overwrites rows of others instead of refusing.
- ``lease``: with holds in Redis, nobody waits for another's lease, and nobody asks whether they still have theirs.
- ``version``: with holds in Redis, a decision is carried out whatever the sheet's version is by then.
- ``firming``: a payment begins without making its hold firm, so the hold can end while the gateway is asked.
- ``selling``: a buyer who paid gets the seats, even if they are somebody else's by then.
- ``granting``: every user may do everything, with anybody's things.
- ``describing``: an answer lacks what its type has, and a refusal has a code that no row names.
- ``telling``: no request learns that its client has gone.
- ``die-before-commit``, ``die-after-commit``: SIGKILL ends the process in a batch that changes seats more than once,
  before or after its commit.
- ``mortal``: SIGKILL ends the process once, at the point and for the schedule that the file JARI_CRASH_FILE names. Then
  another process follows. The points are ``<command> before commit`` and ``… after commit`` of every command of the
  till, and ``asking``, ``asked``, ``giving back`` and ``given back`` around the questions to the gateway. SIGUSR1 kills
  the process wherever it is.
"""

import asyncio
import gc
import hashlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import uvloop

from jari import logs
from jari.adapters.payments.toss import TossGateway
from jari.adapters.redis import sheet
from jari.adapters.redis.connection import Script
from jari.adapters.sql import seating_postgres, seating_sqlite
from jari.domain import permissions
from jari.domain.errors import NotFound
from jari.domain.reservations import read_order_id
from jari.domain.seating import Allocation, Change, Seating, Status
from jari.domain.seatmap import SeatMap
from jari.domain.tenures import Tenure
from jari.main import serve
from jari.ports.seating import Decision
from jari.settings import Settings
from jari.usecases.gateways import Gateways
from jari.usecases.refunds import Refunds
from jari.usecases.till import Till
from jari.web.api import operations
from jari.web.api.shapes import Done
from jari.web.protocol import Protocol

OVERWRITE = """ ON CONFLICT (schedule_id, seat_id) DO UPDATE SET status = excluded.status,
buyer_id = excluded.buyer_id, hold_id = excluded.hold_id, expires_ms = excluded.expires_ms"""

LONG_ENOUGH_SECONDS = 0.02
TRANSACTIONS = (seating_sqlite.SqliteSeatingTransaction, seating_postgres.PostgresSeatingTransaction)


def losers() -> None:
    SeatMap.taken_by_others = lambda *_: []  # type: ignore[method-assign]


def decision() -> None:
    async def read_nothing(*_: object) -> tuple[Sequence[Allocation], Sequence[Tenure]]:
        return [], []

    for transaction in TRANSACTIONS:
        transaction.read = read_nothing  # type: ignore[assignment,method-assign]


def database() -> None:
    seating_sqlite.INSERT += OVERWRITE
    seating_postgres.INSERT += OVERWRITE


def lease() -> None:
    rewrite(sheet.LOOK, ("taken = 0", "taken = 1"))
    rewrite(sheet.APPLY, ("if redis.call('GET', KEYS[1]) ~= ARGV[1] then", "if false then"))
    read = sheet.Sheet.read

    async def read_slowly(self: Any, *asked: Any) -> Any:
        seen = await read(self, *asked)
        await asyncio.sleep(LONG_ENOUGH_SECONDS)  # for the other server to read the same
        return seen

    sheet.Sheet.read = read_slowly  # type: ignore[assignment,method-assign]


def version() -> None:
    # The commit's entry is refused, too, where its version is there already.
    rewrite(sheet.APPLY, ("if ARGV[3] ~= '' then", "if false then"), ("redis.call(step", "redis.pcall(step"))


def rewrite(script: Script, *changes: tuple[str, str]) -> None:
    for old, new in changes:
        assert old in script.text
        script.text = script.text.replace(old, new)
    script.digest = hashlib.sha1(script.text.encode(), usedforsecurity=False).hexdigest()


def firming() -> None:
    Seating.firm = lambda *_: None  # type: ignore[method-assign]


def selling() -> None:
    def occupy(self: Seating, buyer_id: int, hold_id: str, seat_ids: tuple[int, ...]) -> None:
        for seat_id in seat_ids:
            self._seats.put(seat_id, Allocation(seat_id, Status.OCCUPIED, buyer_id, hold_id, None))
        self.changes.append(Change(Status.OCCUPIED, seat_ids, buyer_id))

    Seating.occupy = occupy  # type: ignore[method-assign]


def granting() -> None:
    for action, role in permissions._GRANTED:
        if role is not None:
            permissions._GRANTED[action, role] = permissions.Grant.ANY


def describing() -> None:
    operations.ALIVE = Done()  # type: ignore[assignment]
    NotFound.code = "LOST"


def telling() -> None:
    def connection_lost(self: Protocol, _: Exception | None) -> None:
        self.connections.discard(self)

    Protocol.connection_lost = connection_lost  # type: ignore[assignment,method-assign]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_before_commit() -> None:
    before_commit(lambda _, written: die() if len(written.commit.changes) > 1 else None)


def die_after_commit() -> None:
    async def publish(_: Till, commit: Any) -> None:
        if len(commit.changes) > 1:
            die()

    Till._publish = publish  # type: ignore[assignment,method-assign]


def before_commit(act: Callable[[int, Decision], None]) -> None:
    """Call ``act`` with the schedule's id and the decision, when all is written and nothing is committed."""
    for transaction in TRANSACTIONS:
        whole = transaction.write

        async def write(self: Any, written: Decision, whole: Any = whole) -> None:
            await whole(self, written)
            act(self._schedule_id, written)

        transaction.write = write  # type: ignore[assignment,method-assign]


def mortal() -> None:
    commands: ContextVar[list[str]] = ContextVar("commands")
    schedule: ContextVar[int] = ContextVar("schedule")
    commit, publish = Till._commit, Till._publish
    cancel = TossGateway.cancel

    def pass_commands(moment: str, schedule_id: int) -> None:
        for command in commands.get():
            pass_point(f"{command} {moment}", schedule_id)

    async def commit_batch(self: Any, batch: Any, max_size: int) -> Any:
        commands.set([type(entry.command).__name__ for entry in batch])
        return await commit(self, batch, max_size)

    async def publish_commit(self: Any, committed: Any) -> None:
        pass_commands("after commit", self._schedule.id)
        await publish(self, committed)

    async def cancel_payment(self: Any, **question: Any) -> Any:
        said = await cancel(self, **question)
        pass_point("given back", schedule.get())
        return said

    before_commit(lambda schedule_id, _: pass_commands("before commit", schedule_id))
    for owner, name, broken in (
        (Till, "_commit", commit_batch),
        (Till, "_publish", publish_commit),
        (Gateways, "charge", asking(Gateways.charge)),
        (Gateways, "charge_again", asking(Gateways.charge_again)),
        (Refunds, "_give_back", giving_back(Refunds._give_back, schedule)),
        (Refunds, "_give_back_again", giving_back(Refunds._give_back_again, schedule)),
        (TossGateway, "cancel", cancel_payment),
    ):
        setattr(owner, name, broken)


def asking(ask: Any) -> Any:
    async def ask_gateway(self: Any, order_id: str, payment: Any) -> Any:
        schedule_id, _ = read_order_id(order_id)
        pass_point("asking", schedule_id)
        answer = await ask(self, order_id, payment)
        pass_point("asked", schedule_id)
        return answer

    return ask_gateway


def giving_back(give_back: Any, schedule: ContextVar[int]) -> Any:
    async def give_money_back(self: Any, reservation: Any, refund: Any) -> Any:
        pass_point("giving back", reservation.schedule_id)
        schedule.set(reservation.schedule_id)
        return await give_back(self, reservation, refund)

    return give_money_back


def pass_point(point: str, schedule_id: int) -> None:
    """Die here, once, if the crash file names this point."""
    wish = Path(os.environ["JARI_CRASH_FILE"])
    if wish.exists() and wish.read_text() == f"{point} {schedule_id}":
        wish.unlink()
        die()


def follow_each_other() -> None:
    """Serve in a child. When it is killed, serve in the next child, without loading the program anew."""
    lifeline, held = os.pipe()
    gc.freeze()  # so that the children go on sharing this memory
    while True:
        child = os.fork()
        if child == 0:
            os.close(held)
            uvloop.run(serve_until_orphaned(lifeline))
            os._exit(0)
        signal.signal(signal.SIGUSR1, lambda *_, child=child: os.kill(child, signal.SIGKILL))
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            sys.exit("the server ended by itself")


async def serve_until_orphaned(lifeline: int) -> None:
    asyncio.get_running_loop().add_reader(lifeline, die)  # readable when the parent has gone
    await serve(Settings.from_environment(os.environ))


BREAKAGES: dict[str, Callable[[], None]] = {
    "losers": losers,
    "decision": decision,
    "database": database,
    "lease": lease,
    "version": version,
    "firming": firming,
    "selling": selling,
    "granting": granting,
    "describing": describing,
    "telling": telling,
    "die-before-commit": die_before_commit,
    "die-after-commit": die_after_commit,
    "mortal": mortal,
}

if __name__ == "__main__":
    for name in sys.argv[1:]:
        BREAKAGES[name]()
    logs.configure()
    if "mortal" in sys.argv:
        follow_each_other()
    uvloop.run(serve(Settings.from_environment(os.environ)))
