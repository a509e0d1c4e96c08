"""The rules once more, as plainly as they can be said: one dict, one seat after the other.

Written from the rules of the design and not from the code, so that a mistake would have to be made twice.
"""

from dataclasses import dataclass, field

from jari.domain.commands.holds import Expire, Hold, Release


@dataclass
class Owned:
    """Who has a seat, and until when; ``ends`` is None once it is paid."""

    buyer: int
    hold: str
    ends: int | None


@dataclass
class Reference:
    """Seat → who has it. ``decide`` answers ``(what happened, seats, end)``."""

    owned: dict[int, Owned] = field(default_factory=dict)

    def is_free(self, seat, now):
        owner = self.owned.get(seat)
        return owner is None or (owner.ends is not None and owner.ends <= now)

    def decide(self, command, now, *, selling):
        match command:
            case Hold():
                return self._hold(command, now, selling=selling)
            case Release():
                return self._give_back(command, now)
            case Expire():
                gone = tuple(
                    seat for seat in command.seat_ids if seat in self.owned and self.is_free(seat, now)
                )
                for seat in gone:
                    del self.owned[seat]
                return "expired", gone, None

    def pay(self, buyer, now):
        """All that the buyer holds is sold, under the hold that would have ended first."""
        held = {
            seat: owner
            for seat, owner in sorted(self.owned.items())
            if owner.buyer == buyer and owner.ends is not None and not self.is_free(seat, now)
        }
        if not held:
            return "NothingHeld", (), None
        first = min(held.values(), key=lambda owner: owner.ends)
        for seat in held:
            self.owned[seat] = Owned(buyer, first.hold, None)
        return "sold", tuple(held), None

    def statuses(self):
        return {seat: "OCCUPIED" if owner.ends is None else "HOLD" for seat, owner in self.owned.items()}

    def _hold(self, command, now, *, selling):
        seats = command.seat_ids
        if len(seats) > command.max_seats:
            return "TooManySeats", seats, None
        if not selling:
            return "SaleNotOpen", (), None
        if (end := self._end_of_own_hold(command, now)) is not None:
            return "held", seats, end
        if taken := tuple(seat for seat in seats if not self.is_free(seat, now)):
            return "SeatsTaken", taken, None
        has = [
            seat
            for seat, owner in self.owned.items()
            if owner.buyer == command.buyer_id and not self.is_free(seat, now)
        ]
        if len(has) + len(seats) > command.max_seats:
            return "TooManySeats", seats, None
        end = now + command.hold_ms
        for seat in seats:
            self.owned[seat] = Owned(command.buyer_id, command.hold_id, end)
        return "held", seats, end

    def _end_of_own_hold(self, command, now):
        """The end of the one hold of the buyer's that all these seats are in."""
        owners = [self.owned.get(seat) for seat in command.seat_ids]
        if any(self.is_free(seat, now) for seat in command.seat_ids):
            return None
        holds = {(owner.buyer, owner.hold, owner.ends) for owner in owners}
        if len(holds) > 1:
            return None
        ((buyer, _, end),) = holds
        return end if buyer == command.buyer_id else None

    def _give_back(self, command, now):
        not_mine = tuple(
            seat
            for seat in command.seat_ids
            if self.is_free(seat, now)
            or self.owned[seat].buyer != command.buyer_id
            or self.owned[seat].ends is None
        )
        if not_mine:
            return "NotYourSeats", not_mine, None
        for seat in command.seat_ids:
            del self.owned[seat]
        return "released", command.seat_ids, None
