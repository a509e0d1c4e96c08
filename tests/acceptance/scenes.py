"""A scene: one scenario's match, the people in it, and what they were answered.

A seat is written row-seat: 1-5 is seat 5 of row 1. Rows are numbered through the whole venue.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
from pytest_bdd import parsers

from support.inside import ServerInside
from support.sandboxes import Sandbox
from support.servers import Server
from support.streams import Listener
from support.worlds import Buyer, Match, World

SEAT = r"\d+-\d+"
WORDS = {
    "NAME": r"(?P<name>[A-Z][a-z]+)",
    "OTHER": r"(?P<other>[A-Z][a-z]+)",
    "SEATS": rf"(?P<seats>{SEAT}(?:(?:, | and ){SEAT})*)",
    "STATUS": r"(?P<status>AVAILABLE|HOLD|OCCUPIED)",
    "CODE": r"(?P<code>[A-Z]+(?:_[A-Z]+)*)",
    "COUNT": r"(?P<count>\d+)",
    "BLOCK": r"(?P<block>\d+)",
    "TEXT": r'"(?P<text>[^"]*)"',
    "MONEY": r"(?P<money>\d+(?:,\d{3})*) won",
    "CARD": r"(?P<card>a good card|a card over its limit)",
}
HTTP_STATUS = {
    "UNAUTHENTICATED": 401,
    "WRONG_CREDENTIALS": 401,
    "PAYMENT_REFUSED": 402,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "SEATS_TAKEN": 409,
    "NOT_YOUR_SEATS": 409,
    "SALE_NOT_OPEN": 409,
    "EMAIL_TAKEN": 409,
    "NOTHING_HELD": 409,
    "RESERVATION_CLOSED": 409,
    "RESERVATION_EXPIRED": 409,
    "AMOUNT_MISMATCH": 409,
    "NOT_REFUNDABLE": 409,
    "TICKET_USED": 409,
    "WRONG_DOOR": 409,
    "TICKET_VOID": 409,
    "BODY_TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "INVALID": 422,
    "TOO_MANY_SEATS": 422,
    "UNKNOWN_SEATS": 422,
    "IDEMPOTENCY_KEY_REUSED": 422,
    "BAD_TICKET": 422,
    "TOO_MANY_ATTEMPTS": 429,
    "UNAVAILABLE": 503,
}


def step(text: str) -> parsers.re:
    """The words of a step; capital words stand for what `WORDS` says."""
    return parsers.re(re.sub(r"\b[A-Z]{4,}\b", lambda found: WORDS.get(found[0], found[0]), text))


@dataclass
class House:
    """A server, the world in its database, and where its buyers pay."""

    server: Server | ServerInside
    world: World
    sandbox: Sandbox | None = None


@dataclass
class Viewer:
    """Somebody at a stream, with what they know from before the connection broke."""

    url: str
    parameters: dict[str, str]
    listener: Listener
    version: int = 0  # of the match's seats when the stream had just been opened
    known: dict[int, str] = field(default_factory=dict)

    def statuses(self) -> dict[int, str]:
        return {**self.known, **self.listener.statuses()}

    def told(self) -> list[int]:
        """The seats of the updates, in order."""
        return [each.data["data"]["seatId"] for each in self.listener.events if each.name == "update"]


@dataclass
class Scene:
    """One scenario: its match, who takes part, and what they were answered."""

    house: House
    stage: Match | None = None
    buyers: dict[str, Buyer] = field(default_factory=dict)
    clients: dict[str, httpx.Client] = field(default_factory=dict)
    answers: dict[str, list[httpx.Response]] = field(default_factory=dict)
    listeners: list[Listener] = field(default_factory=list)

    @property
    def match(self) -> Match:
        assert self.stage is not None, "the scenario has no match"
        return self.stage

    @property
    def url(self) -> str:
        return self.house.server.url

    @property
    def path(self) -> str:
        return f"/api/matches/{self.match.id}"

    def buyer(self, name: str) -> Buyer:
        if name not in self.buyers:
            self.buyers[name] = self.house.world.buyer()
        return self.buyers[name]

    def client(self, name: str) -> httpx.Client:
        """What this person speaks through; "Nobody" is not logged in."""
        if name not in self.clients:
            cookies = {} if name == "Nobody" else self.buyer(name).cookies
            self.clients[name] = httpx.Client(base_url=self.url, cookies=cookies, timeout=30)
        return self.clients[name]

    def send(self, name: str, method: str, path: str, **request: Any) -> httpx.Response:
        answer = self.client(name).request(method, path, **request)
        self.answers.setdefault(name, []).append(answer)
        return answer

    def last(self, name: str) -> httpx.Response:
        return self.answers[name][-1]

    def hold(self, name: str, seats: str, key: str = "") -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        body = {"seatIds": self.seat_ids(seats)}
        return self.send(name, "POST", f"{self.path}/allocations", json=body, headers=headers)

    def release(self, name: str, seats: str) -> httpx.Response:
        return self.send(name, "DELETE", f"{self.path}/allocations", params={"seatId": self.seat_ids(seats)})

    def places(self, seats: str) -> list[dict[str, int]]:
        return [
            {"row": int(row), "col": int(col)}
            for row, _, col in (each.partition("-") for each in re.findall(SEAT, seats))
        ]

    def seat_ids(self, seats: str) -> list[int]:
        return [self.match.seat_at[place["row"], place["col"]] for place in self.places(seats)]

    def printed(self, seat_id: int) -> tuple[str, str, str]:
        """The block, the row and the seat as they are printed."""
        places = (
            (block.name, each.row_label, each.seat_label)
            for _, block in self.match.venue.blocks()
            for each in block.seats
        )
        return dict(zip(self.match.seat_ids, places, strict=True))[seat_id]

    def block_url(self, block: str) -> str:
        return f"{self.url}{self.path}/blocks/{self.match.block_ids[block]}/seats"

    def seats_of(self, name: str) -> tuple[set[int], set[int]]:
        """What this person holds and what they have bought, as the server tells them."""
        return seats_of(self.client(name), self.match)

    def watch(self, url: str, **options: str) -> Listener:
        """Open a stream, and wait until it has begun."""
        listener = Listener(url, **options)
        self.listeners.append(listener)
        listener.wait_for_opening()
        return listener

    def version_now(self) -> int:
        """The version of the match's seats."""
        version = data_of(httpx.get(f"{self.url}/api/schedules/{self.match.id}/seat-status"))["version"]
        assert isinstance(version, int)
        return version

    def statuses(self) -> dict[int, str]:
        """Every seat of the match, as the blocks' statuses tell."""
        seats = [
            seat
            for block in self.match.block_ids
            for seat in httpx.get(f"{self.block_url(block)}/status").json()["data"]["seats"]
        ]
        return {seat["id"]: seat["status"] for seat in seats}

    def close(self) -> None:
        for each in (*self.listeners, *self.clients.values()):
            each.close()


def problem_of(answer: httpx.Response, code: str) -> dict[str, Any]:
    """The problem that a refusal carries, after checking that it is one."""
    assert answer.status_code == HTTP_STATUS[code], answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert (problem["code"], problem["status"]) == (code, HTTP_STATUS[code])
    assert problem["type"]
    assert problem["title"]
    assert problem["detail"].endswith(".")
    return problem


def data_of(answer: httpx.Response, status: int = 200) -> Any:
    """What an answer carries, after checking its envelope."""
    assert answer.status_code == status, answer.text
    assert answer.json()["status"] == status
    return answer.json()["data"]


def moment(text: str) -> float:
    """Seconds since 1970 of a time on the wire."""
    assert text.endswith("Z")
    return datetime.fromisoformat(text).timestamp()


def seats_of(client: httpx.Client, match: Match) -> tuple[set[int], set[int]]:
    """What the client's buyer holds and what they have bought."""
    mine = data_of(client.get(f"/api/matches/{match.id}/allocations"))
    return {seat_id for hold in mine["holds"] for seat_id in hold["seatIds"]}, set(mine["occupied"])


def won(money: str) -> int:
    """An amount as a scenario writes it."""
    return int(money.replace(",", ""))


def wait_until(so: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
    """Look again and again until something is so."""
    until = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < until, f"not so within {seconds} s: {what}"
        time.sleep(0.02)
