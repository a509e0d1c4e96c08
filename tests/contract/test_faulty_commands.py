"""A fault of ours in one command of a batch is that command's trouble alone."""

import asyncio
from dataclasses import dataclass

import pytest
from structlog.testing import capture_logs

from jari.adapters.system import CLOCK
from jari.domain.box_office import Command
from jari.domain.commands.holds import Hold, Release
from jari.domain.drafts import Draft
from jari.domain.schedules import Kind
from jari.domain.seating import Held
from jari.domain.tenures import KeepLimit
from jari.main import open_stores
from jari.ports.answers import RequestKey
from jari.settings import Settings
from jari.usecases.live import Live
from jari.usecases.organising import Organising
from jari.usecases.till import Tills
from support.deciding import Faulty
from support.selling import purchase_of
from support.worlds import hall

ANN, BEN, EVE = 1, 2, 3
HOLD_MS = 300_000
LIMIT = KeepLimit(HOLD_MS, HOLD_MS)


@pytest.fixture
def limits(database_url):
    return Settings(database=database_url)


@pytest.fixture
async def stores(limits):
    stores = await open_stores(limits)
    yield stores
    await stores.close()


@pytest.fixture
async def schedule_id(stores):
    """A schedule in an empty database: its seats have the ids from 1 on."""
    organising = Organising(stores.catalogue, stores.news)
    venue_id, _ = await organising.import_venue(hall(rows=5, cols=10))
    return await organising.create_schedule(
        venue_id=venue_id, kind=Kind.MATCH, title="LG : Doosan", starts_ms=0, opens_ms=0
    )


@pytest.fixture
async def tills(stores, limits):
    tills = Tills(
        Live(stores.seating, stores.catalogue, CLOCK, limits), stores.seating, stores.claims, limits
    )
    yield tills
    await tills.close()


def hold(buyer, *seat_ids):
    return Hold(buyer, seat_ids, f"h{buyer}-{seat_ids[0]}", HOLD_MS, 4, LIMIT)


async def batch(tills, schedule_id, *commands):
    """What becomes of commands that come at the same moment."""
    submitted = (tills.submit(schedule_id, each) for each in commands)
    return await asyncio.gather(*submitted, return_exceptions=True)


async def owners(stores, schedule_id):
    """Seat → buyer."""
    seating = await stores.seating.load(schedule_id, 0)
    return {each.seat_id: each.buyer_id for each in seating.allocations}


async def version(stores, schedule_id):
    return (await stores.seating.load(schedule_id, 0)).state.version


async def eve_fails_between_ann_and_ben(tills, stores, schedule_id, faulty):
    """Eve holds the seats 8 and 9 and has reserved them; now a command of hers fails among honest ones."""
    await tills.submit(schedule_id, hold(EVE, 8, 9))
    reserve, begin, _ = purchase_of(EVE, (8, 9), 100, schedule_id)
    reserved = await tills.submit(schedule_id, reserve)
    before = await version(stores, schedule_id)
    with capture_logs() as logs:
        outcomes = await batch(tills, schedule_id, hold(ANN, 1), Faulty(faulty(begin)), hold(BEN, 2))
    assert [type(each) for each in outcomes] == [Held, KeyError, Held]
    assert await version(stores, schedule_id) == before + 1, "it was one batch, decided and committed once"
    assert await owners(stores, schedule_id) == {1: ANN, 2: BEN, 8: EVE, 9: EVE}
    assert await stores.reservations.of_schedule(schedule_id, None, 10) == [reserved]
    (logged,) = [each for each in logs if each["log_level"] == "error"]
    assert (logged["event"], logged["command"]) == ("command_failed", "Faulty")
    assert logged["exc_info"], "its traceback is there"
    again = await tills.submit(schedule_id, hold(EVE, 8, 9))
    assert again.expires_ms == reserved.expires_ms, "the seats are held as they were"


FAULTY = {
    "holding": lambda _: hold(EVE, 5, 6),
    "giving back, and giving the reservation up": lambda _: Release(EVE, (8, 9)),
    "beginning to pay": lambda begin: begin,
}


@pytest.mark.parametrize("faulty", FAULTY.values(), ids=FAULTY)
async def test_a_fault_in_one_command_fails_it_alone_and_nothing_of_it_is_written(
    tills, stores, schedule_id, faulty
):
    await eve_fails_between_ann_and_ben(tills, stores, schedule_id, faulty)


@pytest.mark.parametrize("faulty", FAULTY.values(), ids=FAULTY)
async def test_if_nothing_were_taken_back_half_of_it_would_be_written(
    monkeypatch, tills, stores, schedule_id, faulty
):
    """The negative control."""
    monkeypatch.setattr(Draft, "back_to", lambda *_: None)
    with pytest.raises(AssertionError):
        await eve_fails_between_ann_and_ben(tills, stores, schedule_id, faulty)


async def test_what_has_failed_is_not_the_answer_to_its_key(tills, schedule_id):
    request = RequestKey("1", "key", "print")
    with pytest.raises(KeyError):
        await tills.submit(schedule_id, Faulty(hold(ANN, 1)), request)
    held = await tills.submit(schedule_id, hold(ANN, 1), request)
    assert await tills.submit(schedule_id, hold(ANN, 2), request) == held


@dataclass(frozen=True, slots=True)
class Unspeakable(Command[object]):
    """Leads to what cannot be stored as an answer."""

    hold: Hold

    @property
    def needs(self):
        return self.hold.needs

    def decide(self, office):
        self.hold.decide(office)
        return object()


async def test_a_command_whose_answer_cannot_be_stored_is_not_carried_out(tills, stores, schedule_id):
    unspeakable = tills.submit(schedule_id, Unspeakable(hold(EVE, 5)), RequestKey("3", "key", "print"))
    outcomes = await asyncio.gather(
        tills.submit(schedule_id, hold(ANN, 1)),
        unspeakable,
        tills.submit(schedule_id, hold(BEN, 2)),
        return_exceptions=True,
    )
    assert [type(each) for each in outcomes] == [Held, TypeError, Held]
    assert await owners(stores, schedule_id) == {1: ANN, 2: BEN}


@dataclass(frozen=True, slots=True)
class Needless(Command[None]):
    """Fails when it is asked what it needs."""

    @property
    def needs(self):
        raise KeyError("forgotten")

    def decide(self, office):
        raise AssertionError


async def test_a_fault_in_saying_what_a_command_needs_comes_before_the_batch(tills, stores, schedule_id):
    with capture_logs() as logs:
        outcomes = await batch(tills, schedule_id, hold(ANN, 1), Needless(), hold(BEN, 2))
    assert [type(each) for each in outcomes] == [Held, KeyError, Held]
    assert [each for each in logs if each["log_level"] == "error"] == []
