"""Who may watch: so many in all, so many of one address, and so many different schedules."""

from contextlib import ExitStack

import pytest

from jari.domain.errors import TooManyAttempts, Unavailable
from jari.settings import Settings
from jari.web.live.snapshots import Snapshots
from jari.web.live.streams import Hub


def hub(**limits):
    return Hub(Snapshots(), Settings(**limits))


def test_no_more_schedules_are_watched_than_fit_in_memory_however_few_watch_each():
    with ExitStack() as stack:
        watched = hub(max_schedules_watched=2)
        for address, schedule_id in (("a", 7), ("b", 8), ("c", 7)):
            stack.enter_context(watched.place(address, schedule_id))
        with pytest.raises(Unavailable, match="connect again") as refusal, watched.place("d", 9):
            pass
        assert refusal.value.retry_after_seconds > 0
        with watched.place("d", 8):
            assert watched.viewer_count == 4


def test_the_last_viewer_who_goes_makes_room_for_another_schedule():
    watched = hub(max_schedules_watched=1)
    with watched.place("a", 7):
        with watched.place("b", 7):
            pass
        with pytest.raises(Unavailable), watched.place("b", 8):
            pass
    with watched.place("b", 8):
        pass
    assert (watched.viewer_count, len(watched._watchers_of), len(watched._viewers_of)) == (0, 0, 0)


def test_one_address_does_not_take_every_place():
    watched = hub(max_viewers=3, max_viewers_per_address=2)
    with ExitStack() as stack:
        for schedule_id in (7, 8):
            stack.enter_context(watched.place("a", schedule_id))
        with pytest.raises(TooManyAttempts), watched.place("a", 7):
            pass
        stack.enter_context(watched.place("b", 7))
        with pytest.raises(Unavailable), watched.place("c", 7):
            pass
