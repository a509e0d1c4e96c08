"""Documents of the catalogue: encoded when they are first asked for, until what they show changes."""

import math
from collections import OrderedDict
from collections.abc import Callable

from jari.domain.schedules import Listing, Schedule
from jari.settings import Settings
from jari.usecases.catalogue import Catalogue, Page, Plan
from jari.usecases.live import Live
from jari.web.api.responses import Document


class Documents:
    """Encoded plans, one for each part of a venue that was asked for, until its next revision."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._kept: dict[tuple[int, str, int], tuple[Plan, Document]] = {}

    async def of(
        self, schedule: Schedule, name: str, make: Callable[[Plan], object], block_id: int = 0
    ) -> Document:
        """The document, made if it is not there."""
        plan = await self._catalogue.plan(schedule)
        key = (schedule.venue_id, name, block_id)
        kept = self._kept.get(key)
        if kept is None or kept[0] is not plan:
            kept = self._kept[key] = plan, Document(make(plan))
        return kept[1]


class Lists:
    """Encoded pages of the list, until it is looked at again or a sale on the page opens."""

    def __init__(self, catalogue: Catalogue, live: Live, settings: Settings) -> None:
        self._catalogue = catalogue
        self._live = live
        self._max_pages = settings.schedule_pages_kept
        self._kept: OrderedDict[Page, tuple[Listing, float, Document]] = OrderedDict()

    async def of(self, page: Page, make: Callable[[Listing, int], object]) -> Document:
        """The page as a document, made of the listing at a moment if it is not there."""
        listing, now_ms = await self._catalogue.schedules(page), self._live.now_ms()
        kept = self._kept.get(page)
        if kept is not None and kept[0] is listing and now_ms < kept[1]:
            return kept[2]
        document = Document(make(listing, now_ms))
        openings = [each.sale.opens_ms for each in listing.items if each.sale.opens_ms > now_ms]
        self._kept[page] = listing, min(openings, default=math.inf), document
        self._kept.move_to_end(page)
        if len(self._kept) > self._max_pages:
            self._kept.popitem(last=False)
        return document
