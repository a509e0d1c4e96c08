"""Many people want the same seats: over HTTP, with as many connections as there are people."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import httpx
import pytest
from pytest_bdd import given, scenarios, then, when
from scenes import House, Scene, data_of, moment, problem_of, seats_of, step

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


def held_by(scene: Scene, buyer: Buyer) -> set[int]:
    """What the buyer holds, as the server tells them."""
    with buyer.client(scene.url) as client:
        return seats_of(client, scene.match)[0]


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
        Organising(world.stores.catalogue, world.stores.news).create_schedule(
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


@when("the sale has opened")
def the_sale_has_opened(scene: Scene) -> None:
    opens_at = data_of(httpx.get(f"{scene.url}{scene.path}"))["opensAt"]
    time.sleep(max(0.0, moment(opens_at) - time.time() + 0.05))


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
    assert all(held_by(scene, each.buyer) == set(each.seat_ids) for each in tries if each.granted)


@then("whoever was refused has nothing, and was told which seats are taken")
def losers_have_nothing(scene: Scene, tries: list[Try]) -> None:
    for each in tries:
        if not each.granted:
            taken = problem_of(each.answer, "SEATS_TAKEN")["seatIds"]
            assert taken
            assert set(taken) <= set(each.seat_ids) & owners_of(tries).keys()
            assert not held_by(scene, each.buyer)


@then("some were granted seats, and some were refused")
def some_of_each(tries: list[Try]) -> None:
    assert {each.granted for each in tries} == {True, False}


@then(step("exactly COUNT of them gets it"))
def so_many_are_granted(tries: list[Try], count: str) -> None:
    assert sum(each.granted for each in tries) == int(count)


@then(step("NAME's hold ends in COUNT seconds"))
def a_hold_ends_in(scene: Scene, name: str, count: str) -> None:
    left = moment(data_of(scene.last(name), 201)["expiresAt"]) - time.time()
    assert int(count) - 10 < left <= int(count) + 1


@then(step("NAME is told to come back in COUNT seconds"))
def somebody_is_told_when(scene: Scene, name: str, count: str) -> None:
    assert int(count) - 10 < int(scene.last(name).headers["retry-after"]) <= int(count)


@then(step("NAME gets a reservation of the match for SEATS"))
def somebody_gets_a_reservation(scene: Scene, name: str, seats: str) -> None:
    reservation = data_of(scene.last(name), 201)
    assert (reservation["scheduleId"], reservation["status"]) == (scene.match.id, "PENDING")
    assert [{"row": each["row"], "col": each["col"]} for each in reservation["seats"]] == scene.places(seats)
    assert reservation["orderId"]
    assert moment(reservation["expiresAt"])


def test_a_seat_that_was_granted_twice_would_be_noticed() -> None:
    first, second = (Buyer(User(number, "", "", Role.BUYER), "") for number in (1, 2))
    granted, refused = httpx.Response(201), httpx.Response(409)
    tries = [Try(first, (1, 2), granted), Try(second, (2, 3), granted), Try(second, (1,), refused)]
    assert owners_of(tries) == {1: {1}, 2: {1, 2}, 3: {2}}
