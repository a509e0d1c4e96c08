"""Plans that are imported while something is under way: no printed place is ever sold twice."""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from jari.domain.errors import PlanDropsSeats
from jari.domain.seating import Status
from jari.domain.venues import Venue
from jari.usecases.organising import Organising
from support.databases import Postgres
from support.imports import with_seats
from support.purchases import (
    REST_SECONDS,
    Purchase,
    Shop,
    books_at_rest,
    disagreements,
    fresh_database,
    let_time_run_out,
    open_shop,
)
from support.worlds import hall

Plan = Callable[[], Venue]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres: Postgres
) -> Iterator[Shop]:
    directory = tmp_path_factory.mktemp(f"plans-{request.param}")
    with (
        fresh_database(request.param, directory, postgres) as url,
        open_shop(url, directory, poll_ms=100) as shop,
    ):
        yield shop


@pytest.fixture
def purchase(shop: Shop) -> Purchase:
    """Somebody who has reserved the first two of four seats of a venue of its own."""
    match = shop.world.match(hall(rows=1, cols=4))
    return shop.purchase(match=match).reserved()


def without_the_first(venue: Venue) -> Venue:
    return with_seats(venue, lambda each: None if each.col == 1 else each)


def first_two_change_places(venue: Venue) -> Venue:
    other = {1: 2, 2: 1}
    return with_seats(
        venue,
        lambda each: replace(
            each, col=other.get(each.col, each.col), seat_label=str(other.get(each.col, each.col))
        ),
    )


def bring_in(purchase: Purchase, plan: Venue) -> None:
    world = purchase.shop.world
    world.run(Organising(world.stores.catalogue, world.stores.news).import_venue(plan))
    layout = world.run(world.stores.catalogue.layout(purchase.match.id))
    block = f"/api/matches/{purchase.match.id}/blocks/{purchase.match.block_id}/seats/status"
    until = time.monotonic() + REST_SECONDS
    while [each["id"] for each in purchase.send("GET", block).json()["data"]["seats"]] != layout.seat_ids:
        assert time.monotonic() < until, "the server never looked at the new plan"
        time.sleep(0.02)


def buy_at(purchase: Purchase, row: int, col: int) -> Purchase:
    """Somebody else buys the place that is printed so, in the plan of this moment."""
    ids = purchase.shop.world.run(purchase.shop.world.stores.catalogue.layout(purchase.match.id)).seat_at
    other = Purchase(purchase.shop, purchase.match, purchase.shop.world.buyer(), (ids[row, col],))
    return other.paid()


def places_let_in(shop: Shop, *purchases: Purchase) -> list[str]:
    """The printed place of every ticket, each of which is good at the door."""
    return [
        f"{each['row']}-{each['col']}"
        for purchase in purchases
        for each in purchase.look()["seats"]
        if purchase.look()["status"] == "CONFIRMED"
    ]


def test_a_late_payment_does_not_buy_a_seat_that_the_plan_has_dropped(purchase: Purchase) -> None:
    """What once sold the same printed place twice: drop a seat, pay for it late, bring it back, sell it."""
    purchase.authenticate()
    let_time_run_out(purchase)
    bring_in(purchase, without_the_first(purchase.match.venue))

    refused = purchase.confirm()

    assert (refused.status_code, refused.json()["code"]) == (409, "RESERVATION_EXPIRED")
    assert refused.json()["seatIds"] == [purchase.seat_ids[0]]
    assert purchase.shop.world.allocations(purchase.match) == []

    bring_in(purchase, purchase.match.venue)
    other = buy_at(purchase, 1, 1)
    assert other.seat_ids == (purchase.seat_ids[0],)  # the place has its old id again
    assert places_let_in(purchase.shop, purchase, other) == ["1-1"]
    assert purchase.confirm().status_code == 409
    assert disagreements(books_at_rest(purchase.shop, purchase.match)) == []


def test_a_late_payment_does_not_buy_seats_that_have_changed_places(purchase: Purchase) -> None:
    purchase.authenticate()
    let_time_run_out(purchase)
    bring_in(purchase, first_two_change_places(purchase.match.venue))

    assert purchase.confirm().json()["code"] == "RESERVATION_EXPIRED"

    others = [buy_at(purchase, 1, 1), buy_at(purchase, 1, 2)]
    assert sorted(places_let_in(purchase.shop, purchase, *others)) == ["1-1", "1-2"]
    assert disagreements(books_at_rest(purchase.shop, purchase.match)) == []


@pytest.mark.parametrize("plan", [without_the_first, first_two_change_places])
def test_while_it_is_being_paid_a_seat_stays_what_and_where_it_is(
    purchase: Purchase, plan: Callable[[Venue], Venue]
) -> None:
    purchase.authenticate()
    purchase.shop.sandbox.behave("confirm", orderId=purchase.order_id, drop="after")
    purchase.shop.sandbox.behave("get", orderId=purchase.order_id, drop="before", times=3)
    assert purchase.confirm().status_code == 202
    with pytest.raises(PlanDropsSeats):
        bring_in(purchase, plan(purchase.match.venue))
    assert disagreements(books_at_rest(purchase.shop, purchase.match)) == []
    assert purchase.look()["status"] == "CONFIRMED"
    with pytest.raises(PlanDropsSeats):
        bring_in(purchase, plan(purchase.match.venue))


def test_a_refunded_seat_may_go_and_its_money_goes_back_all_the_same(purchase: Purchase) -> None:
    purchase.authenticate()
    assert purchase.confirm().status_code == 200
    purchase.shop.sandbox.behave("cancel", orderId=purchase.order_id, drop="before")
    purchase.refund([purchase.seat_ids[0]])
    bring_in(purchase, without_the_first(purchase.match.venue))
    assert disagreements(books_at_rest(purchase.shop, purchase.match)) == []
    assert [each["seatId"] for each in purchase.tickets()] == [purchase.seat_ids[1]]


def test_a_reservation_of_a_dropped_seat_can_be_looked_at_cancelled_and_made_anew(
    purchase: Purchase,
) -> None:
    let_time_run_out(purchase)
    bring_in(purchase, without_the_first(purchase.match.venue))
    assert purchase.look()["status"] == "EXPIRED"
    assert purchase.cancel().json()["code"] == "RESERVATION_CLOSED"
    again = replace(purchase, seat_ids=purchase.seat_ids[1:])
    assert again.hold().status_code == 201
    assert purchase.hold().json()["code"] == "UNKNOWN_SEATS"


# --- plans in a loop, buyers in a loop, two servers

PURCHASES, AT_ONCE, PLANS = 40, 8, 25
EXPECTED = {200, 201, 202, 402, 404, 409, 422, 503}


def plans_of(venue: Venue, mood: random.Random) -> Iterator[Venue]:
    """The plan with some seats gone and some put elsewhere, and now and then the first one."""
    for _ in range(PLANS):
        gone, swapped = mood.random() < 0.4, mood.random() < 0.4
        lucky = mood.sample(range(1, 11), 3)
        yield with_seats(
            venue,
            lambda each, gone=gone, swapped=swapped, lucky=lucky: (  # type: ignore[misc]
                None
                if gone and each.col in lucky
                else replace(each, seat_label=f"{each.seat_label}A")
                if swapped and each.col == lucky[0]
                else each
            ),
        )


def buying(purchase: Purchase, mood: random.Random) -> list[int]:
    """Somebody who takes a seat of the plan as it is, lets some time pass, pays, and perhaps gives it back."""
    world = purchase.shop.world
    layout = world.run(world.stores.catalogue.layout(purchase.match.id))
    purchase = replace(purchase, seat_ids=(mood.choice(list(layout.seat_ids)),))
    said = [purchase.hold().status_code]
    if said[-1] == 201:
        said.append(purchase.reserve().status_code)
    if said[-1] != 201 or not purchase.reservation:
        return said
    purchase.authenticate()
    time.sleep(mood.choice([0.0, 0.2, 1.5]))  # beyond the end of a hold, now and then
    said.append(purchase.confirm().status_code)
    if said[-1] == 200 and mood.random() < 0.4:
        said.append(purchase.refund().status_code)
    return said


def test_with_plans_and_buyers_at_two_servers_a_place_has_one_owner(
    tmp_path: Path, postgres_url: str
) -> None:
    settings = {"hold_seconds": 1, "poll_ms": 200, "late_payment_seconds": 60}
    with (
        open_shop(postgres_url, tmp_path, servers=2, **settings) as shop,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        match = shop.world.match(hall(rows=2, cols=10))
        moods = [random.Random(f"buyer {number}") for number in range(PURCHASES)]
        shops = [replace(shop, servers=[server]) for server in shop.servers]
        purchases = [
            Purchase(shops[number % 2], match, buyer, ())
            for number, buyer in enumerate(shop.world.buyers(PURCHASES))
        ]
        answers = pool.map(buying, purchases, moods)
        imported = refused = 0
        for plan in plans_of(match.venue, random.Random("plans")):
            try:
                shop.world.run(
                    Organising(shop.world.stores.catalogue, shop.world.stores.news).import_venue(plan)
                )
                imported += 1
            except PlanDropsSeats:
                refused += 1
            time.sleep(0.1)
        said = [each for one in answers for each in one]
        found = books_at_rest(shop, match)
    assert disagreements(found) == []
    assert set(said) <= EXPECTED
    assert imported > PLANS / 10
    assert refused > 0
    assert sum(each.status is Status.OCCUPIED for each in found.allocations) > 2
