"""What a batch reads: what its commands need, each thing once, and no more."""

from dataclasses import dataclass

import pytest

from jari.domain.needs import Needs, Reading

ANN, BEN = 1, 2
PLAN = range(1, 100)


@dataclass(frozen=True)
class Reserved:
    """Of a reservation, what reading looks at."""

    id: int
    seat_ids: tuple[int, ...]


def test_needs_add_up():
    one = Needs((1,), (ANN,), (7,), ("k",), (BEN,))
    assert one + Needs((2,), (BEN,), (8,), ("l",), (ANN,)) == Needs(
        (1, 2), (ANN, BEN), (7, 8), ("k", "l"), (BEN, ANN)
    )
    assert one + Needs() == one


def test_what_several_need_is_read_once():
    reading = Reading([Needs((1, 2), (ANN,)), Needs((2, 3), (BEN,)), Needs((2,), (ANN,))], PLAN)
    assert (reading.seat_ids, reading.buyer_ids) == ({1, 2, 3}, {ANN, BEN})


def test_of_whoever_may_take_a_seat_the_tenure_is_read_and_of_nobody_else():
    reading = Reading([Needs((1, 2), (ANN,)), Needs((2,), (BEN,)), Needs((3,), open_of_buyers=(BEN,))], PLAN)
    assert reading.tenures == {(ANN, 1), (ANN, 2), (BEN, 2)}


def test_seats_that_are_named_and_not_in_the_plan_are_not_looked_for():
    reading = Reading([Needs((1, 100), (ANN,))], PLAN)
    assert (reading.seat_ids, reading.tenures) == ({1}, {(ANN, 1)})


@pytest.mark.parametrize(
    "needs",
    [
        Needs(reservation_ids=(7,)),
        Needs(payment_keys=("k",), reservation_ids=(8,)),
        Needs(open_of_buyers=(ANN,)),
    ],
    ids=["by its id", "by a payment", "by its buyer"],
)
def test_of_reservations_that_were_found_every_seat_is_read_even_if_the_plan_has_dropped_it(needs):
    reading = Reading([needs], PLAN)
    reading.add_seats_of([Reserved(7, (5, 100))])
    assert reading.seat_ids == {5, 100}
    assert reading.tenures == set()


def test_whoever_may_take_a_reservations_seats_again_has_tenures_of_them_and_not_of_anothers():
    paying = Needs(buyer_ids=(ANN,), reservation_ids=(7,), payment_keys=("k",))
    reading = Reading([paying, Needs(buyer_ids=(BEN,), seat_ids=(9,))], PLAN)
    reading.add_seats_of([Reserved(7, (5, 6)), Reserved(8, (6,))])
    assert reading.tenures == {(ANN, 5), (ANN, 6), (BEN, 9)}
    assert reading.seat_ids == {5, 6, 9}
