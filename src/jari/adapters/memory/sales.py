"""The reservations in memory, with the rules that unique keys enforce in a database.

A payment's money moves for one reservation only, and only one payment pays a reservation.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from jari.domain.box_office import Update
from jari.domain.errors import StaleDecision
from jari.domain.reservations import Reservation, ReservationStatus

Claim = tuple[str, int | str]


class Sales:
    """Every reservation by its number, with an index by payment key and one by buyer."""

    def __init__(self) -> None:
        self.by_id: dict[int, Reservation] = {}
        self._claimed: dict[Claim, int] = {}
        self._of_payment_key: dict[str, list[int]] = defaultdict(list)
        self._of_buyer: dict[tuple[int, int], list[int]] = defaultdict(list)  # by schedule and buyer

    def put(self, reservation: Reservation) -> None:
        """Insert a reservation, or replace the one of its number."""
        before = self.by_id.get(reservation.id)
        if before is None:
            self._of_buyer[reservation.schedule_id, reservation.buyer_id].append(reservation.id)
        else:
            for claim in _claims(before):
                # Another reservation may have taken it over in the same batch.
                if self._claimed.get(claim) == reservation.id:
                    del self._claimed[claim]
        for claim in _claims(reservation):
            self._claimed[claim] = reservation.id
        for payment in reservation.payments:
            numbers = self._of_payment_key[payment.payment_key]
            if reservation.id not in numbers:
                numbers.append(reservation.id)
        self.by_id[reservation.id] = reservation.in_order()

    def find(
        self, schedule_id: int, ids: Sequence[int], payment_keys: Sequence[str], buyer_ids: Sequence[int]
    ) -> list[Reservation]:
        """As `jari.ports.SeatingTransaction.reservations`."""
        present = self.by_id
        named = [each for each in ids if each in present and present[each].schedule_id == schedule_id]
        paid = [each for key in payment_keys for each in self._of_payment_key.get(key, ())]
        waiting = [
            each
            for buyer_id in buyer_ids
            for each in self._of_buyer.get((schedule_id, buyer_id), ())
            if present[each].status is ReservationStatus.PENDING
        ]
        return [present[each] for each in dict.fromkeys((*named, *paid, *waiting))]

    def require_unclaimed(self, updates: Iterable[Update]) -> None:
        """Refuse a batch after which two reservations, or two payments of one, would claim the same.

        Raises:
            StaleDecision: names what is claimed.
        """
        fresh = {update.after.id: update.after for update in updates}
        claims: set[Claim] = set()
        for reservation in fresh.values():
            for claim in _claims(reservation):
                owner = self._claimed.get(claim)
                if claim in claims or (owner is not None and owner not in fresh):
                    raise StaleDecision(f"A sale was made behind the till's back: {claim} is taken.")
                claims.add(claim)


def _claims(reservation: Reservation) -> Iterator[Claim]:
    """What this reservation claims: no other reservation, and no other payment of this one, may have it."""
    yield "order", reservation.order_id
    for payment in reservation.payments:
        if payment.pays:
            yield "payment key", payment.payment_key
            yield "reservation", reservation.id
