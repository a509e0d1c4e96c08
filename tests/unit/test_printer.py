"""What the printer keeps, and whose turn it is."""

import asyncio

import pytest

from jari.domain.errors import TooManyAttempts, Unavailable
from jari.web.printer import Kept, Turns


def test_of_what_was_drawn_as_much_is_kept_as_fits_and_what_was_asked_for_last():
    kept = Kept(max_bytes=100)
    kept.put("a", b"a" * 40)
    kept.put("b", b"b" * 40)
    assert kept.get("a") == b"a" * 40
    kept.put("c", b"c" * 40)
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (b"a" * 40, None, b"c" * 40)


def test_a_document_that_does_not_fit_is_not_kept():
    kept = Kept(max_bytes=100)
    kept.put("large", b"x" * 101)
    assert kept.get("large") is None
    kept.put("small", b"x")
    assert kept.get("small") == b"x"


def test_a_document_that_is_put_twice_counts_once():
    kept = Kept(max_bytes=100)
    for _ in range(5):
        kept.put("a", b"a" * 60)
    assert kept.get("a") is not None


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
