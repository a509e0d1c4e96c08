"""Who has which seat: the rules of holding, releasing, expiring and occupying.

A seat of a schedule is AVAILABLE unless an allocation says otherwise::

    AVAILABLE ──hold──▶ HOLD ──occupy──▶ OCCUPIED
        ▲                 │                  │
        ├─release, expire─┘                  │
        └──vacate────────────────────────────┘

While a hold is being paid for it is firm: it has no end, and so cannot expire.

Nobody keeps a seat for ever by giving it back and taking it again. The store remembers how long a buyer has kept a
seat without buying it (`Tenure`), and that time goes on counting until the buyer has left the seat alone for a while.

A seat that is not in the schedule's plan is nobody's and can be neither held nor sold, even if an allocation from
before the plan changed is still there.

`Seating` has the allocations that a batch of commands may touch, the rules for them one by one, and what has changed.
`jari.domain.commands` puts the rules together to commands. Nothing here waits, reads a clock or knows a database: the
store's time comes as an argument, in milliseconds since 1970.
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from jari.domain.drafts import Draft
from jari.domain.errors import Invalid, NotYourSeats, SeatsTaken, TooManySeats, UnknownSeats
from jari.domain.schedules import Sale
from jari.domain.tenures import NO_LIMIT, KeepLimit, Tenure


class Status(IntEnum):
    """The state of one seat in one schedule."""

    AVAILABLE = 0
    HOLD = 1
    OCCUPIED = 2


@dataclass(frozen=True, slots=True)
class Allocation:
    """A seat that somebody has; ``expires_ms`` is None where it has no end: sold, or being paid for.

    ``since_ms`` is when its buyer began to keep it; an earlier hold of the same buyer counts.
    """

    seat_id: int
    status: Status
    buyer_id: int
    hold_id: str
    expires_ms: int | None
    since_ms: int = 0

    @property
    def can_end(self) -> bool:
        """Whether it is a hold that ends by itself: not sold, and not being paid for."""
        return self.status is Status.HOLD and self.expires_ms is not None

    def is_free(self, now_ms: int) -> bool:
        """Whether the next buyer may take it: a hold whose end has come is free, swept or not."""
        return self.status is Status.HOLD and self.expires_ms is not None and self.expires_ms <= now_ms


@dataclass(frozen=True, slots=True)
class Held:
    """These seats are the buyer's until ``expires_ms``."""

    hold_id: str
    seat_ids: tuple[int, ...]
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Change:
    """Seats that took a new status together; ``buyer_id`` is 0 and ``expires_ms`` None where AVAILABLE."""

    status: Status
    seat_ids: tuple[int, ...]
    buyer_id: int = 0
    expires_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What the store must write for one seat: ``before`` as it was read, ``after`` as decided (None: free)."""

    before: Allocation | None
    after: Allocation | None


def check_seat_ids(seat_ids: tuple[int, ...], max_seats: int) -> None:
    """Refuse a choice of seats that is empty, names a seat twice or is too large.

    Raises:
        Invalid: no seats, or one named twice.
        TooManySeats: more than ``max_seats``.
    """
    if not seat_ids:
        raise Invalid("No seats were named: name at least one.")
    if len(seat_ids) > max_seats:
        raise TooManySeats(
            f"{len(seat_ids)} seats were asked for, but one buyer may have at most {max_seats} here: ask for fewer.",
            seat_ids=seat_ids,
        )
    if len(set(seat_ids)) < len(seat_ids):
        raise Invalid("A seat was named twice: name each seat once.", seat_ids=seat_ids)


def unknown_seats(seat_ids: Sequence[int]) -> UnknownSeats:
    """The refusal of seats that the schedule's plan does not have."""
    return UnknownSeats(
        f"{len(seat_ids)} of the seats do not exist in this schedule: load the seats of the block again.",
        seat_ids=seat_ids,
    )


def seats_taken(taken: Sequence[int], asked: int) -> SeatsTaken:
    """The refusal of ``asked`` seats, because somebody has those that are ``taken``."""
    return SeatsTaken(
        f"{len(taken)} of the {asked} seats are taken: choose others and try again.", seat_ids=taken
    )


class Seating:
    """The seats that a batch of commands is about, at one moment of the store's clock.

    ``allocations`` must hold every allocation of every seat that a command names, and every allocation of
    every buyer who is about to hold: the rules look at nothing else. ``plan`` has the ids of the seats that the
    schedule has in the version that is being decided; ``earlier`` has the tenures of every buyer who is about to hold.
    """

    def __init__(
        self,
        allocations: Iterable[Allocation],
        sale: Sale,
        now_ms: int,
        plan: Container[int],
        earlier: Iterable[Tenure] = (),
    ) -> None:
        self.now_ms = now_ms
        self.changes: list[Change] = []
        self._sale = sale
        self._plan = plan
        self._seats = Draft({each.seat_id: each for each in allocations})
        self._tenures = Draft({(each.buyer_id, each.seat_id): each for each in earlier})
        self._seats_of_buyer: defaultdict[int, set[int]] = defaultdict(set)  # that they have, or have had
        for each in self._seats.before.values():
            self._seats_of_buyer[each.buyer_id].add(each.seat_id)

    # Questions

    def held_by(self, buyer_id: int) -> list[Allocation]:
        """What the buyer holds and has not begun to pay, in order of the seats."""
        return [each for each in self._owned_by(buyer_id) if each.can_end]

    def hold_ids(self, seat_ids: Iterable[int]) -> set[str]:
        """The holds that these seats are under."""
        return {
            allocation.hold_id
            for seat_id in seat_ids
            if (allocation := self._seats.now.get(seat_id)) is not None
        }

    def held_already(self, buyer_id: int, seat_ids: tuple[int, ...]) -> Held | None:
        """The buyer's own hold of exactly these seats, with its first end; None if there is none."""
        holds = []
        for seat_id in seat_ids:
            allocation = self._live(seat_id)
            if allocation is None or allocation.buyer_id != buyer_id or not allocation.can_end:
                return None
            holds.append(allocation)
        if len({each.hold_id for each in holds}) > 1:
            return None
        first_end_ms = min(each.expires_ms or 0 for each in holds)
        return Held(holds[0].hold_id, seat_ids, first_end_ms)

    def unknown(self, seat_ids: Iterable[int]) -> list[int]:
        """Those of these seats that the plan does not have."""
        return [seat_id for seat_id in seat_ids if seat_id not in self._plan]

    # Requirements

    def require_open(self) -> None:
        """Refuse to give seats away while the sale is not open.

        Raises:
            SaleNotOpen: the sale has not begun, or is closed.
        """
        self._sale.require_open(self.now_ms)

    def require_known(self, seat_ids: tuple[int, ...]) -> None:
        """Refuse seats that are not in the plan.

        Raises:
            UnknownSeats: at least one is not.
        """
        if unknown := self.unknown(seat_ids):
            raise unknown_seats(unknown)

    def require_free(self, seat_ids: Sequence[int], asked: int) -> None:
        """Refuse seats that somebody has; ``asked`` is how many seats were asked for.

        Raises:
            SeatsTaken: somebody has at least one of them.
        """
        if taken := [seat_id for seat_id in seat_ids if self._live(seat_id)]:
            raise seats_taken(taken, asked)

    def require_room(self, buyer_id: int, seat_ids: tuple[int, ...], max_seats: int) -> None:
        """Refuse more seats than one buyer may have.

        Raises:
            TooManySeats: with these the buyer would have more.
        """
        has = len(self._owned_by(buyer_id))
        if has + len(seat_ids) > max_seats:
            raise TooManySeats(
                f"You have {has} seats here and asked for {len(seat_ids)} more, but one buyer may have "
                f"at most {max_seats}: release some, or ask for fewer.",
                seat_ids=seat_ids,
            )

    def require_held(self, buyer_id: int, seat_ids: tuple[int, ...]) -> None:
        """Refuse seats that the buyer does not hold.

        Raises:
            Invalid: no seats, or one named twice.
            NotYourSeats: the buyer does not hold at least one of them.
        """
        check_seat_ids(seat_ids, len(seat_ids))
        not_held = [
            seat_id
            for seat_id in seat_ids
            if (allocation := self._live(seat_id)) is None
            or allocation.buyer_id != buyer_id
            or allocation.status is not Status.HOLD
        ]
        if not_held:
            raise NotYourSeats(
                f"You do not hold {len(not_held)} of these {len(seat_ids)} seats, so nothing was done: look at "
                "your holds and name only seats among them.",
                seat_ids=not_held,
            )

    # Changes

    def take(
        self, buyer_id: int, seat_ids: tuple[int, ...], hold_id: str, hold_ms: int, limit: KeepLimit
    ) -> int:
        """Put free seats under a hold of the buyer, and return when it ends.

        Raises:
            KeptTooLong: the buyer has kept at least one of them as long as the limit allows.
        """
        counting = self._counting(buyer_id, seat_ids, limit)
        expires_ms = limit.end(hold_ms, counting, self.now_ms)
        self._take(buyer_id, seat_ids, hold_id, expires_ms, counting)
        return expires_ms

    def join(self, holds: Sequence[Allocation]) -> tuple[str, int]:
        """Make one hold of several of a buyer, and return its id and its end: the earliest end of them all."""
        first = min(holds, key=lambda each: each.expires_ms or 0)
        expires_ms = first.expires_ms or 0
        shortened = []
        for each in holds:
            if (each.hold_id, each.expires_ms) != (first.hold_id, expires_ms):
                self._seats.put(each.seat_id, replace(each, hold_id=first.hold_id, expires_ms=expires_ms))
                shortened.append(each.seat_id)
        if shortened:  # else replicas would go on showing the later end
            self.changes.append(Change(Status.HOLD, tuple(shortened), first.buyer_id, expires_ms))
        return first.hold_id, expires_ms

    def firm(
        self,
        buyer_id: int,
        hold_id: str,
        seat_ids: tuple[int, ...],
        max_seats: int,
        limit: KeepLimit = NO_LIMIT,
    ) -> None:
        """Make a hold unable to end. A hold that has ended is taken again, if all its seats are free.

        The buyer gains no time by it: if the payment fails, the time goes on counting by the ``limit``.

        Raises:
            UnknownSeats: the plan no longer has at least one of them.
            SeatsTaken: somebody else has at least one of them, or the same buyer by another hold.
            TooManySeats, SaleNotOpen: the hold has ended, and the buyer may not take it again.
        """
        self.require_known(seat_ids)
        lost = tuple(seat_id for seat_id in seat_ids if not self._is_under(seat_id, hold_id))
        self.require_free(lost, len(seat_ids))
        if lost:
            self.require_open()
            self.require_room(buyer_id, lost, max_seats)
            self._take(buyer_id, lost, hold_id, None, self._counting(buyer_id, lost, limit))
        for seat_id in seat_ids:
            if seat_id not in lost:
                self._seats.put(seat_id, replace(self._seats.now[seat_id], expires_ms=None))

    def loosen(self, hold_id: str, seat_ids: tuple[int, ...], expires_ms: int) -> None:
        """Give a firm hold its first end back: a try to pay gives no more time."""
        for seat_id in self._still_under(hold_id, seat_ids):
            self._seats.put(seat_id, replace(self._seats.now[seat_id], expires_ms=expires_ms))

    def occupy(self, buyer_id: int, hold_id: str, seat_ids: tuple[int, ...]) -> None:
        """Sell all the seats of a hold to their holder, or none.

        Raises:
            NotYourSeats: at least one of them is not under the hold any more.
        """
        gone = [seat_id for seat_id in seat_ids if not self._is_under(seat_id, hold_id)]
        if gone:
            raise NotYourSeats(f"{len(gone)} of these {len(seat_ids)} seats are gone.", seat_ids=gone)
        for seat_id in seat_ids:
            self._seats.put(seat_id, Allocation(seat_id, Status.OCCUPIED, buyer_id, hold_id, None))
        self.changes.append(Change(Status.OCCUPIED, seat_ids, buyer_id))

    def vacate(self, buyer_id: int, seat_ids: tuple[int, ...]) -> None:
        """Take sold seats back from their buyer. A seat that the buyer does not have stays as it is."""
        self.free(
            tuple(
                seat_id
                for seat_id in seat_ids
                if (allocation := self._seats.now.get(seat_id)) is not None
                and allocation.buyer_id == buyer_id
                and allocation.status is Status.OCCUPIED
            )
        )

    def drop(self, hold_id: str, seat_ids: tuple[int, ...]) -> None:
        """Free those of these seats that are still under the hold, ended or not."""
        self.free(self._still_under(hold_id, seat_ids))

    def sweep(self, seat_ids: Iterable[int]) -> tuple[int, ...]:
        """Free those of these seats whose hold has ended, and return them."""
        ended = tuple(
            seat_id
            for seat_id in seat_ids
            if (allocation := self._seats.now.get(seat_id)) is not None and allocation.is_free(self.now_ms)
        )
        self.free(ended)
        return ended

    def free(self, seat_ids: tuple[int, ...]) -> None:
        """Take these seats from whoever has them; there may be none."""
        for seat_id in seat_ids:
            self._remember_end(seat_id)
            self._seats.remove(seat_id)
        if seat_ids:
            self.changes.append(Change(Status.AVAILABLE, seat_ids))

    # Results, and the way back

    def effects(self) -> list[Effect]:
        """What the store must write, one for each seat that is no longer as it was read."""
        return [Effect(before, after) for before, after in self._seats.changed()]

    def tenures(self) -> list[Tenure]:
        """The tenures that the store must remember: of holds that have ended without a purchase."""
        return [tenure for _, tenure in self._tenures.changed() if tenure is not None]

    def mark(self) -> tuple[int, int, int]:
        """The present moment, for `back_to`."""
        return self._seats.mark(), self._tenures.mark(), len(self.changes)

    def back_to(self, mark: tuple[int, int, int]) -> None:
        """Take back what has changed since the mark."""
        seats, tenures, changes = mark
        self._seats.back_to(seats)
        self._tenures.back_to(tenures)
        del self.changes[changes:]

    # Helpers

    def _live(self, seat_id: int) -> Allocation | None:
        allocation = self._seats.now.get(seat_id)
        if allocation is None or allocation.is_free(self.now_ms) or seat_id not in self._plan:
            return None
        return allocation

    def _owned_by(self, buyer_id: int) -> list[Allocation]:
        """What the buyer has, in order of the seats."""
        live = [self._live(seat_id) for seat_id in sorted(self._seats_of_buyer.get(buyer_id, ()))]
        return [each for each in live if each and each.buyer_id == buyer_id]

    def _is_under(self, seat_id: int, hold_id: str) -> bool:
        allocation = self._live(seat_id)
        return allocation is not None and allocation.status is Status.HOLD and allocation.hold_id == hold_id

    def _still_under(self, hold_id: str, seat_ids: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(
            seat_id
            for seat_id in seat_ids
            if (allocation := self._seats.now.get(seat_id)) is not None
            and allocation.status is Status.HOLD
            and allocation.hold_id == hold_id
        )

    def _counting(self, buyer_id: int, seat_ids: tuple[int, ...], limit: KeepLimit) -> list[Tenure]:
        """The tenures of these free seats that go on counting if the buyer takes them."""
        tenures = [self._tenure(buyer_id, seat_id) for seat_id in seat_ids]
        return limit.counting([each for each in tenures if each], self.now_ms)

    def _tenure(self, buyer_id: int, seat_id: int) -> Tenure | None:
        """How long the buyer kept this free seat before: by the last hold on it, if it was theirs, or as remembered."""
        last = self._seats.now.get(seat_id)
        if last is not None and last.buyer_id == buyer_id:
            return self._ended(last)
        return self._tenures.now.get((buyer_id, seat_id))

    def _ended(self, hold: Allocation) -> Tenure:
        ended_ms = max(hold.since_ms, min(self.now_ms, hold.expires_ms or self.now_ms))
        return Tenure(hold.seat_id, hold.buyer_id, hold.since_ms, ended_ms)

    def _remember_end(self, seat_id: int) -> None:
        last = self._seats.now.get(seat_id)
        if last is not None and last.status is Status.HOLD:
            self._tenures.put((last.buyer_id, seat_id), self._ended(last))

    def _take(
        self,
        buyer_id: int,
        seat_ids: tuple[int, ...],
        hold_id: str,
        expires_ms: int | None,
        counting: Iterable[Tenure],
    ) -> None:
        """Put a buyer on free seats. Remember the tenures of ended holds that are still recorded there."""
        since_ms = {each.seat_id: each.since_ms for each in counting}
        for seat_id in seat_ids:
            self._remember_end(seat_id)
            since = since_ms.get(seat_id, self.now_ms)
            self._seats.put(seat_id, Allocation(seat_id, Status.HOLD, buyer_id, hold_id, expires_ms, since))
        self._seats_of_buyer[buyer_id].update(seat_ids)
        self.changes.append(Change(Status.HOLD, seat_ids, buyer_id, expires_ms))
