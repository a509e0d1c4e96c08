"""Schedules: the dated occasions for which seats are sold."""

from dataclasses import dataclass
from enum import StrEnum

from jari.domain.errors import Invalid, NotFound, SaleNotOpen

MAX_TITLE_LENGTH = 200


class Kind(StrEnum):
    """A match is a schedule of kind ``match``; both share ids."""

    MATCH = "match"
    PERFORMANCE = "performance"


class SaleStatus(StrEnum):
    """What a buyer is told about the sale."""

    UPCOMING = "UPCOMING"
    OPEN = "OPEN"
    CLOSED = "CLOSED"


OPEN = SaleStatus.OPEN  # asked for by every hold; a look-up in the class is slow


@dataclass(frozen=True, slots=True)
class Sale:
    """Whether a schedule sells: ``enabled`` by the organiser, and from ``opens_ms`` on."""

    enabled: bool
    opens_ms: int

    def status(self, now_ms: int) -> SaleStatus:
        """The state of the sale at a moment of the store's clock."""
        if not self.enabled:
            return SaleStatus.CLOSED
        return OPEN if self.opens_ms <= now_ms else SaleStatus.UPCOMING

    def require_open(self, now_ms: int) -> None:
        """Refuse to sell before the opening and after the close.

        Raises:
            SaleNotOpen: with what to wait for.
        """
        status = self.status(now_ms)
        if status is OPEN:
            return
        if status is SaleStatus.CLOSED:
            raise SaleNotOpen("This sale is closed: no seats can be held.")
        if status is SaleStatus.UPCOMING:
            wait_seconds = -(-(self.opens_ms - now_ms) // 1000)
            raise SaleNotOpen(
                f"This sale opens in {wait_seconds} s: try again then.", retry_after_seconds=wait_seconds
            )


@dataclass(frozen=True, slots=True)
class Schedule:
    """One occasion as the catalogue shows it; times in milliseconds since 1970, UTC."""

    id: int
    kind: Kind
    title: str
    venue_id: int
    venue_name: str
    seat_count: int
    starts_ms: int
    sale: Sale
    layout_revision: int = 1


@dataclass(frozen=True, slots=True)
class Filter:
    """Which schedules to list; times in milliseconds since 1970, ``to_ms`` excluded."""

    kind: Kind | None = None
    status: SaleStatus | None = None
    from_ms: int | None = None
    to_ms: int | None = None

    def fits(self, schedule: Schedule, now_ms: int) -> bool:
        """Whether the filter lets the schedule through, with the status that it has at this moment."""
        return (
            self.kind in {None, schedule.kind}
            and self.status in {None, schedule.sale.status(now_ms)}
            and (self.from_ms is None or self.from_ms <= schedule.starts_ms)
            and (self.to_ms is None or schedule.starts_ms < self.to_ms)
        )


@dataclass(frozen=True, slots=True)
class Listing:
    """A part of the list, sorted by start, then id; ``total`` counts all that fit the filter."""

    items: tuple[Schedule, ...]
    total: int


def no_schedule(schedule_id: int) -> NotFound:
    """The refusal of a schedule that does not exist."""
    return NotFound(f"There is no schedule {schedule_id}: look at the list of schedules.")


def check_title(title: str) -> str:
    """The title without surrounding space.

    Raises:
        Invalid: it is empty or too long.
    """
    title = title.strip()
    if not title or len(title) > MAX_TITLE_LENGTH:
        raise Invalid(f"A title has 1 to {MAX_TITLE_LENGTH} characters; this one has {len(title)}.")
    return title
