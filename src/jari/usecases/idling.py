"""Letting go of what nobody asks for any more, and giving its memory back to the machine."""

import asyncio

import structlog

from jari import caches, heap, metrics
from jari.usecases.catalogue import Catalogue
from jari.usecases.live import Live

log = structlog.get_logger()

LOOK_SECONDS = 2.0  # between two looks; idle things go up to so much later than the settings say


class Idling:
    """Each process has one. What somebody still has lives on; it is only no longer kept for later."""

    def __init__(self, live: Live, catalogue: Catalogue) -> None:
        self._live = live
        self._catalogue = catalogue
        self._replicas = self._plans = 0  # at the last look

    def let_go(self) -> bool:
        """Let go of what is idle. Return whether fewer replicas or plans live than at the last look: only they weigh."""
        before = self._replicas, self._plans
        caches.let_go()
        self._replicas, self._plans = self._live.replica_count, self._catalogue.plan_count
        metrics.replicas.set(self._replicas)
        metrics.plans.set(self._plans)
        return self._replicas < before[0] or self._plans < before[1]

    async def run(self) -> None:
        """Let go of what is idle until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                if self.let_go():
                    await asyncio.to_thread(heap.give_back)
            except Exception:
                log.exception("letting_go_failed")
