"""Acting on what other processes tell."""

import asyncio

import structlog

from jari.ports.news import NewsWire
from jari.usecases.accounts import Accounts
from jari.usecases.catalogue import Catalogue

log = structlog.get_logger()

PAUSE_SECONDS = 1.0  # after news that could not be read, of another release perhaps


class Newsreader:
    """Forgets what others have changed, so that the store is asked next."""

    def __init__(self, wire: NewsWire, accounts: Accounts, catalogue: Catalogue) -> None:
        self._wire = wire
        self._accounts = accounts
        self._catalogue = catalogue

    async def run(self) -> None:
        """Listen until cancelled. What cannot be read is passed over; polling finds what it told."""
        while True:
            try:
                await self._listen()
            except Exception:
                log.exception("news_failed")
            await asyncio.sleep(PAUSE_SECONDS)

    async def _listen(self) -> None:
        async for news in self._wire.listen():
            self._accounts.forget(*news.ended_sessions)
            self._catalogue.forget(news.changed_schedules, news.changed_venues)
