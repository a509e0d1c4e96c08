"""What there is to see: schedules, and the plan of each schedule's venue."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from jari.domain.errors import NotFound
from jari.domain.schedules import Kind, SaleStatus, Schedule
from jari.domain.venues import Block, Section, Venue
from jari.ports import Catalogue as CatalogueStore


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


@dataclass(frozen=True, slots=True)
class Filter:
    """Which schedules to list; times in milliseconds since 1970, ``to_ms`` excluded."""

    kind: Kind | None = None
    status: SaleStatus | None = None
    from_ms: int | None = None
    to_ms: int | None = None


class Catalogue:
    """Schedules and plans. A plan is read once for each revision of its venue."""

    def __init__(self, store: CatalogueStore) -> None:
        self._store = store
        self._plans: dict[int, tuple[int, Plan]] = {}
        self._reading = asyncio.Lock()

    async def schedule(self, schedule_id: int, kind: Kind | None = None) -> Schedule:
        """One schedule.

        Raises:
            NotFound: there is none, or it is not of that kind.
        """
        schedule = await self._store.schedule(schedule_id)
        if kind is not None and schedule.kind is not kind:
            raise NotFound(f"There is no {kind} {schedule_id}: it is a {schedule.kind}.")
        return schedule

    async def schedules(self, chosen: Filter, now_ms: int) -> list[Schedule]:
        """The schedules that fit, by start."""
        found = await self._store.schedules(kind=chosen.kind, from_ms=chosen.from_ms, to_ms=chosen.to_ms)
        return [each for each in found if chosen.status in (None, each.sale.status(now_ms))]

    async def plan(self, schedule: Schedule) -> Plan:
        """The plan of a schedule's venue."""
        kept = self._plans.get(schedule.venue_id)
        if kept is not None and kept[0] == schedule.layout_revision:
            return kept[1]
        async with self._reading:  # however many ask at once, the plan is read once
            kept = self._plans.get(schedule.venue_id)
            if kept is None or kept[0] != schedule.layout_revision:
                plan = Plan(
                    schedule.venue_id,
                    await self._store.venue(schedule.venue_id),
                    await self._store.block_ids(schedule.venue_id),
                    await self._store.seat_ids(schedule.venue_id),
                )
                kept = self._plans[schedule.venue_id] = schedule.layout_revision, plan
        return kept[1]
