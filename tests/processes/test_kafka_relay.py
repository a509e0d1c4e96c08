"""Events reach Kafka through crashes, with brokers that come and go, and from one process at a time."""

import os
import re
import signal
import time
from pathlib import Path

import httpx
import pytest

from support.kafkas import Brokers, first_times, make_events
from support.servers import begin, free_port, outer_environment

QUICK = {"duty_ms": 100, "lease_seconds": 2, "sweep_ms": 100, "kafka_timeout_seconds": 2}
WAIT_SECONDS = 20
KILLS = 2
NO_CLIENT = "import sys; sys.modules['confluent_kafka'] = None; from jari.cli import app; app()"


@pytest.fixture
def brokers():
    with Brokers() as brokers:
        yield brokers


class Relay:
    """``jari relay kafka`` in a process of its own."""

    def __init__(self, database_url, brokers, log_file, **settings):
        named = {"database": database_url, "kafka": brokers.addresses, **QUICK, **settings}
        self._environment = outer_environment() | {
            f"JARI_{name.upper()}": str(value) for name, value in named.items()
        }
        self._log_file = log_file
        self.process = None

    def start(self):
        with self._log_file.open("ab") as log, Path(os.devnull).open("wb") as nowhere:
            self.process = begin(("-m", "jari", "relay", "kafka"), self._environment, nowhere, log)
        return self

    def end(self, number):
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(WAIT_SECONDS)

    def log(self):
        return self._log_file.read_text()


@pytest.fixture
def make_relay(tmp_path, brokers):
    made = []

    def make(database_url, **settings):
        made.append(Relay(database_url, brokers, tmp_path / f"relay-{len(made)}.log", **settings))
        return made[-1].start()

    yield make
    for relay in made:
        relay.end(signal.SIGKILL)


def wait_until(holds):
    until = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def read(brokers, ids):
    """All that was told once every schedule's events are among it."""
    count = sum(map(len, ids.values()))
    return brokers.read(lambda told: len({each.id for each in told}) >= count)


def figure(server, line):
    """The value in a line of /metrics; 0 before there is one."""
    text = httpx.get(f"{server.url}/metrics").text
    found = re.search(rf"^{re.escape(line)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_what_happens_to_seats_and_sales_is_told_by_the_server_that_has_the_lease(
    sqlite_url, brokers, make_world, make_server
):
    world = make_world(sqlite_url)
    match, buyer = world.match(), world.buyer()
    server = make_server(sqlite_url, kafka=brokers.addresses, change_log_trim_seconds=1, **QUICK)
    with buyer.client(server.url) as client:
        client.post(f"/api/matches/{match.id}/allocations", json={"seatIds": match.seat_ids[:2]})
        sold = client.post("/api/reservations", json={"scheduleId": match.id}).json()["data"]
    told = brokers.read(lambda told: any(each.event["type"] == "reservation.created" for each in told))
    assert {each.key for each in told} == {str(match.id)}
    (created,) = [each.event for each in told if each.event["type"] == "reservation.created"]
    assert created["data"]["reservationId"] == sold["id"]
    (held,) = [each.event for each in told if each.event["type"] == "seats.held"]
    assert held["data"]["seatIds"] == match.seat_ids[:2]
    assert figure(server, 'jari_relayed_events_total{relay="kafka"}') == len(told)
    wait_until(lambda: 'jari_relay_lag_commits{relay="kafka"} 0.0' in httpx.get(f"{server.url}/metrics").text)
    assert server.stop() < 5


def test_of_two_servers_one_tells_each_event_once(postgres_url, brokers, make_world, make_server):
    world = make_world(postgres_url)
    matches = [world.match() for _ in range(4)]
    servers = [make_server(postgres_url, kafka=brokers.addresses, **QUICK) for _ in range(2)]
    ids = {each.id: world.run(make_events(world.stores, each.id, 20)) for each in matches}
    told = read(brokers, ids)
    assert first_times(told) == ids
    assert len(told) == len({each.id for each in told})
    line = 'jari_relayed_events_total{relay="kafka"}'
    assert sorted(figure(each, line) for each in servers) == [0, len(told)]


def test_a_relay_that_is_killed_again_and_again_loses_nothing_and_says_it_under_the_same_ids(
    postgres_url, brokers, make_world, make_relay
):
    world = make_world(postgres_url)
    matches = [world.match() for _ in range(4)]
    ids = {each.id: [] for each in matches}
    relay = make_relay(postgres_url, kafka_page_size=8, lease_seconds=1)
    brokers.delay(30)  # so that the kills come in the middle of pages
    for number in range(KILLS):
        for match in matches:
            ids[match.id] += world.run(make_events(world.stores, match.id, 15))
        so_many = 20 * (number + 1)
        brokers.read(lambda told, so_many=so_many: len({each.id for each in told}) >= so_many)
        relay.end(signal.SIGKILL)
        relay.start()
    told = read(brokers, ids)
    assert first_times(told) == ids


def test_another_relay_takes_over_from_one_that_is_frozen_and_is_not_set_back_by_it(
    postgres_url, brokers, make_world, make_relay
):
    world = make_world(postgres_url)
    match = world.match()
    frozen = make_relay(postgres_url, lease_seconds=1)
    ids = {match.id: world.run(make_events(world.stores, match.id, 5))}
    read(brokers, ids)
    frozen.process.send_signal(signal.SIGSTOP)
    make_relay(postgres_url, lease_seconds=1)
    ids[match.id] += world.run(make_events(world.stores, match.id, 5))
    read(brokers, ids)
    frozen.process.send_signal(signal.SIGCONT)
    ids[match.id] += world.run(make_events(world.stores, match.id, 5))
    assert first_times(read(brokers, ids)) == ids


def test_seats_are_sold_while_the_brokers_are_away_and_told_when_they_are_back(
    sqlite_url, brokers, make_world, make_server
):
    world = make_world(sqlite_url)
    match, buyer = world.match(), world.buyer()
    brokers.stop()
    server = make_server(sqlite_url, kafka=brokers.addresses, **{**QUICK, "kafka_timeout_seconds": 1})
    with buyer.client(server.url) as client:
        for seat_id in match.seat_ids[:3]:
            answer = client.post(f"/api/matches/{match.id}/allocations", json={"seatIds": [seat_id]})
            assert answer.status_code == 201
    wait_until(lambda: figure(server, 'jari_relay_failures_total{relay="kafka"}') > 0)
    assert "events_not_sent" in server.log()
    brokers.go_on()
    told = brokers.read(lambda told: len(told) >= 3)
    assert [each.event["data"]["seatIds"] for each in told] == [[each] for each in match.seat_ids[:3]]


def test_a_relay_that_is_told_to_end_does_so_soon_even_if_no_broker_answers(
    postgres_url, brokers, make_world, make_relay
):
    world = make_world(postgres_url)
    match = world.match()
    brokers.stop()
    port = free_port()
    relay = make_relay(postgres_url, metrics_port=port, kafka_timeout_seconds=1)
    world.run(make_events(world.stores, match.id, 3))
    wait_until(lambda: "events_not_sent" in relay.log())
    assert 'jari_relay_failures_total{relay="kafka"}' in httpx.get(f"http://127.0.0.1:{port}/metrics").text
    asked = time.monotonic()
    relay.end(signal.SIGTERM)
    assert time.monotonic() - asked < 5
    assert "stopped" in relay.log()
    assert relay.process.poll() == 0
    assert world.run(world.stores.duties.take_lease("kafka", "another", 1_000))  # it gave its lease back


# --- without the client, which is an extra of the package


@pytest.fixture
def program(tmp_path):
    """``jari`` where Kafka's client cannot be imported."""
    file = tmp_path / "jari_without_client.py"
    file.write_text(NO_CLIENT, encoding="utf-8")
    return str(file)


def test_without_kafkas_client_jari_serves_as_ever(sqlite_url, make_server, program):
    server = make_server(sqlite_url, program=(program, "serve"))
    assert httpx.get(f"{server.url}/readyz").is_success


@pytest.mark.parametrize("command", [("serve",), ("relay", "kafka")], ids=" ".join)
def test_without_kafkas_client_brokers_that_are_named_make_it_say_what_to_install(
    sqlite_url, tmp_path, program, command
):
    environment = outer_environment() | {"JARI_DATABASE": sqlite_url, "JARI_KAFKA": "localhost:9092"}
    said = tmp_path / "said.log"
    with said.open("wb") as log, Path(os.devnull).open("wb") as nowhere:
        assert begin((program, *command), environment, nowhere, log).wait(WAIT_SECONDS) == 1
    assert "pip install 'jari[kafka]'" in said.read_text()
