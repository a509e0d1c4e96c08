"""Auditing: now and then we compare the books with each other, in case all the guards have failed.

A fault should not be possible. We count and log it but do not mend it: people must say who keeps the seat.
"""

import math

import structlog

from jari import metrics
from jari.ports.reservations import SEAT_FAULTS, ReservationStore
from jari.ports.system import Clock
from jari.settings import AuditSettings

log = structlog.get_logger()


AUDITED_MS = 7 * 24 * 3_600_000  # after its start nobody comes to a schedule's doors any more


class Auditor:
    """Looks for seats that two people have a right to; one process does it for all."""

    def __init__(self, store: ReservationStore, clock: Clock, settings: AuditSettings) -> None:
        self._store = store
        self._clock = clock
        self._interval_seconds = settings.audit_seconds
        self._due_at = 0.0

    async def audit(self) -> int:
        """Look, if it is time to."""
        if self._clock.seconds() < self._due_at:
            return 0
        self._due_at = self._clock.seconds() + self._interval_seconds
        try:
            faults = await self._store.seat_faults(AUDITED_MS)
        except Exception:
            for kind in SEAT_FAULTS:  # an old figure would be believed
                metrics.seat_faults.labels(kind).set(math.nan)
            raise
        for kind, count in faults.items():
            metrics.seat_faults.labels(kind).set(count)
        if counted := {kind: count for kind, count in faults.items() if count}:
            log.error("seat_faults", **counted, remedy="stop the sale and see docs/operations.md")
        return 0  # there is nothing to go on with at once
