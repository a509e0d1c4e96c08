"""Needs: what must be read before commands can be decided."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from itertools import product

from jari.domain.reservations import Reservation


@dataclass(frozen=True, slots=True)
class Needs:
    """What one command must know.

    It names allocations by seat and by buyer. It names reservations by id, by the key of a payment, and all open ones
    of a buyer; the allocations of their seats are read with them. ``buyer_ids`` are those who may be about to take the
    seats: their tenures are read, too.
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
    """What a whole batch must read, each thing once. Read the reservations first: their seats must be read, too.

    ``plan`` has the ids of the schedule's seats; other ids are not looked for.
    """

    def __init__(self, needed: Iterable[Needs], plan: Container[int]) -> None:
        needed = list(needed)
        here = [(each, [seat_id for seat_id in each.seat_ids if seat_id in plan]) for each in needed]
        self.seat_ids = {seat_id for _, seat_ids in here for seat_id in seat_ids}
        self.buyer_ids = {buyer_id for each in needed for buyer_id in each.buyer_ids}
        self.reservation_ids = {number for each in needed for number in each.reservation_ids}
        self.payment_keys = {key for each in needed for key in each.payment_keys}
        self.open_of_buyers = {buyer_id for each in needed for buyer_id in each.open_of_buyers}
        self.tenures = {pair for each, seat_ids in here for pair in product(each.buyer_ids, seat_ids)}
        # (buyer, reservation): this buyer may be about to take its seats
        self._takers = [pair for each in needed for pair in product(each.buyer_ids, each.reservation_ids)]

    def add_seats_of(self, reservations: Iterable[Reservation]) -> None:
        """Add the seats of these reservations, and the tenures there of those who may be about to take them."""
        seats_of = {each.id: each.seat_ids for each in reservations}
        for seat_ids in seats_of.values():
            self.seat_ids.update(seat_ids)
        for buyer_id, number in self._takers:
            self.tenures.update(product((buyer_id,), seats_of.get(number, ())))
