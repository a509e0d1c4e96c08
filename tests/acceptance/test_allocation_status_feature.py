"""Seeing the seats change: the streams, through real sockets."""

import re
import time
from collections.abc import Iterator
from itertools import takewhile

import httpx
import pytest
from httpx_sse import connect_sse
from pytest_bdd import scenarios, then, when
from scenes import Scene, Viewer, data_of, moment, step

from support.servers import Server
from support.streams import Event
from support.worlds import World

# A busy machine may be late by this much beyond the second that is promised.
GRACE_SECONDS = 0.5

scenarios("allocation_status.feature")


def come_back(scene: Scene, viewer: Viewer, **options: str) -> None:
    viewer.listener = scene.watch(viewer.url, **viewer.parameters, **options)
    viewer.version = scene.version_now()


@when(step("NAME loses the connection"))
def somebody_loses_the_connection(viewers: dict[str, Viewer], name: str) -> None:
    viewer = viewers[name]
    viewer.known = viewer.statuses()
    viewer.listener.close()


@when(step("NAME comes back as a browser does"))
def somebody_comes_back_with_the_last_id(scene: Scene, viewers: dict[str, Viewer], name: str) -> None:
    come_back(scene, viewers[name], last_event_id=viewers[name].listener.last_id)


@when(step("NAME comes back by the address of where he was"))
def somebody_comes_back_with_since(scene: Scene, viewers: dict[str, Viewer], name: str) -> None:
    come_back(scene, viewers[name], since=viewers[name].listener.last_id)


@when(step("NAME comes back from (?P<place>another epoch|a place that is still ahead|.+ makes no sense)"))
def somebody_comes_back_from_elsewhere(
    scene: Scene, viewers: dict[str, Viewer], name: str, place: str
) -> None:
    epoch, _, version = viewers[name].listener.last_id.rpartition("-")
    last_event_id = {
        "another epoch": f"another{epoch}-{version}",
        "a place that is still ahead": f"{epoch}-{int(version) + 1_000}",
        "a place that makes no sense": "somewhere, over the rainbow",
    }[place]
    come_back(scene, viewers[name], last_event_id=last_event_id)


@then(step("NAME is shown all COUNT seats of block BLOCK at once"))
def somebody_is_shown_all_seats(
    scene: Scene, viewers: dict[str, Viewer], name: str, count: str, block: str
) -> None:
    opening = viewers[name].listener.wait_for_opening()
    assert opening.name == "init"
    assert opening.data["status"] == 200
    shown = [seat["id"] for seat in opening.data["data"]["seats"]]
    assert shown == scene.match.seat_ids_of_block[block]
    assert len(shown) == int(count)


@then(step("NAME sees SEATS become STATUS within a second of the end of OTHER's hold"))
def somebody_sees_the_end_of_a_hold(
    scene: Scene, viewers: dict[str, Viewer], name: str, seats: str, status: str, other: str
) -> None:
    (seat_id,) = scene.seat_ids(seats)
    end = moment(data_of(scene.last(other), 201)["expiresAt"]) - time.time() + time.monotonic()
    update = {"seatId": seat_id, "status": status}

    def the_update(events: list[Event]) -> list[Event]:
        return [each for each in events if each.name == "update" and each.data["data"] == update]

    seen = the_update(viewers[name].listener.wait_for(lambda events: bool(the_update(events))))
    assert 0 <= seen[0].at - end <= 1 + GRACE_SECONDS


@then(step("NAME is told of SEATS and of nothing else"))
def somebody_is_told_of_seats(scene: Scene, viewers: dict[str, Viewer], name: str, seats: str) -> None:
    viewer = viewers[name]
    viewer.listener.wait_for(lambda _: len(viewer.told()) >= len(scene.seat_ids(seats)))
    assert sorted(viewer.told()) == sorted(scene.seat_ids(seats))
    opening_names = [
        each.name for each in takewhile(lambda each: each.name != "update", viewer.listener.events)
    ]
    assert opening_names == ([] if viewer.known else ["init"])


@then(step("NAME is told the same as OTHER"))
def somebody_is_told_the_same(viewers: dict[str, Viewer], name: str, other: str) -> None:
    expected = [(each.name, each.id, each.data) for each in viewers[other].listener.events]
    events = viewers[name].listener.wait_for(lambda events: len(events) >= len(expected))
    assert [(each.name, each.id, each.data) for each in events] == expected


@then(step("what NAME knows of block BLOCK is so"))
def what_somebody_knows_is_so(scene: Scene, viewers: dict[str, Viewer], name: str, block: str) -> None:
    statuses = scene.statuses()
    expected = {seat_id: statuses[seat_id] for seat_id in scene.match.seat_ids_of_block[block]}
    viewer = viewers[name]
    viewer.listener.wait_for(lambda _: viewer.statuses() == expected)


@then(step("NAME is first told which version of the seats he needs"))
def somebody_is_told_the_version(viewers: dict[str, Viewer], name: str) -> None:
    viewer = viewers[name]
    opening = viewer.listener.wait_for_opening()
    assert (opening.name, opening.data) == ("ready", {"version": viewer.version})
    assert opening.id.endswith(f"-{viewer.version}")


@then(step("NAME is given a snapshot with SEATS as STATUS"))
def somebody_is_given_a_snapshot(
    scene: Scene, viewers: dict[str, Viewer], name: str, seats: str, status: str
) -> None:
    opening = viewers[name].listener.wait_for_opening()
    assert opening.name == "snapshot"
    assert opening.data["data"]["seats"] == {"HOLD": [], "OCCUPIED": [], status: scene.seat_ids(seats)}
    assert opening.id.rpartition("-")[2] == str(opening.data["data"]["version"])


@then(step("the changes that NAME is given make SEATS HOLD and (?P<freed>[0-9-]+) AVAILABLE"))
def somebody_is_given_changes(
    scene: Scene, viewers: dict[str, Viewer], name: str, seats: str, freed: str
) -> None:
    expected = dict.fromkeys(scene.seat_ids(seats), "HOLD") | dict.fromkeys(
        scene.seat_ids(freed), "AVAILABLE"
    )

    def changed(events: list[Event]) -> dict[int, str]:
        batches = [each.data["data"]["seats"] for each in events if each.name == "changes"]
        return {seat_id: status for batch in batches for status, ids in batch.items() for seat_id in ids}

    viewers[name].listener.wait_for(lambda events: changed(events) == expected)


def lines_of_an_event(lines: Iterator[str]) -> list[str]:
    return list(takewhile(bool, lines))


def test_the_bytes_of_the_block_stream_are_those_of_the_contract(
    shared_server: Server, shared_world: World
) -> None:
    match, buyer = shared_world.match(rows=1, cols=3), shared_world.buyer()
    first, second, third = match.seat_ids
    url = f"{shared_server.url}/api/matches/{match.id}/blocks/{match.block_id}/seats/status-stream"
    with buyer.client(shared_server.url) as client, httpx.stream("GET", url, timeout=10) as response:
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-accel-buffering"] == "no"
        lines = response.iter_lines()
        retry, position, *opening = lines_of_an_event(lines)
        assert re.fullmatch(r"retry: [1-9]\d{3}", retry)
        assert opening == [
            "event: init",
            (
                'data: {"status":200,"data":{"seats":['
                f'{{"id":{first},"status":"AVAILABLE"}},{{"id":{second},"status":"AVAILABLE"}},'
                f'{{"id":{third},"status":"AVAILABLE"}}]}}}}'
            ),
        ]
        epoch, version = position.removeprefix("id: ").rsplit("-", 1)
        client.post(f"/api/matches/{match.id}/allocations", json={"seatIds": [first, third]})
        assert [lines_of_an_event(lines), lines_of_an_event(lines)] == [
            ["event: update", f'data: {{"status":200,"data":{{"seatId":{first},"status":"HOLD"}}}}'],
            [
                f"id: {epoch}-{int(version) + 1}",
                "event: update",
                f'data: {{"status":200,"data":{{"seatId":{third},"status":"HOLD"}}}}',
            ],
        ]


@pytest.mark.parametrize(
    "path",
    [
        "/api/matches/{match}/blocks/{block}/seats/status-stream",
        "/api/matches/{match}/blocks/{block}/seats/status-stream?events=batch",
        "/api/schedules/{match}/seats/stream",
        "/api/schedules/{match}/seats/stream?events=batch",
    ],
)
@pytest.mark.parametrize("way", ["fresh", "resumed after a change", "resumed where nothing has changed"])
def test_no_stream_opens_with_an_empty_event(
    shared_server: Server, shared_world: World, path: str, way: str
) -> None:
    """To httpx-sse a block without data is an event, too; the first that it hands on also says when to retry."""
    match, buyer = shared_world.match(rows=1, cols=3), shared_world.buyer()
    url = shared_server.url + path.format(match=match.id, block=match.block_id)
    headers = {}
    with buyer.client(shared_server.url) as client:

        def hold(seat_id: int) -> None:
            client.post(f"/api/matches/{match.id}/allocations", json={"seatIds": [seat_id]})

        if way != "fresh":
            with connect_sse(client, "GET", url) as source:
                headers = {"Last-Event-ID": next(source.iter_sse()).id}
        if way == "resumed after a change":
            hold(match.seat_ids[0])
        with connect_sse(client, "GET", url, headers=headers) as source:
            hold(match.seat_ids[1])  # something comes also where the opening says nothing
            first = next(source.iter_sse())
    assert first.data
    assert first.retry


def test_the_bytes_of_the_schedule_stream_are_those_of_the_contract(
    shared_server: Server, shared_world: World
) -> None:
    match, buyer = shared_world.match(rows=1, cols=3), shared_world.buyer()
    url = f"{shared_server.url}/api/schedules/{match.id}/seats/stream"
    with buyer.client(shared_server.url) as client, httpx.stream("GET", url, timeout=10) as response:
        lines = response.iter_lines()
        _, position, *opening = lines_of_an_event(lines)
        epoch, version = position.removeprefix("id: ").rsplit("-", 1)
        assert opening == ["event: ready", f'data: {{"version":{version}}}']
        path = f"/api/matches/{match.id}/allocations"
        client.post(path, json={"seatIds": match.seat_ids[:2]})
        client.delete(path, params={"seatId": match.seat_ids[0]})
        assert [lines_of_an_event(lines), lines_of_an_event(lines)] == [
            [
                f"id: {epoch}-{int(version) + 1}",
                'data: {"action":"OCCUPIED","seats":[{"row":1,"col":1},{"row":1,"col":2}]}',
            ],
            [
                f"id: {epoch}-{int(version) + 2}",
                'data: {"action":"RELEASED","seats":[{"row":1,"col":1}]}',
            ],
        ]
