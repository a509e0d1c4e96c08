"""Sweeping: announcing holds that have ended, and forgetting what nobody needs any more.

The next buyer may take an ended hold's seats without the sweeper. It only makes the end visible, within a second.
"""

import asyncio
from collections.abc import Sequence

import structlog

from jari import metrics
from jari.domain.commands.holds import Expire
from jari.domain.commands.reservations import ExpireReservation
from jari.ports.accounts import AccountStore
from jari.ports.relays import RelayStore
from jari.ports.reservations import ReservationStore
from jari.ports.seating import SeatingStore
from jari.settings import SweepSettings
from jari.usecases.live import Live
from jari.usecases.till import Tills

log = structlog.get_logger()

HOUR_MS = 3_600_000


class Sweeper:
    """Each process has one. Several at a time do no harm, since the till decides again."""

    def __init__(
        self,
        live: Live,
        tills: Tills,
        store: SeatingStore,
        reservations: ReservationStore,
        accounts: AccountStore,
        relays: RelayStore,
        settings: SweepSettings,
    ) -> None:
        self._live = live
        self._tills = tills
        self._store = store
        self._reservations = reservations
        self._accounts = accounts
        self._relays = relays
        self._settings = settings

    async def sweep(self) -> int:
        """Free every seat whose hold has ended, and return how many. If one schedule fails, the others go on."""
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

    async def close_ended_reservations(self) -> int:
        """Close every unpaid reservation whose time is over, and return how many."""
        ended = await self._reservations.ended(self._settings.sweep_page_size)
        closed = await asyncio.gather(*(self._close(each.schedule_id, each.reservation_id) for each in ended))
        return sum(closed)

    async def _close(self, schedule_id: int, reservation_id: int) -> int:
        try:
            await self._tills.submit(schedule_id, ExpireReservation(reservation_id))
        except Exception:
            log.exception("expire_failed", schedule=schedule_id, reservation=reservation_id)
            return 0
        return 1

    async def _expire(self, schedule_id: int, seat_ids: Sequence[int]) -> int:
        try:
            outcome = await self._tills.submit(schedule_id, Expire(tuple(seat_ids)))
        except Exception:
            log.exception("expire_failed", schedule=schedule_id)
            return 0
        freed = len(outcome.seat_ids)
        metrics.expired_seats.inc(freed)
        return freed

    async def trim(self) -> None:
        """Forget old commits, stored answers, sessions and counted attempts."""
        lags = await self._relays.lags(self._settings.relay_patience_hours * HOUR_MS)
        metrics.relay_lag.clear()  # a relay that is not set up any more has none
        for relay, commits in lags.items():
            metrics.relay_lag.labels(relay).set(commits)
        keep_answers_ms = self._settings.idempotency_hours * HOUR_MS
        too_late = await self._store.trim(
            self._settings.change_log_size,
            keep_answers_ms,
            self._settings.outbox_size,
            self._settings.cool_down_seconds * 1000,
            tuple(lags),
        )
        if too_late:
            log.error(
                "events_lost",
                schedules=too_late,
                remedy="see which relay is stuck: jari_relay_lag_commits tells",
            )
        await self._accounts.forget_ended()
        metrics.dead_versions.set(await self._store.dead_versions())

    async def run(self) -> None:
        """Sweep and trim until cancelled."""
        sweeps_per_trim = max(1, self._settings.change_log_trim_seconds * 1000 // self._settings.sweep_ms)
        turn = 0
        while True:
            await asyncio.sleep(self._settings.sweep_ms / 1000)
            turn += 1
            try:
                await self.sweep()
                await self.close_ended_reservations()
                if turn % sweeps_per_trim == 0:
                    await self.trim()
            except Exception:
                log.exception("sweep_failed")
