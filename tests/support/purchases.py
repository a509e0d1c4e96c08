"""Purchases over real HTTP, from the hold to the money, and what the books must say once nothing is under way.

Three books are compared: the reservations and the allocations in our store, and the ledger of the gateway.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
from sqlalchemy import delete, update

from jari.adapters.sql.tables import allocations, reservations
from jari.domain.payments import PaymentStatus, RefundStatus
from jari.domain.reservations import Reservation, ReservationStatus
from jari.domain.seating import Allocation, Status
from support.backdoors import database_of
from support.databases import Postgres, sqlite_in
from support.sandboxes import Sandbox
from support.servers import KEEP_SECONDS, SERVE, Server, free_port
from support.worlds import Buyer, Match, World

REST_SECONDS = 20.0
LONG_AGO_MS = 1_000
WEBHOOKS = "/api/payments/webhook/toss"


@contextmanager
def fresh_database(kind: str, directory: Path, postgres: Postgres) -> Iterator[str]:
    """A migrated database of this kind that serves several tests."""
    if kind == "sqlite":
        yield sqlite_in(directory)
        return
    name = postgres.copy()
    yield postgres.url(name)
    postgres.drop(name)


def gateway_settings(sandbox: Sandbox, **settings: Any) -> dict[str, Any]:
    """Settings of a server that sells through this sandbox and has little patience."""
    return {
        "gateway_url": sandbox.url,
        "gateway_secret_key": sandbox.secret_key,
        "gateway_client_key": "test_ck_x",
        "gateway_script_url": f"{sandbox.url}/v2/standard",
        "gateway_timeout_seconds": 1,
        "payment_patience_seconds": 1,
        "payment_retry_min_seconds": 1,
        "payment_retry_max_seconds": 1,
        "duty_ms": 100,
        "lease_seconds": 1,
        **settings,
    }


@dataclass
class Shop:
    """Servers on one database, their gateway, and the world around them."""

    world: World
    sandbox: Sandbox
    servers: Sequence[Server]
    stage: Match
    client: httpx.Client  # nobody's: each request brings its own cookie

    @property
    def server(self) -> Server:
        return self.servers[0]

    def purchase(self, *, seats: int = 2, match: Match | None = None) -> "Purchase":
        """A new buyer who has chosen the first seats of this match, or of a new one."""
        match = match or self.world.another_match(self.stage)
        return Purchase(self, match, self.world.buyer(), tuple(match.seat_ids[:seats]))


@contextmanager
def open_shop(
    url: str,
    directory: Path,
    *,
    program: Sequence[str] = SERVE,
    servers: int = 1,
    webhooks: bool = False,
    beside: Mapping[str, Any] = MappingProxyType({}),
    **settings: Any,
) -> Iterator[Shop]:
    """A shop on this database; ``beside`` has the settings of what the world must know, too, such as a Redis."""
    with ExitStack() as stack:
        world = World(url, **beside)
        stack.callback(world.close)
        ports = [free_port() for _ in range(servers)]
        hook = {"webhook_url": f"http://127.0.0.1:{ports[0]}{WEBHOOKS}"} if webhooks else {}
        sandbox = Sandbox(directory / "sandbox.log", **hook)
        stack.callback(sandbox.kill)
        sandbox.start()
        made = []
        for port in ports:
            log_file = directory / f"server-{port}.log"
            server = Server(url, log_file, program=program, **gateway_settings(sandbox, **settings), **beside)
            server.port, server.url = port, f"http://127.0.0.1:{port}"
            stack.callback(server.kill)
            made.append(server.start())
        limits = httpx.Limits(keepalive_expiry=KEEP_SECONDS)
        client = stack.enter_context(httpx.Client(timeout=30, limits=limits))
        yield Shop(world, sandbox, made, world.match(rows=2, cols=5), client)


@dataclass
class Purchase:
    """One buyer on the way to some seats of a match."""

    shop: Shop
    match: Match
    buyer: Buyer
    seat_ids: tuple[int, ...]
    reservation: dict[str, Any] = field(default_factory=dict)
    payment_key: str = ""

    @property
    def order_id(self) -> str:
        return self.reservation["orderId"]

    def send(self, method: str, path: str, key: str = "", **request: Any) -> httpx.Response:
        headers = {"Cookie": f"jari={self.buyer.token}"} | ({"Idempotency-Key": key} if key else {})
        return self.shop.client.request(method, f"{self.shop.server.url}{path}", headers=headers, **request)

    def hold(self) -> httpx.Response:
        path = f"/api/matches/{self.match.id}/allocations"
        return self.send("POST", path, json={"seatIds": self.seat_ids})

    def reserve(self) -> httpx.Response:
        body = {"scheduleId": self.match.id}
        return self._remember(self.send("POST", "/api/reservations", f"reserve-{self.match.id}", json=body))

    def book(self) -> httpx.Response:
        place_of = {seat_id: place for place, seat_id in self.match.seat_at.items()}
        places = [place_of[seat_id] for seat_id in self.seat_ids]
        body = {"scheduleId": self.match.id, "seats": [{"row": row, "col": col} for row, col in places]}
        return self._remember(self.send("POST", "/api/bookings/start", f"book-{self.match.id}", json=body))

    def cancel(self) -> httpx.Response:
        return self.send("POST", f"/api/reservations/{self.reservation['id']}/cancel", json={})

    def authenticate(self, card: str = "good") -> str:
        """Pay as the buyer does in the gateway's window."""
        self.payment_key = self.shop.sandbox.authenticate(self.order_id, self.reservation["amount"], card)
        return self.payment_key

    def confirm(self, **changed: Any) -> httpx.Response:
        return self.send("POST", "/api/payments/confirm", json={**self.confirm_body(), **changed})

    def confirm_body(self) -> dict[str, Any]:
        return {
            "paymentKey": self.payment_key,
            "orderId": self.order_id,
            "amount": self.reservation["amount"],
        }

    def refund(self, seat_ids: Sequence[int] = (), key: str = "") -> httpx.Response:
        """Give these seats back, or all. Without a key every call is a new request."""
        path = f"/api/payments/{self.look()['payment']['id']}/cancel"
        return self.send("POST", path, key, json={"seatIds": list(seat_ids)})

    def look(self) -> dict[str, Any]:
        return self.send("GET", f"/api/reservations/{self.reservation['id']}").json()["data"]

    def tickets(self) -> list[dict[str, Any]]:
        if not self.reservation:
            return []
        path = f"/api/reservations/{self.reservation['id']}/tickets"
        return self.send("GET", path).json()["data"]["items"]

    def reserved(self) -> "Purchase":
        assert self.hold().status_code == 201
        assert self.reserve().status_code == 201
        return self

    def authenticated(self, card: str = "good") -> "Purchase":
        self.reserved().authenticate(card)
        return self

    def paid(self) -> "Purchase":
        assert self.authenticated().confirm().status_code == 200
        return self

    def _remember(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_success:
            self.reservation = answer.json()["data"]
        return answer


# ── the books ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Books:
    """What our store and the gateway have written down about one match."""

    reservations: list[Reservation]
    allocations: list[Allocation]
    ledger: list[dict[str, Any]]
    plan: frozenset[int]  # the seats that the venue has now

    def money(self, order_id: str) -> int:
        """The money that the gateway took for an order and did not give back."""
        return sum(_charged_balance(each) for each in self.ledger if each["orderId"] == order_id)


def books(shop: Shop, match: Match) -> Books:
    answer = shop.client.get(f"{shop.sandbox.url}/sandbox/ledger").raise_for_status()
    ledger = [each for each in answer.json()["payments"] if each["orderId"].startswith(f"{match.id}-")]
    plan = shop.world.run(shop.world.stores.catalogue.layout(match.id)).seat_ids
    return Books(reservations_of(shop.world, match), shop.world.allocations(match), ledger, frozenset(plan))


def reservations_of(world: World, match: Match) -> list[Reservation]:
    return list(world.run(world.stores.reservations.of_schedule(match.id, None, 10_000)))


def books_at_rest(shop: Shop, match: Match, seconds: float = REST_SECONDS) -> Books:
    """Wait until no money is under way, without any act of the buyers. Returns the books."""
    until = time.monotonic() + seconds
    while money_is_under_way(reservations := reservations_of(shop.world, match)):
        assert time.monotonic() < until, f"after {seconds} s money is still under way: {reservations}"
        time.sleep(0.05)
    return books(shop, match)


def money_is_under_way(reservations: Sequence[Reservation]) -> bool:
    """Whether a payment is unsettled, or money is still owed."""
    return any(each.paying or each.owed() for each in reservations)


def disagreements(match_books: Books) -> list[str]:
    """Where books at rest contradict each other. The list must be empty."""
    return [
        *_double_owners(match_books),
        *_places_sold_twice(match_books),
        *_allocations_without_seats(match_books),
        *_tickets_without_seats(match_books),
        *_seats_without_tickets(match_books),
        *_money_astray(match_books),
        *_never_ended(match_books),
    ]


def charged_for_gone_seats(match_books: Books) -> list[str]:
    """Payments whose seats were somebody else's by then, so that the money had to go back without a buyer's wish."""
    return [
        f"reservation {each.id} was charged {refund.amount}, but its seats were gone"
        for each in match_books.reservations
        for refund in each.refunds
        if not refund.seat_ids
    ]


def _double_owners(match_books: Books) -> list[str]:
    owners = Counter(seat_id for seat_id, _ in _sold(match_books))
    return [f"seat {seat_id} is sold {times} times" for seat_id, times in owners.items() if times > 1]


def _places_sold_twice(match_books: Books) -> list[str]:
    """Compare by what is printed on tickets, since the printed place is what lets a holder in."""
    printed = Counter(
        (seat.block, seat.row_label, seat.seat_label)
        for each in match_books.reservations
        if each.status is ReservationStatus.CONFIRMED
        for seat in each.kept
    )
    return [f"the place {place} is sold {times} times" for place, times in printed.items() if times > 1]


def _allocations_without_seats(match_books: Books) -> list[str]:
    return [
        f"buyer {each.buyer_id} has seat {each.seat_id}, which is not in the plan"
        for each in match_books.allocations
        if each.seat_id not in match_books.plan
    ]


def _tickets_without_seats(match_books: Books) -> list[str]:
    occupied = {
        (each.seat_id, each.buyer_id) for each in match_books.allocations if each.status is Status.OCCUPIED
    }
    missing = set(_sold(match_books)) - occupied
    return [f"buyer {buyer_id} paid for seat {seat_id} and has it not" for seat_id, buyer_id in missing]


def _seats_without_tickets(match_books: Books) -> list[str]:
    occupied = {
        (each.seat_id, each.buyer_id) for each in match_books.allocations if each.status is Status.OCCUPIED
    }
    unpaid = occupied - set(_sold(match_books))
    return [
        f"seat {seat_id} is occupied by buyer {buyer_id}, who has not paid" for seat_id, buyer_id in unpaid
    ]


def _money_astray(match_books: Books) -> list[str]:
    wrong = []
    for each in match_books.reservations:
        confirmed = each.status is ReservationStatus.CONFIRMED
        due = sum(seat.price for seat in each.kept) if confirmed else 0
        if (taken := match_books.money(each.order_id)) != due:
            wrong.append(
                f"the gateway has {taken} for reservation {each.id}, which is {each.status}: {due} due"
            )
        booked = sum(payment.charged for payment in each.payments) - sum(
            refund.amount for refund in each.refunds if refund.status is RefundStatus.DONE
        )
        if booked != due:
            wrong.append(f"reservation {each.id} is booked with {booked}, but {due} are due")
    orders = {each.order_id for each in match_books.reservations}
    wrong += [
        f"order {each['orderId']} was charged and is unknown"
        for each in match_books.ledger
        if _charged_balance(each) and each["orderId"] not in orders
    ]
    wrong += [f"{each['paymentKey']} was charged twice" for each in match_books.ledger if each["charges"] > 1]
    return wrong


def _never_ended(match_books: Books) -> list[str]:
    open_still = [
        f"payment {payment.id} is {payment.status}"
        for each in match_books.reservations
        for payment in each.payments
        if payment.status in (PaymentStatus.CONFIRMING, PaymentStatus.REFUND_DUE)
    ]
    firm = [
        f"seat {each.seat_id} is held for ever by buyer {each.buyer_id}"
        for each in match_books.allocations
        if each.status is Status.HOLD and each.expires_ms is None
    ]
    return open_still + firm


def _sold(match_books: Books) -> list[tuple[int, int]]:
    return [
        (seat.seat_id, each.buyer_id)
        for each in match_books.reservations
        if each.status is ReservationStatus.CONFIRMED
        for seat in each.kept
    ]


def _charged_balance(payment: dict[str, Any]) -> int:
    """The balance of a payment that was charged, else 0: the balance of others means nothing."""
    return payment["balanceAmount"] if payment["charges"] else 0


# ── where a purchase may end ─────────────────────────────────────────────────────────────────────


class End(StrEnum):
    """All states in which a purchase may rest."""

    FREE = "not charged, and the seats are free"
    CHOSEN = "not charged; the seats are held, and not reserved"
    HELD = "not charged; the seats are reserved and held"
    PAID = "charged once, and every seat is the buyer's, with its ticket"
    PARTLY = "charged once; of some seats the money is back and they are free, the others are the buyer's"
    REFUNDED = "all the money is back, and the seats are free"


def end_of(purchase: Purchase) -> End:
    """Where the purchase rests, once nothing is under way. All books must agree on it."""
    match_books = books_at_rest(purchase.shop, purchase.match)
    assert disagreements(match_books) == []
    allocations = [each for each in match_books.allocations if each.seat_id in purchase.seat_ids]
    assert {each.buyer_id for each in allocations} <= {purchase.buyer.id}
    occupied = {each.seat_id for each in allocations if each.status is Status.OCCUPIED}
    held = {each.seat_id for each in allocations} - occupied
    if not match_books.reservations:
        assert occupied == set()
        assert held in (set(), set(purchase.seat_ids))
        return End.CHOSEN if held else End.FREE
    (reservation,) = match_books.reservations
    if reservation.status is ReservationStatus.CONFIRMED:
        not_refunded = {each.seat_id for each in reservation.kept}
        assert (occupied, held) == (not_refunded, set())
        assert {each["seatId"] for each in purchase.tickets()} == not_refunded
        return End.PAID if not_refunded == set(purchase.seat_ids) else End.PARTLY
    assert occupied == set()
    assert purchase.tickets() == []
    if reservation.status is ReservationStatus.PENDING:
        assert held == set(purchase.seat_ids)
        return End.HELD
    assert held == set()
    return End.REFUNDED if any(each["charges"] for each in match_books.ledger) else End.FREE


# ── what time and accidents do ───────────────────────────────────────────────────────────────────


def let_time_run_out(purchase: Purchase) -> None:
    """End the hold and the reservation now. Return once viewers were told that the seats are free."""
    world, now_ms = purchase.shop.world, int(time.time() * 1000)

    async def end() -> None:
        async with database_of(world.stores).write() as connection:
            for table in (allocations, reservations):
                mine = (table.c.schedule_id == purchase.match.id, table.c.buyer_id == purchase.buyer.id)
                await connection.execute(update(table).where(*mine).values(expires_ms=now_ms - LONG_AGO_MS))

    world.run(end())
    until = time.monotonic() + REST_SECONDS
    status = f"{purchase.shop.server.url}/api/schedules/{purchase.match.id}/seat-status"
    while (
        world.allocations(purchase.match)
        or purchase.look()["status"] != "EXPIRED"
        or purchase.shop.client.get(status).json()["data"]["seats"]
    ):
        assert time.monotonic() < until, "nobody swept the seats"
        time.sleep(0.02)


def lose_the_seats(purchase: Purchase) -> None:
    """Delete the allocations behind everybody's back."""
    world = purchase.shop.world

    async def lose() -> None:
        async with database_of(world.stores).write() as connection:
            await connection.execute(
                delete(allocations).where(allocations.c.schedule_id == purchase.match.id)
            )

    world.run(lose())


def wait_until_asked(purchase: Purchase, call: str = "confirm") -> None:
    """Wait until the gateway has begun the call for which a behaviour was set."""
    until = time.monotonic() + REST_SECONDS
    url = f"{purchase.shop.sandbox.url}/sandbox/behaviours"
    while any(
        (each["call"], each.get("orderId")) == (call, purchase.order_id)
        for each in purchase.shop.client.get(url).json()["behaviours"]
    ):
        assert time.monotonic() < until, "the gateway was never asked"
        time.sleep(0.01)
