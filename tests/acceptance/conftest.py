"""Steps that all features share: a match, and people who hold and release its seats."""

import asyncio
from collections.abc import Iterator

import pytest
from pytest_bdd import given, then, when
from scenes import House, Scene, data_of, moment, problem_of, step

from support.databases import make_tables
from support.servers import Server
from support.worlds import World


@pytest.fixture
def scene(shared_server: Server, shared_world: World) -> Iterator[Scene]:
    scene = Scene(House(shared_server, shared_world))
    yield scene
    scene.close()


@pytest.fixture(scope="session")
def hasty_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Where a hold lasts one second."""
    directory = tmp_path_factory.mktemp("hasty")
    url = f"sqlite:///{directory / 'jari.db'}"
    asyncio.run(make_tables(url))
    server = Server(url, directory / "server.log", hold_seconds=1).start()
    world = World(url)
    yield House(server, world)
    server.kill()
    world.close()


@given("a match")
def a_match(scene: Scene) -> None:
    scene.stage = scene.house.world.match()


@given(step("a match with COUNT blocks"))
def a_match_with_blocks(scene: Scene, count: str) -> None:
    scene.stage = scene.house.world.match(blocks=int(count))


@given("a match whose holds last 1 second")
def a_match_with_short_holds(scene: Scene, request: pytest.FixtureRequest) -> None:
    scene.house = request.getfixturevalue("hasty_house")
    scene.stage = scene.house.world.match()


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


@then(step("NAME gets SEATS"))
def somebody_gets(scene: Scene, name: str, seats: str) -> None:
    held = data_of(scene.last(name), 201)
    assert held["seatIds"] == scene.seat_ids(seats)
    assert held["holdId"]
    assert moment(held["expiresAt"])


@then(step("NAME is refused: CODE"))
def somebody_is_refused(scene: Scene, name: str, code: str) -> None:
    problem_of(scene.last(name), code)


@then(step("NAME is refused: CODE SEATS"))
def somebody_is_refused_for_seats(scene: Scene, name: str, code: str, seats: str) -> None:
    assert problem_of(scene.last(name), code)["seatIds"] == scene.seat_ids(seats)


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
