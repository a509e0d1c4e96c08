"""Looking things up: who shares a query with whom, who goes first, and who is sent away."""

import asyncio

import pytest

from jari.domain.errors import Unavailable
from jari.usecases.lookups import Lookup


class Shelf:
    """What is looked up, in queries that end when they are told to."""

    def __init__(self, *broken):
        self.queries = []
        self._broken = broken
        self._steps = asyncio.Semaphore(0)

    async def find(self, keys):
        self.queries.append(list(keys))
        await self._steps.acquire()
        if any(key in self._broken for key in keys):
            raise Unavailable("The store is away.")
        return {key: key.upper() for key in keys}

    async def end(self, queries=1):
        for _ in range(queries):
            self._steps.release()
            for _ in range(5):
                await asyncio.sleep(0)


async def asking(lookup, *keys):
    """A task for each of the keys, which ask one after the other and have all asked when this returns."""
    tasks = []
    for key in keys:
        tasks.append(asyncio.create_task(lookup.get(key)))
        for _ in range(5):
            await asyncio.sleep(0)
    return tasks


def done(tasks):
    return [task.done() for task in tasks]


async def test_whoever_asks_while_a_query_is_under_way_shares_the_next_one():
    shelf = Shelf()
    lookup = Lookup(shelf.find, queue_size=10)
    tasks = await asking(lookup, "a", "b", "b", "c")
    await shelf.end(2)
    assert [await task for task in tasks] == ["A", "B", "B", "C"]
    assert shelf.queries == [["a"], ["b", "c"]]


async def test_what_is_looked_up_one_by_one_is_answered_one_by_one():
    shelf = Shelf()
    tasks = await asking(Lookup(shelf.find, queue_size=10, batch_size=1), "a", "b", "c")
    await shelf.end()
    assert done(tasks) == [True, False, False]
    await shelf.end(2)
    assert [await task for task in tasks] == ["A", "B", "C"]


async def test_a_query_that_fails_is_the_failure_of_its_own_keys_alone():
    shelf = Shelf("b")
    tasks = await asking(Lookup(shelf.find, queue_size=10, batch_size=1), "a", "b", "c")
    await shelf.end(3)
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [outcomes[0], type(outcomes[1]), outcomes[2]] == ["A", Unavailable, "C"]


async def test_what_nobody_waits_for_any_more_is_not_looked_up_and_leaves_its_place():
    shelf = Shelf()
    lookup = Lookup(shelf.find, queue_size=3, batch_size=1)
    tasks = await asking(lookup, "a", "b", "c", "c", "d")
    for gone in (tasks[1], tasks[2]):
        gone.cancel()
    tasks += await asking(lookup, "e")
    await shelf.end(4)
    assert shelf.queries == [["a"], ["c"], ["d"], ["e"]]
    assert await tasks[3] == "C"


async def test_beyond_so_many_keys_whoever_asks_for_another_is_sent_away():
    shelf = Shelf()
    lookup = Lookup(shelf.find, queue_size=2, batch_size=1)
    tasks = await asking(lookup, "a", "b", "c", "b")
    with pytest.raises(Unavailable):
        await lookup.get("d")
    await shelf.end(3)
    assert [await task for task in tasks] == ["A", "B", "C", "B"]


async def test_what_goes_first_passes_the_others_and_finds_room_though_it_is_full():
    shelf = Shelf()
    lookup = Lookup(shelf.find, queue_size=2, batch_size=1, first=lambda key: key == "front")
    tasks = await asking(lookup, "a", "b", "c", "front")
    await shelf.end(2)
    assert done(tasks) == [True, False, False, True]
    await shelf.end(2)
    assert shelf.queries == [["a"], ["front"], ["b"], ["c"]]


async def test_a_failure_that_nobody_waits_for_any_more_is_nobodys_error(caplog):
    shelf = Shelf("a")
    (task,) = await asking(Lookup(shelf.find, queue_size=2), "a")
    task.cancel()
    await shelf.end()
    del task
    assert not caplog.records
