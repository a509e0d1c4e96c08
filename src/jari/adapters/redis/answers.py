"""The answers to requests that came with a key, where holds are decided in Redis.

A key counts in every schedule, and the schedules of a cluster are on different nodes. So a key has an entry of its own:
it is claimed before the commit, and holds the answer after it. PostgreSQL has the answers of before.
"""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from jari.adapters.redis.connection import Connection, Script
from jari.adapters.sql.seating_ledger import PostgresLedger
from jari.domain.errors import StaleDecision
from jari.ports.answers import RequestKey, StoredAnswer
from jari.settings import RedisHoldSettings

LET_GO = Script(__file__, "let_go.lua")
CLAIM = b"?"
_decoder = msgspec.json.Decoder(tuple[str, str])


class Answers:
    """Finds and keeps answers."""

    def __init__(self, redis: Connection, ledger: PostgresLedger, settings: RedisHoldSettings) -> None:
        self._redis = redis
        self._ledger = ledger
        self._settings = settings
        # Until then PostgreSQL has the answer, if the claim's commit came through and its end was not heard.
        self._claim_ms = settings.sheet_lease_ms + settings.max_unpersisted_seconds * 1000

    async def get(self, requests: Sequence[RequestKey]) -> Sequence[StoredAnswer]:
        """The stored answers under these keys, whatever their fingerprint."""
        if not requests:
            return []
        texts = await asyncio.gather(*(self._text(each) for each in requests))
        answers = [
            StoredAnswer(RequestKey(each.scope, each.key, fingerprint), answer)
            for each, text in zip(requests, texts, strict=True)
            if text is not None and not text.startswith(CLAIM)
            for fingerprint, answer in [_decoder.decode(text)]
        ]
        known = {each.request.name for each in answers}
        rest = [each for each in requests if each.name not in known]
        return [*answers, *(await self._ledger.answers(rest) if rest else ())]

    @asynccontextmanager
    async def claiming(self, answers: Sequence[StoredAnswer]) -> AsyncIterator[None]:
        """Claim the keys of these answers; keep the answers if the block ends well.

        Raises:
            StaleDecision: a key is claimed or answered already.
        """
        if not answers:
            yield
            return
        claim = CLAIM + secrets.token_hex(8).encode()
        got = await asyncio.gather(*(self._claim(each.request, claim) for each in answers))
        try:
            if not all(got):
                raise StaleDecision("A key was used behind the till's back.")
            yield
        except StaleDecision:  # of any other end nobody knows whether it was committed: such a claim lapses
            await asyncio.gather(
                *(self._let_go(each.request, claim) for each in answers), return_exceptions=True
            )
            raise
        await asyncio.gather(*(self._keep(each) for each in answers), return_exceptions=True)

    async def leave_to_the_ledger(self, answers: Sequence[StoredAnswer]) -> None:
        """PostgreSQL has these answers now."""
        await asyncio.gather(*(self._forget(each.request) for each in answers))

    async def _text(self, request: RequestKey) -> bytes | None:
        async with self._redis.commands(_name(request)) as client:
            text: Any = await client.get(_name(request))
        return bytes(text) if text is not None else None

    async def _claim(self, request: RequestKey, claim: bytes) -> bool:
        async with self._redis.commands(_name(request)) as client:
            return bool(await client.set(_name(request), claim, nx=True, px=self._claim_ms))

    async def _keep(self, answer: StoredAnswer) -> None:
        text = msgspec.json.encode((answer.request.fingerprint, answer.answer))
        async with self._redis.commands(_name(answer.request)) as client:
            await client.set(_name(answer.request), text, px=self._settings.keep_answers_seconds * 1000)

    async def _let_go(self, request: RequestKey, claim: bytes) -> None:
        await self._redis.run(LET_GO, [_name(request)], claim)

    async def _forget(self, request: RequestKey) -> None:
        async with self._redis.commands(_name(request)) as client:
            await client.delete(_name(request))


def _name(request: RequestKey) -> str:
    return "jari:answer:" + hashlib.sha256(f"{request.scope} {request.key}".encode()).hexdigest()
