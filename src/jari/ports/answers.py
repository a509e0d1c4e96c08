"""The answers that requests got, by the Idempotency-Key that came with them, and who is getting one just now."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RequestKey:
    """An Idempotency-Key within its scope, and the fingerprint of the request that it came with."""

    scope: str
    key: str
    fingerprint: str

    @property
    def name(self) -> tuple[str, str]:
        """The name of the key: no two keys share it."""
        return self.scope, self.key


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The answer that the first request with this key got."""

    request: RequestKey
    answer: str


class RequestClaims(Protocol):
    """Which requests are being decided at this moment: of several with one key at once, only one should go on.

    The stored answers see to it that a request is decided once; the claims spare the others the wait.
    """

    async def claim(self, request: RequestKey) -> bool:
        """Claim the key until `let_go`. False where a request with this key is being decided already."""

    async def let_go(self, request: RequestKey) -> None:
        """Give the key up; the request has its answer, or nobody waits for one any more."""
