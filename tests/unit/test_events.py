"""What is told to those outside."""

import pytest

from jari.domain.events import KINDS, SALE_KINDS, SEAT_KINDS, SeatEvent, seat_events
from jari.domain.seating import Change, Status


@pytest.mark.parametrize(
    ("change", "event"),
    [
        (Change(Status.HOLD, (1, 2), 7, 99), SeatEvent("seats.held", 7, (1, 2), 99)),
        (Change(Status.HOLD, (1,), 7), SeatEvent("seats.held", 7, (1,), None)),
        (Change(Status.OCCUPIED, (3,), 7), SeatEvent("seats.sold", 7, (3,), None)),
        (Change(Status.AVAILABLE, (4, 5)), SeatEvent("seats.released", 0, (4, 5), None)),
    ],
    ids=["held", "held without an end", "sold", "free"],
)
def test_every_change_of_seats_is_an_event(change, event):
    assert list(seat_events((change,))) == [event]


def test_the_changes_of_a_commit_are_told_in_their_order():
    changes = (
        Change(Status.AVAILABLE, (1,)),
        Change(Status.HOLD, (1,), 7, 99),
        Change(Status.OCCUPIED, (1,), 7),
    )
    told = [each.kind for each in seat_events(changes)]
    assert told == ["seats.released", "seats.held", "seats.sold"]


def test_no_changes_are_no_events():
    assert list(seat_events(())) == []


def test_every_status_of_a_seat_has_a_kind_of_event_and_every_kind_is_named_once():
    assert set(SEAT_KINDS) == set(Status)
    assert len(set(KINDS)) == len(KINDS) == len(SEAT_KINDS) + len(SALE_KINDS)
    assert all(kind.count(".") == 1 for kind in KINDS)
