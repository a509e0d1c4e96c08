"""The catalogue where holds are decided in Redis: a sale that is opened and a new plan reach the sheets at once.

If Redis is away, or the command does not know of it, the servers find out by polling.
"""

from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import select

from jari.adapters.redis.seating import RedisSeatingStore
from jari.adapters.sql.catalogue import SqlCatalogueStore
from jari.adapters.sql.database import Database
from jari.adapters.sql.tables import schedules, venues
from jari.domain.errors import Unavailable
from jari.domain.venues import Venue


class RedisCatalogueStore(SqlCatalogueStore):
    """See `jari.ports.catalogue.CatalogueStore`."""

    def __init__(self, database: Database, seating: RedisSeatingStore) -> None:
        super().__init__(database)
        self._seating = seating

    async def save_venue(self, venue: Venue) -> tuple[int, bool]:
        """As ever; nobody decides in Redis meanwhile, and PostgreSQL has all that was decided before."""
        schedule_ids = await self._schedules_in(venue.name)
        async with self._seating.paused(schedule_ids):
            saved = await super().save_venue(venue)
        await self._tell(schedule_ids)
        return saved

    async def set_sale(self, schedule_id: int, *, enabled: bool) -> None:
        """Open the sale at once, or close it."""
        await super().set_sale(schedule_id, enabled=enabled)
        await self._tell([schedule_id])

    async def _tell(self, schedule_ids: Sequence[int]) -> None:
        """Have the sheets brought to what PostgreSQL says."""
        with suppress(Unavailable):
            await self._seating.states(schedule_ids)

    async def _schedules_in(self, venue_name: str) -> Sequence[int]:
        statement = (
            select(schedules.c.id)
            .join(venues, venues.c.id == schedules.c.venue_id)
            .where(venues.c.name == venue_name)
            .order_by(schedules.c.id)
        )
        async with self._database.read() as connection:
            return (await connection.scalars(statement)).all()
