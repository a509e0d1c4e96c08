"""Who comes while a till waits for the schedule's version is decided with those for whom it waits."""

import asyncio

import pytest

from jari.adapters.system import CLOCK
from jari.domain.commands.holds import Hold
from jari.domain.schedules import Kind
from jari.main import open_stores
from jari.settings import Settings
from jari.usecases.live import Live
from jari.usecases.organising import Organising
from jari.usecases.till import Till, Tills
from support.worlds import hall

BUYERS = 6


async def versions_taken(url: str, **limits: int) -> int:
    """How many commits it takes for buyers to hold a seat each, of whom all but the first come during the wait."""
    settings = Settings(database=url, **limits)
    stores = await open_stores(settings)
    organising = Organising(stores.catalogue, stores.news)
    venue_id, _ = await organising.import_venue(hall())
    schedule_id = await organising.create_schedule(
        venue_id=venue_id, kind=Kind.MATCH, title="LG : Doosan", starts_ms=0, opens_ms=0
    )
    seat_ids = list((await stores.catalogue.seat_ids(venue_id)).values())
    live = Live(stores.seating, stores.catalogue, CLOCK, settings)
    tills = Tills(live, stores.seating, stores.claims, settings)
    schedule = await live.open(schedule_id)
    till = tills.of(schedule)
    version = schedule.seat_map.version
    try:
        async with stores.seating.transaction(schedule_id):  # another process has the version meanwhile
            holds = []
            for buyer in range(BUYERS):
                command = Hold(buyer + 1, (seat_ids[buyer],), f"h{buyer}", 60_000, 4)
                holds.append(asyncio.create_task(tills.submit(schedule_id, command)))
                while not buyer and (till not in tills._at_work or till._waiting):  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0)  # until the till has taken the first, and waits
            await asyncio.sleep(0.05)
        await asyncio.gather(*holds)
        assert len((await stores.seating.load(schedule_id, 0)).allocations) == BUYERS
        return schedule.seat_map.version - version
    finally:
        await tills.close()
        await stores.close()


async def test_they_share_one_commit(database_url: str) -> None:
    assert await versions_taken(database_url) == 1


async def test_but_no_more_than_the_batch_has_room_for(database_url: str) -> None:
    assert await versions_taken(database_url, till_batch_size=4) == 2


async def test_they_would_have_to_wait_for_the_next_if_none_were_gathered(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = Till._commit
    monkeypatch.setattr(Till, "_commit", lambda self, batch, _: commit(self, batch, len(batch)))
    assert await versions_taken(database_url) == 2
