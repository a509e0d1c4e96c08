"""Many buyers at once over real HTTP: one client, with a connection for each request under way.

The client is aiohttp's. Among hundreds of connections httpx spends more time looking for a free one than the server
spends answering.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import aiohttp

from support.servers import KEEP_SECONDS
from support.worlds import Buyer, Match


@dataclass
class Acknowledged:
    """What the servers answered: which buyer got which seats, and how often each status came."""

    holds: list[tuple[Buyer, str, tuple[int, ...]]] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    broken: int = 0

    def owners(self) -> dict[int, set[int]]:
        owners: dict[int, set[int]] = {}
        for buyer, _, seat_ids in self.holds:
            for seat_id in seat_ids:
                owners.setdefault(seat_id, set()).add(buyer.id)
        return owners

    def double_sold(self) -> list[int]:
        return sorted(seat_id for seat_id, buyers in self.owners().items() if len(buyers) > 1)


def client_of_many(timeout_seconds: float = 30) -> aiohttp.ClientSession:
    """A client that opens as many connections as it has requests under way. Each request brings its own cookie."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=timeout_seconds),
    )


async def race(
    urls: Sequence[str], match: Match, buyers: Sequence[Buyer], *, tries: int, seed: int = 1
) -> Acknowledged:
    """Let every buyer try several times for one to three seats, at one server after the other."""
    result = Acknowledged()
    async with client_of_many() as client:

        async def buy(number: int, buyer: Buyer) -> None:
            mood = random.Random(f"{seed}-{number}")
            for turn in range(tries):
                seat_ids = mood.sample(match.seat_ids, mood.randint(1, 3))
                url = urls[(number + turn) % len(urls)]
                await hold(client, url, match, buyer, seat_ids, result)

        await asyncio.gather(*(buy(number, buyer) for number, buyer in enumerate(buyers)))
    return result


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any

    @property
    def is_success(self) -> bool:
        return self.status < HTTPStatus.MULTIPLE_CHOICES


async def ask(client: aiohttp.ClientSession, buyer: Buyer, method: str, url: str, **request: Any) -> Answer:
    headers = {"Cookie": f"jari={buyer.token}"}
    async with client.request(method, url, headers=headers, **request) as answer:
        return Answer(answer.status, await answer.json(content_type=None))


async def hold(
    client: aiohttp.ClientSession,
    url: str,
    match: Match,
    buyer: Buyer,
    seat_ids: Sequence[int],
    result: Acknowledged,
) -> None:
    allocations, body = f"{url}/api/matches/{match.id}/allocations", {"seatIds": list(seat_ids)}
    try:
        answer = await ask(client, buyer, "POST", allocations, json=body)
    except (aiohttp.ClientError, TimeoutError):
        result.broken += 1
        return
    result.statuses[answer.status] += 1
    if answer.status == HTTPStatus.CREATED:
        data = answer.body["data"]
        result.holds.append((buyer, data["holdId"], tuple(data["seatIds"])))
