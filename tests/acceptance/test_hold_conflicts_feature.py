"""Many people want the same seats: over HTTP, with as many connections as there are people."""

import random
import re
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import httpx
import pytest
from pytest_bdd import given, scenarios, then, when
from scenes import House, Scene, data_of, moment, problem_of, step

from jari.domain.schedules import Kind
from jari.domain.users import Role, User
from jari.usecases.organising import Organising
from support.servers import Server
from support.worlds import Buyer, Match, World, hall

NEVER = 3_600_000
NO_SUCH_MATCH = 2**62

scenarios("hold_conflicts.feature")


@dataclass(frozen=True)
class Try:
    """What one person of a crowd asked for, and the answer."""

    buyer: Buyer
    seat_ids: tuple[int, ...]
    answer: httpx.Response

    @property
    def granted(self) -> bool:
        return self.answer.status_code == httpx.codes.CREATED


def ask_at_once(url: str, match: Match, wishes: Sequence[tuple[Buyer, tuple[int, ...]]]) -> list[Try]:
    """Everybody on a connection of their own, which is open before the first of them asks."""
    start = threading.Barrier(len(wishes))

    def ask(wish: tuple[Buyer, tuple[int, ...]]) -> Try:
        buyer, seat_ids = wish
        with buyer.client(url) as client:
            client.get("/livez")
            start.wait(20)
            answer = client.post(f"/api/matches/{match.id}/allocations", json={"seatIds": seat_ids})
        return Try(buyer, seat_ids, answer)

    with ThreadPoolExecutor(len(wishes)) as pool:
        return list(pool.map(ask, wishes))


def owners_of(tries: Sequence[Try]) -> dict[int, set[int]]:
    """Seat → everybody who was granted it."""
    owners: dict[int, set[int]] = {}
    for each in tries:
        for seat_id in each.seat_ids if each.granted else ():
            owners.setdefault(seat_id, set()).add(each.buyer.id)
    return owners


def seats_of(scene: Scene, buyer: Buyer) -> set[int]:
    """What the buyer holds, as the server tells them."""
    with buyer.client(scene.url) as client:
        mine = data_of(client.get(f"{scene.path}/allocations"))
    return {seat_id for hold in mine["holds"] for seat_id in hold["seatIds"]}


@pytest.fixture
def tries() -> list[Try]:
    return []


@given("a match whose holds last 1 second, where nobody tidies up")
def a_match_without_sweeping(
    scene: Scene, sqlite_url: str, make_server: Callable[..., Server], make_world: Callable[[str], World]
) -> None:
    server = make_server(sqlite_url, hold_seconds=1, sweep_ms=NEVER)
    scene.house = House(server, make_world(sqlite_url))
    scene.stage = scene.house.world.match()


@given(step("a match whose sale opens in COUNT seconds"))
def a_match_that_opens_later(scene: Scene, count: str) -> None:
    world = scene.house.world
    other = world.match(hall(rows=5, cols=10), opened=False)
    now_ms = time.time_ns() // 1_000_000
    schedule_id = world.run(
        Organising(world.stores.catalogue).create_schedule(
            venue_id=other.venue_id,
            kind=Kind.MATCH,
            title="KT : SSG",
            starts_ms=now_ms + 86_400_000,
            opens_ms=now_ms + int(count) * 1000,
        )
    )
    scene.stage = replace(other, id=schedule_id)


@given("another match")
def another_match(scene: Scene) -> None:
    scene.stage = scene.house.world.match()


@given("the sale is closed")
@when("the sale is closed")
def the_sale_is_closed(scene: Scene) -> None:
    """Closed in the store, and known to the server: it has looked twice, one of which began after the close."""
    world = scene.house.world
    world.run(Organising(world.stores.catalogue).close_sale(scene.match.id))
    before, until = looks_at_the_store(scene), time.monotonic() + 10
    while looks_at_the_store(scene) < before + 2:
        assert time.monotonic() < until, "the server does not look for what others have done"
        time.sleep(0.02)


def looks_at_the_store(scene: Scene) -> int:
    figures = httpx.get(f"{scene.url}/metrics").text
    found = re.search(r"^jari_poll_seconds_count (\d+)", figures, re.MULTILINE)
    return int(found[1]) if found else 0


@when("the sale has opened")
def the_sale_has_opened(scene: Scene) -> None:
    opens_at = data_of(httpx.get(f"{scene.url}{scene.path}"))["opensAt"]
    time.sleep(max(0.0, moment(opens_at) - time.time() + 0.05))


@when(step("NAME's hold has ended"))
def a_hold_has_ended(scene: Scene, name: str) -> None:
    expires_at = data_of(scene.last(name), 201)["expiresAt"]
    time.sleep(max(0.0, moment(expires_at) - time.time() + 0.01))


@when(step("NAME asks for SEATS under the key TEXT"))
def somebody_asks_under_a_key(scene: Scene, name: str, seats: str, text: str) -> None:
    scene.hold(name, seats, key=text)


@when(step("NAME asks for no seat"))
def somebody_asks_for_nothing(scene: Scene, name: str) -> None:
    scene.hold(name, "")


@when(step("NAME asks for SEATS and a seat of another match"))
def somebody_asks_for_a_strange_seat(scene: Scene, name: str, seats: str) -> None:
    strange = scene.house.world.match().seat_ids[0]
    seat_ids = [*scene.seat_ids(seats), strange]
    scene.send(name, "POST", f"{scene.path}/allocations", json={"seatIds": seat_ids})
    assert scene.last(name).json()["seatIds"] == [strange]


@when(step("NAME asks for a seat of a match that there is not"))
def somebody_asks_for_a_strange_match(scene: Scene, name: str) -> None:
    scene.send(name, "POST", f"/api/matches/{NO_SUCH_MATCH}/allocations", json={"seatIds": [1]})


@when(step("NAME tries to release SEATS"))
def somebody_tries_to_release(scene: Scene, name: str, seats: str) -> None:
    scene.release(name, seats)


@when(step("NAME books SEATS of the match(?: under the key TEXT)?"))
def somebody_books(scene: Scene, name: str, seats: str, text: str | None) -> None:
    headers = {"Idempotency-Key": text} if text else {}
    body = {"scheduleId": scene.match.id, "seats": scene.places(seats)}
    scene.send(name, "POST", "/api/bookings/start", json=body, headers=headers)


@when(step("NAME books SEATS as a bare list(?P<says>, for the match)?"))
def somebody_books_a_bare_list(scene: Scene, name: str, seats: str, says: str | None) -> None:
    params = {"scheduleId": scene.match.id} if says else {}
    scene.send(name, "POST", "/api/bookings/start", json=scene.places(seats), params=params)


@when(step("COUNT people ask at once for 1 to 4 of the seats 1-1 to 1-10"))
def a_crowd_asks(scene: Scene, tries: list[Try], count: str) -> None:
    mood = random.Random(2026)
    row = [scene.match.seat_at[1, col] for col in range(1, 11)]
    buyers = scene.house.world.buyers(int(count))
    wishes = [(buyer, tuple(mood.sample(row, mood.randint(1, 4)))) for buyer in buyers]
    tries.extend(ask_at_once(scene.url, scene.match, wishes))


@when(step("COUNT people ask at once for SEATS"))
def a_crowd_asks_for_the_same(scene: Scene, tries: list[Try], count: str, seats: str) -> None:
    wishes = [(buyer, tuple(scene.seat_ids(seats))) for buyer in scene.house.world.buyers(int(count))]
    tries.extend(ask_at_once(scene.url, scene.match, wishes))


@then("each of these seats has one owner at most")
def one_owner_each(scene: Scene, tries: list[Try]) -> None:
    owners = owners_of(tries)
    assert all(len(buyers) == 1 for buyers in owners.values())
    stored = {each.seat_id: {each.buyer_id} for each in scene.house.world.allocations(scene.match)}
    assert stored == owners


@then("whoever was granted seats has all of them")
def winners_have_all(scene: Scene, tries: list[Try]) -> None:
    assert all(seats_of(scene, each.buyer) == set(each.seat_ids) for each in tries if each.granted)


@then("whoever was refused has nothing, and was told which seats are taken")
def losers_have_nothing(scene: Scene, tries: list[Try]) -> None:
    for each in tries:
        if not each.granted:
            taken = problem_of(each.answer, "SEATS_TAKEN")["seatIds"]
            assert taken
            assert set(taken) <= set(each.seat_ids) & owners_of(tries).keys()
            assert not seats_of(scene, each.buyer)


@then("some were granted seats, and some were refused")
def some_of_each(tries: list[Try]) -> None:
    assert {each.granted for each in tries} == {True, False}


@then(step("exactly COUNT of them gets it"))
def so_many_are_granted(tries: list[Try], count: str) -> None:
    assert sum(each.granted for each in tries) == int(count)


@then(step("NAME has SEATS"))
def somebody_has(scene: Scene, name: str, seats: str) -> None:
    assert seats_of(scene, scene.buyer(name)) == set(scene.seat_ids(seats))


@then(step("NAME has nothing"))
def somebody_has_nothing(scene: Scene, name: str) -> None:
    assert not seats_of(scene, scene.buyer(name))


@then(step("NAME's hold ends in COUNT seconds"))
def a_hold_ends_in(scene: Scene, name: str, count: str) -> None:
    left = moment(data_of(scene.last(name), 201)["expiresAt"]) - time.time()
    assert int(count) - 10 < left <= int(count) + 1


@then(step("NAME is answered as before"))
def somebody_is_answered_as_before(scene: Scene, name: str) -> None:
    answers = [each for each in scene.answers[name] if each.request.method == "POST"]
    assert answers[-1].status_code == answers[-2].status_code == 201
    assert answers[-1].content == answers[-2].content


@then(step("NAME is told to come back in COUNT seconds"))
def somebody_is_told_when(scene: Scene, name: str, count: str) -> None:
    assert int(count) - 10 < int(scene.last(name).headers["retry-after"]) <= int(count)


@then(step("the booking names the match and SEATS"))
def the_booking_names(scene: Scene, seats: str) -> None:
    booking = data_of(scene.last("Minji"), 201)
    assert booking["scheduleId"] == scene.match.id
    assert booking["seats"] == scene.places(seats)


def test_a_seat_that_was_granted_twice_would_be_noticed() -> None:
    first, second = (Buyer(User(number, "", "", Role.BUYER), "") for number in (1, 2))
    granted, refused = httpx.Response(201), httpx.Response(409)
    tries = [Try(first, (1, 2), granted), Try(second, (2, 3), granted), Try(second, (1,), refused)]
    assert owners_of(tries) == {1: {1}, 2: {1, 2}, 3: {2}}
