"""What a head calls for."""

import pytest

from jari.domain.heads import Step, next_step, shows
from jari.domain.seatmap import Position

STORE = Position("epoch", 5)


@pytest.mark.parametrize(
    ("head", "step", "is_shown"),
    [
        (None, Step.REBUILD, False),
        (Position("other", 4), Step.REBUILD, False),
        (Position("other", 5), Step.REBUILD, False),
        (Position("other", 6), Step.REBUILD, False),
        (Position("epoch", 0), Step.BRING, False),
        (Position("epoch", 4), Step.BRING, False),
        (Position("epoch", 5), Step.NOTHING, True),
        (Position("epoch", 6), Step.BREAK_OFF, True),
    ],
    ids=str,
)
def test_a_head_calls_for_one_step(head, step, is_shown):
    assert next_step(head, STORE) is step
    assert shows(head, STORE) is is_shown
