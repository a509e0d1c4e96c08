"""Claims of requests in memory, for a process that is alone or knows nothing of the others."""

from jari.ports.answers import RequestKey


class MemoryRequestClaims:
    """See `jari.ports.answers.RequestClaims`."""

    def __init__(self) -> None:
        self._claimed: set[tuple[str, str]] = set()

    async def claim(self, request: RequestKey) -> bool:
        """Claim the key until `let_go`. False where a request with this key is being decided already."""
        if request.name in self._claimed:
            return False
        self._claimed.add(request.name)
        return True

    async def let_go(self, request: RequestKey) -> None:
        """Give the key up."""
        self._claimed.discard(request.name)
