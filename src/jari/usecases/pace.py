"""How long unfinished payments and refunds are left alone, and how often hints make somebody look."""

import asyncio
from collections import OrderedDict

from jari.ports import Clock
from jari.settings import PaymentSettings


class Pace:
    """The times between two questions to a gateway."""

    def __init__(self, clock: Clock, settings: PaymentSettings) -> None:
        self._clock = clock
        self._settings = settings
        self._looked: OrderedDict[int, float] = OrderedDict()  # payment → when a hint last made us look

    @property
    def first_ms(self) -> int:
        """What is begun belongs so long to the process that began it."""
        return self._settings.payment_patience_seconds * 1000

    def again_ms(self, age_ms: int) -> int:
        """The longer a payment has been open, the less often it is asked after."""
        return min(max(age_ms // 2, self._settings.payment_retry_min_seconds * 1000), self.longest_ms)

    @property
    def longest_ms(self) -> int:
        """Between two questions at most."""
        return self._settings.payment_retry_max_seconds * 1000

    async def wait_for_next_look(self, payment_id: int) -> None:
        """Wait until a hint may make somebody look at the payment again."""
        now, interval = self._clock.seconds(), self._settings.hint_interval_ms / 1000
        wait_seconds = max(0.0, self._looked.get(payment_id, now - interval) + interval - now)
        self._looked[payment_id] = now + wait_seconds
        self._looked.move_to_end(payment_id)
        if len(self._looked) > self._settings.max_payments_running:
            self._looked.popitem(last=False)
        await asyncio.sleep(wait_seconds)
