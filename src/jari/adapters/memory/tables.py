"""What the memory stores share: the tables, and the lock that makes their writers take turns."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from jari.adapters.memory.attempts import MemoryAttemptStore
from jari.adapters.memory.claims import MemoryRequestClaims
from jari.adapters.memory.news import MemoryNews
from jari.adapters.memory.sales import Sales
from jari.domain.schedules import Kind, Schedule, no_schedule
from jari.domain.seating import Allocation
from jari.domain.tenures import Tenure
from jari.domain.users import User
from jari.domain.venues import SeatName, Venue, no_venue
from jari.domain.webhooks import Webhook
from jari.ports.answers import StoredAnswer
from jari.ports.relays import LoggedCommit
from jari.ports.seating import ScheduleState
from jari.ports.system import Chance, Clock
from jari.ports.webhooks import Delivery

MEMORY = "memory:"  # the URL of a memory without a name
EPOCH_BYTES = 4


@dataclass(slots=True)
class VenueRecord:
    """A venue's plan of one revision, with the ids of its present seats, in plan order, and of its former ones."""

    id: int
    revision: int
    venue: Venue
    block_ids: dict[str, int]
    seats: dict[SeatName, int]
    former: dict[SeatName, int]
    seat_ids: frozenset[int] = frozenset()


@dataclass(slots=True)
class ScheduleRecord:
    """A schedule with all that changes in it; ``passed_on`` is relay → the version to which it has come."""

    id: int
    venue: VenueRecord
    kind: Kind
    title: str
    starts_ms: int
    state: ScheduleState
    allocations: dict[int, Allocation] = field(default_factory=dict)  # by seat
    tenures: dict[tuple[int, int], Tenure] = field(default_factory=dict)  # by buyer and seat
    log: list[LoggedCommit] = field(default_factory=list)
    passed_on: dict[str, int] = field(default_factory=dict)

    def shown(self) -> Schedule:
        """The schedule as the catalogue shows it."""
        return Schedule(
            id=self.id,
            kind=self.kind,
            title=self.title,
            venue_id=self.venue.id,
            venue_name=self.venue.venue.name,
            seat_count=len(self.venue.seats),
            starts_ms=self.starts_ms,
            sale=self.state.sale,
            layout_revision=self.state.layout_revision,
        )

    def forget_tenures(self, ended_before_ms: int) -> None:
        """Forget those that ended so long ago."""
        self.tenures = {name: each for name, each in self.tenures.items() if each.ended_ms >= ended_before_ms}

    def commits_after(self, version: int, limit: int | None = None) -> list[LoggedCommit]:
        """The next commits in order. The log has no gap, so a commit's version tells its place."""
        start = max(0, version + 1 - self.log[0].commit.version) if self.log else 0
        return self.log[start : None if limit is None else start + limit]


@dataclass(slots=True)
class UserRecord:
    """A user, and the hash of their password."""

    user: User
    password_hash: str


@dataclass(slots=True)
class SessionRecord:
    """A session; ``ended_ms`` is when somebody ended it before its time."""

    user_id: int
    expires_ms: int
    ended_ms: int | None = None

    def is_good(self, now_ms: int) -> bool:
        """Whether it lets anybody in."""
        return self.ended_ms is None and self.expires_ms > now_ms


@dataclass(slots=True)
class DeliveryRecord:
    """A delivery that is due at ``next_try_ms``, or that has been a dead letter since then."""

    delivery: Delivery
    next_try_ms: int
    is_dead: bool = False


class Memory:
    """The tables of one database. They belong to one event loop: nothing else happens between two awaits."""

    def __init__(self, clock: Clock, chance: Chance) -> None:
        self.clock = clock
        self.venues: dict[int, VenueRecord] = {}
        self.schedules: dict[int, ScheduleRecord] = {}
        self.sales = Sales()
        self.answers: dict[tuple[str, str], tuple[StoredAnswer, int]] = {}  # with the time of the commit
        self.users: dict[int, UserRecord] = {}
        self.sessions: dict[bytes, SessionRecord] = {}
        self.leases: dict[str, tuple[str, int]] = {}
        self.secrets: dict[str, bytes] = {}
        self.webhooks: dict[int, Webhook] = {}
        self.deliveries: dict[int, DeliveryRecord] = {}
        self.attempts = MemoryAttemptStore(clock)
        self.news = MemoryNews()
        self.claims = MemoryRequestClaims()
        self._chance = chance
        self._writing = asyncio.Lock()
        self._numbers: Counter[str] = Counter()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[int]:
        """Keep all other writers out, and yield the time. Other tasks run first, as they do while a database works."""
        async with self._writing:
            await asyncio.sleep(0)
            yield self.now_ms()

    async def close(self) -> None:
        """Nothing is connected."""

    def now_ms(self) -> int:
        """The store's clock."""
        return self.clock.now_ms()

    def take_numbers(self, noun: str, count: int = 1) -> int:
        """Take ``count`` numbers that no other thing of this noun has had, from 1 on, and return the first."""
        first = self._numbers[noun] + 1
        self._numbers[noun] += count
        return first

    def new_epoch(self) -> str:
        """A name for a run of versions that no run has had."""
        return self._chance.randbytes(EPOCH_BYTES).hex()

    def venue(self, venue_id: int) -> VenueRecord:
        """One venue. Raises NotFound."""
        if venue_id not in self.venues:
            raise no_venue(venue_id)
        return self.venues[venue_id]

    def schedule(self, schedule_id: int) -> ScheduleRecord:
        """One schedule. Raises NotFound."""
        if schedule_id not in self.schedules:
            raise no_schedule(schedule_id)
        return self.schedules[schedule_id]


_memories: WeakValueDictionary[str, Memory] = WeakValueDictionary()


def open_memory(url: str, clock: Clock, chance: Chance) -> Memory:
    """The memory of this name, shared by all who have it open, gone with the last; ``memory:`` is always new."""
    if url == MEMORY:
        return Memory(clock, chance)
    return _memories.setdefault(url, Memory(clock, chance))
