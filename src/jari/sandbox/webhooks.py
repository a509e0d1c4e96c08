"""Webhooks: tell the shop that a payment changed, until it answers 200 or the tries are used up."""

import asyncio
import logging
import secrets
from datetime import datetime

import httpx

from jari.sandbox.wire import SEOUL

RETRIES = 7
BACKOFF_FACTOR = 4
ANSWER_SECONDS = 10.0
MAX_WAITING = 1_000
OK = 200

_log = logging.getLogger(__name__)


class Webhooks:
    """Sends webhooks to one URL, each in a task. ``close`` ends the tasks that still try."""

    def __init__(self, url: str | None, backoff_seconds: float) -> None:
        self._url = url
        self._backoff_seconds = backoff_seconds
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, body: bytes, *, copies: int = 1, delay_seconds: float = 0.0) -> None:
        """Send a body so many times, all with the same transmission id."""
        if self._url is None:
            return
        transmission_id = secrets.token_hex(16)
        for _ in range(copies):
            if len(self._tasks) >= MAX_WAITING:
                _log.warning("more than %s webhooks wait for their shop: one was left out", MAX_WAITING)
                return
            delivery = self._deliver(self._url, body, transmission_id, delay_seconds)
            task = asyncio.create_task(delivery, name="webhook")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Give up the webhooks that are not delivered so far."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _deliver(self, url: str, body: bytes, transmission_id: str, delay_seconds: float) -> None:
        await asyncio.sleep(delay_seconds)
        backoff_seconds = self._backoff_seconds
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as client:
            for retried in range(RETRIES + 1):
                if retried:
                    await asyncio.sleep(backoff_seconds)
                    backoff_seconds *= BACKOFF_FACTOR
                headers = {
                    "Content-Type": "application/json",
                    "tosspayments-webhook-transmission-id": transmission_id,
                    "tosspayments-webhook-transmission-time": datetime.now(SEOUL).isoformat(),
                    "tosspayments-webhook-transmission-retried-count": str(retried),
                }
                if await _is_taken(client, url, body, headers):
                    return
        _log.warning("a webhook was not taken in %s tries", RETRIES + 1)


async def _is_taken(client: httpx.AsyncClient, url: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            answer = await client.post(url, content=body, headers=headers)
    except (httpx.HTTPError, TimeoutError):
        return False
    return answer.status_code == OK
