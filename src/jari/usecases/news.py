"""Acting on what other processes tell."""

from jari.ports.news import NewsWire
from jari.usecases.accounts import Accounts
from jari.usecases.catalogue import Catalogue


class Newsreader:
    """Forgets what others have changed, so that the store is asked next."""

    def __init__(self, wire: NewsWire, accounts: Accounts, catalogue: Catalogue) -> None:
        self._wire = wire
        self._accounts = accounts
        self._catalogue = catalogue

    async def run(self) -> None:
        """Listen until cancelled."""
        async for news in self._wire.listen():
            self._accounts.forget(*news.ended_sessions)
            self._catalogue.forget(news.changed_schedules, news.changed_venues)
