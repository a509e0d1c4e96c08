"""Every row of the table for every kind of caller: who may is let through, and everybody else is refused."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest

from jari.domain.permissions import Action, Grant, grant
from jari.domain.users import Role
from jari.web.api.accounts import ChangePassword, LogIn, SignUp
from jari.web.api.endpoints import Endpoint
from jari.web.api.holds import HoldSeats
from jari.web.api.payments import ConfirmPayment, RefundPayment
from jari.web.api.reservations import MakeReservation, Places, StartBooking
from jari.web.api.shapes import Nothing
from jari.web.api.table import TABLE
from jari.web.api.tickets import CheckInTicket
from support.databases import sqlite_in
from support.sandboxes import Sandbox
from support.servers import SERVE, Server
from support.worlds import Buyer, Match, World

BROKEN = (str(Path(__file__).parents[1] / "support" / "broken_server.py"), "granting")
ROWS = {f"{row.method} {row.path}": row for row in TABLE}
ROLES = {
    "a visitor": None,
    "the buyer": Role.BUYER,
    "another buyer": Role.BUYER,
    "an organiser": Role.ORGANISER,
    "an operator": Role.OPERATOR,
}
NOT_LOGGED_IN = "UNAUTHENTICATED"
REFUSED = {NOT_LOGGED_IN, "FORBIDDEN", "NOT_FOUND"}  # where a stranger must not learn that something exists


@dataclass(frozen=True)
class Stage:
    """A server on which the buyer has paid for two seats."""

    server: Server
    world: World
    match: Match
    buyer: Buyer
    order_id: str
    ids: dict[str, int | str]

    @cached_property
    def bodies(self) -> dict[Any, object]:
        """For each type of body one that makes sense, as far as it can when everybody sends it."""
        nobody = {"email": "nobody@example.com", "password": "a seat in the sun"}
        seat_id = self.match.seat_ids[0]  # the other one stays the buyer's
        return {
            SignUp: {"email": "", "password": "", "name": ""},
            LogIn: nobody,
            ChangePassword: {"password": "x", "newPassword": "a seat in the sun"},
            Nothing: {},
            HoldSeats: {"seatIds": [seat_id]},
            MakeReservation: {"scheduleId": self.match.id},
            StartBooking | Places: {"scheduleId": self.match.id, "seats": [{"row": 1, "col": 1}]},
            ConfirmPayment: {"paymentKey": "x", "orderId": self.order_id, "amount": 1},
            RefundPayment: {"seatIds": [seat_id]},
            CheckInTicket: {"token": "x", "scheduleId": self.match.id},
        }

    def caller(self, name: str, row: Endpoint[Any, Any, Any]) -> Buyer | None:
        """Who that is; for what ends sessions somebody whom nobody needs any more."""
        role = ROLES[name]
        if role is None:
            return None
        ends_sessions = row.action in {Action.ENTER, Action.MANAGE_ACCOUNT}
        return self.buyer if name == "the buyer" and not ends_sessions else self.world.buyer(role)

    def refusal(self, name: str, row: Endpoint[Any, Any, Any]) -> str:
        """The code of what the caller is refused with at the row's address; empty where it is answered."""
        path = re.sub(r"{(\w+)(:\w+)?}", lambda part: str(self.ids[part[1]]), row.paths[0])
        caller = self.caller(name, row)
        with (
            httpx.Client(base_url=self.server.url, cookies=caller.cookies if caller else {}) as client,
            client.stream(
                row.method, path, json=None if row.body is None else self.bodies[row.body]
            ) as answer,
        ):
            if answer.is_success:
                return ""
            code: str = json.loads(answer.read())["code"]
            return code


def staged(directory: Path, program: tuple[str, ...]) -> Iterator[Stage]:
    url = sqlite_in(directory)
    sandbox = Sandbox(directory / "sandbox.log").start()
    server = Server(url, directory / "server.log", program=program, **sandbox.settings).start()
    world = World(url)
    match, buyer = world.match(), world.buyer()
    with buyer.client(server.url) as client:
        held = {"seatIds": match.seat_ids[:2]}
        client.post(f"/api/matches/{match.id}/allocations", json=held).raise_for_status()
        made = client.post("/api/reservations", json={"scheduleId": match.id}).json()["data"]
        order_id, amount = made["orderId"], made["amount"]
        paid = {
            "orderId": order_id, "amount": amount, "paymentKey": sandbox.authenticate(order_id, amount),
        }  # fmt: skip
        sold = client.post("/api/payments/confirm", json=paid).raise_for_status().json()["data"]
    ids: dict[str, int | str] = {
        "schedule": match.id,
        "block": match.block_id,
        "reservation": sold["id"],
        "payment": sold["payment"]["id"],
        "seat": match.seat_ids[1],
        "gateway": "toss",
        "file": "app.js",
    }
    yield Stage(server, world, match, buyer, order_id, ids)
    server.kill()
    sandbox.kill()
    world.close()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    yield from staged(tmp_path_factory.mktemp("callers"), SERVE)


@pytest.fixture
def lax_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One whose server lets whoever is logged in do everything."""
    yield from staged(tmp_path_factory.mktemp("lax_callers"), BROKEN)


def may(name: str, row: Endpoint[Any, Any, Any]) -> bool:
    """Whether the caller may do this with what is the buyer's, or their own where nobody else's is named."""
    names_somebodys = row.body is ConfirmPayment or {"{reservation}", "{payment}"} & set(row.path.split("/"))
    granted = grant(row.action, ROLES[name])
    return granted is Grant.ANY or (granted is Grant.OWN and (name == "the buyer" or not names_somebodys))


@pytest.mark.parametrize("name", ROLES)
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_only_who_may_is_let_through(stage: Stage, row: Endpoint[Any, Any, Any], name: str) -> None:
    code = stage.refusal(name, row)
    assert code != "INTERNAL_ERROR"
    assert (code not in REFUSED) == may(name, row), code


def test_a_row_that_visitors_may_not_ask_for_is_told_to_them_as_such(stage: Stage) -> None:
    for row in TABLE:
        if not row.is_public:
            assert stage.refusal("a visitor", row) == NOT_LOGGED_IN


def test_where_everybody_is_granted_everything_strangers_are_found_to_be_let_through(
    lax_stage: Stage,
) -> None:
    let_through = {
        f"{row.method} {row.path}"
        for row in TABLE
        if not may("another buyer", row) and lax_stage.refusal("another buyer", row) not in REFUSED
    }
    assert let_through >= {
        "GET /api/reservations/{reservation}",
        "GET /api/reservations/{reservation}/tickets",
        "GET /api/{occasion}/{schedule}/reservations",
        "POST /api/tickets/check-in",
    }
