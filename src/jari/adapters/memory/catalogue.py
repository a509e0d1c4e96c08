"""Venues and schedules in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate

from jari.adapters.memory.tables import Memory, ScheduleRecord, VenueRecord
from jari.domain.replanning import Replan, replan
from jari.domain.schedules import Filter, Kind, Listing, Sale, Schedule
from jari.domain.seatmap import Layout
from jari.domain.venues import SeatName, Venue
from jari.ports.catalogue import StoredPlan
from jari.ports.seating import ScheduleState


class MemoryCatalogueStore:
    """See `jari.ports.CatalogueStore`."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def save_venue(self, venue: Venue) -> tuple[int, bool]:
        """Insert the venue, or replace the plan of the one with its name: its id, and whether it is new."""
        async with self._memory.write() as now_ms:
            records = self._memory.venues.values()
            record = next((each for each in records if each.venue.name == venue.name), None)
            is_new = record is None
            if record is None:
                record = VenueRecord(self._memory.take_numbers("venue"), 0, venue, {}, {}, {})
            change = replan(record.seats, record.former, venue)
            schedules = [each for each in self._memory.schedules.values() if each.venue is record]
            self._drop_seats(schedules, change, now_ms)
            self._write_plan(record, venue, change)
            self._memory.venues[record.id] = record
            return record.id, is_new

    async def venue(self, venue_id: int) -> Venue:
        """The whole plan."""
        return self._memory.venue(venue_id).venue

    async def plan(self, venue_id: int) -> StoredPlan:
        """The whole plan with its ids, of one revision."""
        record = self._memory.venue(venue_id)
        return StoredPlan(record.revision, record.venue, dict(record.block_ids), _by_guid(record.seats))

    async def venues(self) -> Sequence[tuple[int, str, int]]:
        """Id, name and number of seats of each."""
        return [(each.id, each.venue.name, len(each.seats)) for each in self._memory.venues.values()]

    async def seat_ids(self, venue_id: int) -> Mapping[str, int]:
        """Guid → seat id."""
        record = self._memory.venues.get(venue_id)
        return _by_guid(record.seats) if record else {}

    async def block_ids(self, venue_id: int) -> Mapping[str, int]:
        """Block name → block id."""
        record = self._memory.venues.get(venue_id)
        return dict(record.block_ids) if record else {}

    async def layout(self, schedule_id: int) -> Layout:
        """The seats of the schedule's venue in plan order."""
        schedule = self._memory.schedule(schedule_id)
        record = schedule.venue
        sizes = (len(block.seats) for _, block in record.venue.blocks())
        return Layout(
            seat_ids=list(record.seats.values()),
            rows=[name.row for name in record.seats],
            cols=[name.col for name in record.seats],
            block_ids=list(record.block_ids.values()),
            block_starts=list(accumulate(sizes, initial=0)),
            revision=schedule.state.layout_revision,
            venue_id=record.id,
        )

    async def create_schedule(
        self, *, venue_id: int, kind: Kind, title: str, starts_ms: int, sale: Sale
    ) -> int:
        """The new schedule's id."""
        async with self._memory.write():
            venue = self._memory.venue(venue_id)
            schedule_id = self._memory.take_numbers("schedule")
            state = ScheduleState(self._memory.new_epoch(), 0, sale, venue.revision)
            schedule = ScheduleRecord(schedule_id, venue, kind, title, starts_ms, state)
            self._memory.schedules[schedule_id] = schedule
            return schedule_id

    async def set_sale(self, schedule_id: int, *, enabled: bool) -> None:
        """Open the sale at once, or close it."""
        async with self._memory.write() as now_ms:
            schedule = self._memory.schedule(schedule_id)
            opens_ms = schedule.state.sale.opens_ms
            sale = Sale(enabled, min(opens_ms, now_ms) if enabled else opens_ms)
            schedule.state = replace(schedule.state, sale=sale)

    async def schedule(self, schedule_id: int) -> Schedule:
        """One schedule."""
        return self._memory.schedule(schedule_id).shown()

    async def schedules(self, chosen: Filter, *, offset: int, limit: int) -> Listing:
        """A page by start, then id."""
        now_ms = self._memory.now_ms()
        shown = (each.shown() for each in self._memory.schedules.values())
        fitting = sorted(
            (each for each in shown if chosen.fits(each, now_ms)), key=lambda each: (each.starts_ms, each.id)
        )
        return Listing(tuple(fitting[offset : offset + limit]), len(fitting))

    def _drop_seats(self, schedules: Sequence[ScheduleRecord], change: Replan, now_ms: int) -> None:
        """Forget ended holds on dropped seats, unless somebody has such a seat; make tills and viewers start over."""
        allocations = [each.allocations for each in schedules]
        change.require_unowned(
            [of[seat_id] for of in allocations for seat_id in change.dropped if seat_id in of], now_ms
        )
        for of in allocations:
            for seat_id in change.dropped:
                of.pop(seat_id, None)
        for schedule in schedules:
            revision = schedule.state.layout_revision + 1
            epoch = self._memory.new_epoch()
            schedule.state = replace(schedule.state, epoch=epoch, layout_revision=revision)

    def _write_plan(self, record: VenueRecord, venue: Venue, change: Replan) -> None:
        """Blocks keep their ids by name, seats by their whole name; what is new is numbered in plan order."""
        known = {**change.kept, **change.returning}
        gone = {name: seat_id for seat_id, name in change.dropped.items()}
        former = {name: seat_id for name, seat_id in record.former.items() if name not in change.returning}
        number = self._memory.take_numbers
        record.seats = {
            name: known[name] if name in known else number("seat") for name in venue.seats_by_name()
        }
        record.seat_ids = frozenset(record.seats.values())
        record.block_ids = {
            block.name: record.block_ids[block.name] if block.name in record.block_ids else number("block")
            for _, block in venue.blocks()
        }
        record.former = former | gone
        record.venue = venue
        record.revision += 1


def _by_guid(seats: Mapping[SeatName, int]) -> dict[str, int]:
    return {name.guid: seat_id for name, seat_id in seats.items()}
