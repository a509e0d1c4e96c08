"""The ports: what the use cases need from outside.

Every store has three real adapters, on SQLite, on PostgreSQL and in memory, and all pass one contract suite.
Times are milliseconds since 1970; every time that decides something comes from the store's own clock.
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
        """Seconds since some moment, by a clock that nobody can set. Use it for spans of time."""


class Chance(Protocol):
    """What cannot be foreseen. Nobody can guess `random.SystemRandom`; `random.Random` repeats itself from a seed."""

    def randbytes(self, n: int, /) -> bytes:
        """``n`` bytes, for tokens, keys and names."""

    def random(self) -> float:
        """A number from 0 up to 1; it spreads out what would come at once."""


@dataclass(frozen=True, slots=True)
class RequestKey:
    """An Idempotency-Key within its scope, and the fingerprint of the request that it came with."""

    scope: str
    key: str
    fingerprint: str

    @property
    def name(self) -> tuple[str, str]:
        """The name of the key: no two keys share it."""
        return self.scope, self.key


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The answer that the first request with this key got."""

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
    """One batch of one schedule. It has taken the next version, so no other writer of the schedule is under way."""

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
        """Write all, to be committed when the block ends. Raises StaleDecision where a seat is not as in ``before``."""


class SeatingStore(Protocol):
    """Allocations, versions and the change log."""

    def transaction(self, schedule_id: int) -> AbstractAsyncContextManager[SeatingTransaction]:
        """Take the schedule's next version. If the block does not `write`, nothing changes. Raises NotFound."""

    async def load(self, schedule_id: int, commit_limit: int) -> LoadedSeating:
        """The whole seating, consistent. Raises NotFound."""

    async def answers(self, requests: Sequence[RequestKey]) -> Sequence[StoredAnswer]:
        """The stored answers under these keys, whatever their fingerprint."""

    async def allocations_of(self, schedule_id: int, buyer_id: int) -> tuple[int, Sequence[Allocation]]:
        """The store's time, and all that a buyer has in a schedule, ended holds included."""

    async def states(self, schedule_ids: Sequence[int]) -> tuple[int, Mapping[int, ScheduleState]]:
        """The store's time, and how far each of these schedules is."""

    async def commits_after(self, schedule_id: int, version: int, limit: int) -> Sequence[Commit]:
        """The next commits in order. The first has version + 1, unless the log was trimmed past that."""

    async def ended_holds(self, limit: int) -> Mapping[int, Sequence[int]]:
        """Schedule → seats whose hold has ended but is still recorded."""

    async def renew_epoch(self, schedule_id: int) -> None:
        """Name a new run of versions: whoever knows the old one starts over."""

    async def trim(
        self, keep_commits: int, keep_answers_ms: int, outbox_size: int = 0, cool_down_ms: int = 0
    ) -> Sequence[int]:
        """Forget commits, stored answers and tenures that are older than that.

        Commits that webhooks are still to be told of stay longer: up to ``outbox_size`` of a schedule. Returns the
        schedules in which some of these had to go.
        """

    async def dead_versions(self) -> int:
        """How many old versions of schedules' rows the store cannot clean away, since somebody may still read them."""


@dataclass(frozen=True, slots=True)
class Due:
    """Work that waits in a sale: a reservation to be closed, a payment to be settled or a refund to be given."""

    schedule_id: int
    reservation_id: int
    id: int


SEAT_FAULTS = ("allocation_without_seat", "place_sold_twice", "ticket_without_seat")


class ReservationStore(Protocol):
    """Reservations as they are read outside the till, and the numbers of new ones."""

    async def take_numbers(self, count: int) -> int:
        """Take ``count`` numbers that nobody has had, and return the first; the others follow it."""

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
        """Whether any payment is CONFIRMING or any refund DUE, even if nobody need look after it yet."""

    async def seat_faults(self, since_start_ms: int) -> Mapping[str, int]:
        """Count what must never be, in one look: each of `SEAT_FAULTS` → how many.

        ``allocation_without_seat``: the venue's plan does not have the seat. ``place_sold_twice``: a schedule has two
        good tickets for one printed place. ``ticket_without_seat``: the seat is not the ticket's buyer's. Schedules
        that began longer ago than ``since_start_ms`` are left out.
        """


class DutyStore(Protocol):
    """What the processes agree on among themselves."""

    async def take_lease(self, name: str, holder: str, lease_ms: int) -> bool:
        """Take the duty for ``lease_ms`` by the store's clock; False if somebody else has it. 0 gives it back."""

    async def secret(self, name: str, fresh: bytes) -> bytes:
        """The secret of that name. If there is none, the fresh one becomes it."""


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
        """Insert the venue, or replace the plan of the one with its name: its id, and whether it is new.

        Raises PlanDropsSeats.
        """

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
        """Open the sale at once, or close it. Raises NotFound."""

    async def schedule(self, schedule_id: int) -> Schedule:
        """One schedule. Raises NotFound."""

    async def schedules(self, chosen: Filter, *, offset: int, limit: int) -> Listing:
        """Up to ``limit`` of the chosen schedules after the first ``offset``, with the status by the store's clock."""


class AccountStore(Protocol):
    """Users and sessions. The store's clock decides every time: those of the processes may differ."""

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
        """The user with this address, and the hash of their password."""

    async def sign_up_of(self, request: RequestKey) -> StoredAnswer | None:
        """The stored answer of an earlier sign-up under this key."""

    async def change_password(
        self, user_id: int, old_hash: str, new_hash: str, kept_session: bytes
    ) -> Sequence[bytes] | None:
        """Change the hash; end all sessions but one, and return the ended ones. None if the hash is not ``old_hash`` any more."""

    async def add_session(
        self, token_hash: bytes, user_id: int, password_hash: str, *, lifetime_ms: int, max_sessions: int
    ) -> Sequence[bytes] | None:
        """Remember a session for ``lifetime_ms``, end the oldest beyond the limit, and return those that ended.

        None if ``password_hash``, by which the user was let in, is no longer the user's.
        """

    async def sessions(self, token_hashes: Sequence[bytes]) -> Mapping[bytes, User]:
        """Those of these sessions that are good, with their users."""

    async def end_session(self, token_hash: bytes) -> None:
        """End a session everywhere."""

    async def end_sessions(self, user_id: int) -> Sequence[bytes]:
        """End all sessions of a user everywhere, and return those that ended."""

    async def ended_sessions(self, within_ms: int) -> Sequence[bytes]:
        """The sessions that were ended in the last ``within_ms`` milliseconds."""

    async def forget_ended(self) -> None:
        """Delete sessions and windows of attempts whose time is over."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """What the checkout page needs to ask a gateway for a payment."""

    gateway: str  # its name
    script_url: str  # of the gateway's own script
    client_key: str  # for that script; no secret
    sources: str  # other places that the page may load from, talk to and open


class Gateway(Protocol):
    """A payment gateway. No call raises, and each ends within a time limit: a time-out is NoAnswer."""

    name: str
    currency: str  # the only one that it charges in
    checkout: Checkout

    async def confirm(self, *, payment_key: str, order_id: str, amount: int, idempotency_key: str) -> Said:
        """Charge a payment that the buyer has authenticated."""

    async def cancel(self, *, payment_key: str, amount: int, reason: str, idempotency_key: str) -> Said:
        """Give back this amount of a payment."""

    async def look_up(self, payment_key: str) -> Record | NoAnswer | None:
        """The payment with this key; None where the gateway says that there is none."""

    def read_hint(self, body: bytes, headers: Mapping[str, str]) -> Hint:
        """Where a message of the gateway, which is not believed, says to look. Raises Invalid if it makes no sense."""

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
    """Hashes passwords so that guessing is dear, off the event loop. Raises Unavailable when too many wait."""

    async def hash(self, password: str) -> str:
        """The hash to store."""

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Whether the password fits the hash. Without a hash the answer is False, and takes as long."""


class AttemptStore(Protocol):
    """Counts attempts: in memory where there is only one process, else in the database, by its clock."""

    async def count_attempt(self, bucket: str, window_ms: int) -> tuple[int, int]:
        """Count one attempt in the bucket's window: how many there are now, and in how many ms the window ends."""

    async def attempts_counted(self, bucket: str) -> int:
        """How many attempts there are in the bucket's window."""

    async def forgive_attempt(self, bucket: str) -> None:
        """Take one attempt back."""


@dataclass(frozen=True, slots=True)
class Relayed:
    """What a relay has passed on; ``lost`` is schedule → how many commits were trimmed before it came to them."""

    commits: int
    deliveries: int
    lost: Mapping[int, int]
    deaf: Sequence[int] = ()  # webhooks that were not told, because too many deliveries wait for them


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to a webhook; ``attempt`` counts the failed tries, ``error`` says why the last one failed."""

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
    """A try that failed. The next is due in ``retry_ms``; if that is None, the delivery is a dead letter."""

    delivery_id: int
    error: str
    retry_ms: int | None


class WebhookStore(Protocol):
    """Webhooks, and the deliveries that the change log makes for them."""

    async def add(self, url: str, secret: bytes, patterns: Sequence[str], limit: int) -> Webhook:
        """A new webhook, told of what is committed from now on. Raises Conflict if there are ``limit`` already."""

    async def counts(self) -> Sequence[tuple[Webhook, int, int]]:
        """Each webhook with the number of its deliveries that wait, and of its dead letters."""

    async def remove(self, webhook_id: int) -> None:
        """Forget a webhook with its deliveries. Raises NotFound."""

    async def relay(self, limit: int, max_waiting: int = 100_000) -> Relayed:
        """Make deliveries of the next commits, about ``limit`` of them, in one transaction and once for each commit.

        A webhook for which ``max_waiting`` deliveries wait is not told of them.
        """

    async def waiting(self) -> Sequence[Webhook]:
        """The webhooks for which a delivery is due."""

    async def due(self, webhook_id: int, limit: int) -> Sequence[Delivery]:
        """Deliveries of a webhook whose time has come, in the order of their times."""

    async def settle(self, delivered: Sequence[int], undelivered: Sequence[Undelivered]) -> None:
        """Forget these deliveries, and keep those for another try or as dead letters."""

    async def dead(self, limit: int) -> Sequence[Delivery]:
        """Dead letters, the latest first."""

    async def revive(self, ids: Sequence[int] | None) -> int:
        """Try these dead letters (None: all) again from the beginning, and return how many there were."""

    async def forget_dead(self, keep_ms: int) -> int:
        """Delete dead letters that died longer ago than ``keep_ms``, and return how many there were."""


@dataclass(frozen=True, slots=True)
class SignedEvent:
    """What one try sends: the event's id, the time of sending, the body, and the signature over all three."""

    event_id: str
    timestamp_seconds: int
    signature: str
    body: bytes


class NotDelivered(Exception):
    """A webhook's receiver gave no answer; the message says why."""


class WebhookSender(Protocol):
    """Carries deliveries over HTTP."""

    async def send(self, url: str, event: SignedEvent) -> int:
        """POST once, within a time limit and without redirects; return the answer's status. Raises NotDelivered."""
