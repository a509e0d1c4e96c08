"""What those who share a memory agree on: who does what alone, and the secrets that all of them use."""

from jari.adapters.memory.tables import Memory


class MemoryDutyStore:
    """See `jari.ports.DutyStore`."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def take_lease(self, name: str, holder: str, lease_ms: int) -> bool:
        """Whether the holder has this duty for so long, by the store's clock: nobody else has it then."""
        async with self._memory.write() as now_ms:
            has_it, expires_ms = self._memory.leases.get(name, (holder, 0))
            if has_it != holder and expires_ms > now_ms:
                return False
            self._memory.leases[name] = holder, now_ms + lease_ms
            return True

    async def secret(self, name: str, fresh: bytes) -> bytes:
        """The secret of that name; the fresh one is kept if there was none."""
        return self._memory.secrets.setdefault(name, fresh)
