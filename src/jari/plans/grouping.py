"""What formats without sections of their own have in common."""

from collections import Counter
from collections.abc import Iterable

from jari.domain.venues import Seat


def commonest_grade(seats: Iterable[Seat]) -> str:
    """The grade that most seats have; among equals, the first to appear. There must be at least one seat."""
    return Counter(seat.grade for seat in seats).most_common(1)[0][0]
