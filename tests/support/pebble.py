"""A second payment gateway, pebble: its own protocol over a real socket, its adapter, and its books.

Each question and each answer is one line of JSON. A question is ``{"verb": "take", "stone": …, "order": …, "won": …,
"once": …}``; ``return`` and ``show`` are the other verbs. An answer is ``stone`` with all that pebble knows of it, or
``no`` or ``hm`` with a code. A question with a ``once`` that pebble has answered gets the same answer.
"""

import asyncio
import itertools
import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from jari.domain.errors import Invalid
from jari.domain.gateways import Failed, Hint, Record, Refused, Returned, Said, Standing
from jari.domain.payments import NoAnswer
from jari.ports.gateways import Checkout
from jari.settings import GatewaySettings

STANDINGS = {"dry": Standing.OPEN, "wet": Standing.TAKEN, "gone": Standing.ENDED}


class PebbleGateway:
    """The adapter."""

    name, currency = "pebble", "KRW"

    def __init__(self, settings: GatewaySettings) -> None:
        address = urlsplit(settings.url)
        self._host, self._port = address.hostname, address.port
        self._secret = settings.secret_key
        self._timeout_seconds = settings.timeout_seconds
        self.checkout = Checkout(self.name, settings.script_url, settings.client_key, "https://pebble.test")

    @staticmethod
    def is_live_key(key: str) -> bool:
        return key.startswith("granite")

    async def close(self) -> None:
        """Nothing stays open between two questions."""

    async def confirm(self, *, payment_key: str, order_id: str, amount: int, idempotency_key: str) -> Said:
        return await self._change("take", payment_key, idempotency_key, order=order_id, won=amount)

    async def cancel(self, *, payment_key: str, amount: int, reason: str, idempotency_key: str) -> Said:
        return await self._change("return", payment_key, idempotency_key, won=amount, why=reason)

    async def look_up(self, payment_key: str) -> Record | NoAnswer | None:
        answer = await self._ask(verb="show", stone=payment_key)
        match answer:
            case {"stone": stone}:
                return _record(stone)
            case {"no": "no stone"}:
                return None
            case _:
                return NoAnswer("pebble", str(answer))

    def read_hint(self, body: bytes, headers: Mapping[str, str]) -> Hint:
        """Read the hint. Pebble names stone and order in a header; the body must be empty JSON."""
        stone, _, order_id = headers.get("pebble-of", "").partition("/")
        if not order_id or body != b"{}":
            raise Invalid("A message of pebble names a stone and an order.")
        return Hint(stone, order_id)

    async def _change(self, verb: str, stone: str, once: str, **more: object) -> Said:
        answer = await self._ask(verb=verb, stone=stone, once=once, **more)
        match answer:
            case {"stone": known}:
                return _record(known)
            case {"no": code}:
                return Refused(code, "pebble says no")
            case {"hm": code}:
                return Failed(code, "pebble does not say")
            case _:
                return NoAnswer("pebble", str(answer))

    async def _ask(self, **question: object) -> Any:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                reader, writer = await asyncio.open_connection(self._host, self._port)
                try:
                    writer.write(json.dumps(question | {"secret": self._secret}).encode() + b"\n")
                    return json.loads(await reader.readline())
                finally:
                    writer.close()
        except (OSError, ValueError) as error:
            return repr(error)


def _record(stone: dict[str, Any]) -> Record:
    returns = tuple(Returned(won, why) for won, why in stone["returned"])
    balance = stone["won"] - sum(each.amount for each in returns)
    standing = STANDINGS[stone["is"]] if balance else Standing.ENDED
    return Record(
        stone["name"], stone["order"], standing, stone["is"], stone["won"], balance, "pebbles", returns
    )


class Pebbles:
    """Pebble itself: its books, and what a test told it to do wrong."""

    def __init__(self) -> None:
        self.url = ""
        self.stones: dict[str, dict[str, Any]] = {}
        self._answers: dict[str, dict[str, Any]] = {}
        self._mishaps: defaultdict[tuple[str, str], deque[str]] = defaultdict(deque)
        self._names = (f"stone-{number}" for number in itertools.count(1))

    def authenticate(self, order_id: str, amount: int) -> str:
        """Make a stone, as if the buyer laid it down for an order. Returns its name."""
        name = next(self._names)
        self.stones[name] = {
            "name": name, "order": order_id, "won": amount, "is": "dry", "returned": [], "taken": 0
        }  # fmt: skip
        return name

    def go_wrong(self, verb: str, order_id: str, how: str) -> None:
        """Lose the next question about the order ``before`` or ``after`` its work, or answer it with ``how``."""
        self._mishaps[verb, order_id].append(how)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        question = json.loads(await reader.readline())
        answer = self._answer(question)
        if answer is not None:
            writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()

    def _answer(self, question: dict[str, Any]) -> dict[str, Any] | None:
        stone = self.stones.get(question["stone"])
        if question["secret"] != "quartz" or stone is None:
            return {"no": "no stone" if stone is None else "no friend"}
        mishaps = self._mishaps[question["verb"], stone["order"]]
        mishap = mishaps.popleft() if mishaps else ""
        if mishap == "before":
            return None
        once = question.get("once", "")
        if once not in self._answers:
            answer = {mishap: "wind"} if mishap in ("no", "hm") else self._work(question, stone)
            if once:
                self._answers[once] = json.loads(json.dumps(answer))
        else:
            answer = self._answers[once]
        return None if mishap == "after" else answer

    def _work(self, question: dict[str, Any], stone: dict[str, Any]) -> dict[str, Any]:
        match question["verb"]:
            case "take" if stone["is"] != "dry":
                return {"hm": "wet already"}
            case "take" if (question["order"], question["won"]) != (stone["order"], stone["won"]):
                return {"no": "another's"}
            case "take":
                stone["is"] = "wet"
                stone["taken"] += 1
            case "return":
                stone["returned"].append((question["won"], question["why"]))
        return {"stone": stone}


@asynccontextmanager
async def pebbles() -> AsyncIterator[Pebbles]:
    """Pebble, listening."""
    bank = Pebbles()
    async with await asyncio.start_server(bank.serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        bank.url = f"pebble://127.0.0.1:{port}"
        yield bank
