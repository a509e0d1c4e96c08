"""Holding and releasing seats."""

import itertools
from collections.abc import Awaitable, Callable, Sequence

from jari import metrics
from jari.domain.box_office import Command, Outcome
from jari.domain.commands.holds import Hold, Release
from jari.domain.errors import JariError, UnknownSeats
from jari.domain.permissions import Action, require
from jari.domain.seating import Allocation, Held, check_seat_ids, seats_taken, unknown_seats
from jari.domain.tenures import KeepLimit
from jari.domain.users import User
from jari.ports.answers import RequestKey, StoredAnswer
from jari.ports.seating import SeatingStore
from jari.ports.system import Chance, Clock
from jari.settings import HoldSettings, RuleSettings
from jari.usecases.idempotency import replay
from jari.usecases.live import Live, LiveSchedule
from jari.usecases.lookups import Lookup
from jari.usecases.till import Tills

PROCESS_BYTES = 8  # of the name that tells this process's holds from those of all others


def keep_limit(settings: RuleSettings) -> KeepLimit:
    """The limit that the settings name, but at least one whole hold."""
    keep_seconds = max(settings.keep_seconds, settings.hold_seconds)
    return KeepLimit(keep_seconds * 1000, settings.cool_down_seconds * 1000)


class Holds:
    """What a buyer does with seats before paying."""

    def __init__(
        self,
        live: Live,
        tills: Tills,
        store: SeatingStore,
        clock: Clock,
        chance: Chance,
        settings: HoldSettings,
    ) -> None:
        self._live = live
        self._tills = tills
        self._store = store
        self._clock = clock
        self._settings = settings
        self._limit = keep_limit(settings)
        # A hold's id only tells holds apart. It opens nothing, so it may be easy to guess: a count will do.
        self._process = chance.randbytes(PROCESS_BYTES).hex()
        self._taken = itertools.count(1)
        self._answers: Lookup[RequestKey, StoredAnswer] = Lookup(
            self._find_answers, queue_size=settings.max_connections
        )

    async def hold(
        self, buyer: User, schedule_id: int, seat_ids: tuple[int, ...], request: RequestKey | None = None
    ) -> Held:
        """Take all of these seats for the buyer, or none.

        Raises:
            SeatsTaken, KeptTooLong, TooManySeats, UnknownSeats, SaleNotOpen, NotFound, KeyReused, StillRunning,
            Unavailable, Forbidden.
        """

        async def command() -> Hold:
            return self.hold_of(buyer, seat_ids)

        return await self.take(buyer, schedule_id, seat_ids, Hold, command, request)

    def hold_of(self, buyer: User, seat_ids: tuple[int, ...]) -> Hold:
        """The command that takes these seats for the buyer, with the limits of the settings.

        Raises:
            Forbidden: this user may hold none.
        """
        require(buyer, Action.HOLD_SEATS, buyer.id)
        return Hold(
            buyer_id=buyer.id,
            seat_ids=seat_ids,
            hold_id=f"{self._process}-{next(self._taken):x}",
            hold_ms=self._settings.hold_seconds * 1000,
            max_seats=self._settings.max_seats_per_buyer,
            limit=self._limit,
        )

    async def take(
        self,
        buyer: User,
        schedule_id: int,
        seat_ids: tuple[int, ...],
        kind: type[Command[Outcome]],
        command: Callable[[], Awaitable[Command[Outcome]]],
        request: RequestKey | None,
    ) -> Outcome:
        """Submit a command of this kind that holds these seats. If the replica shows that it must fail, make none.

        Raises:
            JariError: as `hold`.
        """
        require(buyer, Action.HOLD_SEATS, buyer.id)
        started = self._clock.seconds()
        try:
            schedule = self._live.known(schedule_id) or await self._live.open(schedule_id)
            try:
                self._refuse_losers(schedule, buyer.id, seat_ids)
            except JariError:
                if request is None or (first_answer := await self.first_answer(request, kind)) is None:
                    raise
                outcome = first_answer
            else:
                outcome = await self._tills.submit(schedule_id, await command(), request)
        except JariError as refusal:
            metrics.holds.count(refusal.code)
            raise
        metrics.holds.count("held")
        metrics.hold_seconds.observe(self._clock.seconds() - started)
        return outcome

    async def plan_revision(self, schedule_id: int) -> int:
        """The revision of the venue's plan that this process knows.

        Raises:
            NotFound: there is no such schedule.
        """
        return (await self._live.open(schedule_id)).seat_map.layout.revision

    async def seats_at(self, schedule_id: int, places: Sequence[tuple[int, int]]) -> tuple[int, ...]:
        """The seats at these places, given as (row, col).

        Raises:
            UnknownSeats: there is no seat at one of them.
        """
        seat_at = (await self._live.open(schedule_id)).seat_map.layout.seat_at
        unknown = [place for place in places if place not in seat_at]
        if unknown:
            metrics.holds.count(UnknownSeats.code)
            names = ", ".join(f"row {row} col {col}" for row, col in unknown[:4])
            raise UnknownSeats(f"There is no seat at {names} in this schedule: load its seats again.")
        return tuple(seat_at[place] for place in places)

    async def release(self, buyer: User, schedule_id: int, seat_ids: tuple[int, ...]) -> tuple[int, ...]:
        """Give back all of these held seats, or none.

        Raises:
            NotYourSeats, Invalid, NotFound, Unavailable, Forbidden.
        """
        require(buyer, Action.HOLD_SEATS, buyer.id)
        check_seat_ids(seat_ids, len(seat_ids))
        await self._tills.submit(schedule_id, Release(buyer.id, seat_ids))
        return seat_ids

    async def mine(self, buyer: User, schedule_id: int) -> tuple[int, list[Allocation]]:
        """The store's time, and what the buyer holds or has bought.

        Raises:
            NotFound: there is no such schedule.
            Forbidden.
        """
        require(buyer, Action.HOLD_SEATS, buyer.id)
        await self._live.open(schedule_id)
        now_ms, allocations = await self._store.allocations_of(schedule_id, buyer.id)
        return now_ms, [each for each in allocations if not each.is_free(now_ms)]

    async def first_answer(
        self, request: RequestKey | None, command: type[Command[Outcome]]
    ) -> Outcome | None:
        """The answer that the request got when it first came; None if it never came."""
        if request is None or (stored := await self._answers.get(request)) is None:
            return None
        return replay(stored, request, command)

    async def _find_answers(self, requests: Sequence[RequestKey]) -> dict[RequestKey, StoredAnswer]:
        answers = {each.request.name: each for each in await self._store.answers(requests)}
        return {request: answers[request.name] for request in requests if request.name in answers}

    def _refuse_losers(self, schedule: LiveSchedule, buyer_id: int, seat_ids: tuple[int, ...]) -> None:
        """Refuse from the replica what the store would surely refuse: most requests of a flood end here.

        A hold that ends within ``expiry_margin_ms`` refuses nobody here: the store's clock may be ahead.
        """
        check_seat_ids(seat_ids, self._settings.max_seats_per_buyer)
        seat_map, soon_ms = schedule.seat_map, self._live.now_ms() + self._settings.expiry_margin_ms
        index_of = seat_map.layout.index_of
        if unknown := [seat_id for seat_id in seat_ids if seat_id not in index_of]:
            raise unknown_seats(unknown)
        schedule.sale.require_open(soon_ms)
        if taken := seat_map.taken_by_others(seat_ids, buyer_id, soon_ms):
            raise seats_taken(taken, len(seat_ids))
