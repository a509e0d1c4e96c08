"""What an organiser does: bring in a venue, make schedules, open and close their sales."""

from jari.domain.schedules import Kind, Sale, check_title
from jari.domain.venues import Venue, validate
from jari.ports.catalogue import CatalogueStore
from jari.ports.news import News, NewsWire


class Organising:
    """Writes venues and schedules, and tells the processes that serve them."""

    def __init__(self, catalogue: CatalogueStore, news: NewsWire) -> None:
        self._catalogue = catalogue
        self._news = news

    async def import_venue(self, venue: Venue) -> tuple[int, bool]:
        """Save a plan whole, or not at all: the venue's id, and whether it is new.

        A plan for a known venue (by name) replaces its plan; seats are told apart by their guids.

        Raises:
            BadPlan: the plan breaks a rule.
            PlanDropsSeats: somebody has a seat that the new plan lacks.
        """
        validate(venue)
        venue_id, is_new = await self._catalogue.save_venue(venue)
        await self._news.tell(News(changed_venues=(venue_id,)))
        return venue_id, is_new

    async def create_schedule(
        self, *, venue_id: int, kind: Kind, title: str, starts_ms: int, opens_ms: int | None
    ) -> int:
        """Make a schedule and return its id. With ``opens_ms`` its sale opens by itself, else by `open_sale`.

        Raises:
            Invalid: no such title.
            NotFound: no such venue.
        """
        sale = Sale(enabled=opens_ms is not None, opens_ms=opens_ms or 0)
        schedule_id = await self._catalogue.create_schedule(
            venue_id=venue_id, kind=kind, title=check_title(title), starts_ms=starts_ms, sale=sale
        )
        await self._news.tell(News(changed_schedules=(schedule_id,)))
        return schedule_id

    async def open_sale(self, schedule_id: int) -> None:
        """Sell from now on.

        Raises:
            NotFound: no such schedule.
        """
        await self._set_sale(schedule_id, enabled=True)

    async def close_sale(self, schedule_id: int) -> None:
        """Take no more holds. Seats that are held or sold stay so.

        Raises:
            NotFound: no such schedule.
        """
        await self._set_sale(schedule_id, enabled=False)

    async def _set_sale(self, schedule_id: int, *, enabled: bool) -> None:
        await self._catalogue.set_sale(schedule_id, enabled=enabled)
        await self._news.tell(News(changed_schedules=(schedule_id,)))
