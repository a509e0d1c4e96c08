"""Imports a plan in another process, as ``jari venue import`` does, while tills are at work."""

import asyncio
import dataclasses
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from jari.domain.venues import Block, Seat, Venue
from jari.main import Stores, open_stores
from jari.settings import Settings
from jari.usecases.organising import Organising

PAUSE_SECONDS = 0.001


def with_seats(venue: Venue, choose: Callable[[Seat], Seat | None]) -> Venue:
    """The plan with each seat changed by ``choose``, or left out if that gives None."""

    def chosen(block: Block) -> Block:
        return Block(block.name, tuple(seat for each in block.seats if (seat := choose(each)) is not None))

    sections = (
        dataclasses.replace(section, blocks=tuple(chosen(block) for block in section.blocks))
        for section in venue.sections
    )
    return dataclasses.replace(venue, sections=tuple(sections))


def import_apart(url: str, plan: Venue) -> float:
    """Import in this process. Returns the seconds it takes, without the process's start."""

    async def work() -> float:
        stores = await open_stores(Settings(database=url))
        try:
            started = time.perf_counter()
            await Organising(stores.catalogue, stores.news).import_venue(plan)
            return time.perf_counter() - started
        finally:
            await stores.close()

    return asyncio.run(work())


async def sell_while_importing(
    stores: Stores, schedule_id: int, url: str, plan: Venue
) -> tuple[float, float]:
    """The seconds that the import takes, and the longest wait of this schedule's till meanwhile, in seconds.

    The schedule may be in the venue or in another.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        await asyncio.wrap_future(pool.submit(abs, 0))  # wait until the process has begun
        importing = asyncio.wrap_future(pool.submit(import_apart, url, plan))
        longest = 0.0
        while not importing.done():
            started = time.perf_counter()
            async with stores.seating.transaction(schedule_id):
                pass
            longest = max(longest, time.perf_counter() - started)
            await asyncio.sleep(PAUSE_SECONDS)
        return await importing, longest
