"""What the catalogue must do, on SQLite, on PostgreSQL and in memory."""

import time
from dataclasses import replace

import pytest
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from jari import plans
from jari.adapters.sql.tables import seats
from jari.domain.errors import NotFound, PlanDropsSeats, StaleDecision
from jari.domain.schedules import Filter, Kind, Listing, Sale, SaleStatus
from jari.domain.seating import Allocation, Change, Effect, Status
from jari.domain.seatmap import Commit
from jari.domain.venues import Block, Grade, Seat, Section, Shape, Venue
from jari.main import open_stores
from jari.ports.seating import Decision
from jari.settings import Settings
from support.worlds import hall

ANN = 1
DAY_MS = 24 * 3_600_000
STARTS_MS = 1_900_000_000_000
NOBODY = 999_999


@pytest.fixture
async def stores(store_url):
    stores = await open_stores(Settings(database=store_url))
    yield stores
    await stores.close()


@pytest.fixture
def catalogue(stores):
    return stores.catalogue


def seat(guid, row, col, **changes):
    return replace(Seat(guid, row, col, str(row), str(col), 10.5 * col, -2.25 * row, "r"), **changes)


def theatre(*sections, **changes):
    """A venue that uses everything that a plan can say."""
    made = sections or (
        Section(
            "1층",
            "r",
            (
                Block("A", (seat("a2", 1, 2), seat("a1", 1, 1, accessible=True, companion=True))),
                Block("B", (seat("b1", 2, 1, grade="s", restricted_view=True, aisle=True),)),
            ),
        ),
        Section("2층", "s", (Block("C", (seat("c1", 3, 1, x=0.1, y=1 / 3), seat("c2", 3, 2))),)),
    )
    return replace(
        Venue(
            name="예술의 극장",
            currency="KRW",
            width=100.5,
            height=1e6,
            grades=(Grade("s", "S석", "#00ff00", 0), Grade("r", 'R석 "좋은" 자리', "#AB12ef", 1_000_000_000)),
            sections=made,
            shapes=(
                Shape("polygon", ((0.0, 0.0), (1.5, 0.25), (0.1, 1 / 3)), "#112233"),
                Shape("circle", ((5.0, 5.0),), radius=2.5),
                Shape("text", ((1.0, 2.0),), text="무대 & 'Stage'"),
            ),
        ),
        **changes,
    )


def one_block(*seats, name="A"):
    return theatre(Section("1층", "r", (Block(name, seats),)))


def schedule_of(catalogue, venue_id, *, kind=Kind.MATCH, title="LG : 두산", starts_ms=STARTS_MS, sale=None):
    return catalogue.create_schedule(
        venue_id=venue_id,
        kind=kind,
        title=title,
        starts_ms=starts_ms,
        sale=sale or Sale(enabled=True, opens_ms=0),
    )


async def allocate(stores, schedule_id, *allocations):
    async with stores.seating.transaction(schedule_id) as transaction:
        change = Change(Status.HOLD, tuple(each.seat_id for each in allocations), ANN)
        effects = [Effect(None, each) for each in allocations]
        await transaction.write(Decision(Commit(transaction.state.version, (change,)), effects))


# --- plans in and out

VENUES = {
    "one that uses everything": theatre(),
    "a hall": hall(blocks=3, name="Hall"),
    **{name: plans.read_plan(plans.sample(name), file=f"{name}.json") for name in ("ballpark", "theatre")},
}


@pytest.mark.parametrize("venue", VENUES.values(), ids=VENUES.keys())
async def test_a_venue_reads_back_as_it_was_saved(catalogue, venue):
    venue_id, is_new = await catalogue.save_venue(venue)
    assert is_new
    assert await catalogue.venue(venue_id) == venue
    assert await catalogue.venues() == [(venue_id, venue.name, len(list(venue.seats())))]


async def test_every_seat_and_block_has_an_id(catalogue):
    venue_id, _ = await catalogue.save_venue(theatre())
    other_id, _ = await catalogue.save_venue(theatre(name="다른 극장"))
    seats, others = await catalogue.seat_ids(venue_id), await catalogue.seat_ids(other_id)
    assert seats.keys() == others.keys() == {"a2", "a1", "b1", "c1", "c2"}
    assert len({*seats.values(), *others.values()}) == 10
    blocks = await catalogue.block_ids(venue_id)
    assert blocks.keys() == {"A", "B", "C"}
    assert not set(blocks.values()) & set((await catalogue.block_ids(other_id)).values())


async def test_an_unknown_venue_is_not_found(catalogue):
    with pytest.raises(NotFound, match=str(NOBODY)):
        await catalogue.venue(NOBODY)
    with pytest.raises(NotFound, match=str(NOBODY)):
        await schedule_of(catalogue, NOBODY)
    assert await catalogue.seat_ids(NOBODY) == {}
    assert await catalogue.venues() == []


# --- plans replaced


def row_of(*guids, block="A"):
    """A plan of one row; who comes first sits on col 1."""
    return one_block(*(seat(guid, 1, col) for col, guid in enumerate(guids, start=1)), name=block)


TWO_BLOCKS = theatre(
    Section("1층", "r", (Block("A", (seat("1", 1, 1),)), Block("B", (seat("2", 1, 2), seat("3", 1, 3)))))
)

REPLACED = {
    "the same again": (row_of("1", "2", "3"), row_of("1", "2", "3")),
    "seats change places": (row_of("1", "2", "3"), row_of("3", "1", "2")),
    "a seat takes the place of one that goes": (row_of("1", "2"), row_of("2")),
    "a seat comes first and all move on": (row_of("1", "2"), row_of("0", "1", "2")),
    "other seats altogether": (row_of("1", "2"), row_of("3", "4")),
    "a block is renamed": (row_of("1", "2"), row_of("1", "2", block="B")),
    "a block is split": (row_of("1", "2", "3"), TWO_BLOCKS),
    "blocks are joined": (TWO_BLOCKS, row_of("3", "2", "1")),
    "grades, prices, shapes and size": (
        theatre(),
        theatre(
            width=1.0,
            currency="USD",
            grades=(
                Grade("r", "R", "#000000", 1),
                Grade("s", "S", "#ffffff", 2),
                Grade("v", "VIP", "#cccccc", 3),
            ),
            shapes=(),
        ),
    ),
    "sections change places": (theatre(), theatre(*reversed(theatre().sections))),
}


@pytest.mark.parametrize(("before", "after"), REPLACED.values(), ids=REPLACED.keys())
async def test_the_plan_of_before_brings_every_id_back(catalogue, before, after):
    venue_id, _ = await catalogue.save_venue(before)
    seats = await catalogue.seat_ids(venue_id)
    for plan in (after, before):
        await catalogue.save_venue(plan)
    assert await catalogue.seat_ids(venue_id) == seats
    assert await catalogue.venue(venue_id) == before


@pytest.mark.parametrize(("before", "after"), REPLACED.values(), ids=REPLACED.keys())
async def test_a_plan_is_replaced_whole_and_an_id_stands_for_one_place(catalogue, before, after):
    """A guid that is put elsewhere gets another id: the ticket that names the old place stays true."""
    names, names_now = before.seats_by_name(), after.seats_by_name()
    venue_id, _ = await catalogue.save_venue(before)
    seats, blocks = await catalogue.seat_ids(venue_id), await catalogue.block_ids(venue_id)
    assert await catalogue.save_venue(after) == (venue_id, False)
    assert await catalogue.venue(venue_id) == after
    now = await catalogue.seat_ids(venue_id)
    assert now.keys() == {each.guid for each in after.seats()}
    stayed = {name.guid for name in names.keys() & names_now.keys()}
    assert {guid for guid in now.keys() & seats.keys() if now[guid] == seats[guid]} == stayed
    assert {now[guid] for guid in now.keys() - stayed}.isdisjoint(seats.values())
    blocks_now = await catalogue.block_ids(venue_id)
    assert blocks_now.keys() == {block.name for _, block in after.blocks()}
    assert all(blocks_now[name] == blocks[name] for name in blocks_now.keys() & blocks.keys())


async def test_other_venues_stay_as_they_are(catalogue):
    other_id, _ = await catalogue.save_venue(theatre(name="다른 극장"))
    await catalogue.save_venue(row_of("1", "2"))
    seats = await catalogue.seat_ids(other_id)
    await catalogue.save_venue(row_of("3"))
    assert await catalogue.venue(other_id) == theatre(name="다른 극장")
    assert await catalogue.seat_ids(other_id) == seats


TAKEN = {
    "held": (Status.HOLD, STARTS_MS),
    "held without an end": (Status.HOLD, None),
    "sold": (Status.OCCUPIED, None),
}


@pytest.mark.parametrize(("status", "expires_ms"), TAKEN.values(), ids=TAKEN.keys())
async def test_a_plan_that_drops_a_taken_seat_is_refused_by_name_and_changes_nothing(
    stores, status, expires_ms
):
    catalogue, before = stores.catalogue, row_of("1", "2", "3")
    venue_id, _ = await catalogue.save_venue(before)
    schedule_id = await schedule_of(catalogue, venue_id)
    ids = await catalogue.seat_ids(venue_id)
    await allocate(stores, schedule_id, Allocation(ids["2"], status, ANN, "h", expires_ms))
    with pytest.raises(PlanDropsSeats, match=r"1 seats .*\(2\)") as caught:
        await catalogue.save_venue(replace(row_of("1", "3", "4"), width=7.0))
    assert caught.value.seat_ids == (ids["2"],)
    assert await catalogue.venue(venue_id) == before
    assert await catalogue.seat_ids(venue_id) == ids
    assert (await catalogue.layout(schedule_id)).revision == 1


async def test_of_many_taken_seats_a_few_are_named_and_all_are_numbered(stores):
    catalogue, guids = stores.catalogue, [f"g{number}" for number in range(1, 9)]
    venue_id, _ = await catalogue.save_venue(row_of(*guids))
    schedule_id = await schedule_of(catalogue, venue_id)
    ids = await catalogue.seat_ids(venue_id)
    await allocate(
        stores, schedule_id, *(Allocation(ids[guid], Status.OCCUPIED, ANN, "h", None) for guid in guids)
    )
    with pytest.raises(
        PlanDropsSeats, match=r"drops or moves 8 seats .*\(g1, g2, g3, g4, g5 and 3 more\)"
    ) as caught:
        await catalogue.save_venue(row_of("g8"))
    assert caught.value.seat_ids == tuple(ids[guid] for guid in guids)


MOVED = {
    "to another column": row_of("2", "3"),
    "to another block": row_of("1", "2", "3", block="B"),
    "under another label": one_block(
        seat("1", 1, 1), seat("2", 1, 2, seat_label="2A"), seat("3", 1, 3), name="A"
    ),
    "to another row": one_block(seat("1", 1, 1), seat("2", 2, 2, row_label="1"), seat("3", 1, 3), name="A"),
}


@pytest.mark.parametrize(("status", "expires_ms"), TAKEN.values(), ids=TAKEN.keys())
@pytest.mark.parametrize("after", MOVED.values(), ids=MOVED.keys())
async def test_a_taken_seat_stays_where_its_ticket_says(stores, after, status, expires_ms):
    catalogue, before = stores.catalogue, row_of("1", "2", "3")
    venue_id, _ = await catalogue.save_venue(before)
    schedule_id = await schedule_of(catalogue, venue_id)
    ids = await catalogue.seat_ids(venue_id)
    await allocate(stores, schedule_id, Allocation(ids["2"], status, ANN, "h", expires_ms))
    with pytest.raises(PlanDropsSeats) as caught:
        await catalogue.save_venue(after)
    assert caught.value.seat_ids == (ids["2"],)
    assert await catalogue.venue(venue_id) == before
    assert await catalogue.seat_ids(venue_id) == ids


async def test_a_taken_seat_may_be_drawn_elsewhere_and_get_another_price(stores):
    catalogue = stores.catalogue
    venue_id, _ = await catalogue.save_venue(row_of("1", "2"))
    schedule_id = await schedule_of(catalogue, venue_id)
    ids = await catalogue.seat_ids(venue_id)
    await allocate(stores, schedule_id, Allocation(ids["2"], Status.OCCUPIED, ANN, "h", None))
    drawn = one_block(seat("2", 1, 2, x=99.0, grade="s"), seat("1", 1, 1), name="A")
    await catalogue.save_venue(drawn)
    assert await catalogue.venue(venue_id) == drawn
    assert await catalogue.seat_ids(venue_id) == ids
    assert (await catalogue.layout(schedule_id)).seat_ids == [ids["2"], ids["1"]]


# --- no allocation without a seat, whoever writes


async def test_the_database_takes_no_allocation_of_a_dropped_seat(stores):
    venue_id, _ = await stores.catalogue.save_venue(row_of("1", "2"))
    schedule_id = await schedule_of(stores.catalogue, venue_id)
    dropped = (await stores.catalogue.seat_ids(venue_id))["2"]
    await stores.catalogue.save_venue(row_of("1"))
    with pytest.raises(StaleDecision, match="no such seat"):
        await allocate(stores, schedule_id, Allocation(dropped, Status.OCCUPIED, ANN, "h", None))
    assert list((await stores.seating.load(schedule_id, 0)).allocations) == []


async def test_the_database_takes_no_allocation_of_another_venues_seat(stores):
    venue_id, _ = await stores.catalogue.save_venue(row_of("1", "2"))
    other_id, _ = await stores.catalogue.save_venue(theatre(name="다른 극장"))
    schedule_id = await schedule_of(stores.catalogue, venue_id)
    foreign = (await stores.catalogue.seat_ids(other_id))["a1"]
    with pytest.raises(StaleDecision, match="no such seat"):
        await allocate(stores, schedule_id, Allocation(foreign, Status.HOLD, ANN, "h", STARTS_MS))


@pytest.mark.not_in_memory("nobody but the store itself reaches its seats there")
async def test_the_database_keeps_a_seat_that_somebody_has(stores):
    venue_id, _ = await stores.catalogue.save_venue(row_of("1", "2"))
    schedule_id = await schedule_of(stores.catalogue, venue_id)
    ids = await stores.catalogue.seat_ids(venue_id)
    await allocate(stores, schedule_id, Allocation(ids["2"], Status.OCCUPIED, ANN, "h", None))
    with pytest.raises(IntegrityError, match="somebody has this seat"):
        async with stores.database.write() as connection:
            await connection.execute(delete(seats).where(seats.c.id == ids["2"]))
    async with stores.database.write() as connection:
        await connection.execute(delete(seats).where(seats.c.id == ids["1"]))


async def test_seats_taken_in_another_venue_are_no_reason_to_refuse(stores):
    catalogue = stores.catalogue
    venue_id, _ = await catalogue.save_venue(row_of("1", "2"))
    other_id, _ = await catalogue.save_venue(theatre(name="다른 극장"))
    schedule_id = await schedule_of(catalogue, other_id)
    taken = (await catalogue.seat_ids(other_id)).values()
    await allocate(
        stores, schedule_id, *(Allocation(each, Status.OCCUPIED, ANN, "h", None) for each in taken)
    )
    assert await catalogue.save_venue(row_of("1")) == (venue_id, False)


async def test_a_dropped_seat_leaves_no_ended_hold_behind_that_nobody_can_sweep(stores):
    catalogue = stores.catalogue
    venue_id, _ = await catalogue.save_venue(row_of("1", "2"))
    schedule_id = await schedule_of(catalogue, venue_id)
    ids = await catalogue.seat_ids(venue_id)
    ended_ms = time.time_ns() // 1_000_000 - 60_000
    await allocate(stores, schedule_id, Allocation(ids["2"], Status.HOLD, ANN, "h", ended_ms))
    await catalogue.save_venue(row_of("1"))
    assert await stores.seating.ended_holds(10) == {}
    assert list((await stores.seating.load(schedule_id, 0)).allocations) == []


async def test_an_id_is_never_given_to_a_second_seat(catalogue):
    venue_id, _ = await catalogue.save_venue(row_of("1", "2"))
    dropped = (await catalogue.seat_ids(venue_id))["2"]
    await catalogue.save_venue(row_of("1"))
    await catalogue.save_venue(row_of("1", "3"))
    assert (await catalogue.seat_ids(venue_id))["3"] != dropped


# --- layouts


async def test_a_layout_is_in_plan_order_block_after_block(catalogue):
    venue_id, _ = await catalogue.save_venue(theatre())
    layout = await catalogue.layout(await schedule_of(catalogue, venue_id))
    seats, blocks = await catalogue.seat_ids(venue_id), await catalogue.block_ids(venue_id)
    assert layout.seat_ids == [seats[guid] for guid in ("a2", "a1", "b1", "c1", "c2")]
    assert (layout.rows, layout.cols) == ([1, 1, 2, 3, 3], [2, 1, 1, 1, 2])
    assert layout.block_ids == [blocks[name] for name in "ABC"]
    assert layout.block_starts == [0, 2, 3, 5]
    assert layout.revision == 1


async def test_the_layout_follows_the_plan_and_counts_its_revisions_in_every_schedule(stores):
    catalogue = stores.catalogue
    venue_id, _ = await catalogue.save_venue(row_of("1", "2"))
    early = [await schedule_of(catalogue, venue_id) for _ in range(2)]
    await catalogue.save_venue(row_of("2", "3", "1"))
    late = await schedule_of(catalogue, venue_id)
    ids = await catalogue.seat_ids(venue_id)
    for schedule_id in (*early, late):
        layout = await catalogue.layout(schedule_id)
        assert layout.seat_ids == [ids["2"], ids["3"], ids["1"]]
        assert layout.revision == 2
        assert (await catalogue.schedule(schedule_id)).layout_revision == 2
        assert (await stores.seating.load(schedule_id, 0)).state.layout_revision == 2


async def test_a_new_plan_leaves_the_schedules_of_other_venues_alone(catalogue):
    await catalogue.save_venue(row_of("1"))
    other_id, _ = await catalogue.save_venue(theatre(name="다른 극장"))
    schedule_id = await schedule_of(catalogue, other_id)
    await catalogue.save_venue(row_of("1", "2"))
    assert (await catalogue.layout(schedule_id)).revision == 1


async def test_the_layout_of_an_unknown_schedule_is_not_found(catalogue):
    with pytest.raises(NotFound, match=str(NOBODY)):
        await catalogue.layout(NOBODY)


# --- schedules


async def test_a_schedule_is_shown_with_its_venue(catalogue):
    venue_id, _ = await catalogue.save_venue(theatre())
    sale = Sale(enabled=True, opens_ms=STARTS_MS - DAY_MS)
    schedule_id = await schedule_of(catalogue, venue_id, kind=Kind.PERFORMANCE, title="햄릿", sale=sale)
    schedule = await catalogue.schedule(schedule_id)
    assert (schedule.id, schedule.kind, schedule.title) == (schedule_id, Kind.PERFORMANCE, "햄릿")
    assert (schedule.venue_id, schedule.venue_name, schedule.seat_count) == (venue_id, "예술의 극장", 5)
    assert (schedule.starts_ms, schedule.sale) == (STARTS_MS, sale)
    assert await catalogue.schedules(Filter(), offset=0, limit=2) == Listing((schedule,), 1)


@pytest.fixture
async def season(catalogue):
    """Four schedules by their titles; c and d start at the same time, c was made first."""
    venue_id, _ = await catalogue.save_venue(hall())
    made = [
        ("b", Kind.MATCH, 2),
        ("c", Kind.PERFORMANCE, 3),
        ("a", Kind.PERFORMANCE, 1),
        ("d", Kind.MATCH, 3),
    ]
    for title, kind, day in made:
        await schedule_of(catalogue, venue_id, kind=kind, title=title, starts_ms=day * DAY_MS)


@pytest.mark.parametrize(
    ("kind", "from_day", "to_day", "titles"),
    [
        (None, None, None, "abcd"),
        (Kind.MATCH, None, None, "bd"),
        (Kind.PERFORMANCE, None, None, "ac"),
        (None, 2, None, "bcd"),
        (None, None, 2, "a"),
        (None, 2, 3, "b"),
        (None, 1, 4, "abcd"),
        (Kind.PERFORMANCE, 2, 4, "c"),
        (None, 4, None, ""),
        (None, 3, 2, ""),
    ],
)
async def test_schedules_are_listed_by_start_from_a_day_up_to_another(
    catalogue, season, kind, from_day, to_day, titles
):
    chosen = Filter(kind=kind, from_ms=from_day and from_day * DAY_MS, to_ms=to_day and to_day * DAY_MS)
    listing = await catalogue.schedules(chosen, offset=0, limit=10)
    assert ("".join(each.title for each in listing.items), listing.total) == (titles, len(titles))


@pytest.mark.parametrize(
    ("offset", "limit", "titles"),
    [
        (0, 2, "ab"),
        (1, 2, "bc"),
        (2, 2, "cd"),
        (3, 2, "d"),
        (4, 2, ""),
        (2**63 - 1, 2**63 - 1, ""),
        (0, 1, "a"),
    ],
)
async def test_the_list_is_read_page_by_page_and_counted_whole(catalogue, season, offset, limit, titles):
    listing = await catalogue.schedules(Filter(), offset=offset, limit=limit)
    assert ("".join(each.title for each in listing.items), listing.total) == (titles, 4)


async def test_the_status_that_is_asked_for_is_that_by_the_stores_clock(stores):
    catalogue = stores.catalogue
    venue_id, _ = await catalogue.save_venue(hall())
    now_ms, _ = await stores.seating.states([])
    for enabled in (True, False):
        for opens_ms in (now_ms - 10, now_ms + DAY_MS):
            await schedule_of(catalogue, venue_id, sale=Sale(enabled=enabled, opens_ms=opens_ms))
    found = []
    for status in SaleStatus:
        listing = await catalogue.schedules(Filter(status=status), offset=0, limit=10)
        assert {each.sale.status(now_ms) for each in listing.items} == {status}
        assert listing.total == len(listing.items)
        found += [each.id for each in listing.items]
    everything = await catalogue.schedules(Filter(), offset=0, limit=10)
    assert sorted(found) == [each.id for each in everything.items]


async def test_an_unknown_schedule_is_not_found(catalogue):
    with pytest.raises(NotFound, match=str(NOBODY)):
        await catalogue.schedule(NOBODY)
    for enabled in (True, False):
        with pytest.raises(NotFound, match=str(NOBODY)):
            await catalogue.set_sale(NOBODY, enabled=enabled)


@pytest.mark.parametrize(
    "sale",
    [
        Sale(enabled=False, opens_ms=0),
        Sale(enabled=True, opens_ms=STARTS_MS),
        Sale(enabled=False, opens_ms=STARTS_MS),
    ],
    ids=["closed", "upcoming", "closed before its opening"],
)
async def test_opening_a_sale_opens_it_at_once_and_closing_closes_it(stores, sale):
    catalogue = stores.catalogue
    venue_id, _ = await catalogue.save_venue(hall())
    schedule_id = await schedule_of(catalogue, venue_id, sale=sale)
    bystander = await schedule_of(catalogue, venue_id, sale=sale)

    async def status():
        now_ms, states = await stores.seating.states([schedule_id])
        assert states[schedule_id].sale == (await catalogue.schedule(schedule_id)).sale
        return states[schedule_id].sale.status(now_ms + 1_000)

    await catalogue.set_sale(schedule_id, enabled=True)
    assert await status() is SaleStatus.OPEN
    await catalogue.set_sale(schedule_id, enabled=False)
    assert await status() is SaleStatus.CLOSED
    await catalogue.set_sale(schedule_id, enabled=True)
    assert await status() is SaleStatus.OPEN
    assert (await catalogue.schedule(bystander)).sale == sale


async def test_opening_an_open_sale_leaves_its_opening_where_it_was(catalogue):
    venue_id, _ = await catalogue.save_venue(hall())
    schedule_id = await schedule_of(catalogue, venue_id, sale=Sale(enabled=True, opens_ms=5))
    await catalogue.set_sale(schedule_id, enabled=True)
    assert (await catalogue.schedule(schedule_id)).sale == Sale(enabled=True, opens_ms=5)
