"""Sweeping: announcing holds that have ended, and forgetting what nobody needs any more.

An ended hold is free to the next buyer without the sweeper; it only makes the end visible, within a second.
"""

import asyncio
from collections.abc import Sequence

import structlog

from jari import metrics
from jari.domain.seating import Expire, Expired
from jari.ports import Accounts, SeatingStore
from jari.settings import Settings
from jari.usecases.live import Live
from jari.usecases.till import Tills

log = structlog.get_logger()


class Sweeper:
    """One for each process; several at a time do no harm, since the till decides again."""

    def __init__(
        self, live: Live, tills: Tills, store: SeatingStore, accounts: Accounts, settings: Settings
    ) -> None:
        self._live = live
        self._tills = tills
        self._store = store
        self._accounts = accounts
        self._settings = settings

    async def sweep(self) -> int:
        """Free every seat whose hold has ended; how many there were. One schedule's trouble stops no other."""
        freed = 0
        while True:
            ended = await self._store.ended_holds(self._settings.sweep_page_size)
            results = await asyncio.gather(
                *(self._expire(schedule_id, seat_ids) for schedule_id, seat_ids in ended.items())
            )
            freed += sum(results)
            full_page = sum(map(len, ended.values())) >= self._settings.sweep_page_size
            if not full_page or not any(results):
                return freed

    async def _expire(self, schedule_id: int, seat_ids: Sequence[int]) -> int:
        try:
            till = self._tills.of(await self._live.open(schedule_id))
            outcome = await till.submit(Expire(tuple(seat_ids)))
        except Exception:
            log.exception("expire_failed", schedule=schedule_id)
            return 0
        freed = len(outcome.seat_ids) if isinstance(outcome, Expired) else 0
        metrics.expired_seats.inc(freed)
        return freed

    async def trim(self) -> None:
        """Forget old commits, stored answers, sessions and counted attempts."""
        keep_answers_ms = self._settings.idempotency_hours * 3_600_000
        await self._store.trim(self._settings.change_log_size, keep_answers_ms)
        await self._accounts.forget_before(self._live.now_ms())

    async def run(self) -> None:
        """Sweep and trim until cancelled."""
        sweeps_per_trim = max(1, self._settings.change_log_trim_seconds * 1000 // self._settings.sweep_ms)
        turn = 0
        while True:
            await asyncio.sleep(self._settings.sweep_ms / 1000)
            turn += 1
            try:
                await self.sweep()
                if turn % sweeps_per_trim == 0:
                    await self.trim()
            except Exception:
                log.exception("sweep_failed")
