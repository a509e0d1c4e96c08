"""The answers that requests got, by the Idempotency-Key that came with them."""

from dataclasses import dataclass


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
