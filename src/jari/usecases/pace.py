"""How long we leave unfinished payments and refunds alone, and how often hints make us look."""

import asyncio

from jari.caches import Cache
from jari.ports.system import Clock
from jari.settings import PaymentSettings


class Pace:
    """The times between two questions to a gateway."""

    def __init__(self, clock: Clock, settings: PaymentSettings) -> None:
        self._clock = clock
        self._settings = settings
        self._looked: Cache[int, float] = Cache(  # payment → when a hint last made us look
            settings.max_payments_running,
            idle_seconds=settings.payment_retry_max_seconds,
            clock=clock.seconds,
        )

    @property
    def first_ms(self) -> int:
        """For how long a payment or refund belongs to the process that began it."""
        return self._settings.payment_patience_seconds * 1000

    def again_ms(self, age_ms: int) -> int:
        """How long to wait before we ask after a payment of this age again: the older it is, the longer."""
        return min(max(age_ms // 2, self._settings.payment_retry_min_seconds * 1000), self.longest_ms)

    @property
    def longest_ms(self) -> int:
        """The longest wait between two questions."""
        return self._settings.payment_retry_max_seconds * 1000

    async def wait_for_next_look(self, payment_id: int) -> None:
        """Wait until a hint may make us look at the payment again."""
        now, interval = self._clock.seconds(), self._settings.hint_interval_ms / 1000
        looked_at = self._looked.get(payment_id)
        wait_seconds = 0.0 if looked_at is None else max(0.0, looked_at + interval - now)
        self._looked.put(payment_id, now + wait_seconds)
        await asyncio.sleep(wait_seconds)
