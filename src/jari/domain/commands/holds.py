"""Holding seats and giving them back."""

from dataclasses import dataclass

from jari.domain.box_office import BoxOffice, Command
from jari.domain.events import EventKind
from jari.domain.needs import Needs
from jari.domain.reservations import ReservationStatus
from jari.domain.seating import Held, check_seat_ids
from jari.domain.tenures import NO_LIMIT, KeepLimit


@dataclass(frozen=True, slots=True)
class Released:
    """These seats are AVAILABLE again."""

    seat_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Expired:
    """These seats were freed because their holds had ended; there may be none."""

    seat_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Hold(Command[Held]):
    """Take all of these seats, or none: for ``hold_ms``, or less if the buyer has kept one for long already."""

    buyer_id: int
    seat_ids: tuple[int, ...]
    hold_id: str
    hold_ms: int
    max_seats: int
    limit: KeepLimit = NO_LIMIT

    @property
    def needs(self) -> Needs:
        """The seats, and all that the buyer has."""
        return Needs(seat_ids=self.seat_ids, buyer_ids=(self.buyer_id,))

    def decide(self, office: BoxOffice) -> Held:
        """Return the hold that the buyer has on exactly these seats, or make a new one of free seats."""
        seating = office.seating
        check_seat_ids(self.seat_ids, self.max_seats)
        seating.require_known(self.seat_ids)
        seating.require_open()
        if held := seating.held_already(self.buyer_id, self.seat_ids):
            return held
        seating.require_free(self.seat_ids, len(self.seat_ids))
        seating.require_room(self.buyer_id, self.seat_ids, self.max_seats)
        expires_ms = seating.take(self.buyer_id, self.seat_ids, self.hold_id, self.hold_ms, self.limit)
        return Held(self.hold_id, self.seat_ids, expires_ms)


@dataclass(frozen=True, slots=True)
class Release(Command[Released]):
    """Give back all of these held seats, or none."""

    buyer_id: int
    seat_ids: tuple[int, ...]

    @property
    def needs(self) -> Needs:
        """The seats, and the reservations that they may be in."""
        return Needs(seat_ids=self.seat_ids, open_of_buyers=(self.buyer_id,))

    def decide(self, office: BoxOffice) -> Released:
        """Free the seats, and cancel their unpaid reservation: without them its amount is no longer right."""
        hold_ids = office.seating.hold_ids(self.seat_ids)
        reserved = [
            each
            for each in office.open_of(self.buyer_id)
            if each.hold_id in hold_ids and not set(each.seat_ids).isdisjoint(self.seat_ids)
        ]
        for each in reserved:
            each.require_not_paying()
        office.seating.require_held(self.buyer_id, self.seat_ids)
        office.seating.free(self.seat_ids)
        for each in reserved:
            office.move(each.moved(ReservationStatus.CANCELLED), EventKind.RESERVATION_CANCELLED)
        return Released(self.seat_ids)


@dataclass(frozen=True, slots=True)
class Expire(Command[Expired]):
    """Free those of these seats whose hold has ended."""

    seat_ids: tuple[int, ...]

    @property
    def needs(self) -> Needs:
        """The seats."""
        return Needs(seat_ids=self.seat_ids)

    def decide(self, office: BoxOffice) -> Expired:
        """Free them; a seat that somebody has taken again meanwhile stays held."""
        return Expired(office.seating.sweep(self.seat_ids))
