"""What handlers work with: the use cases, and what the web keeps between requests."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from jari.settings import Settings
from jari.usecases.accounts import Accounts
from jari.usecases.catalogue import Catalogue
from jari.usecases.holds import Holds
from jari.usecases.live import Live
from jari.usecases.payments import Payments
from jari.usecases.refunds import Refunds
from jari.usecases.reservations import Reservations
from jari.usecases.tickets import Tickets
from jari.web.api.description import Description
from jari.web.api.documents import Documents, Lists
from jari.web.cookies import Cookies
from jari.web.deadlines import Deadlines
from jari.web.draining import Drain
from jari.web.live.snapshots import Snapshots
from jari.web.live.streams import Hub
from jari.web.site.printer import Printer


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that a handler may need."""

    settings: Settings
    accounts: Accounts
    catalogue: Catalogue
    holds: Holds
    live: Live
    reservations: Reservations
    payments: Payments
    refunds: Refunds
    tickets: Tickets
    hub: Hub
    deadlines: Deadlines
    drain: Drain
    snapshots: Snapshots
    printer: Printer
    documents: Documents
    lists: Lists
    cookies: Cookies
    description: Description
    figures: Callable[[], Awaitable[bytes]]  # of this process, or of all workers
    redis_answers: Callable[[], Awaitable[bool]] | None = None  # where there is a Redis
