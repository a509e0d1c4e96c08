"""Events reach those outside: signed, again and again until they are heard, and through crashes."""

import json
import os
import subprocess
import sys
import time
from collections import Counter

import httpx
import pytest

from jari.adapters.system import CHANCE
from jari.domain.webhooks import show_secret
from jari.settings import Settings
from jari.usecases.webhooks import create_webhook
from support.receivers import Receiver

QUICK = {"duty_ms": 100, "lease_seconds": 2, "sweep_ms": 100}
RETRYING = QUICK | {"webhook_retry_min_seconds": 1, "webhook_timeout_seconds": 2}


def jari(database_url, *arguments):
    """What a command prints for machines."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JARI_")}
    done = subprocess.run(
        [sys.executable, "-m", "jari", *arguments, "--json"],
        env=environment | {"JARI_DATABASE": database_url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def create(world, receiver, *patterns):
    """A webhook; its secret, as its receiver is given it."""
    made = world.run(create_webhook(world.stores.webhooks, receiver.url, patterns, CHANCE, Settings()))
    return show_secret(made.secret)


def hold(client, match, seat_ids):
    answer = client.post(f"/api/matches/{match.id}/allocations", json={"seatIds": seat_ids})
    assert answer.status_code == 201, answer.text


def reserve(server, match, buyer, seat_ids):
    """Hold and reserve; the reservation as the API tells it."""
    with buyer.client(server.url) as client:
        hold(client, match, seat_ids)
        answer = client.post("/api/reservations", json={"scheduleId": match.id})
        assert answer.status_code == 201, answer.text
        return answer.json()["data"]


def waiting(world):
    """How many deliveries of each webhook wait."""
    return [number for _, number, _ in world.run(world.stores.webhooks.counts())]


def dead(world):
    return world.run(world.stores.webhooks.dead(10))


def wait_until(holds, seconds=20):
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_what_happens_to_a_sale_arrives_signed(database_url, make_world, make_server):
    world = make_world(database_url)
    match, buyer = world.match(), world.buyer()
    server = make_server(database_url, **QUICK)
    with Receiver() as receiver:
        secret = create(world, receiver)
        sold = reserve(server, match, buyer, match.seat_ids[:2])
        with buyer.client(server.url) as client:
            assert client.post(f"/api/reservations/{sold['id']}/cancel", json={}).status_code == 200
        receiver.wait_for(lambda received: len(received) >= 2)

        for each in receiver.received:
            each.verify(secret)
            assert each.headers["content-type"] == "application/json"
            assert each.id == each.event["id"]
        created, cancelled = sorted(receiver.received, key=lambda each: each.event["data"]["version"])
    assert (created.event["type"], cancelled.event["type"]) == (
        "reservation.created",
        "reservation.cancelled",
    )
    data = created.event["data"]
    assert data == {
        "scheduleId": match.id,
        "version": data["version"],
        "reservationId": sold["id"],
        "orderId": sold["orderId"],
        "buyerId": buyer.id,
        "seatIds": match.seat_ids[:2],
        "amount": 30_000,
        "currency": "KRW",
    }
    assert buyer.user.email not in created.body.decode()
    wait_until(lambda: waiting(world) == [0])


def test_each_webhook_gets_the_kinds_that_it_asked_for(database_url, make_world, make_server):
    world = make_world(database_url)
    match, buyer = world.match(), world.buyer()
    server = make_server(database_url, **QUICK)
    with Receiver() as seats, Receiver() as sales:
        create(world, seats, "seats.*")
        create(world, sales)
        reserve(server, match, buyer, match.seat_ids[:1])
        with buyer.client(server.url) as client:
            client.delete(f"/api/matches/{match.id}/allocations", params={"seatId": match.seat_ids[0]})
        seats.wait_for(lambda received: len(received) >= 2)
        sales.wait_for(lambda received: len(received) >= 2)
        assert {each.event["type"] for each in seats.received} >= {"seats.held", "seats.released"}
        assert {each.event["type"] for each in sales.received} == {
            "reservation.created",
            "reservation.cancelled",
        }
        (held,) = seats.of_kind("seats.held")[:1]
        assert held.event["data"]["expiresAt"].endswith("Z")


@pytest.mark.parametrize("status", [500, 302, 0], ids=["an error", "a redirect", "silence"])
def test_what_was_not_heard_is_said_again(sqlite_url, make_world, make_server, status):
    world = make_world(sqlite_url)
    match, buyer = world.match(), world.buyer()
    server = make_server(sqlite_url, **RETRYING)
    with Receiver() as receiver:
        receiver.answer = lambda _: status if len(receiver.received) == 1 else 200
        secret = create(world, receiver)
        reserve(server, match, buyer, match.seat_ids[:1])
        receiver.wait_for(lambda received: len(received) >= 2)
        wait_until(lambda: waiting(world) == [0])
        first, second = receiver.received
        second.verify(secret)
    assert (first.id, first.body, first.path) == (second.id, second.body, second.path)
    assert second.at - first.at > 0.7  # a second, spread by a fifth


def test_what_is_never_heard_becomes_a_dead_letter_that_can_be_sent_again(
    database_url, make_world, make_server
):
    world = make_world(database_url)
    match, buyers = world.match(), world.buyers(2)
    server = make_server(database_url, **RETRYING, webhook_tries=2)
    with Receiver(lambda _: 500) as receiver:
        made = jari(database_url, "webhook", "create", "--url", receiver.url)
        for number, buyer in enumerate(buyers):
            reserve(server, match, buyer, [match.seat_ids[number]])
        wait_until(lambda: len(dead(world)) == 2)
        letters = jari(database_url, "webhook", "dead")["dead"]
        assert {(each["webhook"], each["kind"], each["tries"], each["error"]) for each in letters} == {
            (made["id"], "reservation.created", 2, "HTTP 500")
        }
        assert len(receiver.received) == 4
        receiver.received[0].verify(made["secret"])

        receiver.answer = lambda _: 204
        assert jari(database_url, "webhook", "retry", str(letters[0]["id"])) == {"retried": 1}
        receiver.wait_for(lambda received: len(received) >= 5)
        assert receiver.received[-1].id == letters[0]["event"]
        assert jari(database_url, "webhook", "retry", "--all") == {"retried": 1}
        receiver.wait_for(lambda received: len(received) >= 6)
        wait_until(lambda: waiting(world) == [0])
        assert dead(world) == []
    figures = httpx.get(f"{server.url}/metrics").text
    assert 'jari_webhooks_total{outcome="delivered"} 2.0' in figures
    assert 'jari_webhooks_total{outcome="postponed"} 2.0' in figures
    assert 'jari_webhooks_total{outcome="dead"} 2.0' in figures


def test_a_receiver_that_is_gone_is_not_asked_again(sqlite_url, make_world, make_server):
    world = make_world(sqlite_url)
    match, buyer = world.match(), world.buyer()
    server = make_server(sqlite_url, **RETRYING)
    with Receiver(lambda _: 410) as receiver:
        create(world, receiver)
        reserve(server, match, buyer, match.seat_ids[:1])
        wait_until(lambda: len(dead(world)) == 1)
        assert len(receiver.received) == 1


def test_a_receiver_that_hangs_holds_up_no_other(sqlite_url, make_world, make_server):
    world = make_world(sqlite_url)
    match, buyers = world.match(), world.buyers(5)
    server = make_server(sqlite_url, **QUICK, webhook_timeout_seconds=60)
    with Receiver(lambda _: 0) as hanging, Receiver() as receiver:
        create(world, hanging)
        create(world, receiver)
        for number, buyer in enumerate(buyers):
            reserve(server, match, buyer, [match.seat_ids[number]])
            receiver.wait_for(lambda received, so_many=number + 1: len(received) >= so_many, seconds=5)
        assert hanging.received
        assert server.stop() < 5  # nor does it hold up the end


@pytest.mark.parametrize("told", [False, True], ids=["before it was sent", "before the answer came"])
def test_a_delivery_survives_the_death_of_its_process(database_url, make_world, make_server, told):
    """Killed between the relay and the delivery, or when the receiver has it and we do not know."""
    world = make_world(database_url)
    match, buyer = world.match(), world.buyer()
    server = make_server(database_url, **QUICK)
    with Receiver(lambda _: 0) as hanging:
        secret = create(world, hanging)
        sold = reserve(server, match, buyer, match.seat_ids[:1])
        if told:
            hanging.wait_for(lambda received: len(received) == 1)
        else:
            wait_until(lambda: waiting(world) == [1])
        server.kill()
        before = {each.id for each in hanging.received}
        hanging.answer = lambda _: 200
        server.start()
        hanging.wait_for(lambda received: len(received) >= len(before) + 1)
        last = hanging.received[-1]
        last.verify(secret)
        assert last.event["data"]["reservationId"] == sold["id"]
        assert before <= {last.id}
        wait_until(lambda: waiting(world) == [0])


def test_two_servers_deliver_each_event_once(postgres_url, make_world, make_server):
    world = make_world(postgres_url)
    match, buyers = world.match(rows=10, cols=10), world.buyers(40)
    servers = [make_server(postgres_url, **QUICK) for _ in range(2)]
    with Receiver() as receiver:
        create(world, receiver, "*")
        ids = {
            reserve(servers[number % 2], match, buyer, [match.seat_ids[number]])["id"]
            for number, buyer in enumerate(buyers)
        }
        receiver.wait_for(lambda _: len(receiver.of_kind("reservation.created")) >= len(buyers))
        wait_until(lambda: waiting(world) == [0])
        counts = Counter(each.id for each in receiver.received)
        created = [each.event["data"]["reservationId"] for each in receiver.of_kind("reservation.created")]
    assert set(counts.values()) == {1}
    assert sorted(created) == sorted(ids)
    delivered = [
        float(line.split()[-1])
        for server in servers
        for line in httpx.get(f"{server.url}/metrics").text.splitlines()
        if line.startswith('jari_webhooks_total{outcome="delivered"}')
    ]
    assert sum(delivered) == len(receiver.received)
    assert len(delivered) == 1  # one process does it for both


def test_another_server_takes_over_when_one_dies(postgres_url, make_world, make_server):
    world = make_world(postgres_url)
    match, buyers = world.match(), world.buyers(2)
    first = make_server(postgres_url, **QUICK)
    with Receiver() as receiver:
        create(world, receiver)
        reserve(first, match, buyers[0], match.seat_ids[:1])
        receiver.wait_for(lambda received: len(received) == 1)
        second = make_server(postgres_url, **QUICK)
        first.kill()
        reserve(second, match, buyers[1], match.seat_ids[1:2])
        receiver.wait_for(lambda received: len(received) == 2)
        assert len({each.id for each in receiver.received}) == 2
