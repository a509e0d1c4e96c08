"""Documents of the catalogue: encoded when first asked for, and kept until what they show changes."""

import math
from collections.abc import Callable
from typing import NamedTuple
from weakref import WeakKeyDictionary

from jari.caches import Cache
from jari.domain.schedules import Listing, Schedule
from jari.settings import CatalogueSettings
from jari.usecases.catalogue import Catalogue, Page, Plan
from jari.usecases.live import Live
from jari.web.api.responses import Document


class Documents:
    """The encoded documents of each plan. They go with the plan."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._of: WeakKeyDictionary[Plan, dict[tuple[str, int], Document]] = WeakKeyDictionary()

    async def of(
        self, schedule: Schedule, name: str, make: Callable[[Plan], object], block_id: int = 0
    ) -> Document:
        """The document; made if it does not exist."""
        plan = await self._catalogue.plan(schedule)
        documents = self._of.setdefault(plan, {})
        document = documents.get((name, block_id))
        if document is None:
            document = documents[name, block_id] = Document(make(plan))
        return document


class EncodedPage(NamedTuple):
    """A page of the list as a document; it is right until one of its sales opens."""

    listing: Listing
    until_ms: float
    document: Document


class Lists:
    """Encoded pages of the list, kept until the list is read anew or a sale on the page opens."""

    def __init__(self, catalogue: Catalogue, live: Live, settings: CatalogueSettings) -> None:
        self._catalogue = catalogue
        self._live = live
        self._pages: Cache[Page, EncodedPage] = Cache(
            settings.schedule_pages_kept, idle_seconds=settings.idle_seconds
        )

    async def of(self, page: Page, make: Callable[[Listing, int], object]) -> Document:
        """The page as a document. ``make`` gets the listing and the present time in ms, if the document does not exist."""
        listing, now_ms = await self._catalogue.schedules(page), self._live.now_ms()
        encoded = self._pages.get(page)
        if encoded is not None and encoded.listing is listing and now_ms < encoded.until_ms:
            return encoded.document
        document = Document(make(listing, now_ms))
        openings = [each.sale.opens_ms for each in listing.items if each.sale.opens_ms > now_ms]
        self._pages.put(page, EncodedPage(listing, min(openings, default=math.inf), document))
        return document
