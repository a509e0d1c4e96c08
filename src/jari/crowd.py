"""A crowd of fans to try a sale with. Each fan is an ordinary HTTP client that wants seats side by side.

Some fans buy if the server takes payments through the sandbox gateway; with any other gateway no fan does.
"""

import asyncio
import random
import secrets
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from jari.sandbox.options import DEFAULT_CLIENT_KEY

PASSWORD = "a seat in the sun"  # noqa: S105 - of accounts that are made for a demo
MAX_THINK_SECONDS = 6.0
MAX_HOLD_SECONDS = 25.0
ARRIVALS_PER_SECOND = 25
REQUEST_TIMEOUT_SECONDS = 30.0
CONFLICT = 409
BUYS = 0.06  # the share of holds that fans pay for


@dataclass
class Tally:
    """What the crowd has done so far."""

    fans: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Sale:
    """Where the crowd buys: a schedule and the blocks of its venue."""

    url: str
    schedule_id: int
    block_ids: list[int]
    payment_page: str | None  # the sandbox's, if it is the gateway

    @property
    def api(self) -> str:
        """The root of the schedule's addresses."""
        return f"/api/schedules/{self.schedule_id}"


class Fan:
    """One buyer with an account, a favourite block and a few friends."""

    def __init__(self, sale: Sale, number: int, tally: Tally) -> None:
        self._sale = sale
        self._tally = tally
        self._number = number
        self._random = random.Random()  # noqa: S311 - moods, not secrets
        self._client = httpx.AsyncClient(base_url=sale.url, timeout=REQUEST_TIMEOUT_SECONDS)

    async def attend(self, until: float) -> None:
        """Sign up, then hold and release seats until the time is over. Leave nothing held."""
        async with self._client:
            try:
                await self._arrive()
                while time.monotonic() < until:
                    await self._try_for_seats(until)
                    await self._wait(MAX_THINK_SECONDS, until)
            except (httpx.HTTPError, KeyError) as error:
                self._tally.outcomes[f"failed: {type(error).__name__}"] += 1

    async def _arrive(self) -> None:
        email = f"fan-{secrets.token_hex(4)}-{self._number}@example.com"
        account = {"email": email, "password": PASSWORD}
        await self._post("/api/sign-up", {**account, "name": "Fan"})
        await self._post("/api/log-in", account)
        self._tally.fans += 1

    async def _try_for_seats(self, until: float) -> None:
        seat_ids = await self._choose()
        if not seat_ids:
            return
        answer = await self._client.post(f"{self._sale.api}/allocations", json={"seatIds": seat_ids})
        if answer.status_code == CONFLICT:
            self._tally.outcomes["taken"] += 1
            return
        answer.raise_for_status()
        self._tally.outcomes["held"] += 1
        await self._wait(MAX_HOLD_SECONDS, until)
        if self._sale.payment_page is not None and self._random.random() < BUYS:
            await self._buy(self._sale.payment_page)
            return
        released = await self._client.delete(f"{self._sale.api}/allocations", params={"seatId": seat_ids})
        self._tally.outcomes["released" if released.is_success else "expired"] += 1

    async def _buy(self, payment_page: str) -> None:
        """Reserve, and pay with a card of the sandbox. Then let another fan come instead."""
        body = {"scheduleId": self._sale.schedule_id}
        answer = await self._client.post("/api/reservations", json=body)
        if answer.is_success:
            order = answer.json()["data"]
            form = {
                "orderId": order["orderId"],
                "amount": str(order["amount"]),
                "orderName": order["orderName"],
                "successUrl": f"{self._sale.url}/checkout/success",
                "failUrl": f"{self._sale.url}/checkout/fail",
                "choice": "good",
            }
            paid = await self._client.post(payment_page, data=form, follow_redirects=False)
            came_back = httpx.URL(paid.headers["location"]).params
            confirm = {
                "paymentKey": came_back["paymentKey"],
                "orderId": order["orderId"],
                "amount": order["amount"],
            }
            answer = await self._client.post("/api/payments/confirm", json=confirm)
        self._tally.outcomes["bought" if answer.is_success else "not bought"] += 1
        await self._arrive()

    async def _choose(self) -> list[int]:
        """Choose one to four seats side by side, or none: mostly none if one is taken. First blocks are favoured."""
        block_ids = self._sale.block_ids
        block_id = block_ids[int(len(block_ids) * self._random.random() ** 2)]
        answer = await self._client.get(f"{self._sale.api}/blocks/{block_id}/seats/status")
        answer.raise_for_status()
        seats = answer.json()["data"]["seats"]
        wanted = self._random.randint(1, 4)
        start = self._random.randrange(max(1, len(seats) - wanted))
        together = seats[start : start + wanted]
        if any(seat["status"] != "AVAILABLE" for seat in together) and self._random.random() < 0.8:  # noqa: PLR2004 - most people look before they click
            return []
        return [seat["id"] for seat in together]

    async def _post(self, path: str, body: dict[str, str]) -> None:
        (await self._client.post(path, json=body)).raise_for_status()

    async def _wait(self, at_most_seconds: float, until: float) -> None:
        await asyncio.sleep(
            max(0.0, min(self._random.uniform(0.2, at_most_seconds), until - time.monotonic()))
        )


async def run_crowd(
    *, url: str, schedule_id: int, fans: int, seconds: float, report: Callable[[Tally], None]
) -> Tally:
    """Let a crowd loose for some seconds. ``report`` gets the tally about once a second.

    Raises:
        httpx.HTTPError: the server cannot be reached, or has no such schedule.
    """
    async with httpx.AsyncClient(base_url=url, timeout=REQUEST_TIMEOUT_SECONDS) as client:
        answer = await client.get(f"/api/schedules/{schedule_id}/blocks")
        answer.raise_for_status()
        payment_page = _payment_page(await client.get("/api/payments/config"))
    block_ids = [block["id"] for block in answer.json()["data"]["blocks"]]
    sale = Sale(url, schedule_id, block_ids, payment_page)
    tally = Tally()
    until = time.monotonic() + seconds
    attending: list[asyncio.Task[None]] = []
    for number in range(fans):
        attending.append(asyncio.create_task(Fan(sale, number, tally).attend(until)))
        await asyncio.sleep(1 / ARRIVALS_PER_SECOND)
        if number % ARRIVALS_PER_SECOND == 0:
            report(tally)
    while any(not task.done() for task in attending):
        await asyncio.wait(attending, timeout=1)
        report(tally)
    return tally


def _payment_page(config: httpx.Response) -> str | None:
    """Where the sandbox's payment page is, if the sandbox is the gateway."""
    if not config.is_success or config.json()["data"]["clientKey"] != DEFAULT_CLIENT_KEY:
        return None
    return str(config.json()["data"]["scriptUrl"]).removesuffix("/v2/standard") + "/pay"
