"""Numbers for new reservations, payments and refunds: taken from the store in blocks, handed out one by one.

So a number is known before the transaction that uses it. A process that ends leaves the rest of its block unused.
"""

import asyncio

from jari.ports.reservations import ReservationStore
from jari.settings import NumberSettings


class Numbers:
    """Numbers that nobody has had, rising within this process."""

    def __init__(self, store: ReservationStore, settings: NumberSettings) -> None:
        self._store = store
        self._block_size = settings.number_block_size
        self._next = self._end = 0
        self._refilling = asyncio.Lock()

    async def next(self) -> int:
        """The next number."""
        async with self._refilling:
            if self._next == self._end:
                self._next = await self._store.take_numbers(self._block_size)
                self._end = self._next + self._block_size
            self._next += 1
            return self._next - 1
