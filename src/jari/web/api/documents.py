"""Documents of the catalogue: encoded when they are first asked for, until what they show changes."""

import math
from collections.abc import Callable
from weakref import WeakKeyDictionary

from jari.caches import Cache
from jari.domain.schedules import Listing, Schedule
from jari.settings import CatalogueSettings
from jari.usecases.catalogue import Catalogue, Page, Plan
from jari.usecases.live import Live
from jari.web.api.responses import Document


class Documents:
    """What was asked for of each plan, encoded; it is gone when the plan is."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._of: WeakKeyDictionary[Plan, dict[tuple[str, int], Document]] = WeakKeyDictionary()

    async def of(
        self, schedule: Schedule, name: str, make: Callable[[Plan], object], block_id: int = 0
    ) -> Document:
        """The document, made if it is not there."""
        plan = await self._catalogue.plan(schedule)
        documents = self._of.setdefault(plan, {})
        document = documents.get((name, block_id))
        if document is None:
            document = documents[name, block_id] = Document(make(plan))
        return document


class Lists:
    """Encoded pages of the list, until it is looked at again or a sale on the page opens."""

    def __init__(self, catalogue: Catalogue, live: Live, settings: CatalogueSettings) -> None:
        self._catalogue = catalogue
        self._live = live
        self._kept: Cache[Page, tuple[Listing, float, Document]] = Cache(
            settings.schedule_pages_kept, idle_seconds=settings.idle_seconds
        )

    async def of(self, page: Page, make: Callable[[Listing, int], object]) -> Document:
        """The page as a document, made of the listing at a moment if it is not there."""
        listing, now_ms = await self._catalogue.schedules(page), self._live.now_ms()
        kept = self._kept.get(page)
        if kept is not None and kept[0] is listing and now_ms < kept[1]:
            return kept[2]
        document = Document(make(listing, now_ms))
        openings = [each.sale.opens_ms for each in listing.items if each.sale.opens_ms > now_ms]
        self._kept.put(page, (listing, min(openings, default=math.inf), document))
        return document
