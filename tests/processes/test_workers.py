"""Several workers at one address: they sell one sale together, and their parent replaces and ends them."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from support.buyers import Acknowledged, client_of_many, hold
from support.databases import Postgres
from support.servers import Server, free_port
from support.streams import Listener
from support.worlds import Match, World

FAILING = str(Path(__file__).parents[1] / "support" / "failing_workers.py")
REPLACED_SECONDS = 15.0
ENDED_SECONDS = 10.0
SEATS_PER_HOLD = 3
STREAMS = 16  # that all of them come to one of two workers is one chance in 32,768
WAITING = 40
SILENCE_SECONDS = 3

MakeServer = Callable[..., Server]
MakeWorld = Callable[[str], World]


@pytest.fixture
def make_workers(make_server: MakeServer) -> Iterator[MakeServer]:
    """Servers with two workers; none outlives the test, not even where the parent was killed."""
    begun: list[int] = []

    def make(url: str, **settings: object) -> Server:
        server = make_server(url, **{"workers": 2, "poll_ms": 200, **settings})
        wait_until(lambda: '"event": "started"' in server.log())  # one of them answers before that
        begun.extend(worker_ids(server))
        return server

    yield make
    for process_id in begun:
        with suppress(ProcessLookupError):
            os.kill(process_id, signal.SIGKILL)


def worker_ids(server: Server) -> list[int]:
    assert server.process is not None
    parent = server.process.pid
    return [int(each) for each in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def is_running(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(") ")[2][0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until(fits: Callable[[], bool], seconds: float = REPLACED_SECONDS) -> None:
    until = time.monotonic() + seconds
    while not fits():
        assert time.monotonic() < until, "it did not come about in time"
        time.sleep(0.05)


def figures(server: Server) -> dict[str, dict[str, float]]:
    """Name → labels, the worker's number first → value."""
    text = httpx.get(f"{server.url}/metrics", timeout=10).text
    read: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = [
                sample.labels.get("worker", ""),
                *(v for k, v in sample.labels.items() if k != "worker"),
            ]
            read.setdefault(sample.name, {})[" ".join(labels)] = sample.value
    return read


def wait_for_all(server: Server, workers: int = 2) -> None:
    wait_until(lambda: figures(server)["jari_workers_answering"] == {"": workers})


def stream_url(server: Server, match: Match) -> str:
    return f"{server.url}/api/matches/{match.id}/blocks/{match.block_id}/seats/status-stream"


def test_a_hold_at_one_worker_is_seen_on_the_streams_of_all(
    postgres_url: str, make_world: MakeWorld, make_workers: MakeServer
) -> None:
    world = make_world(postgres_url)
    match, buyer = world.match(), world.buyer()
    server = make_workers(postgres_url)
    with ExitStack() as stack:
        listeners = [stack.enter_context(Listener(stream_url(server, match))) for _ in range(STREAMS)]
        for listener in listeners:
            listener.wait_for_opening()
        wait_for_all(server)
        assert all(count > 0 for count in figures(server)["jari_viewers"].values())
        with buyer.client(server.url) as client:
            held = client.post(f"/api/matches/{match.id}/allocations", json={"seatIds": match.seat_ids[:1]})
        assert held.status_code == 201
        for listener in listeners:
            listener.wait_for_status(match.seat_ids[0], "HOLD", 10)


async def test_what_was_acknowledged_survives_a_worker_and_the_worker_is_replaced(
    postgres_url: str, make_world: MakeWorld, make_workers: MakeServer
) -> None:
    world = make_world(postgres_url)
    match, buyers = world.match(rows=30, cols=60), world.buyers(30)
    server = make_workers(postgres_url, max_seats_per_buyer=60)
    first, second = worker_ids(server)
    acknowledged, rounds = Acknowledged(), 15
    async with client_of_many(60) as client:

        async def buy(number: int) -> None:
            for turn in range(rounds):
                at = (turn * len(buyers) + number) * SEATS_PER_HOLD
                seat_ids = match.seat_ids[at : at + SEATS_PER_HOLD]
                await hold(client, server.url, match, buyers[number], seat_ids, acknowledged)
                if len(acknowledged.holds) == 100:
                    os.kill(second, signal.SIGKILL)

        await asyncio.gather(*(buy(number) for number in range(len(buyers))))

    assert len(acknowledged.holds) > 200  # the address went on answering
    stored = {each.seat_id: (each.buyer_id, each.hold_id) for each in world.allocations(match)}
    for buyer, hold_id, seat_ids in acknowledged.holds:
        assert {stored.get(seat_id) for seat_id in seat_ids} == {(buyer.id, hold_id)}
    wait_until(lambda: len(worker_ids(server)) == 2 and second not in worker_ids(server))
    assert first in worker_ids(server)
    wait_for_all(server)
    assert sorted(figures(server)["jari_worker_starts_total"].values()) == [1, 2]


def talk_to_the_frozen(server: Server) -> list[bytes]:
    """Ask over many connections while no worker runs; the answers, after one was killed and the other runs again."""
    first, second = worker_ids(server)
    for process_id in (first, second):
        os.kill(process_id, signal.SIGSTOP)
    request = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    waiting = [socket.create_connection(("127.0.0.1", server.port), timeout=60) for _ in range(WAITING)]
    for each in waiting:
        each.sendall(request)
    os.kill(second, signal.SIGKILL)
    os.kill(first, signal.SIGCONT)
    answers = []
    for each in waiting:
        try:
            answers.append(each.recv(12))
        except ConnectionResetError:
            answers.append(b"")
        each.close()
    return answers


def test_who_waits_at_a_worker_that_dies_is_answered_by_the_next(
    postgres_url: str, make_workers: MakeServer
) -> None:
    assert set(talk_to_the_frozen(make_workers(postgres_url))) == {b"HTTP/1.1 200"}


def test_they_would_be_reset_if_the_parent_kept_no_hand_on_the_sockets(
    postgres_url: str, make_workers: MakeServer
) -> None:
    server = make_workers(postgres_url, program=(FAILING, "forgetful"))
    answers = talk_to_the_frozen(server)
    assert {b"", b"HTTP/1.1 200"} == set(answers)


def test_the_figures_of_all_workers_are_in_one_answer(
    postgres_url: str, make_world: MakeWorld, make_workers: MakeServer
) -> None:
    world = make_world(postgres_url)
    match, buyers = world.match(), world.buyers(STREAMS)
    server = make_workers(postgres_url)
    for buyer, seat_id in zip(buyers, match.seat_ids, strict=False):
        with buyer.client(server.url) as client:  # a connection of its own
            client.post(
                f"/api/matches/{match.id}/allocations", json={"seatIds": [seat_id]}
            ).raise_for_status()
    wait_for_all(server)
    read = figures(server)
    by_worker = read["jari_holds_total"]
    assert set(by_worker) == {"1 held", "2 held"}
    assert sum(by_worker.values()) == STREAMS
    assert sum(read["jari_hold_seconds_count"].values()) == STREAMS
    assert set(read["jari_loop_lag_seconds"]) == {"1", "2"}
    text = httpx.get(f"{server.url}/metrics").text
    named = re.findall(r"^# HELP (\S+)", text, re.MULTILINE)
    assert len(named) == len(set(named))


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_told_to_end_all_workers_end_their_streams_and_the_address_is_free(
    postgres_url: str, make_world: MakeWorld, make_workers: MakeServer, number: int, exit_code: int
) -> None:
    match = make_world(postgres_url).match()
    server = make_workers(postgres_url)
    workers = worker_ids(server)
    with ExitStack() as stack:
        listeners = [stack.enter_context(Listener(stream_url(server, match))) for _ in range(STREAMS)]
        for listener in listeners:
            listener.wait_for_opening()
        for process_id in workers if number == signal.SIGINT else []:
            os.kill(process_id, number)  # a terminal sends it to all of them
        server.signal(number)
        for listener in listeners:
            assert listener.ended.wait(ENDED_SECONDS)
    assert server.process is not None
    assert server.process.wait(ENDED_SECONDS) == exit_code
    assert [each for each in workers if is_running(each)] == []
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", server.port))


def test_a_second_interrupt_does_not_wait_for_a_worker_that_hangs(
    postgres_url: str, make_workers: MakeServer
) -> None:
    server = make_workers(postgres_url, shutdown_seconds=100)
    workers = worker_ids(server)
    os.kill(workers[0], signal.SIGSTOP)
    server.signal(signal.SIGINT)
    wait_until(lambda: not is_running(workers[1]))
    server.signal(signal.SIGINT)
    assert server.process is not None
    assert server.process.wait(ENDED_SECONDS) == 130
    assert not is_running(workers[0])


def test_a_worker_that_hangs_is_ended_by_force_when_the_time_is_over(
    postgres_url: str, make_workers: MakeServer
) -> None:
    server = make_workers(postgres_url, shutdown_seconds=1, shutdown_margin_seconds=1)
    workers = worker_ids(server)
    os.kill(workers[0], signal.SIGSTOP)
    server.signal(signal.SIGTERM)
    assert server.process is not None
    assert server.process.wait(ENDED_SECONDS) == 0
    assert not is_running(workers[0])


def test_a_worker_that_hangs_is_killed_and_replaced(postgres_url: str, make_workers: MakeServer) -> None:
    server = make_workers(postgres_url, worker_silence_seconds=SILENCE_SECONDS)
    first, second = worker_ids(server)
    os.kill(second, signal.SIGSTOP)
    wait_until(lambda: len(worker_ids(server)) == 2 and second not in worker_ids(server))
    assert first in worker_ids(server)
    assert '"worker": 2, "for_seconds": 3, "event": "worker_silent"' in server.log()
    wait_for_all(server)


def test_workers_that_were_stopped_together_with_their_parent_are_left_alone(
    postgres_url: str, make_workers: MakeServer
) -> None:
    server = make_workers(postgres_url, worker_silence_seconds=SILENCE_SECONDS)
    workers = worker_ids(server)
    server.signal(signal.SIGSTOP)
    for process_id in workers:
        os.kill(process_id, signal.SIGSTOP)
    time.sleep(SILENCE_SECONDS + 1)  # is what is tested
    server.signal(signal.SIGCONT)  # and it looks before they can speak
    time.sleep(SILENCE_SECONDS / 2)
    for process_id in workers:
        os.kill(process_id, signal.SIGCONT)
    wait_for_all(server)
    assert worker_ids(server) == workers
    assert "worker_silent" not in server.log()


def test_a_parent_that_is_killed_takes_its_workers_with_it(
    postgres_url: str, make_workers: MakeServer
) -> None:
    server = make_workers(postgres_url)
    workers = worker_ids(server)
    server.kill()
    wait_until(lambda: not any(is_running(each) for each in workers), ENDED_SECONDS)
    assert server.log().count("parent_died") == 2


def test_a_worker_that_fails_again_and_again_is_begun_at_longer_and_longer_intervals(
    postgres_url: str, make_workers: MakeServer
) -> None:
    server = make_workers(
        postgres_url, program=(FAILING, "failing"), worker_pause_min_ms=10, worker_pause_max_seconds=1,
        worker_proof_seconds=60,
    )  # fmt: skip
    os.kill(worker_ids(server)[1], signal.SIGKILL)

    def pauses() -> list[float]:
        return [float(each) for each in re.findall(r'"next_in_seconds": ([\d.]+)', server.log())]

    wait_until(lambda: len(pauses()) >= 5, 2 * REPLACED_SECONDS)
    assert pauses()[:5] == [0.0, 0.01, 0.02, 0.04, 0.08]
    # the one that is left takes all connections, once the other's socket is closed
    assert {httpx.get(f"{server.url}/livez").status_code for _ in range(STREAMS)} == {200}


def serve_with(url: str, **settings: object) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JARI_")}
    environment |= {"JARI_DATABASE": url, "JARI_PORT": str(free_port()), "JARI_WORKERS": "2"}
    environment |= {f"JARI_{name.upper()}": str(value) for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "jari", "serve"], env=environment, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip


def complaints(ended: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in ended.stderr.splitlines() if line.startswith("jari: ")]


def test_on_an_embedded_database_workers_are_refused_with_what_to_do(sqlite_url: str) -> None:
    ended = serve_with(sqlite_url)
    assert ended.returncode == 1
    (sentence,) = complaints(ended)
    assert "leave out --workers" in sentence
    assert "--database postgresql://" in sentence


def test_what_keeps_workers_from_beginning_is_said_once(postgres: Postgres, postgres_url: str) -> None:
    name = f"{postgres.template}_bare"
    postgres.execute(f"CREATE DATABASE {name}")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        refused = {
            "jari migrate": serve_with(postgres.url(name)),
            "Choose another --port": serve_with(postgres_url, port=taken.getsockname()[1]),
            "JARI_DATABASE_CONNECTIONS=3 is too few for 2": serve_with(postgres_url, database_connections=3),
            "JARI_GATEWAY_SECRET_KEY": serve_with(postgres_url, gateway_url="http://127.0.0.1:1"),
        }
    postgres.drop(name)
    for sentence, ended in refused.items():
        assert ended.returncode == 1, ended.stderr
        assert [sentence in line for line in complaints(ended)] == [True], ended.stderr
        assert "Traceback" not in ended.stderr


def test_an_address_that_other_workers_share_is_taken(postgres_url: str, make_workers: MakeServer) -> None:
    server = make_workers(postgres_url)
    ended = serve_with(postgres_url, port=server.port)
    assert ended.returncode == 1
    assert "Choose another --port" in ended.stderr


def test_with_port_0_all_workers_share_the_port_that_the_log_names(postgres_url: str, tmp_path: Path) -> None:
    environment = {**os.environ, "JARI_DATABASE": postgres_url, "JARI_PORT": "0", "JARI_WORKERS": "2"}
    log = tmp_path / "log"
    with log.open("ab") as stderr:
        process = subprocess.Popen([sys.executable, "-m", "jari", "serve"], env=environment, stderr=stderr)
    try:
        wait_until(lambda: '"event": "started"' in log.read_text())
        (port,) = re.findall(r'"port": (\d+)', log.read_text())
        answers = [httpx.get(f"http://127.0.0.1:{port}/livez").status_code for _ in range(STREAMS)]
        assert set(answers) == {200}
        assert re.findall(r'"worker": (\d), "event": "worker_started"', log.read_text()) != []
    finally:
        process.terminate()
        assert process.wait(ENDED_SECONDS) == 0
