"""Work that outlives who asked for it."""

import asyncio

import pytest
from structlog.testing import capture_logs

from jari.domain.errors import Unavailable
from jari.ports.reservations import Due
from jari.usecases.running import Running


class Work:
    """Counts how often it is begun, and ends when it is told to."""

    def __init__(self, failure=None):
        self.begun = 0
        self.ended = False
        self.cancelled = False
        self.may_end = asyncio.Event()
        self._failure = failure

    async def __call__(self):
        self.begun += 1
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        if self._failure is not None:
            raise self._failure
        self.ended = True
        return self.begun


async def turns(count=5):
    """Let everything that can run, run."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_whoever_asks_for_the_same_number_waits_for_the_same_work():
    running, work = Running(10), Work()
    callers = [asyncio.create_task(running.join(7, work)) for _ in range(3)]
    await turns()
    work.may_end.set()
    assert await asyncio.gather(*callers) == [1, 1, 1]
    assert work.begun == 1


async def test_other_numbers_are_other_work():
    running, one, two = Running(10), Work(), Work()
    callers = [asyncio.create_task(running.join(number, work)) for number, work in [(1, one), (2, two)]]
    await turns()
    two.may_end.set()
    await callers[1]
    assert (one.ended, two.ended) == (False, True)
    one.may_end.set()
    await callers[0]


async def test_what_has_ended_is_begun_anew():
    running, work = Running(10), Work()
    work.may_end.set()
    assert [await running.join(7, work) for _ in range(3)] == [1, 2, 3]


async def test_the_work_goes_on_when_the_caller_is_cancelled():
    running, work = Running(10), Work()
    leaving, staying = [asyncio.create_task(running.join(7, work)) for _ in range(2)]
    await turns()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert not work.cancelled
    work.may_end.set()
    assert await staying == 1


async def test_the_work_goes_on_when_every_caller_is_cancelled():
    running, work = Running(10), Work()
    caller = asyncio.create_task(running.join(7, work))
    await turns()
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    work.may_end.set()
    await turns()
    assert work.ended
    running.require_room()


async def test_every_caller_gets_the_failure_and_the_next_may_try_again():
    running, work = Running(10), Work(failure=LookupError("gone"))
    callers = [asyncio.create_task(running.join(7, work)) for _ in range(2)]
    await turns()
    work.may_end.set()
    outcomes = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(each) for each in outcomes] == [LookupError, LookupError]
    with pytest.raises(LookupError):
        await running.join(7, work)
    assert work.begun == 2


async def test_there_is_room_up_to_the_limit_and_again_when_something_has_ended():
    running, work = Running(2), Work()
    running.start(1, work())
    running.require_room()
    running.start(2, work())
    with pytest.raises(Unavailable) as full:
        running.require_room()
    assert full.value.retry_after_seconds > 0
    work.may_end.set()
    await turns()
    running.require_room()


async def test_at_the_limit_one_may_still_join_what_runs():
    running, work = Running(1), Work()
    running.start(7, work())
    caller = asyncio.create_task(running.join(7, Work()))
    await turns()
    work.may_end.set()
    assert await caller == 1


async def test_what_runs_is_not_started_twice():
    running, work, other = Running(10), Work(), Work()
    running.start(7, work())
    running.start(7, other())
    await turns()
    assert (work.begun, other.begun) == (1, 0)
    work.may_end.set()
    await turns()


async def test_a_failure_that_nobody_waits_for_is_logged():
    running, work = Running(10), Work(failure=LookupError("gone"))
    work.may_end.set()
    with capture_logs() as logs:
        running.start(7, work())
        await turns()
    assert [each["event"] for each in logs] == ["background_work_failed"]


async def test_where_the_work_fails_it_is_open_still_and_nobody_is_told_otherwise():
    running, work, good = Running(10), Work(failure=LookupError("gone")), Work()
    work.may_end.set()
    good.may_end.set()
    with capture_logs() as logs:
        assert await running.join_or("open", 7, work) == "open"
        assert await running.join_or("open", 8, good) == 1
    assert [each["event"] for each in logs if each["event"] == "left_open"] == ["left_open"]


async def test_what_cannot_be_taken_up_keeps_nothing_else_from_being_taken_up():
    async def take_up(due):
        if due.id == 2:
            raise LookupError("gone")

    due = [Due(schedule_id=7, reservation_id=101, id=number) for number in (1, 2, 3)]
    with capture_logs() as logs:
        assert await Running(10).take_up(due, take_up) == 2
    assert [(each["event"], each["number"]) for each in logs] == [("not_taken_up", 2)]


async def test_what_ends_well_or_is_cancelled_is_not_logged():
    running, good, endless = Running(10), Work(), Work()
    good.may_end.set()
    with capture_logs() as logs:
        running.start(1, good())
        running.start(2, endless())
        await turns()
        await running.close(0)
    assert logs == []


async def test_closing_waits_for_what_runs():
    running, work = Running(10), Work()
    caller = asyncio.create_task(running.join(7, work))
    await turns()
    closing = asyncio.create_task(running.close(60))
    await turns()
    assert not closing.done()
    work.may_end.set()
    await closing
    assert await caller == 1


async def test_closing_cancels_what_does_not_end_in_time():
    running, work = Running(10), Work()
    running.start(7, work())
    await turns()
    await running.close(0.01)
    assert work.cancelled
    running.require_room()


async def test_closing_with_nothing_to_do_is_at_once():
    async with asyncio.timeout(1):
        await Running(10).close(60)
