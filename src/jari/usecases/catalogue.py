"""What there is to see: schedules, and the plan of each schedule's venue."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from jari.domain.errors import NotFound
from jari.domain.reservations import Offer, PriceList
from jari.domain.schedules import Filter, Listing, Schedule, no_schedule
from jari.domain.venues import Block, Section, Venue
from jari.ports import CatalogueStore, Clock
from jari.settings import Settings
from jari.usecases.lookups import Lookup

K = TypeVar("K")
V = TypeVar("V")

MAX_OFFSET = 2**63 - 1  # as far as the stores can count


@dataclass(frozen=True)
class Plan:
    """A venue's plan with the ids that the store gave its blocks and seats."""

    venue_id: int
    venue: Venue
    block_ids: Mapping[str, int]
    seat_ids: Mapping[str, int]

    def block(self, block_id: int) -> tuple[Section, Block]:
        """A block and its section.

        Raises:
            NotFound: the venue has no such block.
        """
        for section, block in self.venue.blocks():
            if self.block_ids[block.name] == block_id:
                return section, block
        raise NotFound(f"There is no block {block_id} in this venue: look at the list of its blocks.")

    @cached_property
    def offers(self) -> Mapping[int, Offer]:
        """Seat id → where it is and what it costs."""
        grades = {grade.code: grade for grade in self.venue.grades}
        return {
            self.seat_ids[seat.guid]: Offer(section.name, block.name, seat, grades[seat.grade])
            for section, block in self.venue.blocks()
            for seat in block.seats
        }


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the list of schedules; the first is number 1."""

    chosen: Filter
    number: int
    size: int

    @property
    def offset(self) -> int:
        """How many schedules stand before the page."""
        return (self.number - 1) * self.size


class Catalogue:
    """Schedules and plans. A plan is read once for each revision of its venue.

    A schedule is read again after a poll's time: a crowd that loads the page costs one look a second, and what
    another process changes is seen as soon as everything else that it does. The pages of the list likewise. Both are
    looked up one at a time, and what many look at goes first: whoever asks for ever other ones waits for themselves.
    """

    def __init__(self, store: CatalogueStore, clock: Clock, settings: Settings) -> None:
        self._store = store
        self._clock = clock
        self._keep_seconds = settings.poll_ms / 1000
        self._schedules: dict[int, tuple[float, Schedule]] = {}
        self._lookup: Lookup[int, Schedule] = Lookup(
            self._find,
            queue_size=settings.catalogue_queue_size,
            batch_size=1,
            first=self._schedules.__contains__,
        )
        self._pages: OrderedDict[Page, tuple[float, Listing]] = OrderedDict()
        self._behind: OrderedDict[Filter, tuple[float, Listing]] = OrderedDict()  # the last page
        self._max_pages = settings.schedule_pages_kept
        self._page_size = settings.page_size
        self._page_lookup: Lookup[Page, Listing] = Lookup(
            self._find_pages, queue_size=settings.catalogue_queue_size, batch_size=1, first=self._is_front
        )
        self._plans: dict[int, tuple[int, Plan]] = {}
        self._reading = asyncio.Lock()

    async def schedule(self, schedule_id: int) -> Schedule:
        """One schedule.

        Raises:
            NotFound: there is none.
            Unavailable: too many ask for different ones.
        """
        kept = self._schedules.get(schedule_id)
        if kept is not None and kept[0] >= self._clock.seconds():
            return kept[1]
        found = await self._lookup.get(schedule_id)
        if found is None:
            raise no_schedule(schedule_id)
        self._schedules[schedule_id] = self._clock.seconds() + self._keep_seconds, found
        return found

    async def _find(self, schedule_ids: Sequence[int]) -> dict[int, Schedule]:
        found = {}
        for schedule_id in schedule_ids:
            with suppress(NotFound):
                found[schedule_id] = await self._store.schedule(schedule_id)
        return found

    async def schedules(self, page: Page) -> Listing:
        """A page of the schedules that fit, by start; the same object for as long as nobody has looked again.

        Raises:
            Unavailable: too many ask for different pages.
        """
        now = self._clock.seconds()
        ends, kept = self._pages.get(page, (0.0, None))
        if kept is not None and ends >= now:
            return kept
        ends, behind = self._behind.get(page.chosen, (0.0, None))
        if behind is not None and ends >= now and page.offset >= behind.total:
            return behind
        found = await self._page_lookup.get(page) or Listing((), 0)
        ends = self._clock.seconds() + self._keep_seconds
        self._keep(self._pages, page, (ends, found))
        self._keep(self._behind, page.chosen, (ends, Listing((), found.total)))
        return found

    def _keep(self, kept: OrderedDict[K, V], key: K, value: V) -> None:
        kept[key] = value
        kept.move_to_end(key)
        if len(kept) > self._max_pages:
            kept.popitem(last=False)

    def _is_front(self, page: Page) -> bool:
        """Whether it is a page that people come in by: there is a handful of them."""
        any_time = page.chosen.from_ms is None and page.chosen.to_ms is None
        return any_time and page.number == 1 and page.size == self._page_size

    async def _find_pages(self, pages: Sequence[Page]) -> dict[Page, Listing]:
        found = {}
        for page in pages:
            offset = min(page.offset, MAX_OFFSET)
            found[page] = await self._store.schedules(page.chosen, offset=offset, limit=page.size)
        return found

    async def price_list(self, schedule_id: int, revision: int = 0) -> PriceList:
        """What every seat of a schedule costs at this moment, in the plan of this revision or a later one.

        Raises:
            NotFound: there is no such schedule.
        """
        schedule = await self.schedule(schedule_id)
        if schedule.layout_revision < revision:  # it was read before the plan came
            self._schedules.pop(schedule_id, None)
            schedule = await self.schedule(schedule_id)
        plan = await self.plan(schedule)
        return PriceList(schedule.title, plan.venue.currency, plan.offers)

    async def plan(self, schedule: Schedule) -> Plan:
        """The plan of a schedule's venue: of its revision, or of a later one."""
        if (kept := self._kept_plan(schedule)) is not None:
            return kept
        async with self._reading:  # however many ask at once, the plan is read once
            if (kept := self._kept_plan(schedule)) is not None:
                return kept
            stored = await self._store.plan(schedule.venue_id)
            plan = Plan(schedule.venue_id, stored.venue, stored.block_ids, stored.seat_ids)
            self._plans[schedule.venue_id] = stored.revision, plan
            return plan

    def _kept_plan(self, schedule: Schedule) -> Plan | None:
        revision, plan = self._plans.get(schedule.venue_id, (0, None))
        return plan if revision >= schedule.layout_revision else None
