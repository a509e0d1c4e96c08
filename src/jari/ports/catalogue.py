"""Venues and schedules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from jari.domain.schedules import Filter, Kind, Listing, Sale, Schedule
from jari.domain.seatmap import Layout
from jari.domain.venues import Venue


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
