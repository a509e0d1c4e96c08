"""What the use cases need from outside.

Every store is there three times for real, on SQLite, on PostgreSQL and in memory, and all pass one contract suite.
Times are milliseconds since 1970; those that decide anything come from the store's own clock.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from jari.domain.box_office import Update
from jari.domain.gateways import Hint, Record, Said
from jari.domain.payments import NoAnswer
from jari.domain.reservations import Reservation
from jari.domain.schedules import Filter, Kind, Listing, Sale, Schedule
from jari.domain.seating import Allocation, Effect
from jari.domain.seatmap import Commit, Layout
from jari.domain.tenures import Tenure
from jari.domain.tickets import Ticket
from jari.domain.users import Role, User
from jari.domain.venues import Venue
from jari.domain.webhooks import Webhook


class Clock(Protocol):
    """What time it is. Waiting needs no port: the event loop's own clock decides how long it takes."""

    def now_ms(self) -> int:
        """Milliseconds since 1970, by a clock that may be set."""

    def seconds(self) -> float:
        """Seconds since some moment, by a clock that nobody can set: for spans of time."""


class Chance(Protocol):
    """What cannot be foreseen. `random.SystemRandom` is one that nobody can guess, `random.Random` one with a seed."""

    def randbytes(self, n: int, /) -> bytes:
        """So many bytes: for tokens, keys and names."""

    def random(self) -> float:
        """From 0 up to 1: spreads what would come at once."""


@dataclass(frozen=True, slots=True)
class RequestKey:
    """An Idempotency-Key within its scope, and the fingerprint of the request that it came with."""

    scope: str
    key: str
    fingerprint: str

    @property
    def name(self) -> tuple[str, str]:
        """What tells keys apart."""
        return self.scope, self.key


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What a request with this key was answered."""

    request: RequestKey
    answer: str


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """The moving part of a schedule; ``layout_revision`` counts the plans its venue has had."""

    epoch: str
    version: int
    sale: Sale
    layout_revision: int


@dataclass(frozen=True, slots=True)
class LoadedSeating:
    """A schedule at one version, read in one transaction, with the last commits that led there."""

    state: ScheduleState
    now_ms: int
    allocations: Sequence[Allocation]
    commits: Sequence[Commit]


@dataclass(frozen=True, slots=True)
class Decision:
    """All that one batch writes."""

    commit: Commit
    effects: Sequence[Effect]
    updates: Sequence[Update] = ()
    answers: Sequence[StoredAnswer] = ()
    tenures: Sequence[Tenure] = ()


class SeatingTransaction(Protocol):
    """One batch of one schedule. Its version is taken, so no other writer of the schedule is under way."""

    state: ScheduleState  # with the version that this transaction will commit
    now_ms: int

    async def read(
        self, seat_ids: Sequence[int], buyer_ids: Sequence[int], kept: Sequence[tuple[int, int]] = ()
    ) -> tuple[Sequence[Allocation], Sequence[Tenure]]:
        """Every allocation of these seats and of these buyers here, and the tenures ``kept``, as (buyer, seat)."""

    async def answers(self, requests: Sequence[RequestKey]) -> Sequence[StoredAnswer]:
        """The stored answers under these keys, whatever their fingerprint."""

    async def reservations(
        self, ids: Sequence[int], payment_keys: Sequence[str], buyer_ids: Sequence[int]
    ) -> Sequence[Reservation]:
        """These reservations, those that have these payments, and the PENDING ones of these buyers here."""

    async def write(self, decision: Decision) -> None:
        """Write all; raises StaleDecision where a seat is not as ``before`` says. Commits when the block ends."""


class SeatingStore(Protocol):
    """Allocations, versions and the change log."""

    def transaction(self, schedule_id: int) -> AbstractAsyncContextManager[SeatingTransaction]:
        """Take the schedule's next version; without a `write` in the block nothing changes. Raises NotFound."""

    async def load(self, schedule_id: int, commit_limit: int) -> LoadedSeating:
        """The whole seating, consistent. Raises NotFound."""

    async def answers(self, requests: Sequence[RequestKey]) -> Sequence[StoredAnswer]:
        """The stored answers under these keys, whatever their fingerprint."""

    async def allocations_of(self, schedule_id: int, buyer_id: int) -> tuple[int, Sequence[Allocation]]:
        """The store's time, and all that a buyer has in a schedule, ended holds included."""

    async def states(self, schedule_ids: Sequence[int]) -> tuple[int, Mapping[int, ScheduleState]]:
        """The store's time, and how far each of these schedules is."""

    async def commits_after(self, schedule_id: int, version: int, limit: int) -> Sequence[Commit]:
        """The next commits in order; the first has version + 1 unless the log was trimmed past it."""

    async def ended_holds(self, limit: int) -> Mapping[int, Sequence[int]]:
        """Schedule → seats whose hold has ended but is still recorded."""

    async def renew_epoch(self, schedule_id: int) -> None:
        """Name a new run of versions: whoever knows the old one starts over."""

    async def trim(
        self, keep_commits: int, keep_answers_ms: int, outbox_size: int = 0, cool_down_ms: int = 0
    ) -> Sequence[int]:
        """Forget commits, stored answers and tenures that are older than that.

        Of the commits that webhooks are still to be told of, so many are kept all the same. Returns the schedules
        in which some of them had to go.
        """

    async def dead_versions(self) -> int:
        """How many old versions of schedules' rows the store cannot clean away, because somebody may still look."""


@dataclass(frozen=True, slots=True)
class Due:
    """Where something of a sale waits to be done: a payment to be settled, or a refund to be given."""

    schedule_id: int
    reservation_id: int
    id: int


SEAT_FAULTS = ("allocation_without_seat", "place_sold_twice", "ticket_without_seat")


class ReservationStore(Protocol):
    """Reservations as they are read outside the till, and the numbers of new ones."""

    async def take_numbers(self, count: int) -> int:
        """The first of so many numbers that nobody has had."""

    async def reservation(self, reservation_id: int) -> Reservation | None:
        """One reservation, whole."""

    async def reservation_of_payment(self, payment_id: int) -> Reservation | None:
        """The reservation that a payment pays."""

    async def of_buyer(self, buyer_id: int, before_id: int | None, limit: int) -> Sequence[Reservation]:
        """A buyer's reservations, newest first."""

    async def of_schedule(self, schedule_id: int, before_id: int | None, limit: int) -> Sequence[Reservation]:
        """A schedule's reservations, newest first."""

    async def ended(self, limit: int) -> Sequence[Due]:
        """PENDING reservations whose time is over and that are not being paid; ``id`` repeats the reservation's."""

    async def unsettled_payments(self, limit: int) -> Sequence[Due]:
        """CONFIRMING payments that somebody must look after by now."""

    async def due_refunds(self, limit: int) -> Sequence[Due]:
        """DUE refunds that somebody must look after by now."""

    async def has_unsettled(self) -> bool:
        """Whether a payment is CONFIRMING or a refund DUE, whenever somebody is to look after it."""

    async def seat_faults(self, since_start_ms: int) -> Mapping[str, int]:
        """What must never be, counted in one look: each of `SEAT_FAULTS` → how many.

        ``allocation_without_seat``: its seat is not in the venue's plan; ``place_sold_twice``: a printed place for
        which a schedule has two good tickets; ``ticket_without_seat``: its seat is not its buyer's. Schedules that
        began longer ago than ``since_start_ms`` are left out.
        """


class DutyStore(Protocol):
    """What the processes agree on among themselves."""

    async def take_lease(self, name: str, holder: str, lease_ms: int) -> bool:
        """Whether the holder has this duty for so long, by the store's clock: nobody else has it then."""

    async def secret(self, name: str, fresh: bytes) -> bytes:
        """The secret of that name; the fresh one is kept if there was none."""


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A venue's plan of one revision; block ids by name, seat ids by guid."""

    revision: int
    venue: Venue
    block_ids: Mapping[str, int]
    seat_ids: Mapping[str, int]


class CatalogueStore(Protocol):
    """Venues and schedules."""

    async def save_venue(self, venue: Venue) -> tuple[int, bool]:
        """Insert, or replace the plan of the venue of that name: its id, and whether it is new. Raises PlanDropsSeats."""

    async def venue(self, venue_id: int) -> Venue:
        """The whole plan. Raises NotFound."""

    async def plan(self, venue_id: int) -> StoredPlan:
        """The whole plan with its ids, of one revision. Raises NotFound."""

    async def venues(self) -> Sequence[tuple[int, str, int]]:
        """Id, name and number of seats of each."""

    async def seat_ids(self, venue_id: int) -> Mapping[str, int]:
        """Guid → seat id."""

    async def block_ids(self, venue_id: int) -> Mapping[str, int]:
        """Block name → block id."""

    async def layout(self, schedule_id: int) -> Layout:
        """The seats of the schedule's venue in plan order. Raises NotFound."""

    async def create_schedule(
        self, *, venue_id: int, kind: Kind, title: str, starts_ms: int, sale: Sale
    ) -> int:
        """The new schedule's id. Raises NotFound."""

    async def set_sale(self, schedule_id: int, *, enabled: bool) -> None:
        """Open at once, or close. Raises NotFound."""

    async def schedule(self, schedule_id: int) -> Schedule:
        """One schedule. Raises NotFound."""

    async def schedules(self, chosen: Filter, *, offset: int, limit: int) -> Listing:
        """So many of the chosen schedules after the first ``offset``; their status is that by the store's clock."""


class AccountStore(Protocol):
    """Users and sessions. Every time is judged by the store's clock: those of the processes may differ."""

    async def add_user(
        self,
        *,
        email: str,
        name: str,
        password_hash: str,
        role: Role,
        request: RequestKey | None,
    ) -> User:
        """The new user; the key is stored in the same transaction. Raises EmailTaken."""

    async def user_by_email(self, email: str) -> tuple[User, str] | None:
        """The user and the password's hash."""

    async def sign_up_of(self, request: RequestKey) -> StoredAnswer | None:
        """The stored answer of an earlier sign-up under this key."""

    async def change_password(
        self, user_id: int, old_hash: str, new_hash: str, kept_session: bytes
    ) -> Sequence[bytes] | None:
        """Change the hash and end all sessions but one: those that ended. None where the old hash is no longer it."""

    async def add_session(
        self, token_hash: bytes, user_id: int, password_hash: str, *, lifetime_ms: int, max_sessions: int
    ) -> Sequence[bytes] | None:
        """Remember a session for so long, and end the oldest beyond the limit: those that ended.

        None where the password's hash, which the log-in was let in by, is no longer the user's.
        """

    async def sessions(self, token_hashes: Sequence[bytes]) -> Mapping[bytes, User]:
        """Those of these sessions that are good, with their users."""

    async def end_session(self, token_hash: bytes) -> None:
        """End a session everywhere."""

    async def end_sessions(self, user_id: int) -> Sequence[bytes]:
        """End all sessions of a user everywhere: those that ended."""

    async def ended_sessions(self, within_ms: int) -> Sequence[bytes]:
        """Sessions that were ended in the last so many milliseconds."""

    async def forget_ended(self) -> None:
        """Delete sessions and windows of attempts whose time is over."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """What the checkout page needs to ask a gateway for a payment."""

    gateway: str  # its name
    script_url: str  # of the gateway's own script
    client_key: str  # what that is told; no secret
    sources: str  # what else the page may load, talk to and open


class Gateway(Protocol):
    """A payment gateway. No call raises, and each ends within a time limit: a time-out is NoAnswer."""

    name: str
    currency: str  # the only one that it charges in
    checkout: Checkout

    async def confirm(self, *, payment_key: str, order_id: str, amount: int, idempotency_key: str) -> Said:
        """Charge a payment that the buyer has authenticated."""

    async def cancel(self, *, payment_key: str, amount: int, reason: str, idempotency_key: str) -> Said:
        """Give back so much of a payment."""

    async def look_up(self, payment_key: str) -> Record | NoAnswer | None:
        """The payment with this key; None where the gateway says that there is none."""

    def read_hint(self, body: bytes, headers: Mapping[str, str]) -> Hint:
        """Where a message of the gateway's says to look; it is not believed. Raises Invalid if it makes no sense."""

    async def close(self) -> None:
        """Close the connections; no call may follow."""


class TicketSigner(Protocol):
    """Signs tickets so that anybody with the public key can tell that they are ours."""

    def sign(self, ticket: Ticket) -> str:
        """The ticket's code."""

    def verify(self, token: str) -> Ticket:
        """The ticket that the code was made for. Raises BadTicket."""

    def public_jwk(self) -> dict[str, str]:
        """The public key as a JSON Web Key."""


class Passwords(Protocol):
    """Hashes passwords so that guessing is dear, without holding up the event loop. Raises Unavailable when too many wait."""

    async def hash(self, password: str) -> str:
        """The hash to store."""

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Whether the password fits; with no hash, False after the same time."""


class AttemptStore(Protocol):
    """Counting what is limited: in memory where one process is all there is, else in the database, by its clock."""

    async def count_attempt(self, bucket: str, window_ms: int) -> tuple[int, int]:
        """Count one attempt in the bucket's window: how many there are now, and in how many ms the window ends."""

    async def attempts_counted(self, bucket: str) -> int:
        """How many attempts there are in the bucket's window."""

    async def forgive_attempt(self, bucket: str) -> None:
        """Take one attempt back."""


@dataclass(frozen=True, slots=True)
class Relayed:
    """What a relay has passed on; ``lost`` is schedule → commits that were forgotten before it came to them."""

    commits: int
    deliveries: int
    lost: Mapping[int, int]
    deaf: Sequence[int] = ()  # webhooks that were not told, because too much waits for them already


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to a webhook; ``attempt`` counts the tries that failed, ``error`` is the last one's."""

    id: int
    webhook_id: int
    event_id: str
    kind: str
    body: str
    attempt: int
    error: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A try that failed: the next is due in ``retry_ms``, or never (None), and the delivery is a dead letter."""

    delivery_id: int
    error: str
    retry_ms: int | None


class WebhookStore(Protocol):
    """Webhooks, and the deliveries that the change log makes for them."""

    async def add(self, url: str, secret: bytes, patterns: Sequence[str], limit: int) -> Webhook:
        """A new webhook, told of what is committed from now on. Raises Conflict where there are so many."""

    async def counts(self) -> Sequence[tuple[Webhook, int, int]]:
        """Each webhook with the number of its deliveries that wait, and of its dead letters."""

    async def remove(self, webhook_id: int) -> None:
        """Forget a webhook with its deliveries. Raises NotFound."""

    async def relay(self, limit: int, max_waiting: int = 100_000) -> Relayed:
        """Make deliveries of the next commits, about ``limit`` of them, each commit once, all in one transaction."""

    async def waiting(self) -> Sequence[Webhook]:
        """The webhooks for which a delivery is due."""

    async def due(self, webhook_id: int, limit: int) -> Sequence[Delivery]:
        """Deliveries of a webhook whose time has come, in the order of their times."""

    async def settle(self, delivered: Sequence[int], undelivered: Sequence[Undelivered]) -> None:
        """Forget these deliveries, and keep those for another try or as dead letters."""

    async def dead(self, limit: int) -> Sequence[Delivery]:
        """Dead letters, the latest first."""

    async def revive(self, ids: Sequence[int] | None) -> int:
        """Try these dead letters (None: all) again from the beginning; how many there were."""

    async def forget_dead(self, keep_ms: int) -> int:
        """Delete dead letters that died longer ago than that; how many there were."""


@dataclass(frozen=True, slots=True)
class SignedEvent:
    """What a receiver is sent in one try: the event's id, when it is sent, the signature over all of it, and the body."""

    event_id: str
    timestamp_seconds: int
    signature: str
    body: bytes


class NotDelivered(Exception):
    """A webhook's receiver gave no answer; the message says why."""


class WebhookSender(Protocol):
    """Carries deliveries over HTTP."""

    async def send(self, url: str, event: SignedEvent) -> int:
        """POST once, follow nothing, end within a time limit: the answer's status. Raises NotDelivered."""
