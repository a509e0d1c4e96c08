"""Tickets on paper while seats are sold: whoever asks for them on and on holds nobody up but themselves."""

import os
import signal
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from jari.domain.venues import Grade
from support.servers import Server
from support.worlds import Buyer, Match, World, hall

SAMPLES = 40
CONNECTIONS = 100
# Beside a loop of papers a hold may take so many times as long as before, and a picture. In one thread with the
# papers it was 20 and more than 100 times.
SLOWER = 8
HANGING_SECONDS = 3  # what the test waits for; long enough, too, to begin a press on a busy machine
DRAWN_ANEW = {"document_cache_bytes": 1}


def free_hall(**options: int):
    """What costs nothing is sold at once, without a gateway."""
    return replace(hall(**options), grades=(Grade("red", "레드석", "#d03030", 0),))


@dataclass
class Place:
    server: Server
    world: World
    match: Match

    def buy(self, seat_ids: list[int]) -> tuple[Buyer, int]:
        """Somebody new who has these seats, and their reservation."""
        buyer = self.world.buyer()
        with buyer.client(self.server.url) as client:
            path = f"/api/matches/{self.match.id}/allocations"
            client.post(path, json={"seatIds": seat_ids}).raise_for_status()
            made = client.post("/api/reservations", json={"scheduleId": self.match.id})
            data = made.raise_for_status().json()["data"]
            assert data["status"] == "CONFIRMED"
            return buyer, data["id"]

    def hold_seconds(self, client: httpx.Client) -> float:
        """How long one hold takes, of a seat that is given back then."""
        path, seat_id = f"/api/matches/{self.match.id}/allocations", self.match.seat_ids[-1]
        started = time.perf_counter()
        client.post(path, json={"seatIds": [seat_id]}).raise_for_status()
        took = time.perf_counter() - started
        client.delete(path, params={"seatId": seat_id}).raise_for_status()
        return took


@pytest.fixture
def open_place(
    make_server: Callable[..., Server], make_world: Callable[[str], World]
) -> Callable[..., Place]:
    def make(url: str, **settings: object) -> Place:
        world = make_world(url)
        return Place(make_server(url, **settings), world, world.match(free_hall(rows=10, cols=20)))

    return make


@pytest.fixture
def place(open_place: Callable[..., Place], sqlite_url: str) -> Place:
    return open_place(sqlite_url)


def paper_path(reservation_id: int) -> str:
    return f"/api/reservations/{reservation_id}/tickets.pdf"


def picture_seconds(client: httpx.Client, reservation_id: int, seat_id: int) -> float:
    started = time.perf_counter()
    client.get(f"/api/reservations/{reservation_id}/tickets/{seat_id}/qr.svg").raise_for_status()
    return time.perf_counter() - started


@contextmanager
def asking_on_and_on(place: Place, buyer: Buyer, reservation_id: int) -> Iterator[Counter]:
    """A hundred connections of one buyer's ask for their paper in a loop; counts the answers by status."""
    answers: Counter[int] = Counter()
    ending, started = threading.Event(), threading.Semaphore(0)

    def ask() -> None:
        with httpx.Client(
            base_url=place.server.url, cookies=buyer.cookies, timeout=30, verify=False
        ) as client:
            while not ending.is_set():
                answers[client.get(paper_path(reservation_id)).status_code] += 1
                started.release()

    threads = [threading.Thread(target=ask) for _ in range(CONNECTIONS)]
    for each in threads:
        each.start()
    started.acquire()
    try:
        yield answers
    finally:
        ending.set()
        for each in threads:
            each.join()


@pytest.mark.parametrize("settings", [{}, DRAWN_ANEW], ids=["kept", "drawn anew each time"])
def test_a_loop_of_papers_holds_up_neither_holds_nor_pictures(
    database_url: str, open_place: Callable[..., Place], settings: dict
) -> None:
    place = open_place(database_url, **settings)
    greedy, paper = place.buy(place.match.seat_ids[:4])
    visitor, ticket = place.buy(place.match.seat_ids[4:5])
    seat_id = place.match.seat_ids[4]

    def medians(client: httpx.Client) -> tuple[float, float]:
        took = [
            (place.hold_seconds(client), picture_seconds(client, ticket, seat_id)) for _ in range(SAMPLES)
        ]
        return statistics.median(each[0] for each in took), statistics.median(each[1] for each in took)

    with visitor.client(place.server.url) as client:
        hold, picture = medians(client)
        with asking_on_and_on(place, greedy, paper) as answers:
            hold_beside, picture_beside = medians(client)
    assert set(answers) <= {200, 429, 503}
    assert answers[200]
    assert hold_beside < SLOWER * hold
    assert picture_beside < SLOWER * picture


def test_another_buyers_paper_waits_for_one_of_theirs_and_not_for_all(
    sqlite_url: str, open_place: Callable[..., Place]
) -> None:
    place = open_place(sqlite_url, **DRAWN_ANEW)
    greedy, paper = place.buy(place.match.seat_ids[:4])
    visitor, ticket = place.buy(place.match.seat_ids[4:8])

    def median_seconds(client: httpx.Client) -> float:
        took = []
        for _ in range(5):
            started = time.perf_counter()
            client.get(paper_path(ticket)).raise_for_status()
            took.append(time.perf_counter() - started)
        return statistics.median(took)

    with visitor.client(place.server.url) as client:
        quiet = median_seconds(client)
        with asking_on_and_on(place, greedy, paper):
            beside = median_seconds(client)
    assert beside < SLOWER * quiet


def presses_of(server: Server) -> list[int]:
    """The processes that a server has begun."""
    assert server.process is not None
    pid = server.process.pid
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for each in found for child in each.read_text().split()]


def wait_until(fits: Callable[[], bool], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not fits():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_press_that_dies_is_followed_by_another(place: Place) -> None:
    papers = [place.buy(place.match.seat_ids[number : number + 1]) for number in range(3)]
    drawn, pids = [], []
    for buyer, reservation_id in papers:
        with buyer.client(place.server.url) as client:
            drawn.append(client.get(paper_path(reservation_id)))
        pids += presses_of(place.server)
        os.kill(pids[-1], signal.SIGKILL)
    assert [each.status_code for each in drawn] == [200, 200, 200]
    assert all(each.content.startswith(b"%PDF-") for each in drawn)
    assert len(set(pids)) == 3


def test_a_press_that_hangs_is_given_up_and_holds_nobody_up_for_longer_than_its_time(
    open_place: Callable[..., Place], sqlite_url: str
) -> None:
    place = open_place(sqlite_url, document_seconds=HANGING_SECONDS)
    (buyer, first), (other, second) = (place.buy(place.match.seat_ids[n : n + 1]) for n in range(2))
    with buyer.client(place.server.url) as client, other.client(place.server.url) as second_client:
        client.get(paper_path(first)).raise_for_status()
        (pid,) = presses_of(place.server)
        os.kill(pid, signal.SIGSTOP)
        refused = second_client.get(paper_path(second))
        assert (refused.status_code, refused.json()["code"]) == (503, "UNAVAILABLE")
        assert refused.headers["retry-after"]
        assert second_client.get(paper_path(second)).status_code == 200
        assert client.get(paper_path(first)).status_code == 200  # this one was kept meanwhile


def test_whoever_gives_up_ends_no_drawing_and_finds_it_done(
    open_place: Callable[..., Place], sqlite_url: str
) -> None:
    """Else, under load, those who give up end the press again and again, and nothing is drawn any more."""
    place = open_place(sqlite_url, request_seconds=1, document_seconds=60)
    (first, one), (second, another) = (place.buy(place.match.seat_ids[n : n + 1]) for n in range(2))
    with first.client(place.server.url) as client, second.client(place.server.url) as hasty:
        client.get(paper_path(one)).raise_for_status()
        (pid,) = presses_of(place.server)
        os.kill(pid, signal.SIGSTOP)
        assert hasty.get(paper_path(another)).status_code == 503
        os.kill(pid, signal.SIGCONT)
        drawn = hasty.get(paper_path(another)).raise_for_status()
        assert presses_of(place.server) == [pid]
        os.kill(pid, signal.SIGSTOP)
        try:
            assert hasty.get(paper_path(another)).content == drawn.content
        finally:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("end", [Server.kill, Server.stop], ids=["killed", "told to end"])
def test_the_press_ends_with_its_server(place: Place, end: Callable[[Server], object]) -> None:
    buyer, reservation_id = place.buy(place.match.seat_ids[:1])
    with buyer.client(place.server.url) as client:
        client.get(paper_path(reservation_id)).raise_for_status()
    (pid,) = presses_of(place.server)
    end(place.server)
    wait_until(lambda: not Path(f"/proc/{pid}").exists() or "Z" in state_of(pid))


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_two_servers_draw_the_same_paper_octet_for_octet(
    place: Place, make_server: Callable[..., Server]
) -> None:
    buyer, reservation_id = place.buy(place.match.seat_ids[:4])
    servers = [place.server, make_server(place.server.database_url, **DRAWN_ANEW)]
    drawn = []
    for server in (*servers, *servers):
        with buyer.client(server.url) as client:
            drawn.append(client.get(paper_path(reservation_id)).raise_for_status().content)
    assert len(set(drawn)) == 1


def test_what_is_asked_for_again_is_not_drawn_again(place: Place) -> None:
    """A press that does not move could not draw it."""
    buyer, reservation_id = place.buy(place.match.seat_ids[:1])
    with buyer.client(place.server.url) as client:
        first = client.get(paper_path(reservation_id)).raise_for_status()
        (pid,) = presses_of(place.server)
        os.kill(pid, signal.SIGSTOP)
        try:
            assert client.get(paper_path(reservation_id)).content == first.content
        finally:
            os.kill(pid, signal.SIGCONT)
