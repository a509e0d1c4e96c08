"""Tenures: for how long a buyer has kept a seat without buying it.

Nobody keeps a seat for ever by giving it back and taking it again in one go. The time goes on counting through pauses
that are too short for anybody else to take the seat. When it is used up, others go first for a while.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from jari.domain.errors import KeptTooLong

NO_LIMIT_MS: Final = 2**62

WORTH_HOLDING: Final = 5
"""A hold that could last less than this part of a whole one is refused: nobody pays in so short a time."""


@dataclass(frozen=True, slots=True)
class Tenure:
    """A buyer kept a seat from ``since_ms`` to ``ended_ms``, perhaps with pauses, and did not buy it."""

    seat_id: int
    buyer_id: int
    since_ms: int
    ended_ms: int


@dataclass(frozen=True, slots=True)
class KeepLimit:
    """A buyer keeps a seat for ``keep_ms`` at most, hold after hold, then leaves it alone for ``cool_down_ms``."""

    keep_ms: int = NO_LIMIT_MS
    cool_down_ms: int = 0

    def counting(self, tenures: Iterable[Tenure], now_ms: int) -> list[Tenure]:
        """The tenures among these that go on counting if their buyer takes the seats now."""
        return [each for each in tenures if each.since_ms < now_ms < each.ended_ms + self.cool_down_ms]

    def end(self, hold_ms: int, counting: Sequence[Tenure], now_ms: int) -> int:
        """When a hold ends: after ``hold_ms``, or when the time for one of its seats is used up.

        Raises:
            KeptTooLong: the time is used up, or nearly; names these seats, and says when the buyer may take them again.
        """
        worth_ms = now_ms + hold_ms // WORTH_HOLDING
        if used_up := [each for each in counting if each.since_ms + self.keep_ms < worth_ms]:
            raise self._kept_too_long(used_up, now_ms)
        return min([now_ms + hold_ms, *(each.since_ms + self.keep_ms for each in counting)])

    def _kept_too_long(self, used_up: Sequence[Tenure], now_ms: int) -> KeptTooLong:
        free_ms = max(each.ended_ms for each in used_up) + self.cool_down_ms
        wait_seconds = max(1, -(-(free_ms - now_ms) // 1000))
        return KeptTooLong(
            f"You have kept {len(used_up)} of these seats as long as one may without buying them, so others go first: "
            f"choose other seats, or come back for these in {wait_seconds} s.",
            seat_ids=[each.seat_id for each in used_up],
            retry_after_seconds=wait_seconds,
        )


NO_LIMIT: Final = KeepLimit()
