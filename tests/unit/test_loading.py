"""Loading seat maps: what all schedules of a venue share is read once."""

import pytest

from jari.adapters.memory.catalogue import MemoryCatalogueStore
from jari.main import open_stores
from jari.settings import Settings
from jari.usecases.loading import Loader
from jari.usecases.organising import Organising
from support.worlds import hall, make_match, make_schedule

SETTINGS = Settings(database="memory:")


class CountedCatalogueStore(MemoryCatalogueStore):
    """Counts how often it is asked for a whole layout."""

    def __init__(self, memory):
        super().__init__(memory)
        self.layouts_read = 0

    async def layout(self, schedule_id):
        self.layouts_read += 1
        return await super().layout(schedule_id)


@pytest.fixture
async def stores():
    return await open_stores(SETTINGS)


@pytest.fixture
def catalogue(stores):
    return CountedCatalogueStore(stores.database)


@pytest.fixture
def loader(stores, catalogue):
    return Loader(stores.seating, catalogue, SETTINGS)


async def test_the_second_schedule_of_a_venue_gets_the_layout_of_the_first(stores, catalogue, loader):
    first = await make_match(stores)
    second_id = await make_schedule(stores, first.venue_id, title="LG : KT")
    loaded = [await loader.load(each) for each in (first.id, second_id)]
    assert loaded[0].seat_map.layout is loaded[1].seat_map.layout
    assert catalogue.layouts_read == 1


async def test_a_layout_that_nobody_has_any_more_is_read_again(stores, catalogue, loader):
    match = await make_match(stores)
    await loader.load(match.id)
    await loader.load(match.id)
    assert catalogue.layouts_read == 2


async def test_a_new_plan_has_a_layout_of_its_own(stores, catalogue, loader):
    match = await make_match(stores, hall(rows=2, name="Hall"))
    before = await loader.load(match.id)
    await Organising(stores.catalogue, stores.news).import_venue(hall(rows=3, name="Hall"))
    after = await loader.load(match.id)
    assert len(after.seat_map.layout.seat_ids) > len(before.seat_map.layout.seat_ids)
    assert catalogue.layouts_read == 2
