"""Whose turn it is to have something drawn, and how long its line may be."""

import asyncio
import sys

import pytest
import uvloop

from jari.domain.errors import TooManyAttempts, Unavailable
from jari.settings import Settings
from jari.web.site.printer import Press, Printer, Turns
from jari.web.site.ticket_documents import TicketPrint, TicketSheet

# Draws nothing: each job comes back as it is. The first of its kind closes its input before its first answer and lives
# on, with no output either. (uvloop leaves a child more ends of its pipes than it asked for.)
HALF_DEAD = """
import os, pathlib, sys, time
from jari.web.site.press import LENGTH_BYTES, framed
been = pathlib.Path(sys.argv[1])
while head := sys.stdin.buffer.read(LENGTH_BYTES):
    job = sys.stdin.buffer.read(int.from_bytes(head, "big"))
    first = not been.exists()
    if first:
        been.touch()
        os.close(0), os.closerange(3, 1024)
    sys.stdout.buffer.write(framed(job))
    sys.stdout.buffer.flush()
    if first:
        os.close(1)
        time.sleep(60)
"""


async def test_a_user_has_one_turn_at_a_time_and_another_user_does_not_wait_for_it():
    turns, order = Turns(max_waiting=5, wait_seconds=10), []

    async def work(user_id: int, name: str) -> None:
        async with turns.of(user_id):
            order.append(f"{name} begins")
            for _ in range(3):
                await asyncio.sleep(0)
            order.append(f"{name} ends")

    await asyncio.gather(work(1, "first"), work(1, "second"), work(2, "other"))
    mine = [each for each in order if "other" not in each]
    assert mine == ["first begins", "first ends", "second begins", "second ends"]
    assert order.index("other begins") < order.index("first ends")


async def test_more_than_may_wait_is_refused_and_room_comes_back():
    turns = Turns(max_waiting=1, wait_seconds=10)
    may_end = asyncio.Event()

    async def work() -> None:
        async with turns.of(1):
            await may_end.wait()

    under_way = [asyncio.create_task(work()) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyAttempts):
        await work()
    may_end.set()
    await asyncio.gather(*under_way)
    await work()


async def test_a_turn_that_does_not_come_in_time_is_refused():
    turns = Turns(max_waiting=5, wait_seconds=0.01)
    async with turns.of(1):
        with pytest.raises(Unavailable):
            async with turns.of(1):
                raise AssertionError("two turns at once")
    async with turns.of(1):
        pass


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def runner(request):
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner


def test_a_press_whose_pipes_are_closed_is_replaced_though_it_has_not_been_seen_to_end(runner, tmp_path):
    async def draw_on():
        press = Press(10, (sys.executable, "-c", HALF_DEAD, str(tmp_path / "been")))
        try:
            drawn = []
            for job in (b"one", b"two", b"three"):
                drawn.append(await press.draw(job))
                await asyncio.sleep(0.1)  # the loop may see that the pipe is closed
            return drawn
        finally:
            await press.close()

    assert runner.run(draw_on()) == [b"one", b"two", b"three"]


def sheet(number):
    """A paper of many pages."""
    seats = [TicketPrint("1루", "101", "1", f"{seat}", "red", 0, "KRW", "x" * 200) for seat in range(10)]
    return TicketSheet(f"{number}", "Jamsil", 0, "Minji", f"{number}", tuple(seats))


async def test_nobody_waits_for_a_paper_who_would_wait_in_vain():
    """A hundred papers take far longer than a request may."""
    printer = Printer(Settings(request_seconds=1, document_seconds=600, document_queue_size=1_000))
    try:
        await printer.paper(sheet(-1))
        await printer.paper(sheet(0))
        outcomes = await asyncio.gather(
            *(printer.paper(sheet(number)) for number in range(1, 101)), return_exceptions=True
        )
    finally:
        await printer.close()
    assert {type(each) for each in outcomes} == {bytes, Unavailable}


async def test_the_printer_ends_in_the_middle_of_a_drawing():
    printer = Printer(Settings())
    asked = asyncio.create_task(printer.paper(sheet(1)))
    await asyncio.sleep(0)
    await printer.close()
    with pytest.raises(asyncio.CancelledError):
        await asked
