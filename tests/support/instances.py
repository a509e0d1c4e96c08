"""Instances that sell one schedule under load, each with a viewer: what all of them must know in the end."""

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from support.servers import Server
from support.streams import Event, Listener
from support.worlds import Buyer, Match, World

EQUAL_SECONDS = 5.0
SLOW_MACHINE = 3.0  # how much longer things may take where many tests share two cores
PAUSE_SECONDS = 0.4  # of load before and after a trouble
THREADS, HOLDS_EACH = 4, 400
TRIES_PAUSE_SECONDS = 0.01


class House:
    """Instances on one database and one Redis."""

    def __init__(self, world: World, directory: Path, **settings: Any) -> None:
        self.world = world
        self.instances: list[Server] = []
        self._directory = directory
        self._settings = {"database_connections": 5, "database_timeout_seconds": 3, **settings}
        self._numbers = itertools.count()

    def add(self) -> Server:
        log = self._directory / f"instance-{next(self._numbers)}.log"
        made = Server(self.world.database_url, log, **self._settings)
        self.instances.append(made.start())
        return made

    def close(self) -> None:
        for each in self.instances:
            each.kill()


class Sale:
    """One schedule on sale, with a viewer of each instance and buyers who never give a seat back."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.match: Match = house.world.match(rows=40, cols=40)
        self.buyers = house.world.buyers(THREADS * HOLDS_EACH // 4)
        self.viewers = [self.view(each) for each in house.instances]
        self.owners: dict[int, set[int]] = {}
        self.statuses: Counter[int] = Counter()
        self._ended = threading.Event()

    def view(self, instance: Server) -> Listener:
        block = f"/api/matches/{self.match.id}/blocks/{self.match.block_id}"
        listener = Listener(f"{instance.url}{block}/seats/status-stream")
        listener.wait_for_opening()
        return listener

    @contextmanager
    def load(self) -> Iterator[None]:
        """Buyers hold seats through all instances until the end of the block."""
        with ThreadPoolExecutor(THREADS) as pool:
            holding = [pool.submit(self._hold_on, number) for number in range(THREADS)]
            try:
                time.sleep(PAUSE_SECONDS)
                yield
                time.sleep(PAUSE_SECONDS)
            finally:
                self._ended.set()
            for each in holding:
                each.result()

    def _hold_on(self, number: int) -> None:
        dice = random.Random(number)
        with httpx.Client(timeout=5) as client:
            for turn in range(HOLDS_EACH):
                if self._ended.wait(TRIES_PAUSE_SECONDS):
                    return
                buyer = self.buyers[(number * HOLDS_EACH + turn) // 4]
                self._hold(
                    client, dice.choice(self.house.instances), buyer, dice.sample(self.match.seat_ids, 2)
                )

    def _hold(self, client: httpx.Client, instance: Server, buyer: Buyer, seat_ids: Sequence[int]) -> None:
        path = f"{instance.url}/api/matches/{self.match.id}/allocations"
        with suppress(httpx.HTTPError):  # it was killed, or is frozen
            headers = {"Cookie": f"jari={buyer.token}"}
            answer = client.post(path, json={"seatIds": list(seat_ids)}, headers=headers)
            self.statuses[answer.status_code] += 1
            if answer.status_code == httpx.codes.CREATED:
                for seat_id in seat_ids:
                    self.owners.setdefault(seat_id, set()).add(buyer.id)

    def check(self, seconds: float = EQUAL_SECONDS * SLOW_MACHINE) -> None:
        """Every viewer equals the store within the time, and nothing acknowledged is lost or given twice."""
        assert self.statuses[201] > 0
        stored = {each.seat_id: each.buyer_id for each in self.house.world.allocations(self.match)}
        shown = {seat_id: "HOLD" if seat_id in stored else "AVAILABLE" for seat_id in self.match.seat_ids}
        for viewer in self.viewers:
            viewer.wait_for(partial(_shows, viewer, shown), seconds)
        assert {
            seat_id: owner for seat_id, owners in self.owners.items() for owner in owners
        }.items() <= stored.items()
        assert [seat_id for seat_id, owners in self.owners.items() if len(owners) > 1] == []

    def check_order(self) -> None:
        """Each viewer was told every hold once, in the order of all others, and none started over."""
        for viewer in self.viewers:
            assert [event.name for event in viewer.events].count("init") == 1
        told = [[each.data["data"]["seatId"] for each in viewer.events[1:]] for viewer in self.viewers]
        assert all(each == told[0] for each in told)
        assert len(set(told[0])) == len(told[0])

    def close(self) -> None:
        for viewer in self.viewers:
            viewer.close()


def _shows(viewer: Listener, seats: dict[int, str], _: list[Event]) -> bool:
    return viewer.statuses() == seats
