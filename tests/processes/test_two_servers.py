"""Two servers on one PostgreSQL: a viewer of one sees what is held through the other."""

import time
from collections.abc import Callable

from jari.adapters.sql.seating_postgres import NOW_MS, STATE, PostgresSeatingStore, PostgresSeatingTransaction
from jari.domain.schedules import Sale
from jari.domain.seating import Allocation, Change, Effect, Status
from jari.domain.seatmap import Commit
from jari.ports.seating import Decision, ScheduleState
from support.servers import Server
from support.streams import Listener
from support.worlds import Match, World

POLL_SECONDS, SLACK_SECONDS = 1.0, 0.2

MakeServer = Callable[..., Server]
MakeWorld = Callable[[str], World]


def stream_url(server: Server, match: Match) -> str:
    return f"{server.url}/api/matches/{match.id}/blocks/{match.block_id}/seats/status-stream"


def seen_updates(listener: Listener) -> list[tuple[int, str, float]]:
    return [
        (event.data["data"]["seatId"], event.data["data"]["status"], event.at)
        for event in listener.events
        if event.name == "update"
    ]


def test_a_viewer_of_one_server_sees_what_is_held_through_the_other(
    postgres_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    """Within one poll and a little, in order, none missing."""
    world = make_world(postgres_url)
    match, buyers = world.match(rows=10, cols=10), world.buyers(20)
    server_a, server_b = make_server(postgres_url), make_server(postgres_url)
    expected, acknowledged_at = [], []
    with Listener(stream_url(server_a, match)) as listener:
        listener.wait_for_opening()
        for number, buyer in enumerate(buyers):
            with buyer.client(server_b.url) as client:
                seat_id = match.seat_ids[number]
                client.post(f"/api/matches/{match.id}/allocations", json={"seatIds": [seat_id]})
                expected.append((seat_id, "HOLD"))
                acknowledged_at.append(time.monotonic())
                if number % 3 == 0:  # released before the next poll: both must be seen
                    client.delete(f"/api/matches/{match.id}/allocations", params={"seatId": seat_id})
                    expected.append((seat_id, "AVAILABLE"))
                    acknowledged_at.append(time.monotonic())
        listener.wait_for(lambda _: len(seen_updates(listener)) >= len(expected))
        seen = seen_updates(listener)
    assert [(seat_id, status) for seat_id, status, _ in seen] == expected
    delays = [at - done for (_, _, at), done in zip(seen, acknowledged_at, strict=True)]
    assert max(delays) < POLL_SECONDS + SLACK_SECONDS


def test_a_server_shows_its_own_holds_at_once(
    postgres_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    world = make_world(postgres_url)
    match, buyer = world.match(), world.buyer()
    server = make_server(postgres_url, poll_ms=60_000)  # if it waited for the poll, it would not be seen
    with Listener(stream_url(server, match)) as listener, buyer.client(server.url) as client:
        listener.wait_for_opening()
        client.post(f"/api/matches/{match.id}/allocations", json={"seatIds": match.seat_ids[:1]})
        listener.wait_for_status(match.seat_ids[0], "HOLD")


def test_a_transaction_that_began_earlier_and_commits_later_is_not_missed(
    postgres_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    """Its start, and so any updated_at of its, lies before commits that a viewer has seen already."""
    world = make_world(postgres_url)
    match, buyers = world.match(), world.buyers(2)
    early_seat, late_seat = match.seat_ids[0], match.seat_ids[1]
    server_a, server_b = make_server(postgres_url), make_server(postgres_url)
    store = world.stores.seating
    assert isinstance(store, PostgresSeatingStore)

    async def begin() -> tuple:
        connection = await store._pool.acquire()
        transaction = connection.transaction()
        await transaction.start()
        await connection.fetchval("SELECT pg_current_xact_id()")  # begun, with an id and a now()
        return connection, transaction

    async def hold_and_commit(connection, transaction) -> None:
        row = await connection.fetchrow(
            f"UPDATE schedules SET version = version + 1 WHERE id = $1 RETURNING {STATE}, {NOW_MS}", match.id
        )
        state = ScheduleState(row[0], row[1], Sale(row[2], row[3]), row[4])
        allocation = Allocation(early_seat, Status.HOLD, buyers[0].id, "early", row[5] + 60_000)
        change = Change(Status.HOLD, (early_seat,), buyers[0].id, allocation.expires_ms)
        batch = PostgresSeatingTransaction(connection, match.id, state, row[5])
        await batch.write(Decision(Commit(state.version, (change,)), [Effect(None, allocation)]))
        await transaction.commit()
        await store._pool.release(connection)

    with Listener(stream_url(server_a, match)) as listener:
        listener.wait_for_opening()
        early = world.run(begin())
        with buyers[1].client(server_b.url) as client:
            client.post(f"/api/matches/{match.id}/allocations", json={"seatIds": [late_seat]})
        listener.wait_for_status(late_seat, "HOLD", POLL_SECONDS + SLACK_SECONDS)
        world.run(hold_and_commit(*early))
        listener.wait_for_status(early_seat, "HOLD", POLL_SECONDS + SLACK_SECONDS)
        seen = [(seat_id, status) for seat_id, status, _ in seen_updates(listener)]
    assert seen == [(late_seat, "HOLD"), (early_seat, "HOLD")]


def test_a_session_that_is_ended_on_one_server_is_soon_dead_on_the_other(
    postgres_url: str, make_world: MakeWorld, make_server: MakeServer
) -> None:
    world = make_world(postgres_url)
    buyer = world.buyer()
    server_a, server_b = (make_server(postgres_url, poll_ms=100) for _ in range(2))
    with buyer.client(server_a.url) as on_a, buyer.client(server_b.url) as on_b:
        assert on_b.get("/api/me").status_code == 200
        on_a.post("/api/log-out", json={})
        until = time.monotonic() + 5
        while on_b.get("/api/me").status_code != 401:
            assert time.monotonic() < until
