"""The streams' exact bytes: the public contract."""

import pytest

from jari.domain.seating import Change, Status
from jari.domain.seatmap import Commit, Layout, Position
from jari.web.live import sse

AT_15 = Position("ab12", 15)
LAYOUT = Layout([101, 102, 103], [1, 1, 2], [5, 6, 5], [1], [0, 3])

HELD = Change(Status.HOLD, (101, 102), 7, 1_000)
SOLD = Change(Status.OCCUPIED, (103,), 7)
FREED = Change(Status.AVAILABLE, (101,))


@pytest.mark.parametrize(
    ("arguments", "framed"),
    [
        ((b"{}",), b"data: {}\n\n"),
        ((b"{}", "init"), b"event: init\ndata: {}\n\n"),
        ((b"{}", "", AT_15), b"id: ab12-15\ndata: {}\n\n"),
        ((b"{}", "init", AT_15), b"id: ab12-15\nevent: init\ndata: {}\n\n"),
        ((b"{}", "init", Position("ab12", 0)), b"id: ab12-0\nevent: init\ndata: {}\n\n"),
    ],
)
def test_an_event_has_an_id_a_name_and_data(arguments, framed):
    assert sse.event(*arguments) == framed


def test_a_reconnect_waits_as_long_as_told_in_the_block_of_the_first_event():
    assert sse.retry(1_234) + sse.schedule_ready(AT_15) == (
        b'retry: 1234\nid: ab12-15\nevent: ready\ndata: {"version":15}\n\n'
    )


def test_a_heartbeat_is_a_comment_that_carries_the_position_and_dispatches_nothing():
    assert sse.heartbeat(AT_15) == b":\nid: ab12-15\n\n"


def test_a_block_stream_opens_with_every_seat():
    seats = b'[{"id":101,"status":"AVAILABLE"},{"id":102,"status":"HOLD"}]'
    assert sse.block_init(AT_15, seats) == (
        b"id: ab12-15\nevent: init\n"
        b'data: {"status":200,"data":{"seats":[{"id":101,"status":"AVAILABLE"},{"id":102,"status":"HOLD"}]}}\n\n'
    )


def test_a_block_stream_tells_one_seat_at_a_time():
    assert sse.block_updates("ab12", [Commit(16, (SOLD,))]) == (
        b'id: ab12-16\nevent: update\ndata: {"status":200,"data":{"seatId":103,"status":"OCCUPIED"}}\n\n'
    )


def test_the_id_stands_on_the_last_event_of_a_commit_so_that_no_resume_lands_inside():
    assert sse.block_updates("ab12", [Commit(16, (HELD, FREED)), Commit(18, (SOLD,))]) == (
        b'event: update\ndata: {"status":200,"data":{"seatId":101,"status":"HOLD"}}\n\n'
        b'event: update\ndata: {"status":200,"data":{"seatId":102,"status":"HOLD"}}\n\n'
        b"id: ab12-16\n"
        b'event: update\ndata: {"status":200,"data":{"seatId":101,"status":"AVAILABLE"}}\n\n'
        b"id: ab12-18\n"
        b'event: update\ndata: {"status":200,"data":{"seatId":103,"status":"OCCUPIED"}}\n\n'
    )


def test_a_schedule_stream_opens_with_the_version_from_which_on_it_tells():
    assert sse.schedule_ready(AT_15) == b'id: ab12-15\nevent: ready\ndata: {"version":15}\n\n'


@pytest.mark.parametrize(
    ("change", "data"),
    [
        (HELD, b'{"action":"OCCUPIED","seats":[{"row":1,"col":5},{"row":1,"col":6}]}'),
        (SOLD, b'{"action":"CONFIRMED","seats":[{"row":2,"col":5}]}'),
        (FREED, b'{"action":"RELEASED","seats":[{"row":1,"col":5}]}'),
        (Change(Status.HOLD, (103, 999)), b'{"action":"OCCUPIED","seats":[{"row":2,"col":5}]}'),
    ],
    ids=["held", "paid", "cancelled or expired", "a seat that the plan has dropped"],
)
def test_a_schedule_stream_tells_actions_by_row_and_col_in_unnamed_events(change, data):
    expected = b"id: ab12-16\ndata: " + data + b"\n\n"
    assert sse.schedule_actions("ab12", [Commit(16, (change,))], LAYOUT) == expected


def test_the_actions_of_a_commit_come_together_with_the_id_on_the_last():
    assert sse.schedule_actions("ab12", [Commit(16, (FREED, HELD)), Commit(17, (SOLD,))], LAYOUT) == (
        b'data: {"action":"RELEASED","seats":[{"row":1,"col":5}]}\n\n'
        b"id: ab12-16\n"
        b'data: {"action":"OCCUPIED","seats":[{"row":1,"col":5},{"row":1,"col":6}]}\n\n'
        b"id: ab12-17\n"
        b'data: {"action":"CONFIRMED","seats":[{"row":2,"col":5}]}\n\n'
    )


def test_a_batch_snapshot_names_what_is_taken():
    assert sse.batch_snapshot(AT_15, {"HOLD": [101], "OCCUPIED": []}) == (
        b"id: ab12-15\nevent: snapshot\n"
        b'data: {"status":200,"data":{"version":15,"seats":{"HOLD":[101],"OCCUPIED":[]}}}\n\n'
    )


def test_a_batch_of_changes_names_each_seat_once_by_its_last_status():
    commits = [Commit(16, (HELD,)), Commit(18, (SOLD, FREED))]
    assert sse.batch_changes("ab12", commits) == (
        b"id: ab12-18\nevent: changes\n"
        b'data: {"status":200,"data":{"version":18,"seats":'
        b'{"AVAILABLE":[101],"HOLD":[102],"OCCUPIED":[103]}}}\n\n'
    )


@pytest.mark.parametrize("frame", [sse.block_updates, lambda *told: sse.schedule_actions(*told, LAYOUT)])
def test_where_nothing_changed_nothing_is_told(frame):
    assert frame("ab12", []) == b""
