"""What the store of reservations must do, within a batch and outside it, on SQLite, on PostgreSQL and in memory."""

import asyncio
import json
from dataclasses import replace

import pytest

from jari.domain.box_office import Update
from jari.domain.errors import StaleDecision
from jari.domain.events import Event, EventKind
from jari.domain.payments import Payment, PaymentStatus, Refund, RefundStatus
from jari.domain.reservations import Reservation, ReservationStatus, ReservedSeat
from jari.domain.schedules import Kind
from jari.domain.seating import Allocation, Effect, Status
from jari.domain.seatmap import Commit
from jari.main import open_stores
from jari.ports.reservations import Due
from jari.ports.seating import Decision
from jari.settings import Settings
from jari.usecases.organising import Organising
from support.worlds import hall

ANN, BEN = 1, 2
FAR_MS = 4_000_000_000_000
PENDING, CONFIRMED = ReservationStatus.PENDING, ReservationStatus.CONFIRMED
CONFIRMING, DONE, FAILED = PaymentStatus.CONFIRMING, PaymentStatus.DONE, PaymentStatus.FAILED


@pytest.fixture
async def stores(store_url):
    stores = await open_stores(Settings(database=store_url))
    yield stores
    await stores.close()


@pytest.fixture
def sold(stores):
    """The store under test."""
    return stores.reservations


@pytest.fixture
def make_schedule(stores):
    async def make():
        organising = Organising(stores.catalogue, stores.news)
        venue_id, _ = await organising.import_venue(hall(rows=1, cols=4))
        return await organising.create_schedule(
            venue_id=venue_id, kind=Kind.MATCH, title="LG : Doosan", starts_ms=0, opens_ms=0
        )

    return make


@pytest.fixture
async def schedule_id(make_schedule):
    return await make_schedule()


@pytest.fixture
async def now_ms(stores):
    return (await stores.seating.states([]))[0]


def seat(seat_id, **fields):
    plain = ReservedSeat(seat_id, 5, seat_id, "1루 레드석", "113", "5", str(seat_id), "레드석", 15_000)
    return replace(plain, **fields)


def payment(number, status=CONFIRMING, **fields):
    plain = Payment(number, "toss", f"key-{number}", 30_000, status, started_ms=5, next_try_ms=FAR_MS)
    return replace(plain, **fields)


def refund(number, payment_id, status=RefundStatus.DUE, **fields):
    plain = Refund(number, payment_id, 15_000, (1,), "a cold", status, requested_ms=5, next_try_ms=FAR_MS)
    return replace(plain, **fields)


def reservation(number, schedule_id, status=PENDING, **fields):
    plain = Reservation(
        id=number,
        schedule_id=schedule_id,
        buyer_id=ANN,
        hold_id=f"hold-{number}",
        status=status,
        order_id=f"{schedule_id}-{number}-token",
        order_name="LG : Doosan · 113 5-1 +1",
        amount=30_000,
        currency="KRW",
        created_ms=5,
        expires_ms=FAR_MS,
        seats=(seat(1), seat(2)),
    )
    return replace(plain, **fields)


def rich(number, schedule_id):
    """Every field filled, in every table."""
    return reservation(
        number,
        schedule_id,
        CONFIRMED,
        buyer_id=2**62,
        seats=(
            seat(1, refund_id=number + 4),
            seat(2, checked_in_ms=FAR_MS),
            seat(2**62, col=3, section="", block="B" * 200, price=0),
        ),
        payments=(
            payment(number + 1, FAILED, code="REJECT_CARD_PAYMENT", message="한도 초과 'x' \"y\""),
            payment(
                number + 2, PaymentStatus.REFUND_DUE, charged=30_000, method="카드", attempt=3, next_try_ms=7
            ),
        ),
        refunds=(
            refund(number + 4, number + 2, attempt=2, code="NO_ANSWER", message="침묵"),
            refund(number + 5, number + 1, RefundStatus.DONE, seat_ids=(), amount=0),
        ),
    )


async def write(stores, schedule_id, *updates, effects=(), events=()):
    async with stores.seating.transaction(schedule_id) as transaction:
        commit = Commit(transaction.state.version, (), events)
        await transaction.write(Decision(commit, effects, updates))


async def make(stores, *made):
    for each in made:
        await write(stores, each.schedule_id, Update(None, each))


async def within(stores, schedule_id, ids=(), keys=(), buyer_ids=()):
    """What a batch reads, by number."""
    async with stores.seating.transaction(schedule_id) as transaction:
        found = await transaction.reservations(list(ids), list(keys), list(buyer_ids))
    return sorted(found, key=lambda each: each.id)


# --- what is written is read


async def test_a_reservation_is_read_as_it_was_written_however_it_is_asked_for(stores, sold, schedule_id):
    whole = rich(100, schedule_id)
    await make(stores, whole)
    assert await sold.reservation(100) == whole
    assert await sold.reservation_of_payment(101) == whole
    assert await sold.reservation_of_payment(102) == whole
    assert await sold.of_buyer(2**62, None, 10) == [whole]
    assert await sold.of_schedule(schedule_id, None, 10) == [whole]
    assert await within(stores, schedule_id, [100]) == [whole]
    assert await within(stores, schedule_id, keys=["key-102"]) == [whole]


async def test_parts_are_read_in_the_order_of_their_numbers(stores, sold, schedule_id):
    whole = rich(100, schedule_id)
    turned = replace(
        whole, seats=whole.seats[::-1], payments=whole.payments[::-1], refunds=whole.refunds[::-1]
    )
    await make(stores, turned)
    assert await sold.reservation(100) == whole
    assert await within(stores, schedule_id, [100]) == [whole]


async def test_what_is_not_there_is_none(stores, sold, schedule_id):
    assert await sold.reservation(999) is None
    assert await sold.reservation_of_payment(999) is None
    assert await sold.of_buyer(ANN, None, 10) == []
    assert await sold.of_schedule(schedule_id, None, 10) == []
    assert await within(stores, schedule_id, [999], ["nobodys"], [ANN]) == []
    assert await within(stores, schedule_id) == []


async def test_an_update_changes_what_is_new_and_leaves_the_rest(stores, sold, schedule_id):
    first = reservation(100, schedule_id)
    await make(stores, first)
    paying = first.with_payment(payment(101))
    await write(stores, schedule_id, Update(first, paying))
    assert await sold.reservation(100) == paying
    paid = paying.with_payment(payment(101, DONE, charged=30_000)).moved(CONFIRMED)
    await write(stores, schedule_id, Update(paying, paid))
    back = paid.with_seat(seat(1, refund_id=102)).with_refund(refund(102, 101))
    await write(stores, schedule_id, Update(paid, back))
    assert await sold.reservation(100) == back
    done = back.with_refund(refund(102, 101, RefundStatus.DONE)).with_seat(seat(2, checked_in_ms=9))
    await write(stores, schedule_id, Update(back, done))
    assert await sold.reservation(100) == done


async def test_a_batch_writes_many_reservations_with_seats_and_events(stores, sold, schedule_id):
    made = [reservation(number, schedule_id, seats=(seat(number),)) for number in (100, 200, 300)]
    allocation = Allocation(1, Status.HOLD, ANN, "hold-100", None)
    webhook = await stores.webhooks.add("https://example.com", b"s", ("*",), 1)
    event = Event(EventKind.RESERVATION_CREATED, 100, f"{schedule_id}-100-token", ANN, (1, 2), 30_000, "KRW")
    await write(
        stores,
        schedule_id,
        *(Update(None, each) for each in made),
        effects=[Effect(None, allocation)],
        events=(event, replace(event, kind=EventKind.REFUND_DUE, seat_ids=())),
    )
    assert await sold.of_schedule(schedule_id, None, 10) == made[::-1]
    assert (await stores.seating.load(schedule_id, 0)).allocations == [allocation]
    await stores.webhooks.relay(10)
    letters = await stores.webhooks.due(webhook.id, 10)
    told = [(each.kind, json.loads(each.body)["data"]["seatIds"]) for each in letters]
    assert told == [("reservation.created", [1, 2]), ("refund.due", [])]


async def test_what_is_not_committed_is_not_there(stores, sold, schedule_id):
    async with stores.seating.transaction(schedule_id) as transaction:
        await transaction.write(Decision(Commit(1, ()), [], [Update(None, rich(100, schedule_id))]))
        assert await sold.reservation(100) is None

    class Crash(Exception):
        pass

    async def crash():
        async with stores.seating.transaction(schedule_id) as transaction:
            await transaction.write(Decision(Commit(2, ()), [], [Update(None, rich(200, schedule_id))]))
            raise Crash

    with pytest.raises(Crash):
        await crash()
    assert await sold.reservation(200) is None
    assert await sold.reservation(100) == rich(100, schedule_id)


# --- what a batch reads


async def test_a_batch_reads_those_named_and_the_open_ones_of_its_buyers(stores, make_schedule):
    here, there = await make_schedule(), await make_schedule()
    await make(
        stores,
        reservation(100, here, payments=(payment(101, FAILED),)),
        reservation(200, here, CONFIRMED, payments=(payment(201, DONE),)),
        reservation(300, here, ReservationStatus.EXPIRED),
        reservation(400, here, buyer_id=BEN),
        reservation(500, there, payments=(payment(501, FAILED),)),
    )

    async def numbers(**asked):
        return [each.id for each in await within(stores, here, **asked)]

    assert await numbers(buyer_ids=[ANN]) == [100]
    assert await numbers(buyer_ids=[ANN, BEN]) == [100, 400]
    assert await numbers(ids=[200, 300]) == [200, 300]
    assert await numbers(ids=[100, 200], keys=["key-101"], buyer_ids=[ANN]) == [100, 200]  # each of them once
    assert await numbers(keys=["key-201", "key-101", "key-999"]) == [100, 200]
    assert await numbers(keys=["key-501"]) == [500]  # whoever has the key, wherever


async def test_a_batch_reads_its_own_schedules_open_reservations_only(stores, make_schedule):
    here, there = await make_schedule(), await make_schedule()
    await make(stores, reservation(100, here), reservation(200, there))
    assert await within(stores, here, buyer_ids=[ANN]) == [reservation(100, here)]
    assert await within(stores, there, buyer_ids=[ANN]) == [reservation(200, there)]


# --- what the database itself refuses

GUARDED = {
    "a payment key that is in use": lambda schedule_id: reservation(
        200, schedule_id, payments=(payment(201, payment_key="key-101"),)
    ),
    "a payment key that has paid": lambda schedule_id: reservation(
        200, schedule_id, payments=(payment(201, PaymentStatus.DONE, payment_key="key-101"),)
    ),
    "an order id that was used": lambda schedule_id: replace(
        reservation(200, schedule_id), order_id=f"{schedule_id}-100-token"
    ),
    "two payments under way": lambda schedule_id: reservation(
        200, schedule_id, payments=(payment(201), payment(202))
    ),
    "one under way beside one that is done": lambda schedule_id: reservation(
        200, schedule_id, payments=(payment(201, DONE), payment(202))
    ),
    "two that are done": lambda schedule_id: reservation(
        200, schedule_id, payments=(payment(201, DONE), payment(202, DONE))
    ),
}


@pytest.mark.parametrize("guilty", GUARDED.values(), ids=GUARDED.keys())
async def test_a_sale_made_behind_the_tills_back_is_refused_and_nothing_is_written(
    stores, sold, schedule_id, guilty
):
    there = reservation(100, schedule_id, payments=(payment(101),))
    await make(stores, there)
    good = Effect(None, Allocation(3, Status.HOLD, ANN, "h", None))
    innocent = reservation(300, schedule_id)
    with pytest.raises(StaleDecision):
        await write(
            stores,
            schedule_id,
            Update(None, innocent),
            Update(None, guilty(schedule_id)),
            effects=[good],
        )
    assert await sold.of_schedule(schedule_id, None, 10) == [there]
    loaded = await stores.seating.load(schedule_id, 10)
    assert (loaded.state.version, loaded.allocations) == (1, [])
    await make(stores, innocent)
    assert await sold.reservation(300) == innocent


async def test_a_second_payment_under_way_of_one_reservation_is_refused(stores, sold, schedule_id):
    first = reservation(100, schedule_id, payments=(payment(101),))
    await make(stores, first)
    with pytest.raises(StaleDecision):
        await write(stores, schedule_id, Update(first, first.with_payment(payment(102))))
    assert await sold.reservation(100) == first


@pytest.mark.parametrize("second", [99, 102], ids=["a smaller number", "a greater number"])
async def test_the_next_payment_may_begin_in_the_batch_that_ends_the_one_before(
    stores, sold, schedule_id, second
):
    """Numbers come in blocks, one for each process, so the later payment may have the smaller one."""
    first = reservation(100, schedule_id, payments=(payment(101),))
    await make(stores, first)
    both = first.with_payment(payment(101, FAILED)).with_payment(payment(second))
    await write(stores, schedule_id, Update(first, both))
    assert await sold.reservation(100) == both


async def test_a_payment_that_failed_or_went_back_makes_room_for_another(stores, sold, schedule_id):
    one = reservation(
        100,
        schedule_id,
        payments=(
            payment(101, FAILED), payment(102, PaymentStatus.CANCELED), payment(103, PaymentStatus.REFUND_DUE),
            payment(104),
        ),
    )  # fmt: skip
    await make(stores, one)
    assert await sold.reservation(100) == one


async def test_the_key_of_a_payment_that_failed_claims_nothing(stores, sold, schedule_id):
    one = reservation(100, schedule_id, payments=(payment(101, FAILED),))
    two = reservation(200, schedule_id, payments=(payment(201, payment_key="key-101"),))
    await make(stores, one, two)
    assert await within(stores, schedule_id, keys=["key-101"]) == [one, two]


# --- pages


async def test_pages_are_newest_first_and_go_on_where_the_last_ended(stores, sold, make_schedule):
    here, there = await make_schedule(), await make_schedule()
    numbers = (300, 100, 500, 200, 400)
    await make(stores, *(reservation(number, here) for number in numbers))
    await make(stores, reservation(350, there), reservation(450, here, buyer_id=BEN))

    async def pages(page_of, limit):
        found, before = [], None
        while page := await page_of(before, limit):
            assert len(page) <= limit
            found.append([each.id for each in page])
            before = page[-1].id
        return found

    assert await pages(lambda before, limit: sold.of_buyer(ANN, before, limit), 4) == [
        [500, 400, 350, 300],
        [200, 100],
    ]
    assert await pages(lambda before, limit: sold.of_schedule(here, before, limit), 3) == [
        [500, 450, 400],
        [300, 200, 100],
    ]


async def test_each_reservation_of_a_page_has_its_own_parts(stores, sold, schedule_id):
    one, two = rich(100, schedule_id), rich(200, schedule_id)
    await make(stores, one, two)
    assert await sold.of_schedule(schedule_id, None, 10) == [two, one]


# --- what waits, by the store's clock


async def test_ended_are_the_unpaid_whose_time_has_come_and_that_are_not_being_paid(
    stores, sold, make_schedule, now_ms
):
    one, two = await make_schedule(), await make_schedule()
    await make(
        stores,
        reservation(100, one, expires_ms=now_ms),
        reservation(200, two, expires_ms=now_ms - 5),
        reservation(300, one, expires_ms=now_ms + 60_000),
        reservation(400, one, expires_ms=1, payments=(payment(401),)),
        reservation(500, one, expires_ms=2, payments=(payment(501, FAILED),)),
        reservation(600, one, CONFIRMED, expires_ms=1, payments=(payment(601, DONE),)),
        reservation(700, one, ReservationStatus.CANCELLED, expires_ms=1),
        reservation(800, one, ReservationStatus.EXPIRED, expires_ms=1),
    )
    due = [Due(one, 500, 500), Due(two, 200, 200), Due(one, 100, 100)]
    assert await sold.ended(10) == due
    assert await sold.ended(2) == due[:2]


async def test_unsettled_are_the_payments_under_way_that_somebody_must_look_after_by_now(
    stores, sold, make_schedule, now_ms
):
    one, two = await make_schedule(), await make_schedule()
    await make(
        stores,
        reservation(100, one, payments=(payment(101, next_try_ms=now_ms),)),
        reservation(200, two, payments=(payment(201, FAILED, next_try_ms=1), payment(202, next_try_ms=2))),
        reservation(300, one, payments=(payment(301, next_try_ms=now_ms + 60_000),)),
        reservation(400, one, CONFIRMED, payments=(payment(401, DONE, next_try_ms=1),)),
    )
    assert await sold.unsettled_payments(10) == [Due(two, 200, 202), Due(one, 100, 101)]
    assert await sold.unsettled_payments(1) == [Due(two, 200, 202)]


async def test_due_are_the_refunds_that_somebody_must_look_after_by_now(stores, sold, make_schedule, now_ms):
    one, two = await make_schedule(), await make_schedule()
    back = RefundStatus.DONE
    await make(
        stores,
        reservation(100, one, CONFIRMED, refunds=(refund(101, 9, next_try_ms=now_ms), refund(102, 9))),
        reservation(
            200, two, CONFIRMED, refunds=(refund(201, 9, back, next_try_ms=1), refund(202, 9, next_try_ms=2))
        ),
    )
    assert await sold.due_refunds(10) == [Due(two, 200, 202), Due(one, 100, 101)]
    assert await sold.due_refunds(1) == [Due(two, 200, 202)]


# --- numbers


async def test_numbers_are_taken_in_blocks_and_each_once(sold):
    firsts = await asyncio.gather(*(sold.take_numbers(count) for count in (1, 10, 100, 1, 10)))
    blocks = zip(firsts, (1, 10, 100, 1, 10), strict=True)
    taken = [number for first, count in blocks for number in range(first, first + count)]
    assert len(set(taken)) == len(taken)
    assert min(taken) >= 1


async def test_numbers_rise_and_another_process_goes_on_where_the_first_has_stopped(sold, store_url):
    first = await sold.take_numbers(10)
    others = await open_stores(Settings(database=store_url))
    try:
        assert await others.reservations.take_numbers(5) == first + 10
    finally:
        await others.close()
    assert await sold.take_numbers(1) == first + 15
