"""What the processes agree on among themselves."""

from typing import Protocol


class DutyStore(Protocol):
    """What the processes agree on among themselves."""

    async def take_lease(self, name: str, holder: str, lease_ms: int) -> bool:
        """Take the duty for ``lease_ms`` by the store's clock; False if somebody else has it. 0 gives it back."""

    async def secret(self, name: str, fresh: bytes) -> bytes:
        """The secret of that name. If there is none, the fresh one becomes it."""
