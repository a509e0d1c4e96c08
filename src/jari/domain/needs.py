"""Needs: what must be read before commands can be decided."""

from collections.abc import Container, Iterable
from dataclasses import dataclass

from jari.domain.reservations import Reservation


@dataclass(frozen=True, slots=True)
class Needs:
    """What one command must know.

    Allocations of seats and of buyers; reservations by id, by the key of one of their payments, and the open
    ones of buyers, with the allocations of all their seats. Buyers are those who may be about to take the seats:
    of them the tenures are needed too.
    """

    seat_ids: tuple[int, ...] = ()
    buyer_ids: tuple[int, ...] = ()
    reservation_ids: tuple[int, ...] = ()
    payment_keys: tuple[str, ...] = ()
    open_of_buyers: tuple[int, ...] = ()

    def __add__(self, other: "Needs") -> "Needs":
        return Needs(
            self.seat_ids + other.seat_ids,
            self.buyer_ids + other.buyer_ids,
            self.reservation_ids + other.reservation_ids,
            self.payment_keys + other.payment_keys,
            self.open_of_buyers + other.open_of_buyers,
        )


class Reading:
    """What a whole batch must read, each thing once: reservations first, since they have seats.

    ``plan`` has the ids of the seats of the schedule: what else is named need not be looked for.
    """

    def __init__(self, needed: Iterable[Needs], plan: Container[int]) -> None:
        self.seat_ids: set[int] = set()
        self.buyer_ids: set[int] = set()
        self.reservation_ids: set[int] = set()
        self.payment_keys: set[str] = set()
        self.open_of_buyers: set[int] = set()
        self.tenures: set[tuple[int, int]] = set()  # buyer, seat
        self._takers: list[tuple[int, int]] = []  # who may be about to take the seats of which reservation
        for each in needed:
            seat_ids = [seat_id for seat_id in each.seat_ids if seat_id in plan]
            self.seat_ids.update(seat_ids)
            self.buyer_ids.update(each.buyer_ids)
            self.reservation_ids.update(each.reservation_ids)
            self.payment_keys.update(each.payment_keys)
            self.open_of_buyers.update(each.open_of_buyers)
            for buyer_id in each.buyer_ids:
                self.tenures.update((buyer_id, seat_id) for seat_id in seat_ids)
                self._takers.extend((buyer_id, number) for number in each.reservation_ids)

    def add_seats_of(self, reservations: Iterable[Reservation]) -> None:
        """Add what must be read of the seats of the reservations that were found."""
        seats_of = {each.id: each.seat_ids for each in reservations}
        for seat_ids in seats_of.values():
            self.seat_ids.update(seat_ids)
        for buyer_id, number in self._takers:
            self.tenures.update((buyer_id, seat_id) for seat_id in seats_of.get(number, ()))
