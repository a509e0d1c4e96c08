"""Duties: work that exactly one process does at a time, whichever has the lease."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from jari.ports.duties import DutyStore
from jari.ports.system import Chance, Clock
from jari.settings import DutySettings

log = structlog.get_logger()

HOLDER_BYTES = 8
Work = Callable[[], Awaitable[int]]


class Duties:
    """Does the work while this process has the lease of that name, and stops when it does not.

    It renews the lease three times before the lease would end. If a process dies, another takes over within the
    time of a lease; a process that ends gives its lease back.
    """

    def __init__(
        self,
        name: str,
        store: DutyStore,
        works: Sequence[Work],
        clock: Clock,
        chance: Chance,
        settings: DutySettings,
    ) -> None:
        self._name = name
        self._store = store
        self._works = works
        self._clock = clock
        self._settings = settings
        self._holder = chance.randbytes(HOLDER_BYTES).hex()
        self._tasks: list[asyncio.Task[None]] = []
        self._until = 0.0

    async def run(self) -> None:
        """Look after the lease until cancelled."""
        try:
            while True:
                await self._renew()
                await asyncio.sleep(self._settings.lease_seconds / 3)
        finally:
            had_lease = bool(self._tasks)
            await self._stop()
            if had_lease:
                await self._store.take_lease(self._name, self._holder, 0)

    async def _renew(self) -> None:
        asked = self._clock.seconds()
        try:
            if await self._store.take_lease(self._name, self._holder, self._settings.lease_seconds * 1000):
                self._until = asked + self._settings.lease_seconds
        except Exception:
            log.exception("lease_failed")
        if self._clock.seconds() >= self._until:
            await self._stop()
        elif not self._tasks:
            self._tasks = [asyncio.create_task(self._repeat(work)) for work in self._works]

    async def _repeat(self, work: Work) -> None:
        while True:
            try:
                if await work() >= self._settings.duty_page_size:
                    continue  # there is more
            except Exception:
                log.exception("duty_failed", work=work.__qualname__)
            await asyncio.sleep(self._settings.duty_ms / 1000)

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
