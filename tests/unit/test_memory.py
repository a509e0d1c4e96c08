"""Which memory a URL names, and for how long."""

import gc

import pytest

from jari.main import open_stores
from jari.settings import BadSetting, Settings
from support.worlds import make_match


async def opened(url, **settings):
    return await open_stores(Settings(database=url, **settings))


async def venues(stores):
    return [name for _, name, _ in await stores.catalogue.venues()]


async def test_a_name_is_shared_by_all_who_have_it_open():
    here, there = await opened("memory:shared"), await opened("memory:shared")
    match = await make_match(here)
    assert await venues(there) == [match.venue.name]
    assert await venues(await opened("memory:other")) == []


async def test_without_a_name_everybody_has_a_memory_of_their_own():
    here, there = await opened("memory:"), await opened("memory:")
    await make_match(here)
    assert await venues(there) == []


async def test_a_memory_is_gone_when_the_last_one_has_let_go_of_it():
    stores = await opened("memory:short-lived")
    await make_match(stores)
    again = await opened("memory:short-lived")
    del stores
    gc.collect()
    assert len(await venues(again)) == 1
    del again
    gc.collect()
    assert await venues(await opened("memory:short-lived")) == []


async def test_nobody_sells_for_real_on_a_memory():
    with pytest.raises(BadSetting, match="name a database"):
        await opened("memory:", environment="production")
