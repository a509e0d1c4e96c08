"""Many buyers at once over real HTTP: one client, with a connection for each request under way."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx

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


async def race(
    urls: Sequence[str], match: Match, buyers: Sequence[Buyer], *, tries: int, seed: int = 1
) -> Acknowledged:
    """Let every buyer try several times for one to three seats, at one server after the other."""
    result = Acknowledged()
    limits = httpx.Limits(max_connections=len(buyers), max_keepalive_connections=len(buyers))
    async with httpx.AsyncClient(limits=limits, timeout=30) as client:

        async def buy(number: int, buyer: Buyer) -> None:
            mood = random.Random(f"{seed}-{number}")
            for turn in range(tries):
                seat_ids = mood.sample(match.seat_ids, mood.randint(1, 3))
                url = urls[(number + turn) % len(urls)]
                await hold(client, url, match, buyer, seat_ids, result)

        await asyncio.gather(*(buy(number, buyer) for number, buyer in enumerate(buyers)))
    return result


async def hold(
    client: httpx.AsyncClient,
    url: str,
    match: Match,
    buyer: Buyer,
    seat_ids: Sequence[int],
    result: Acknowledged,
) -> None:
    try:
        answer = await client.post(
            f"{url}/api/matches/{match.id}/allocations",
            json={"seatIds": list(seat_ids)},
            headers={"Cookie": f"jari={buyer.token}"},
        )
    except httpx.HTTPError:
        result.broken += 1
        return
    result.statuses[answer.status_code] += 1
    if answer.status_code == httpx.codes.CREATED:
        data = answer.json()["data"]
        result.holds.append((buyer, data["holdId"], tuple(data["seatIds"])))
