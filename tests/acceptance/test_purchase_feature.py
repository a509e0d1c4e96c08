"""Buying seats: over HTTP, with a payment gateway in a process of its own."""

import dataclasses
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from pytest_bdd import given, scenarios, then, when
from sales import Sales
from scenes import House, Scene, Viewer, data_of, moment, problem_of, step, wait_until, won

from jari.usecases.organising import Organising
from support.sandboxes import CALL_SECONDS, checkout, parameters_of
from support.servers import Server
from support.worlds import World, hall

NO_SUCH_MATCH = 2**62
PASSWORD = "a seat in the sun"

scenarios("purchase.feature")


@pytest.fixture
def found() -> list[dict[str, Any]]:
    """The seats that Minji looked at, each with its status and its price."""
    return []


# Finding seats


@given("a match without a payment gateway")
def a_match_without_a_gateway(scene: Scene, shared_server: Server, shared_world: World) -> None:
    scene.house = House(shared_server, shared_world)
    scene.stage = shared_world.match()


@given("a match with free seats")
def a_match_with_free_seats(scene: Scene) -> None:
    venue = hall()
    grades = tuple(dataclasses.replace(each, price=0) for each in venue.grades)
    scene.stage = scene.house.world.match(dataclasses.replace(venue, grades=grades))


@given(step("NAME has signed up and logged in"))
def somebody_has_logged_in(scene: Scene, name: str) -> None:
    client = scene.clients[name] = httpx.Client(base_url=scene.url, timeout=30)
    who = {"email": f"{name.lower()}-{secrets.token_hex(4)}@example.com", "password": PASSWORD}
    data_of(client.post("/api/sign-up", json={**who, "name": name}), 201)
    data_of(client.post("/api/log-in", json=who))


@when(step("NAME looks for the match among the matches"))
def somebody_looks_for_the_match(scene: Scene, name: str) -> None:
    client, page, ids = scene.client(name), 1, []
    while (listed := data_of(client.get("/api/matches", params={"page": page})))["items"]:
        ids += [each["id"] for each in listed["items"]]
        page += 1
    assert scene.match.id in ids


@when(step("NAME looks for the seats of block BLOCK in the section TEXT"))
def somebody_looks_for_seats(
    scene: Scene, found: list[dict[str, Any]], name: str, block: str, text: str
) -> None:
    client = scene.client(name)
    prices = {each["code"]: each["price"] for each in data_of(client.get(scene.path))["venue"]["grades"]}
    sections = data_of(client.get(f"{scene.path}/sections"))["sections"]
    (section,) = [each for each in sections if each["name"] == text]
    (block_id,) = [each["id"] for each in section["blocks"] if each["name"] == block]
    seats = f"{scene.path}/blocks/{block_id}/seats"
    statuses = {each["id"]: each["status"] for each in data_of(client.get(f"{seats}/status"))["seats"]}
    found += [
        {**each, "status": statuses[each["id"]], "price": prices[each["grade"]]}
        for each in data_of(client.get(seats))["seats"]
    ]


@then(step("NAME finds SEATS there, free and for MONEY each"))
def somebody_finds_seats(
    scene: Scene, found: list[dict[str, Any]], name: str, seats: str, money: str
) -> None:
    wanted = [each for each in found if {"row": each["row"], "col": each["col"]} in scene.places(seats)]
    assert [each["id"] for each in wanted] == scene.seat_ids(seats)
    assert {(each["status"], each["price"]) for each in wanted} == {("AVAILABLE", won(money))}


# Reserving


@given(step("NAME reserves under the key TEXT"))
@when(step("NAME reserves under the key TEXT"))
def somebody_reserves_under_a_key(sales: Sales, name: str, text: str) -> None:
    data_of(sales.reserve(name, text), 201)


@when(step("NAME tries to reserve(?: under the key TEXT)?"))
def somebody_tries_to_reserve(sales: Sales, name: str, text: str | None) -> None:
    sales.reserve(name, text or "")


@when(step("NAME tries to reserve at a match that there is not"))
def somebody_tries_to_reserve_elsewhere(scene: Scene, name: str) -> None:
    scene.send(name, "POST", "/api/reservations", json={"scheduleId": NO_SUCH_MATCH})


@then(step("NAME's reservation ends with the hold(?: of SEATS)?"))
def a_reservation_ends_with_the_hold(scene: Scene, sales: Sales, name: str, seats: str | None) -> None:
    wanted = set(scene.seat_ids(seats)) if seats else set(scene.seats_of(name)[0])
    held = [each.json()["data"] for each in scene.answers[name] if "/allocations" in each.request.url.path]
    (end,) = {each["expiresAt"] for each in held if set(each["seatIds"]) == wanted}
    assert sales.shown(name)["expiresAt"] == end
    holds = data_of(scene.client(name).get(f"{scene.path}/allocations"))["holds"]
    assert [each["expiresAt"] for each in holds] == [end]


@then(step("the reservation before is (?P<stage>CANCELLED)"))
def the_reservation_before_is(scene: Scene, sales: Sales, stage: str) -> None:
    before, now = reservations_of(scene, "Minji")
    assert (before["status"], now["status"]) == (stage, "PENDING")
    assert before["id"] != now["id"]


@then(step("the reservation before has not been charged"))
def the_reservation_before_has_not_been_charged(scene: Scene, sales: Sales) -> None:
    before, _ = reservations_of(scene, "Minji")
    charges = [each["charges"] for each in sales.sandbox.ledger() if each["orderId"] == before["orderId"]]
    assert charges == [0]


def reservations_of(scene: Scene, name: str) -> list[dict[str, Any]]:
    """The oldest first."""
    items: list[dict[str, Any]] = data_of(scene.client(name).get("/api/reservations"))["items"]
    return items[::-1]


@then(step("NAME's reservation tells these prices"))
def a_reservation_tells_prices(scene: Scene, sales: Sales, name: str, datatable: list[list[str]]) -> None:
    told = [
        (f"{each['row']}-{each['col']}", each["grade"], f"{each['price']:,}")
        for each in sales.shown(name)["seats"]
    ]
    assert told == [tuple(row) for row in datatable[1:]]


@when(step("the organiser imports the plan again with the TEXT grade at MONEY"))
def the_price_changes(scene: Scene, text: str, money: str) -> None:
    """Imported, and known to the server: whoever looks at the match sees the new price."""
    world, venue = scene.house.world, scene.match.venue
    grades = tuple(
        dataclasses.replace(each, price=won(money)) if each.code == text else each for each in venue.grades
    )
    world.run(
        Organising(world.stores.catalogue, world.stores.news).import_venue(
            dataclasses.replace(venue, grades=grades)
        )
    )

    def it_is_seen() -> bool:
        shown = data_of(httpx.get(f"{scene.url}{scene.path}"))["venue"]["grades"]
        return {each["code"]: each["price"] for each in shown}[text] == won(money)

    wait_until(it_is_seen, "the match shows its new price")


# Paying


@then(step("the payment page asks NAME for MONEY"))
def the_payment_page_asks(scene: Scene, sales: Sales, name: str, money: str) -> None:
    told = data_of(scene.client(name).get("/api/payments/config"))
    assert told["clientKey"] == "test_ck_x"
    assert httpx.get(told["scriptUrl"]).headers["content-type"].startswith("text/javascript")
    page = sales.payment_page(name)
    assert f"{money} won" in page
    assert scene.match.venue.sections[0].blocks[0].name in page


@given(step("NAME has chosen CARD on the payment page, in a second window too"))
def somebody_chooses_in_two_windows(sales: Sales, name: str, card: str) -> None:
    sales.choose(name, card)
    sales.payments[f"{name}'s second window"] = sales.payments[name]
    sales.choose(name, card)


@when(step("NAME comes back from the payment page(?: under the key TEXT)?"))
def somebody_comes_back(sales: Sales, name: str, text: str | None) -> None:
    sales.confirm(name, text or "")


@when(step("NAME comes back from the second window"))
def somebody_comes_back_from_another_window(sales: Sales, name: str) -> None:
    sales.confirm(name, **sales.payments[f"{name}'s second window"])


@when(step("NAME comes back under the key TEXT with another payment"))
def somebody_comes_back_with_another(sales: Sales, name: str, text: str) -> None:
    sales.confirm(name, text, paymentKey="another")


@when(step("NAME comes back with a made-up payment"))
def somebody_makes_a_payment_up(sales: Sales, name: str) -> None:
    reservation = sales.reservations[name]
    sales.payments[name] = {
        "paymentKey": "made-up",
        "orderId": reservation["orderId"],
        "amount": reservation["amount"],
    }
    sales.confirm(name)


@when(step("NAME comes back from the payment page COUNT times at once"))
def somebody_comes_back_often(scene: Scene, sales: Sales, name: str, count: str) -> None:
    def come_back(_: int) -> httpx.Response:
        with httpx.Client(base_url=scene.url, cookies=scene.buyer(name).cookies, timeout=30) as window:
            return window.post("/api/payments/confirm", json=sales.payments[name])

    with ThreadPoolExecutor(int(count)) as pool:
        scene.answers[name] = list(pool.map(come_back, range(int(count))))


@then(step("each time NAME is told that the reservation is CONFIRMED"))
def each_time_it_is_confirmed(scene: Scene, name: str) -> None:
    assert {data_of(each)["status"] for each in scene.answers[name]} == {"CONFIRMED"}


@when(step("NAME leaves the payment page without paying"))
def somebody_leaves(sales: Sales, name: str) -> None:
    reservation = sales.reservations[name]
    fields = checkout(reservation["orderId"], reservation["amount"], choice="cancel")
    answer = httpx.post(f"{sales.sandbox.url}/pay", data=fields, timeout=CALL_SECONDS)
    assert parameters_of(answer.headers["location"])["code"] == "PAY_PROCESS_CANCELED"


@when(step("NAME tries to pay MONEY less"))
def somebody_tries_to_pay_less(sales: Sales, name: str, money: str) -> None:
    sales.choose(name, "a good card", less=won(money))
    sales.confirm(name)


@when(step("NAME has MONEY less authenticated than (?:he|she) says"))
def somebody_says_more(sales: Sales, name: str, money: str) -> None:
    sales.choose(name, "a good card", less=won(money))
    sales.confirm(name, amount=sales.reservations[name]["amount"])


@when(step("NAME tries to pay with OTHER's payment"))
def somebody_pays_with_anothers(sales: Sales, name: str, other: str) -> None:
    reservation = sales.reservations[name]
    sales.payments[name] = {
        "paymentKey": sales.payments[other]["paymentKey"],
        "orderId": reservation["orderId"],
        "amount": reservation["amount"],
    }
    sales.confirm(name)


@when(step("NAME tries to pay OTHER's reservation"))
def somebody_pays_for_another(sales: Sales, name: str, other: str) -> None:
    sales.choose(name, "a good card", whose=other)
    sales.confirm(name)


@when(step("NAME tries to pay the order (?P<order>.+)"))
def somebody_pays_no_order(sales: Sales, name: str, order: str) -> None:
    sales.choose(name, "a good card")
    schedule_id, reservation_id, token = sales.order_id(name).split("-", 2)
    order_id = {
        "that nobody made": f"{schedule_id}-{NO_SUCH_MATCH // 10}-{token}",
        "with a guessed end": f"{schedule_id}-{reservation_id}-{'x' * len(token)}",
        "that is no order's name at all": "somewhere, over the rainbow",
    }[order]
    sales.confirm(name, orderId=order_id)


@when(step("NAME looks where to pay"))
def somebody_looks_where_to_pay(scene: Scene, name: str) -> None:
    scene.send(name, "GET", "/api/payments/config")


@when(step("NAME looks at OTHER's (?P<what>reservation|tickets)"))
def somebody_looks_at_anothers(scene: Scene, sales: Sales, name: str, other: str, what: str) -> None:
    path = sales.tickets_path(other)
    scene.send(name, "GET", path if what == "tickets" else path.removesuffix("/tickets"))


@given(step("the gateway's next answer to NAME's payment gets lost"))
def an_answer_gets_lost(sales: Sales, name: str) -> None:
    sales.sandbox.behave("confirm", orderId=sales.order_id(name), drop="after")


@given(step("the gateway's next COUNT answers about NAME's payment get lost"))
def answers_get_lost(sales: Sales, name: str, count: str) -> None:
    """The first is that to the payment itself, the others are those to the questions after it."""
    order_id = sales.order_id(name)
    sales.sandbox.behave("confirm", orderId=order_id, drop="after")
    sales.sandbox.behave("get", orderId=order_id, drop="after", times=int(count) - 1)


@then(step("NAME is told that it is not known yet whether money moved"))
def it_is_not_known_yet(scene: Scene, name: str) -> None:
    reservation = data_of(scene.last(name), 202)
    assert (reservation["status"], reservation["payment"]["status"]) == ("PENDING", "CONFIRMING")
    assert reservation["expiresAt"] is None


@then(step("NAME's reservation becomes (?P<stage>CONFIRMED) by itself"))
def a_reservation_becomes(sales: Sales, name: str, stage: str) -> None:
    wait_until(lambda: sales.shown(name)["status"] == stage, f"the reservation is {stage}")


@then(step("NAME is told the gateway's reason CODE"))
def somebody_is_told_the_reason(scene: Scene, sales: Sales, name: str, code: str) -> None:
    problem = problem_of(scene.last(name), "PAYMENT_REFUSED")
    assert problem["gatewayCode"] == code
    assert problem["reservationId"] == sales.reservations[name]["id"]


@then("the hold ends when it would have ended")
def the_hold_ends_as_before(scene: Scene, sales: Sales) -> None:
    end = sales.reservations["Minji"]["expiresAt"]
    assert moment(end)
    (hold,) = data_of(scene.client("Minji").get(f"{scene.path}/allocations"))["holds"]
    assert sales.shown("Minji")["expiresAt"] == hold["expiresAt"] == end


@then(step("NAME was told that SEATS went from HOLD to OCCUPIED"))
def somebody_was_told(scene: Scene, viewers: dict[str, Viewer], name: str, seats: str) -> None:
    updates = [each.data["data"] for each in viewers[name].listener.events if each.name == "update"]
    for seat_id in scene.seat_ids(seats):
        told = [each["status"] for each in updates if each["seatId"] == seat_id]
        assert told == ["HOLD", "OCCUPIED"]
