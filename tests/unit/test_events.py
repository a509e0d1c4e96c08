"""What is told to those outside."""

import re
from pathlib import Path

import pytest

from jari.domain.events import KIND_OF_CHANGE, EventKind, SeatEvent, seat_events
from jari.domain.seating import Change, Status


@pytest.mark.parametrize(
    ("change", "event"),
    [
        (Change(Status.HOLD, (1, 2), 7, 99), SeatEvent(EventKind.SEATS_HELD, 7, (1, 2), 99)),
        (Change(Status.HOLD, (1,), 7), SeatEvent(EventKind.SEATS_HELD, 7, (1,), None)),
        (Change(Status.OCCUPIED, (3,), 7), SeatEvent(EventKind.SEATS_SOLD, 7, (3,), None)),
        (Change(Status.AVAILABLE, (4, 5)), SeatEvent(EventKind.SEATS_RELEASED, 0, (4, 5), None)),
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
    assert told == ["seats.released", "seats.held", "seats.sold"]  # as they stand on the wire


def test_no_changes_are_no_events():
    assert list(seat_events(())) == []


def test_every_status_of_a_seat_has_a_kind_of_event_and_every_kind_is_a_noun_and_what_happened():
    assert set(KIND_OF_CHANGE) == set(Status)
    assert [kind for kind in EventKind if kind.noun == "seats"] == list(KIND_OF_CHANGE.values())
    assert all(kind.count(".") == 1 and kind.startswith(f"{kind.noun}.") for kind in EventKind)


def test_the_api_describes_every_kind_of_event_and_no_other():
    """The first column of the table under the heading: a name, and behind it others of the same noun."""
    text = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (`[^|]*`) \|", text.partition("## Webhooks\n")[2].partition("\n## ")[0], re.MULTILINE
    )
    described = []
    for name in re.findall(r"`([^`]*)`", " ".join(rows)):
        noun = described[-1].partition(".")[0] if name.startswith(".") else ""
        described.append(noun + name)
    assert sorted(described) == sorted(EventKind)
