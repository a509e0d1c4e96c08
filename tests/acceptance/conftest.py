"""Steps that several features share: a match, and people who hold, reserve and buy its seats."""

import re
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from pytest_bdd import given, then, when
from sales import Sales, without_clock
from scenes import House, Scene, Viewer, data_of, moment, problem_of, step, wait_until, won

from jari.domain.users import Role
from jari.domain.venues import Grade, Section
from jari.usecases.organising import Organising
from support.backdoors import backdoor_of
from support.databases import postgres_server, sqlite_in
from support.inside import ServerInside
from support.redises import redis_server
from support.sandboxes import Sandbox
from support.servers import Server
from support.streams import Event
from support.worlds import World, hall


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Where everybody pays."""
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox") / "sandbox.log")
    yield sandbox.start()
    sandbox.kill()


def a_house(
    sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory, store: str, **settings: object
) -> Iterator[House]:
    """A server with a store of its own, whose buyers pay at the sandbox."""
    house_settings = {
        "poll_ms": 200,
        "gateway_url": sandbox.url,
        "gateway_secret_key": sandbox.secret_key,
        "gateway_client_key": "test_ck_x",
        "gateway_script_url": f"{sandbox.url}/v2/standard",
        "gateway_timeout_seconds": 2,
        "payment_patience_seconds": 5,
        "payment_retry_min_seconds": 1,
        "payment_retry_max_seconds": 1,
        "duty_ms": 100,
        **settings,
    }
    server: Server | ServerInside
    if store == "memory":
        world = World(f"memory:{uuid.uuid4().hex}")
        server = ServerInside(world, **house_settings)
        yield House(server.start(), world, sandbox)
        server.kill()
        world.close()
        return
    directory = tmp_path_factory.mktemp("house")
    with books(store, directory) as (url, beside):
        world = World(url, **beside)
        server = Server(url, directory / "server.log", **house_settings, **beside)
        yield House(server.start(), world, sandbox)
        server.kill()
        world.close()


@contextmanager
def books(store: str, directory: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Where a house keeps its books: the database, and the settings of what is beside it."""
    if store == "sqlite":
        yield sqlite_in(directory), {}
        return
    with ExitStack() as opened:
        postgres = opened.enter_context(postgres_server(durable=False))
        redis = opened.enter_context(redis_server())
        holds = "redis" if store == "holds-in-redis" else "database"
        yield postgres.url(postgres.copy()), {"redis": redis.url, "holds": holds}


@pytest.fixture(scope="session")
def house(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory, house_store: str) -> Iterator[House]:
    """Where most scenarios take place."""
    yield from a_house(sandbox, tmp_path_factory, house_store)


@pytest.fixture(scope="session")
def hasty_house(
    sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory, house_store: str
) -> Iterator[House]:
    """Where a hold lasts one second."""
    yield from a_house(sandbox, tmp_path_factory, house_store, hold_seconds=1)


@pytest.fixture
def scene(house: House) -> Iterator[Scene]:
    scene = Scene(house)
    yield scene
    scene.close()


@pytest.fixture
def sales(scene: Scene) -> Sales:
    return Sales(scene)


@pytest.fixture
def viewers() -> dict[str, Viewer]:
    return {}


# The match


@given("a match")
def a_match(scene: Scene) -> None:
    scene.stage = scene.house.world.match()


@given(step("a match with COUNT blocks"))
def a_match_with_blocks(scene: Scene, count: str) -> None:
    scene.stage = scene.house.world.match(blocks=int(count))


@given("a match with two grades")
def a_match_with_two_grades(scene: Scene) -> None:
    """The second block is cheaper."""
    venue = hall(blocks=2)
    (red,) = venue.sections
    first, second = red.blocks
    navy_seats = tuple(replace(seat, grade="navy") for seat in second.seats)
    navy = Section("3루 네이비석", "navy", (replace(second, seats=navy_seats),))
    grades = (*venue.grades, Grade("navy", "네이비석", "#203080", 11_000))
    venue = replace(venue, grades=grades, sections=(replace(red, blocks=(first,)), navy))
    scene.stage = scene.house.world.match(venue)


@given("a match whose holds last 1 second")
def a_match_with_short_holds(scene: Scene, request: pytest.FixtureRequest) -> None:
    scene.house = request.getfixturevalue("hasty_house")
    scene.stage = scene.house.world.match()


@given("another match")
def another_match(scene: Scene) -> None:
    scene.stage = scene.house.world.match()


@given("the sale is closed")
@when("the sale is closed")
def the_sale_is_closed(scene: Scene) -> None:
    """Closed in the store, and known to the server: it has looked twice, one of which began after the close."""
    world = scene.house.world
    world.run(Organising(world.stores.catalogue, world.stores.news).close_sale(scene.match.id))
    enough = looks_at_the_store(scene) + 2
    wait_until(lambda: looks_at_the_store(scene) >= enough, "the server looks for what others have done")


def looks_at_the_store(scene: Scene) -> int:
    figures = httpx.get(f"{scene.url}/metrics").text
    found = re.search(r"^jari_poll_seconds_count (\d+)", figures, re.MULTILINE)
    return int(found[1]) if found else 0


@given(step("NAME is an organiser"))
def somebody_is_an_organiser(scene: Scene, name: str) -> None:
    world, user_id = scene.house.world, scene.buyer(name).id
    world.run(backdoor_of(world.stores).promote(user_id, Role.ORGANISER))


# Seats


@given(step("NAME holds SEATS"))
@when(step("NAME holds SEATS"))
def somebody_holds(scene: Scene, name: str, seats: str) -> None:
    data_of(scene.hold(name, seats), 201)


@when(step("NAME asks for SEATS"))
def somebody_asks(scene: Scene, name: str, seats: str) -> None:
    scene.hold(name, seats)


@given(step("NAME releases SEATS"))
@when(step("NAME releases SEATS"))
def somebody_releases(scene: Scene, name: str, seats: str) -> None:
    assert data_of(scene.release(name, seats)) == {"seatIds": scene.seat_ids(seats)}


@when(step("NAME tries to release SEATS"))
def somebody_tries_to_release(scene: Scene, name: str, seats: str) -> None:
    scene.release(name, seats)


@given(step("NAME's hold has ended"))
@when(step("NAME's hold has ended"))
def a_hold_has_ended(scene: Scene, name: str) -> None:
    expires_at = data_of(scene.last(name), 201)["expiresAt"]
    time.sleep(max(0.0, moment(expires_at) - time.time() + 0.01))


@then(step("NAME gets SEATS"))
def somebody_gets(scene: Scene, name: str, seats: str) -> None:
    held = data_of(scene.last(name), 201)
    assert held["seatIds"] == scene.seat_ids(seats)
    assert held["holdId"]
    assert moment(held["expiresAt"])


@then(step("NAME has SEATS"))
def somebody_has(scene: Scene, name: str, seats: str) -> None:
    assert scene.seats_of(name) == (set(scene.seat_ids(seats)), set())


@then(step("NAME has nothing"))
def somebody_has_nothing(scene: Scene, name: str) -> None:
    assert scene.seats_of(name) == (set(), set())


@then(step("SEATS (?:is|are) NAME's own"))
def somebody_owns(scene: Scene, name: str, seats: str) -> None:
    assert scene.seats_of(name) == (set(), set(scene.seat_ids(seats)))


@then(step("NAME is refused: CODE"))
def somebody_is_refused(scene: Scene, name: str, code: str) -> None:
    problem_of(scene.last(name), code)


@then(step("NAME is refused: CODE SEATS"))
def somebody_is_refused_for_seats(scene: Scene, name: str, code: str, seats: str) -> None:
    assert problem_of(scene.last(name), code)["seatIds"] == scene.seat_ids(seats)


@then(step("NAME is answered as before"))
def somebody_is_answered_as_before(scene: Scene, name: str) -> None:
    before, again = [each for each in scene.answers[name] if each.request.method == "POST"][-2:]
    assert before.is_success
    assert (again.status_code, without_clock(again)) == (before.status_code, without_clock(before))


@then(step("SEATS (?:is|are) STATUS"))
def seats_are(scene: Scene, seats: str, status: str) -> None:
    statuses = scene.statuses()
    assert [statuses[seat_id] for seat_id in scene.seat_ids(seats)] == [status] * len(scene.seat_ids(seats))


@then("every other seat is AVAILABLE")
def others_are_available(scene: Scene) -> None:
    allocated = {each.seat_id for each in scene.house.world.allocations(scene.match)}
    assert all(
        status == "AVAILABLE" for seat_id, status in scene.statuses().items() if seat_id not in allocated
    )


# Viewers


@given(step("NAME opens block BLOCK(?P<batches> in batches)?"))
@when(step("NAME opens block BLOCK(?P<batches> in batches)?"))
def somebody_opens_a_block(
    scene: Scene, viewers: dict[str, Viewer], name: str, block: str, batches: str | None
) -> None:
    url, parameters = f"{scene.block_url(block)}/status-stream", {"events": "batch"} if batches else {}
    viewers[name] = Viewer(url, parameters, scene.watch(url, **parameters), scene.version_now())


@given(step("NAME follows the match(?P<batches> in batches)?"))
@when(step("NAME follows the match(?P<batches> in batches)?"))
def somebody_follows_the_match(
    scene: Scene, viewers: dict[str, Viewer], name: str, batches: str | None
) -> None:
    url = f"{scene.url}/api/schedules/{scene.match.id}/seats/stream"
    parameters = {"events": "batch"} if batches else {}
    viewers[name] = Viewer(url, parameters, scene.watch(url, **parameters), scene.version_now())


@then(step("NAME sees SEATS as STATUS"))
def somebody_sees_seats(scene: Scene, viewers: dict[str, Viewer], name: str, seats: str, status: str) -> None:
    viewer, seat_ids = viewers[name], scene.seat_ids(seats)
    viewer.listener.wait_for(lambda _: {viewer.statuses().get(each) for each in seat_ids} == {status})


@then(step("NAME hears in this order"))
def somebody_hears(scene: Scene, viewers: dict[str, Viewer], name: str, datatable: list[list[str]]) -> None:
    expected = [{"action": action, "seats": scene.places(seats)} for action, seats in datatable[1:]]
    listener = viewers[name].listener

    def heard(events: list[Event]) -> list[Any]:
        return [each.data for each in events if each.name == "message"]

    assert heard(listener.wait_for(lambda events: len(heard(events)) >= len(expected))) == expected


# Reservations and payments


@given(step("NAME books SEATS of the match(?: under the key TEXT)?"))
@when(step("NAME books SEATS of the match(?: under the key TEXT)?"))
def somebody_books(sales: Sales, name: str, seats: str, text: str | None) -> None:
    sales.book(name, seats, text or "")


@when(step("NAME books SEATS as a bare list(?P<says>, for the match)?"))
def somebody_books_a_bare_list(scene: Scene, sales: Sales, name: str, seats: str, says: str | None) -> None:
    sales.book_bare(name, seats, **({"scheduleId": scene.match.id} if says else {}))


@given(step("NAME has reserved SEATS"))
def somebody_has_reserved(scene: Scene, sales: Sales, name: str, seats: str) -> None:
    data_of(scene.hold(name, seats), 201)
    data_of(sales.reserve(name), 201)


@given(step("NAME reserves"))
@when(step("NAME reserves"))
def somebody_reserves(sales: Sales, name: str) -> None:
    data_of(sales.reserve(name), 201)


@given(step("NAME has chosen CARD on the payment page"))
@when(step("NAME chooses CARD on the payment page"))
def somebody_chooses_a_card(sales: Sales, name: str, card: str) -> None:
    sales.choose(name, card)


@given(step("NAME has bought SEATS"))
def somebody_has_bought(sales: Sales, name: str, seats: str) -> None:
    sales.buy(name, seats)


@when(step("NAME pays(?: with CARD)?"))
def somebody_pays(sales: Sales, name: str, card: str | None) -> None:
    assert data_of(sales.pay(name, card or "a good card"))["payment"]["status"] == "DONE"


@when(step("NAME tries to pay(?: with CARD)?"))
def somebody_tries_to_pay(sales: Sales, name: str, card: str | None) -> None:
    sales.pay(name, card or "a good card")


@given(step("NAME cancels the reservation"))
@when(step("NAME cancels the reservation"))
def somebody_cancels(sales: Sales, name: str) -> None:
    assert data_of(sales.cancel(name, name))["status"] == "CANCELLED"


@when(step("NAME tries to cancel OTHER's reservation"))
def somebody_tries_to_cancel(sales: Sales, name: str, other: str) -> None:
    sales.cancel(name, other)


@when(step("NAME asks for a refund(?: of SEATS)?(?: under the key TEXT)?"))
def somebody_asks_for_a_refund(sales: Sales, name: str, seats: str | None, text: str | None) -> None:
    sales.refund(name, name, seats or "", text or "")


@when(step("NAME refunds (?:SEATS|everything) to OTHER"))
def somebody_refunds(sales: Sales, name: str, seats: str | None, other: str) -> None:
    sales.refund(name, other, seats or "")


@given(step("NAME has been refunded SEATS"))
def somebody_has_been_refunded(sales: Sales, name: str, seats: str) -> None:
    assert data_of(sales.refund(name, name, seats))["refunds"][-1]["status"] == "DONE"


@given(step("NAME has printed the tickets"))
@when(step("NAME prints the tickets"))
def somebody_prints_tickets(sales: Sales, name: str) -> None:
    sales.print_tickets(name)


@given(step("NAME has checked in the ticket for SEATS"))
def somebody_has_checked_in(scene: Scene, sales: Sales, name: str, seats: str) -> None:
    for seat_id in scene.seat_ids(seats):
        data_of(sales.check_in(name, sales.codes[seat_id]))


@when(step("NAME checks in the ticket for SEATS"))
def somebody_checks_in(scene: Scene, sales: Sales, name: str, seats: str) -> None:
    (seat_id,) = scene.seat_ids(seats)
    sales.check_in(name, sales.codes[seat_id])


@then(step("NAME's reservation is (?P<stage>PENDING|CONFIRMED|CANCELLED|EXPIRED)"))
def a_reservation_is(sales: Sales, name: str, stage: str) -> None:
    assert sales.shown(name)["status"] == stage


@then(step("NAME's reservation is for SEATS and costs MONEY"))
def a_reservation_is_for(scene: Scene, sales: Sales, name: str, seats: str, money: str) -> None:
    shown = sales.shown(name)
    assert [each["id"] for each in shown["seats"]] == scene.seat_ids(seats)
    assert (shown["amount"], shown["currency"]) == (won(money), "KRW")
    assert sum(each["price"] for each in shown["seats"]) == won(money)


@then(step("NAME has been charged MONEY, once"))
def somebody_has_been_charged_once(sales: Sales, name: str, money: str) -> None:
    assert sales.charges(name) == [won(money)]


@then(step("NAME has not been charged"))
def somebody_has_not_been_charged(sales: Sales, name: str) -> None:
    assert sales.charges(name) == []


@then(step("NAME has been given back MONEY, once"))
def somebody_has_been_given_back(sales: Sales, name: str, money: str) -> None:
    assert sales.given_back(name) == [won(money)]


@then(step("NAME has been given back nothing"))
def somebody_has_been_given_back_nothing(sales: Sales, name: str) -> None:
    assert sales.given_back(name) == []


@then(step("NAME has a ticket for SEATS and for nothing else"))
def somebody_has_tickets(scene: Scene, sales: Sales, name: str, seats: str) -> None:
    assert sorted(sales.tickets(name)) == sorted(scene.seat_ids(seats))


@then(step("NAME has no tickets"))
def somebody_has_no_tickets(sales: Sales, name: str) -> None:
    assert sales.tickets(name) == {}


@then(step("NAME lets the holder of SEATS in"))
def somebody_lets_in(scene: Scene, name: str, seats: str) -> None:
    let_in = data_of(scene.last(name))
    assert ([let_in["seatId"]], let_in["scheduleId"]) == (scene.seat_ids(seats), scene.match.id)
    assert (let_in["block"], let_in["rowLabel"], let_in["seatLabel"]) == scene.printed(let_in["seatId"])
    assert moment(let_in["checkedInAt"])
