"""A world to test in: venues, schedules and buyers, made in a database through the real stores."""

import asyncio
import itertools
import secrets
import threading
import time
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import httpx

from jari import plans
from jari.domain.schedules import Kind
from jari.domain.seating import Allocation
from jari.domain.users import Role, User
from jari.domain.venues import Block, Grade, Seat, Section, Venue
from jari.main import Stores, open_stores
from jari.settings import Settings
from jari.usecases.organising import Organising
from support.backdoors import WEEK_MS, LoggedIn, backdoor_of

T = TypeVar("T")
GAP = 20.0
_numbers = itertools.count(1)


def hall(*, blocks: int = 1, rows: int = 5, cols: int = 10, name: str = "") -> Venue:
    """A rectangular venue: every block has ``rows`` times ``cols`` seats; rows are numbered through."""
    made = tuple(
        Block(
            f"{101 + block}",
            tuple(
                Seat(
                    guid=f"{101 + block}-{row + 1}-{col + 1}",
                    row=block * rows + row + 1,
                    col=col + 1,
                    row_label=str(row + 1),
                    seat_label=str(col + 1),
                    x=GAP * (col + 1 + block * (cols + 2)),
                    y=GAP * (row + 1),
                    grade="red",
                )
                for row in range(rows)
                for col in range(cols)
            ),
        )
        for block in range(blocks)
    )
    return Venue(
        name=name or f"Hall {next(_numbers)}-{secrets.token_hex(3)}",
        currency="KRW",
        width=GAP * (cols + 2) * blocks,
        height=GAP * (rows + 2),
        grades=(Grade("red", "레드석", "#d03030", 15_000),),
        sections=(Section("1루 레드석", "red", made),),
    )


@dataclass(frozen=True)
class Match:
    """An occasion with the ids of its seats, block by block, in plan order."""

    id: int
    venue_id: int
    venue: Venue
    block_ids: dict[str, int]
    seat_ids_of_block: dict[str, list[int]]

    @property
    def seat_ids(self) -> list[int]:
        return [seat_id for ids in self.seat_ids_of_block.values() for seat_id in ids]

    @property
    def block_id(self) -> int:
        return next(iter(self.block_ids.values()))

    @property
    def seat_at(self) -> dict[tuple[int, int], int]:
        return dict(zip(((seat.row, seat.col) for seat in self.venue.seats()), self.seat_ids, strict=True))


@dataclass(frozen=True)
class Buyer:
    """A buyer who is logged in."""

    user: User
    token: str

    @property
    def id(self) -> int:
        return self.user.id

    @property
    def cookies(self) -> dict[str, str]:
        return {"jari": self.token}

    def client(self, url: str) -> httpx.Client:
        return httpx.Client(base_url=url, cookies=self.cookies, timeout=30)


class World:
    """Writes into one database from outside the servers that are tested.

    Its event loop runs in another thread, so that it also works while a browser test occupies the main thread.
    """

    def __init__(self, database_url: str, **settings: Any) -> None:
        self.database_url = database_url
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.stores: Stores = self.run(open_stores(Settings(database=database_url, **settings)))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def close(self) -> None:
        self.run(self.stores.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def match(
        self,
        venue: Venue | None = None,
        *,
        title: str = "LG : Doosan",
        opened: bool = True,
        **hall_options: Any,
    ) -> Match:
        return self.run(make_match(self.stores, venue or hall(**hall_options), title=title, opened=opened))

    def ballpark(self) -> Match:
        return self.match(plans.read_plan(plans.sample("ballpark"), file="ballpark.json"))

    def buyers(self, count: int, role: Role = Role.BUYER) -> list[Buyer]:
        return self.run(make_buyers(self.stores, count, role))

    def buyer(self, role: Role = Role.BUYER) -> Buyer:
        return self.buyers(1, role)[0]

    def allocations(self, match: Match) -> list[Allocation]:
        """The allocations in the store, those of ended holds included."""
        loaded = self.run(self.stores.seating.load(match.id, 0))
        return sorted(loaded.allocations, key=lambda each: each.seat_id)

    def another_match(self, match: Match) -> Match:
        """One more occasion in the same venue, with the same seats."""
        return replace(match, id=self.run(make_schedule(self.stores, match.venue_id, title="LG : KT")))


async def make_match(
    stores: Stores, venue: Venue | None = None, *, title: str = "LG : Doosan", opened: bool = True
) -> Match:
    venue = venue or hall()
    venue_id, _ = await Organising(stores.catalogue, stores.news).import_venue(venue)
    schedule_id = await make_schedule(stores, venue_id, title=title, opened=opened)
    seat_ids = await stores.catalogue.seat_ids(venue_id)
    return Match(
        schedule_id,
        venue_id,
        venue,
        dict(await stores.catalogue.block_ids(venue_id)),
        {block.name: [seat_ids[seat.guid] for seat in block.seats] for _, block in venue.blocks()},
    )


async def make_schedule(stores: Stores, venue_id: int, *, title: str, opened: bool = True) -> int:
    organising = Organising(stores.catalogue, stores.news)
    schedule_id = await organising.create_schedule(
        venue_id=venue_id, kind=Kind.MATCH, title=title, starts_ms=_in_a_week_ms(), opens_ms=None
    )
    if opened:
        await organising.open_sale(schedule_id)
    return schedule_id


async def make_buyers(stores: Stores, count: int, role: Role = Role.BUYER) -> list[Buyer]:
    """Make accounts with a session each. Nobody can log in to them: passwords would cost a hash each."""
    made = [
        LoggedIn(f"buyer-{secrets.token_hex(6)}@example.com", secrets.token_urlsafe(24)) for _ in range(count)
    ]
    await backdoor_of(stores).put_users(made, role)
    users = await stores.accounts.sessions([each.token_hash for each in made])
    return [Buyer(users[each.token_hash], each.token) for each in made]


def _in_a_week_ms() -> int:
    return int(time.time() * 1000) + WEEK_MS
