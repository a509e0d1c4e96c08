"""A schedule's sheet: its seating in Redis, where holds are decided.

::

    jari:{7}:lease          who decides at the moment
    jari:{7}:sheet          the head: epoch and version, sale and plan, how far PostgreSQL has come
    jari:{7}:sheet:seats    seat → allocation
    jari:{7}:sheet:owners   seats by buyer
    jari:{7}:sheet:ends     seats by the end of their hold
    jari:{7}:sheet:tenures  buyer and seat → tenure
    jari:{7}:sheet:open     buyer → how many open reservations
    jari:{7}:sheet:commits  the commits; a version is an entry's id

All keys of a schedule share a hash tag, so they are on one node of a cluster. The lease lets one decide at a time: that
is for speed. A step is taken only on the version that was read: that is for safety.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from redis.exceptions import ResponseError

from jari.adapters.redis.connection import Connection, Script
from jari.adapters.redis.keys import of_schedule
from jari.adapters.redis.node import Entry
from jari.adapters.redis.sheet_rows import (
    EVERYTHING,
    GROUP,
    HEAD,
    LEASE,
    Argument,
    Step,
    entry_id,
    pack,
    read_allocation,
    read_tenure,
    steps_of_stock,
    tenure_name,
    version_of,
)
from jari.adapters.sql.seating_ledger import Stock
from jari.domain.errors import StaleDecision
from jari.domain.schedules import Sale
from jari.domain.seating import Allocation
from jari.domain.tenures import Tenure
from jari.ports.seating import ScheduleState

LOOK = Script(__file__, "look.lua")
READ = Script(__file__, "read.lua")
APPLY = Script(__file__, "apply.lua")
PERSISTED = Script(__file__, "persisted.lua")
ENDED = Script(__file__, "ended.lua")

ASIDE_SECONDS: Final = 60  # what a dead process has written aside goes by itself
STEPS_AT_ONCE: Final = 3  # of up to 1,000 seats, so that Redis answers others meanwhile
DONE: Final = b"done"
ANYTHING: Final = ("", "")  # where steps may be taken whatever the head is …
NOTHING: Final = ("", "-")  # … and only while there is none
PARTS: Final = (
    "lease",
    "sheet",
    "sheet:seats",
    "sheet:owners",
    "sheet:ends",
    "sheet:tenures",
    "sheet:open",
    "sheet:commits",
)


@dataclass(frozen=True, slots=True)
class Head:
    """What the sheet says of itself; PostgreSQL has the versions up to ``persisted``.

    ``mark`` is the one that was made in PostgreSQL before anything here was ahead of it. ``run`` is the run of the server
    that the sheet was written in. ``upgrading`` is set while its next version is being committed in PostgreSQL first.
    """

    state: ScheduleState
    persisted: int
    behind_since_ms: int
    mark: str
    run: str
    upgrading: bool

    @property
    def place(self) -> tuple[str, Argument]:
        """Epoch and version, for steps that are taken on them only."""
        return self.state.epoch, self.state.version

    @property
    def behind(self) -> int:
        """How many versions PostgreSQL does not have."""
        return self.state.version - self.persisted


@dataclass(frozen=True, slots=True)
class Look:
    """A look at a sheet: whether its lease was got, the server's time and run, and the head if there is one."""

    taken: bool
    now_ms: int
    run: str
    head: Head | None

    @property
    def sound(self) -> Head | None:
        """The head, if the sheet is whole and of this run of the server: then nothing was lost since it was written."""
        head = self.head
        return head if head is not None and head.run == self.run and not head.upgrading else None


class Sheet:
    """One schedule's sheet."""

    def __init__(self, redis: Connection, schedule_id: int) -> None:
        self.schedule_id = schedule_id
        self._redis = redis
        self._keys = [of_schedule(schedule_id, part) for part in PARTS]
        (
            self._lease,
            self._head,
            self._seats,
            self._owners,
            self._ends,
            self._tenures,
            self._open,
            self._commits,
        ) = self._keys

    async def look(self, token: str = "", lease_ms: int = 0) -> Look:
        """How the sheet stands; with a token, take its lease if it is free."""
        taken, now_ms, run, fields = await self._redis.run(LOOK, [self._lease, self._head], token, lease_ms)
        return Look(bool(taken), now_ms, run.decode(), _head(_texts(fields)))

    async def read(
        self, seat_ids: Sequence[int], buyer_ids: Sequence[int], kept: Sequence[tuple[int, int]] = ()
    ) -> tuple[int, list[Allocation], list[Tenure]]:
        """The server's time, the allocations of these seats and buyers, and the tenures ``kept``, as (buyer, seat)."""
        names = [tenure_name(*each) for each in kept]
        asked = pack((list(seat_ids), list(buyer_ids), names))
        now_ms, allocations, tenures = await self._redis.run(
            READ, [self._seats, self._owners, self._tenures], asked
        )
        return (
            now_ms,
            [read_allocation(each) for each in allocations],
            [read_tenure(each) for each in tenures],
        )

    async def have_open(self, buyer_ids: Sequence[int]) -> bool:
        """Whether one of these buyers has an open reservation."""
        if not buyer_ids:
            return False
        async with self._redis.commands(self._head) as client:
            counts = await client.hmget(self._open, [str(each) for each in buyer_ids])
        return any(count is not None and int(count) > 0 for count in counts)

    async def take_steps(
        self,
        token: str,
        steps: Iterable[Step],
        *,
        on: tuple[str, Argument] = ANYTHING,
        give_back: bool = False,
    ) -> bool:
        """Take all of these steps, or none: none if the lease is lost, or the sheet is not on that epoch and version."""
        last: list[Step] = [("DEL", LEASE, [])] if give_back else []
        return await self._apply(self._keys, token, on, [*steps, *last])

    async def give_back(self, token: str) -> None:
        """Let others decide."""
        await self.take_steps(token, [], give_back=True)

    async def prolong(self, token: str, lease_ms: int) -> bool:
        """Keep the lease for so long from now on, if it is not lost. Return whether it is kept."""
        return await self.take_steps(token, [("PEXPIRE", LEASE, [lease_ms])])

    async def install(self, token: str, stock: Stock, seen: Look) -> None:
        """Begin the sheet anew with what PostgreSQL has, if it is still as it was seen.

        Raises:
            StaleDecision: the lease is lost, or the sheet is not.
        """
        state = stock.state
        head: dict[str, str | int] = {
            "epoch": state.epoch,
            "version": state.version,
            "enabled": int(state.sale.enabled),
            "opens_ms": state.sale.opens_ms,
            "revision": state.layout_revision,
            "persisted": state.version,
            "run": seen.run,
        }
        aside = [f"{key}:{token}" for key in self._keys]
        written = await self._write_aside(token, aside, [*steps_of_stock(stock)])
        steps: list[Step] = [("UNLINK", number, []) for number in EVERYTHING]
        for number in sorted(written):
            steps += [("RENAME", len(PARTS) + number, [self._keys[number - 1]]), ("PERSIST", number, [])]
        on = NOTHING if seen.head is None else seen.head.place
        if not await self._apply([*self._keys, *aside], token, on, [*steps, head_step(head)]):
            raise lease_lost()

    async def _write_aside(self, token: str, aside: Sequence[str], steps: Sequence[Step]) -> set[int]:
        """Take steps in pieces that hold up nobody, and return the numbers of the keys that there are then."""
        keys = [self._lease, self._head, *aside[2:]]
        for first in range(0, len(steps), STEPS_AT_ONCE):
            some = steps[first : first + STEPS_AT_ONCE]
            going: list[Step] = [("EXPIRE", number, [ASIDE_SECONDS]) for number in {step[1] for step in some}]
            if not await self._apply(keys, token, ANYTHING, [*some, *going]):
                raise lease_lost()
        return {number for command, number, _ in steps if command != "ZREM"}

    async def _apply(
        self, keys: Sequence[str], token: str, on: tuple[str, Argument], steps: Sequence[Step]
    ) -> bool:
        said = await self._redis.run(APPLY, keys, token, *on, pack(steps))
        return bool(said == DONE)

    async def change_sale(self, token: str, state: ScheduleState) -> bool:
        """Let the sheet know whether the sale is open, and from when on."""
        sale: dict[str, str | int] = {"enabled": int(state.sale.enabled), "opens_ms": state.sale.opens_ms}
        return await self.take_steps(token, [head_step(sale)])

    async def note_persisted(self, epoch: str, version: int, since_ms: int, keep_entries: int) -> None:
        """PostgreSQL has the versions up to this one; what it does not have was committed after ``since_ms``."""
        await self._redis.run(PERSISTED, [self._head, self._commits], epoch, version, since_ms, keep_entries)

    async def entries(self, first: int, count: int) -> Sequence[Entry]:
        """The entries of the commits from this version on."""
        async with self._redis.commands(self._head) as client:
            said: Any = await client.xrange(self._commits, entry_id(first), "+", count)
        return list(said)

    async def ended(self, limit: int) -> list[int]:
        """Seats whose hold has ended."""
        return [int(each) for each in await self._redis.run(ENDED, [self._ends], limit)]

    async def forget_tenures(self, ended_before_ms: int) -> None:
        """Forget the tenures that ended before then."""
        async with self._redis.commands(self._head) as client:
            old = [
                name async for name, text in client.hscan_iter(self._tenures)
                if read_tenure(text).ended_ms < ended_before_ms
            ]  # fmt: skip
            if old:
                await client.hdel(self._tenures, *old)

    async def trim(self, first: int) -> None:
        """Forget the commits before this version."""
        async with self._redis.commands(self._head) as client:
            await client.xtrim(self._commits, minid=entry_id(max(0, first)), approximate=False)

    # The group of those who persist: each entry wakes one of them.

    async def wakes(self, consumer: str) -> int | None:
        """The version of an entry that is this consumer's to look after, if there is one that nobody has."""
        async with self._redis.commands(self._head) as client:
            try:
                said: Any = await client.xreadgroup(GROUP, consumer, {self._commits: ">"}, count=1)
            except ResponseError as error:
                if not str(error).startswith("NOGROUP"):
                    raise
                with suppress(ResponseError):  # another has made it meanwhile
                    await client.xgroup_create(self._commits, GROUP, id="0", mkstream=True)
                return None
        entries = [
            entry for _, entries in (said.items() if isinstance(said, Mapping) else said) for entry in entries
        ]
        return version_of(entries[0]) if entries else None

    async def inherit(self, consumer: str, idle_ms: int) -> Sequence[int]:
        """The versions of entries that others have not looked after for so long; they are this consumer's now."""
        async with self._redis.commands(self._head) as client:
            said: Any = await client.xautoclaim(self._commits, GROUP, consumer, idle_ms)
        return [version_of(entry) for entry in said[1]]

    async def looked_after(self, versions: Sequence[int]) -> None:
        """These entries need nobody any more."""
        async with self._redis.commands(self._head) as client:
            await client.xack(self._commits, GROUP, *map(entry_id, versions))


def lease_lost() -> StaleDecision:
    """The refusal of whoever writes a sheet anew though another has its lease by now."""
    return StaleDecision("The lease was lost while the sheet was written.")


def head_step(fields: Mapping[str, str | int]) -> Step:
    """The step that sets fields of the head."""
    return "HSET", HEAD, [each for field in fields.items() for each in field]


def _texts(flat: Sequence[bytes]) -> dict[str, str]:
    texts = [each.decode() for each in flat]
    return dict(zip(texts[::2], texts[1::2], strict=True))


def _head(fields: Mapping[str, str]) -> Head | None:
    if "version" not in fields:
        return None
    sale = Sale(enabled=fields["enabled"] == "1", opens_ms=int(fields["opens_ms"]))
    return Head(
        ScheduleState(fields["epoch"], int(fields["version"]), sale, int(fields["revision"])),
        persisted=int(fields["persisted"]),
        behind_since_ms=int(fields.get("behind_since", 0)),
        mark=fields.get("mark", ""),
        run=fields["run"],
        upgrading=fields.get("upgrading", "") == "1",
    )
