"""The seating of each schedule: allocations, versions and the change log."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from jari.domain.box_office import Update
from jari.domain.relays import WEBHOOKS
from jari.domain.reservations import Reservation
from jari.domain.schedules import Sale
from jari.domain.seating import Allocation, Effect
from jari.domain.seatmap import Commit
from jari.domain.tenures import Tenure
from jari.ports.answers import RequestKey, StoredAnswer


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

    async def renew_epoch(self, schedule_id: int, epoch: str) -> None:
        """Name a new run of versions instead of this one: whoever knows it starts over.

        Nothing changes if the schedule has another epoch: of several who find that versions are lost, one is enough.
        """

    async def trim(
        self,
        keep_commits: int,
        keep_answers_ms: int,
        outbox_size: int = 0,
        cool_down_ms: int = 0,
        relays: Sequence[str] = (WEBHOOKS,),
    ) -> Sequence[int]:
        """Forget commits, stored answers and tenures that are older than that.

        Commits that one of the ``relays`` has still to pass on stay longer: up to ``outbox_size`` of a schedule. Returns
        the schedules in which some of these had to go.
        """

    async def dead_versions(self) -> int:
        """How many old versions of schedules' rows the store cannot clean away, since somebody may still read them."""
