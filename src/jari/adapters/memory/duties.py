"""What those who share a memory agree on: who does what alone, and the secrets that all of them use."""

from jari.adapters.memory.tables import Memory


class MemoryDutyStore:
    """See `jari.ports.DutyStore`."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def take_lease(self, name: str, holder: str, lease_ms: int) -> bool:
        """Take the duty for ``lease_ms`` by the store's clock; False if somebody else has it. 0 gives it back."""
        async with self._memory.write() as now_ms:
            has_it, expires_ms = self._memory.leases.get(name, (holder, 0))
            if has_it != holder and expires_ms > now_ms:
                return False
            self._memory.leases[name] = holder, now_ms + lease_ms
            return True

    async def secret(self, name: str, fresh: bytes) -> bytes:
        """The secret of that name. If there is none, the fresh one becomes it."""
        return self._memory.secrets.setdefault(name, fresh)
