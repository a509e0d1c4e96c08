"""What there is to see: schedules, and the plan of each schedule's venue."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from jari.caches import Cache
from jari.domain.errors import NotFound
from jari.domain.ids import MAX_ID
from jari.domain.reservations import Offer, PriceList
from jari.domain.schedules import Filter, Listing, Schedule, no_schedule
from jari.domain.venues import Block, Section, Venue
from jari.ports.catalogue import CatalogueStore
from jari.ports.system import Clock
from jari.settings import CatalogueSettings
from jari.usecases.lookups import Lookup


@dataclass(frozen=True, eq=False)
class Plan:
    """A venue's plan of one revision with the ids that the store gave its blocks and seats."""

    venue_id: int
    revision: int
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
    """Schedules and plans. A plan is read once for each revision of its venue, and let go when nobody asks for it.

    A schedule is read again after a poll's time, and so is a page of the list; sooner when there is news of it.
    A crowd that loads the page thus costs
    one look a second, and another process's change shows here as soon as everything else that it does. All are looked
    up one at a time, and what many look at goes first: whoever asks for ever new ones makes only themselves wait.
    """

    def __init__(self, store: CatalogueStore, clock: Clock, settings: CatalogueSettings) -> None:
        self._store = store
        fresh_seconds, queue_size = settings.poll_ms / 1000, settings.catalogue_queue_size
        self._schedules: Cache[int, Schedule] = Cache(
            settings.schedules_kept,
            fresh_seconds=fresh_seconds,
            idle_seconds=settings.idle_seconds,
            clock=clock.seconds,
        )
        self._lookup: Lookup[int, Schedule] = Lookup(
            self._find, queue_size=queue_size, batch_size=1, first=self._schedules.__contains__
        )
        self._forgotten = 0
        pages_kept = settings.schedule_pages_kept
        self._pages: Cache[Page, Listing] = Cache(
            pages_kept, fresh_seconds=fresh_seconds, clock=clock.seconds
        )
        # filter → an empty listing with its total: pages behind the last need no look
        self._behind: Cache[Filter, Listing] = Cache(
            pages_kept, fresh_seconds=fresh_seconds, clock=clock.seconds
        )
        self._page_size = settings.page_size
        self._page_lookup: Lookup[Page, Listing] = Lookup(
            self._find_pages, queue_size=queue_size, batch_size=1, first=self._is_front
        )
        self._plans: Cache[int, Plan] = Cache(
            settings.max_plans, idle_seconds=settings.idle_seconds, clock=clock.seconds
        )
        self._plan_lookup: Lookup[tuple[int, int], Plan] = Lookup(
            self._find_plans, queue_size=queue_size, batch_size=1, first=lambda key: key[0] in self._plans
        )

    async def schedule(self, schedule_id: int) -> Schedule:
        """One schedule.

        Raises:
            NotFound: there is none.
            Unavailable: too many ask for different ones.
        """
        if (schedule := self._schedules.get(schedule_id)) is not None:
            return schedule
        forgotten = self._forgotten
        schedule = await self._lookup.get(schedule_id)
        if schedule is None:
            raise no_schedule(schedule_id)
        if forgotten == self._forgotten:
            self._schedules.put(schedule_id, schedule)
        return schedule

    async def _find(self, schedule_ids: Sequence[int]) -> dict[int, Schedule]:
        schedules = {}
        for schedule_id in schedule_ids:
            with suppress(NotFound):
                schedules[schedule_id] = await self._store.schedule(schedule_id)
        return schedules

    async def schedules(self, page: Page) -> Listing:
        """A page of the schedules that fit, by start. Returns the same object until the store is looked at again.

        Raises:
            Unavailable: too many ask for different pages.
        """
        if (listing := self._pages.get(page)) is not None:
            return listing
        behind = self._behind.get(page.chosen)
        if behind is not None and page.offset >= behind.total:
            return behind
        forgotten = self._forgotten
        listing = await self._page_lookup.get(page) or Listing((), 0)
        if forgotten == self._forgotten:
            self._pages.put(page, listing)
            self._behind.put(page.chosen, Listing((), listing.total))
        return listing

    def forget(self, schedule_ids: Sequence[int], venue_ids: Sequence[int]) -> None:
        """Forget these schedules, those at these venues, and every page. What is being looked up is not remembered.

        Plans need not be forgotten: a schedule names the revision of its venue's plan.
        """
        if not schedule_ids and not venue_ids:
            return
        self._forgotten += 1
        for cache in (self._pages, self._behind):
            cache.clear()
        for schedule_id in schedule_ids:
            self._schedules.pop(schedule_id)
        for schedule in self._schedules.values() if venue_ids else ():
            if schedule.venue_id in venue_ids:
                self._schedules.pop(schedule.id)

    @property
    def plan_count(self) -> int:
        """How many plans are in memory."""
        return len(self._plans)

    def _is_front(self, page: Page) -> bool:
        """Whether it is a first page, which people come in by; there is a handful of them."""
        any_time = page.chosen.from_ms is None and page.chosen.to_ms is None
        return any_time and page.number == 1 and page.size == self._page_size

    async def _find_pages(self, pages: Sequence[Page]) -> dict[Page, Listing]:
        listings = {}
        for page in pages:
            offset = min(page.offset, MAX_ID)  # as far as the stores can count
            listings[page] = await self._store.schedules(page.chosen, offset=offset, limit=page.size)
        return listings

    async def price_list(self, schedule_id: int, revision: int = 0) -> PriceList:
        """What every seat of a schedule costs at this moment, in the plan of this revision or a later one.

        Raises:
            NotFound: there is no such schedule.
        """
        schedule = await self.schedule(schedule_id)
        if schedule.layout_revision < revision:  # we read the schedule before its venue got this plan
            self._schedules.pop(schedule_id)
            schedule = await self.schedule(schedule_id)
        plan = await self.plan(schedule)
        return PriceList(schedule.title, plan.venue.currency, plan.offers)

    async def plan(self, schedule: Schedule) -> Plan:
        """The plan of a schedule's venue: of its revision, or of a later one.

        Raises:
            Unavailable: too many ask for different ones.
        """
        venue_id, revision = schedule.venue_id, schedule.layout_revision
        plan = self._known_plan(venue_id, revision) or await self._plan_lookup.get((venue_id, revision))
        if plan is None:
            raise NotFound(f"There is no venue {venue_id}: look at the list of schedules.")
        return plan

    async def _find_plans(self, wanted: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Plan]:
        return {key: self._known_plan(*key) or await self._read_plan(key[0]) for key in wanted}

    async def _read_plan(self, venue_id: int) -> Plan:
        stored = await self._store.plan(venue_id)
        plan = Plan(venue_id, stored.revision, stored.venue, stored.block_ids, stored.seat_ids)
        self._plans.put(venue_id, plan)
        return plan

    def _known_plan(self, venue_id: int, revision: int) -> Plan | None:
        plan = self._plans.get(venue_id)
        return plan if plan is not None and plan.revision >= revision else None
