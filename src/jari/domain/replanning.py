"""A new plan for a venue whose seats are on sale: which seats stay, which go, and which come back.

A seat's id stands for one printed place for ever. A plan may drop or move any seat that nobody has; a seat that is
held or sold stays where its ticket says. A dropped seat is gone for every later command, and gets its old id back
if a later plan has it again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from jari.domain.errors import PlanDropsSeats
from jari.domain.seating import Allocation
from jari.domain.venues import Seat, SeatName, Venue

NAMED_SEATS: Final = 5
"""How many seats an error names before it says "and N more"."""


@dataclass(frozen=True, slots=True)
class Replan:
    """What a new plan does to the seats of a venue; ids by name, in plan order where that means something."""

    kept: Mapping[SeatName, int]
    returning: Mapping[SeatName, int]
    added: Mapping[SeatName, Seat]
    dropped: Mapping[int, SeatName]

    def require_unowned(self, allocations: Iterable[Allocation], now_ms: int) -> None:
        """Refuse to drop seats that somebody has; ``allocations`` are those of the dropped seats in every schedule.

        Raises:
            PlanDropsSeats: names some of the seats by their guids, and all by their ids.
        """
        owned = sorted({each.seat_id for each in allocations if not each.is_free(now_ms)})
        if not owned:
            return
        names = ", ".join(self.dropped[seat_id].guid for seat_id in owned[:NAMED_SEATS])
        more = f" and {len(owned) - NAMED_SEATS} more" if len(owned) > NAMED_SEATS else ""
        raise PlanDropsSeats(
            f"The new plan drops or moves {len(owned)} seats that are held or sold ({names}{more}), so nothing was "
            "imported: keep them in the plan with their block, row and label, or refund and release them first.",
            seat_ids=owned,
        )


def replan(seats: Mapping[SeatName, int], former: Mapping[SeatName, int], plan: Venue) -> Replan:
    """What becomes of the venue's ``seats``, and of its ``former`` ones, when ``plan`` replaces its plan."""
    wanted = plan.seats_by_name()
    return Replan(
        kept={name: seats[name] for name in wanted if name in seats},
        returning={name: former[name] for name in wanted if name in former and name not in seats},
        added={name: seat for name, seat in wanted.items() if name not in seats and name not in former},
        dropped={seat_id: name for name, seat_id in seats.items() if name not in wanted},
    )
