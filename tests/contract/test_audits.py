"""The audit finds seats in two hands, on SQLite, on PostgreSQL and in memory. The guards are taken off to put them there."""

import math

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from jari.adapters.system import CLOCK
from jari.domain.reservations import Reservation, ReservationStatus, ReservedSeat
from jari.domain.schedules import Kind
from jari.domain.seating import Allocation, Status
from jari.main import open_stores
from jari.settings import Settings
from jari.usecases.auditing import Auditor
from jari.usecases.organising import Organising
from support.backdoors import backdoor_of
from support.worlds import hall

ANN, BEN = 1, 2
NOBODYS_SEAT = 999_999
SOON_MS = 4_000_000_000_000
NONE = {"allocation_without_seat": 0, "place_sold_twice": 0, "ticket_without_seat": 0}


@pytest.fixture
async def stores(store_url):
    stores = await open_stores(Settings(database=store_url))
    yield stores
    await stores.close()


@pytest.fixture
async def schedule_id(stores):
    organising = Organising(stores.catalogue, stores.news)
    venue_id, _ = await organising.import_venue(hall(rows=1, cols=4))
    return await organising.create_schedule(
        venue_id=venue_id, kind=Kind.MATCH, title="LG : Doosan", starts_ms=SOON_MS, opens_ms=0
    )


@pytest.fixture
async def seat_ids(stores, schedule_id):
    return (await stores.catalogue.layout(schedule_id)).seat_ids


@pytest.fixture
def books(stores):
    return backdoor_of(stores)


def allocate(books, schedule_id, seat_id, buyer=ANN, status=Status.OCCUPIED):
    return books.put_allocation(schedule_id, Allocation(seat_id, status, buyer, "h", None))


def ticket(books, number, schedule_id, seat_id, *, buyer=ANN, place="1", status="CONFIRMED", **seat):
    return books.put_reservation(
        Reservation(
            id=number,
            schedule_id=schedule_id,
            buyer_id=buyer,
            hold_id="h",
            status=ReservationStatus(status),
            order_id=f"order-{number}",
            order_name="",
            amount=0,
            currency="KRW",
            created_ms=0,
            expires_ms=0,
            seats=(ReservedSeat(seat_id, 1, 1, "1", "101", "1", place, "red", 0, **seat),),
        )
    )


async def test_books_that_agree_have_no_faults(stores, books, schedule_id, seat_ids):
    for number, seat_id in enumerate(seat_ids[:2], start=1):
        await allocate(books, schedule_id, seat_id)
        await ticket(books, number, schedule_id, seat_id, place=str(number))
    await allocate(books, schedule_id, seat_ids[2], BEN, Status.HOLD)
    assert await stores.reservations.seat_faults(0) == NONE


async def test_two_tickets_for_one_printed_place_are_found(stores, books, schedule_id, seat_ids):
    for number, seat_id in enumerate(seat_ids[:2], start=1):
        await allocate(books, schedule_id, seat_id)
        await ticket(books, number, schedule_id, seat_id, place="7")
    assert await stores.reservations.seat_faults(0) == NONE | {"place_sold_twice": 1}


async def test_what_is_refunded_cancelled_or_of_another_schedule_shares_no_place(
    stores, books, schedule_id, seat_ids
):
    await allocate(books, schedule_id, seat_ids[0])
    await ticket(books, 1, schedule_id, seat_ids[0])
    await ticket(books, 2, schedule_id, seat_ids[0], buyer=BEN, refund_id=5)
    await ticket(books, 3, schedule_id, seat_ids[0], buyer=BEN, status="CANCELLED")
    assert await stores.reservations.seat_faults(0) == NONE


@pytest.mark.parametrize("owner", [None, BEN])
async def test_a_ticket_whose_seat_is_not_its_buyers_is_found(stores, books, schedule_id, seat_ids, owner):
    await ticket(books, 1, schedule_id, seat_ids[0])
    if owner:
        await allocate(books, schedule_id, seat_ids[0], owner)
    assert await stores.reservations.seat_faults(0) == NONE | {"ticket_without_seat": 1}


async def test_an_allocation_without_a_seat_is_found(stores, books, schedule_id):
    await books.take_off_guards()
    await allocate(books, schedule_id, NOBODYS_SEAT)
    assert await stores.reservations.seat_faults(0) == NONE | {"allocation_without_seat": 1}


async def test_what_is_long_over_is_looked_at_no_more(stores, books, schedule_id, seat_ids):
    await ticket(books, 1, schedule_id, seat_ids[0])
    await books.take_off_guards()
    await allocate(books, schedule_id, NOBODYS_SEAT)
    found = await stores.reservations.seat_faults(60_000)
    assert found == NONE | {"ticket_without_seat": 1, "allocation_without_seat": 1}
    await books.begin(120_000)
    assert await stores.reservations.seat_faults(60_000) == NONE
    assert await stores.reservations.seat_faults(180_000) == found


@pytest.mark.not_in_memory("no look into memory can fail")
async def test_an_audit_that_fails_leaves_no_old_figure(stores, books, schedule_id, seat_ids):
    await Auditor(stores.reservations, CLOCK, Settings()).audit()
    assert figure("ticket_without_seat") == 0
    async with stores.database.write() as connection:
        await connection.execute(text("ALTER TABLE reservation_seats RENAME TO elsewhere"))
    with pytest.raises(DBAPIError):
        await Auditor(stores.reservations, CLOCK, Settings()).audit()
    assert math.isnan(figure("ticket_without_seat"))


async def test_the_audit_shows_its_figures_and_looks_no_more_often_than_it_should(
    stores, books, schedule_id, seat_ids
):
    settings = Settings(audit_seconds=3_600)
    await ticket(books, 1, schedule_id, seat_ids[0])
    auditor = Auditor(stores.reservations, CLOCK, settings)
    await auditor.audit()
    assert figure("ticket_without_seat") == 1
    await allocate(books, schedule_id, seat_ids[0])
    await auditor.audit()
    assert figure("ticket_without_seat") == 1
    await Auditor(stores.reservations, CLOCK, settings).audit()
    assert figure("ticket_without_seat") == 0


def figure(kind):
    return REGISTRY.get_sample_value("jari_seat_faults", {"kind": kind})
