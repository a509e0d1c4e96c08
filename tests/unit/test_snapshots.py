"""Encoded snapshots: always equal to the plain way of writing them, and made once however many ask."""

import asyncio
import gzip
import json
import random

import pytest

from jari.domain.schedules import Sale
from jari.domain.seating import Allocation, Change, Status
from jari.domain.seatmap import Commit, Layout, SeatMap
from jari.ports.seating import ScheduleState
from jari.usecases.live import LiveSchedule
from jari.web.live.snapshots import ScheduleSnapshots, Snapshots

BLOCKS, SEATS = 4, 5


def layout():
    seats = range(BLOCKS * SEATS)
    return Layout(
        seat_ids=[100 + seat for seat in reversed(seats)],
        rows=[1 + seat // SEATS for seat in seats],
        cols=[1 + seat % SEATS for seat in seats],
        block_ids=[10 + block for block in range(BLOCKS)],
        block_starts=[block * SEATS for block in range(BLOCKS + 1)],
    )


def seat_map(*, version=3, taken=()):
    allocations = [Allocation(seat_id, Status.HOLD, 1, "h", 9) for seat_id in taken]
    return SeatMap(layout(), "ab12", version, allocations)


def change_something(seats, dice):
    """The next commit: a few seats take any status."""
    changes = tuple(
        Change(dice.choice(list(Status)), tuple(dice.sample(list(seats.layout.seat_ids), dice.randint(1, 3))))
        for _ in range(dice.randint(1, 3))
    )
    seats.apply(Commit(seats.version + 1, changes))


def plain_block(seats, block):
    return [
        {"id": seats.layout.seat_ids[index], "status": Status(seats.status[index]).name}
        for index in seats.layout.block_range(block)
    ]


def plain_whole(seats):
    return [
        {
            "row": seats.layout.rows[index],
            "col": seats.layout.cols[index],
            "status": Status(seats.status[index]).name,
        }
        for index in seats.layout.whole
        if seats.status[index] != Status.AVAILABLE
    ]


def encoded(version, seats):
    return json.dumps(
        {"status": 200, "data": {"version": version, "seats": seats}}, separators=(",", ":")
    ).encode()


@pytest.mark.parametrize("seed", range(5))
async def test_after_any_changes_every_snapshot_equals_the_plain_encoding(seed):
    dice = random.Random(seed)
    seats = seat_map(taken=[101, 107])
    snapshots = ScheduleSnapshots(seats)
    for _ in range(40):
        for block in range(BLOCKS):
            assert snapshots.block(block).plain == encoded(seats.version, plain_block(seats, block))
        whole = await snapshots.whole()
        assert whole.plain == encoded(seats.version, plain_whole(seats))
        assert gzip.decompress(whole.packed) == whole.plain
        for _ in range(dice.randint(0, 2)):
            change_something(seats, dice)


async def test_a_snapshot_of_no_taken_seats_is_an_empty_list():
    whole = await ScheduleSnapshots(seat_map()).whole()
    assert whole.plain == b'{"status":200,"data":{"version":3,"seats":[]}}'
    assert whole.etag == '"ab12-3"'


def test_taken_seats_are_named_by_status_within_a_range():
    seats = seat_map(taken=[119, 100])
    seats.apply(Commit(4, (Change(Status.OCCUPIED, (118,), 1),)))
    snapshots = ScheduleSnapshots(seats)
    assert snapshots.taken_by_status(seats.layout.whole) == {"HOLD": [119, 100], "OCCUPIED": [118]}
    assert snapshots.taken_by_status(seats.layout.block_range(0)) == {"HOLD": [119], "OCCUPIED": [118]}
    assert snapshots.taken_by_status(range(0)) == {"HOLD": [], "OCCUPIED": []}


def test_a_block_that_did_not_change_is_not_encoded_again():
    seats = seat_map()
    snapshots = ScheduleSnapshots(seats)
    first, other = snapshots.block_seats(0), snapshots.block_seats(3)
    seats.apply(Commit(4, (Change(Status.HOLD, (119,), 1, 9),)))
    assert snapshots.block_seats(3) is other
    assert snapshots.block_seats(0) != first


async def test_all_who_ask_for_one_version_get_one_snapshot():
    snapshots = ScheduleSnapshots(seat_map())
    answers = await asyncio.gather(*(snapshots.whole() for _ in range(50)))
    assert {id(answer) for answer in answers} == {id(answers[0])}
    assert await snapshots.whole() is answers[0]


async def test_a_snapshot_is_never_older_than_the_map_was_when_it_was_asked_for():
    seats, dice = seat_map(), random.Random(1)
    snapshots = ScheduleSnapshots(seats)

    async def ask():
        asked_version = seats.version
        return asked_version, await snapshots.whole()

    asking = []
    for _ in range(60):  # commits go on while snapshots are packed in a thread
        asking += [asyncio.create_task(ask()) for _ in range(3)]
        await asyncio.sleep(0)
        change_something(seats, dice)
    for asked_version, answer in await asyncio.gather(*asking):
        assert answer.position.version >= asked_version
        assert json.loads(answer.plain)["data"]["version"] == answer.position.version
    assert (await snapshots.whole()).plain == encoded(seats.version, plain_whole(seats))


async def test_who_gives_up_waiting_spoils_it_for_nobody():
    snapshots = ScheduleSnapshots(seat_map(taken=[101]))
    impatient, patient = asyncio.create_task(snapshots.whole()), asyncio.create_task(snapshots.whole())
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await patient).position.version == 3


async def test_a_map_that_was_loaded_anew_gets_new_snapshots():
    state = ScheduleState("ab12", 3, Sale(enabled=True, opens_ms=0), 0)
    schedule = LiveSchedule(7, seat_map(taken=[101]), state)
    snapshots = Snapshots()
    before = snapshots.of(schedule)
    assert snapshots.of(schedule) is before
    schedule.seat_map = seat_map(taken=[102])
    assert snapshots.of(schedule) is not before
    assert (await snapshots.of(schedule).whole()).plain == encoded(3, plain_whole(schedule.seat_map))
