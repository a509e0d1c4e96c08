"""The figures of purchases: hold → reservation → payment through the sandbox. Server and sandbox are processes."""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from bench import load
from bench.answers import Answered, Asked, ask
from bench.holds import CONNECTIONS
from bench.peers import bare_endpoint
from bench.rows import Row, ratio
from bench.stage import embedded, hold_requests, on_postgres, processor_seconds, serving, stadium, world_in
from support.sandboxes import Sandbox, checkout
from support.servers import Server
from support.worlds import Buyer, Match

BUYERS_AT_ONCE = 64
PURCHASES, RUSHES = 1_000, 3
PACED_PER_SECOND, PACED_SECONDS = 100, 12
STUCK_PAYMENTS, STUCK_SECONDS = 200, 30.0
HOLDS_IN_A_ROUND, ROUNDS = 6_000, 5


@dataclass
class Taken:
    """How long each hold and each confirm took, in seconds, and what else was answered."""

    holds: list[float] = field(default_factory=list)
    confirms: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def percentile_ms(seconds: list[float], share: float) -> float:
    ordered = sorted(seconds)
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Talk:
    """One connection for several requests, one after the other."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None

    async def ask(self, request: bytes) -> tuple[int, bytes, bytes]:
        """Send a request. Returns the answer's status, head and body."""
        if self._reader is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        at = head.lower().find(b"content-length: ")
        length = int(head[at + 16 : head.find(b"\r\n", at)]) if at >= 0 else 0
        return int(head[9:12]), head, await self._reader.readexactly(length)

    def close(self) -> None:
        """Close the connection."""
        if self._reader is not None:
            self._writer.close()


@contextmanager
def selling(url: str, **sandbox_settings: Any) -> Iterator[tuple[Server, Sandbox]]:
    with tempfile.TemporaryDirectory(prefix="jari-bench-") as directory:
        sandbox = Sandbox(Path(directory) / "sandbox.log", **sandbox_settings).start()
        try:
            with serving(url, gateway_connections=400, **sandbox.settings) as server:
                yield server, sandbox
        finally:
            sandbox.kill()


async def reserve(
    talk: Talk, match: Match, buyer: Buyer, seat_ids: list[int]
) -> tuple[dict[str, Any], float]:
    """Hold, then reserve. Returns the reservation, and the seconds that the hold took."""
    a, b, c = seat_ids
    hold = load.post(f"/api/matches/{match.id}/allocations", f'{{"seatIds":[{a},{b},{c}]}}', buyer.token)
    started = time.perf_counter()
    status, _, body = await talk.ask(hold)
    took = time.perf_counter() - started
    assert status == 201, body
    make = load.post("/api/reservations", f'{{"scheduleId":{match.id}}}', buyer.token)
    status, _, body = await talk.ask(make)
    assert status == 201, body
    return json.loads(body)["data"], took


async def authenticate(talk: Talk, reservation: dict[str, Any]) -> str:
    """Pay as the buyer does on the gateway's page. Returns the payment key."""
    form = urlencode({**checkout(reservation["orderId"], reservation["amount"]), "choice": "good"})
    request = (
        "POST /pay HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(form)}\r\n\r\n{form}"
    ).encode()
    _, head, _ = await talk.ask(request)
    location = next(
        line.partition(b": ")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"location: ")
    )
    return parse_qs(urlsplit(location.decode()).query)["paymentKey"][0]


def confirm_request(reservation: dict[str, Any], payment_key: str, buyer: Buyer) -> bytes:
    body = json.dumps(
        {
            "paymentKey": payment_key,
            "orderId": reservation["orderId"],
            "amount": reservation["amount"],
        }
    )
    return load.post("/api/payments/confirm", body, buyer.token)


class Shop:
    """Buyers who hold three seats each, reserve and pay them."""

    def __init__(self, server: Server, sandbox: Sandbox, match: Match, buyers: list[Buyer]) -> None:
        self._server = server
        self._sandbox = sandbox
        self._match = match
        self._seat_ids = match.seat_ids
        self._buyers = buyers
        self.taken = Taken()

    async def buy(self, number: int, talk: Talk, gateway: Talk) -> None:
        buyer = self._buyers[number]
        seat_ids = self._seat_ids[3 * number : 3 * number + 3]
        reservation, held_in = await reserve(talk, self._match, buyer, seat_ids)
        self.taken.holds.append(held_in)
        payment_key = await authenticate(gateway, reservation)
        started = time.perf_counter()
        status, _, body = await talk.ask(confirm_request(reservation, payment_key, buyer))
        self.taken.confirms.append(time.perf_counter() - started)
        if status != httpx.codes.OK:
            self.taken.refused.append(body.decode())

    async def rush(self, first: int, count: int) -> float:
        """Let `BUYERS_AT_ONCE` buyers make so many purchases without pauses. Returns purchases per second."""
        numbers = iter(range(first, first + count))

        async def work() -> None:
            talk, gateway = Talk(self._server.port), Talk(self._sandbox.port)
            for number in numbers:
                await self.buy(number, talk, gateway)
            talk.close()
            gateway.close()

        started = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(BUYERS_AT_ONCE)))
        return count / (time.perf_counter() - started)

    async def pace(self, first: int) -> None:
        """Begin `PACED_PER_SECOND` purchases each second, however long they take."""
        talks = [(Talk(self._server.port), Talk(self._sandbox.port)) for _ in range(BUYERS_AT_ONCE * 2)]
        free = asyncio.Queue[tuple[Talk, Talk]]()
        for pair in talks:
            free.put_nowait(pair)

        async def one(number: int) -> None:
            pair = await free.get()
            await self.buy(number, *pair)
            free.put_nowait(pair)

        started, begun = time.perf_counter(), []
        for turn in range(PACED_PER_SECOND * PACED_SECONDS):
            begun.append(asyncio.create_task(one(first + turn)))
            await asyncio.sleep(max(0.0, started + (turn + 1) / PACED_PER_SECOND - time.perf_counter()))
        await asyncio.gather(*begun)
        for talk, gateway in talks:
            talk.close()
            gateway.close()


def purchase_rate(url: str, store: str) -> list[Row]:
    """Rushes of purchases that take turns with the bare endpoint; then purchases at a steady pace."""
    with world_in(url) as world:
        (match, calm), buyers = stadium(world, 2), world.buyers(RUSHES * PURCHASES + 500)
        with selling(url) as (server, sandbox), bare_endpoint() as bare:
            assert server.process is not None
            peer = Asked(bare.process, bare.port, [load.get("/")])
            shop = Shop(server, sandbox, match, buyers)
            asyncio.run(shop.rush(0, 500))
            answered: list[Answered] = [ask(peer)]
            rates, spent_each = [], []
            for turn in range(RUSHES):
                spent = processor_seconds(server.process.pid)
                rates.append(asyncio.run(shop.rush(500 + turn * PURCHASES, PURCHASES)))
                spent_each.append((processor_seconds(server.process.pid) - spent) / PURCHASES)
                answered.append(ask(peer))
            assert not shop.taken.refused, shop.taken.refused[:3]
            paced = Shop(server, sandbox, calm, buyers)
            asyncio.run(paced.pace(0))
            assert not paced.taken.refused, paced.taken.refused[:3]
    clock = ratio([each.by_clock for each in answered[1:]], rates)
    processor = ratio([each.by_processor for each in answered[1:]], [1 / spent for spent in spent_each])
    confirm_ms, hold_ms = (
        percentile_ms(seconds, 0.5) for seconds in (paced.taken.confirms, paced.taken.holds)
    )
    return [
        Row(f"a whole purchase of 3 seats, {store}, in answers of the bare endpoint", clock, "answers", at_most=70,
            note=f"{statistics.median(rates):,.0f} purchases/s by {BUYERS_AT_ONCE} buyers at once, the sandbox and they on the same cores"),
        Row(f"the server's part of it, {store}, by processor time", processor, "answers", at_most=100,
            note=f"{1000 * statistics.median(spent_each):.2f} ms of the processor for each purchase"),
        Row(f"confirm against a hold, {store}, medians at {PACED_PER_SECOND} purchases/s", confirm_ms / hold_ms, "times", at_most=8,
            note=f"{confirm_ms:.1f} ms, the sandbox's own time included, against {hold_ms:.1f} ms; "
            f"p99 {percentile_ms(paced.taken.confirms, 0.99):.0f} ms"),
    ]  # fmt: skip


def purchases_on_sqlite() -> list[Row]:
    with embedded() as url:
        return purchase_rate(url, "SQLite")


def purchases_on_postgres() -> list[Row]:
    with on_postgres() as (_, url):
        return purchase_rate(url, "PostgreSQL")


def stuck_gateway() -> list[Row]:
    """Holds alone, and holds while `STUCK_PAYMENTS` wait for the gateway, on one server."""
    with embedded() as url, world_in(url) as world:
        sales, buyers = stadium(world, 2 * ROUNDS + 2), world.buyers(HOLDS_IN_A_ROUND)
        with selling(url) as (server, sandbox):
            rates: dict[bool, list[float]] = {False: [], True: []}
            _holds_per_second(server, sales.pop(), buyers)
            for stuck in (False, True):
                waiting = asyncio.Runner()
                stop = waiting.run(_stick(server, sandbox, sales.pop(), buyers)) if stuck else []
                for _ in range(ROUNDS):
                    rates[stuck].append(_holds_per_second(server, sales.pop(), buyers))
                for writer in stop:
                    writer.close()
                waiting.close()
    alone, beside = (statistics.median(rates[stuck]) for stuck in (False, True))
    return [
        Row("holds beside a stuck gateway, against holds alone", beside / alone, "times", at_least=0.9,
            note=f"{STUCK_PAYMENTS} payments waiting; {beside:,.0f}/s against {alone:,.0f}/s, SQLite"),
    ]  # fmt: skip


def _holds_per_second(server: Server, match: Match, buyers: list[Buyer]) -> float:
    requests = list(hold_requests(match, buyers))
    result = asyncio.run(load.run(server.port, iter(requests), connections=CONNECTIONS, seconds=30))
    assert set(result.statuses) == {201}, result.statuses
    return result.per_second


async def _stick(
    server: Server, sandbox: Sandbox, match: Match, buyers: list[Buyer]
) -> list[asyncio.StreamWriter]:
    """Ask for payments that the gateway does not answer. Returns their open connections."""
    talk, gateway = Talk(server.port), Talk(sandbox.port)
    seat_ids, waiting = match.seat_ids, []
    asked = []
    for number in range(STUCK_PAYMENTS):
        three = seat_ids[3 * number : 3 * number + 3]
        reservation, _ = await reserve(talk, match, buyers[number], three)
        asked.append(confirm_request(reservation, await authenticate(gateway, reservation), buyers[number]))
    sandbox.behave("confirm", times=STUCK_PAYMENTS, delaySeconds=STUCK_SECONDS)
    for request in asked:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(request)
        await writer.drain()
        waiting.append(writer)
    await asyncio.sleep(2)
    talk.close()
    gateway.close()
    return waiting


FIGURES = {
    "purchases-sqlite": purchases_on_sqlite,
    "purchases-postgres": purchases_on_postgres,
    "stuck-gateway": stuck_gateway,
}
