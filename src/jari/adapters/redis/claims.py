"""Claims of requests in Redis: two processes that get one key at once learn of each other."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress

from jari.adapters.redis.connection import Connection, Script
from jari.domain.errors import Unavailable
from jari.ports.answers import RequestKey
from jari.ports.system import Chance
from jari.settings import ClaimSettings
from jari.usecases.lookups import Lookup

HOLDER_BYTES = 8
CLAIM = Script(__file__, "claim.lua")
LET_GO = Script(__file__, "let_go.lua")

Name = tuple[str, str]


class RedisRequestClaims:
    """See `jari.ports.answers.RequestClaims`. While Redis is away, this process's own claims are all that it knows.

    A claim lapses after ``claim_seconds``: so long is a key refused whose process has died. Claims that come together
    go to Redis together, since in a flood there is one for each hold.
    """

    def __init__(self, redis: Connection, chance: Chance, settings: ClaimSettings) -> None:
        self._redis = redis
        self._holder = chance.randbytes(HOLDER_BYTES).hex()
        self._claim_ms = settings.claim_seconds * 1000
        self._here: set[Name] = set()
        self._claims: Lookup[Name, bool] = Lookup(self._claim_all, queue_size=settings.max_connections)
        self._ends: Lookup[Name, bool] = Lookup(self._let_all_go, queue_size=settings.max_connections)

    async def claim(self, request: RequestKey) -> bool:
        """Claim the key until `let_go`. False where a request with this key is being decided already."""
        if request.name in self._here:
            return False
        self._here.add(request.name)
        try:
            is_ours = bool(await self._claims.get(request.name))
        except Unavailable:
            is_ours = True
        except BaseException:
            self._here.discard(request.name)
            raise
        if not is_ours:
            self._here.discard(request.name)
        return is_ours

    async def let_go(self, request: RequestKey) -> None:
        """Give the key up; here only when Redis has, lest it take the claim of a request that comes meanwhile."""
        try:
            with suppress(Unavailable):
                await self._ends.get(request.name)
        finally:
            self._here.discard(request.name)

    async def _claim_all(self, names: Sequence[Name]) -> Mapping[Name, bool]:
        """Which of these claims are ours. One that this process has made before was not given up, but is not in use."""
        claimed = await self._redis.run(CLAIM, [_key(name) for name in names], self._holder, self._claim_ms)
        return {name: bool(is_ours) for name, is_ours in zip(names, claimed, strict=True)}

    async def _let_all_go(self, names: Sequence[Name]) -> Mapping[Name, bool]:
        await self._redis.run(LET_GO, [_key(name) for name in names], self._holder)
        return {}


def _key(name: Name) -> str:
    """All in one slot, so that one script serves many; of a cluster, one server has them all."""
    return f"jari:{{claims}}:{hashlib.sha256(repr(name).encode()).hexdigest()}"
