"""The cursors of relays in memory, and what comes after them in the change log."""

from collections.abc import Mapping, Sequence

from jari.adapters.memory.tables import Memory, ScheduleRecord
from jari.domain.relays import passed_on
from jari.ports.relays import Stretch


class MemoryRelayStore:
    """See `jari.ports.RelayStore`."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def next(self, relay: str, limit: int) -> Sequence[Stretch]:
        """What the relay has not passed on, about ``limit`` commits; each schedule that is behind has its share."""
        async with self._memory.write():
            for schedule in self._memory.schedules.values():
                first = schedule.log[0].commit.version if schedule.log else schedule.state.version + 1
                schedule.passed_on.setdefault(relay, first - 1)
            schedules = self._memory.schedules.values()
            behind = [each for each in schedules if each.passed_on[relay] != each.state.version][:limit]
            share = max(1, limit // max(1, len(behind)))
            return [_stretch(each, each.passed_on[relay], share) for each in behind]

    async def move(self, relay: str, stretches: Sequence[Stretch]) -> None:
        """Remember that these were passed on. A cursor that somebody else has moved since stays where it is."""
        async with self._memory.write():
            for each in stretches:
                cursors = self._memory.schedule(each.schedule_id).passed_on
                if cursors[relay] == each.cursor:
                    cursors[relay] = each.reached

    async def lags(self, patience_ms: int) -> Mapping[str, int]:
        """Relay → how many commits it has yet to pass on, without relays that are not set up any more."""
        now_ms, leases = self._memory.now_ms(), self._memory.leases
        lags: dict[str, int] = {}
        for schedule in self._memory.schedules.values():
            for relay, version in schedule.passed_on.items():
                # A relay without a lease of its own is a duty of every server.
                if relay not in leases or leases[relay][1] > now_ms - patience_ms:
                    lags[relay] = lags.get(relay, 0) + max(0, schedule.state.version - version)
        return lags


def _stretch(schedule: ScheduleRecord, cursor: int, limit: int) -> Stretch:
    commits = schedule.commits_after(cursor, limit)
    version = schedule.state.version
    reached, lost = passed_on(cursor, version, [each.commit.version for each in commits])
    return Stretch(schedule.id, schedule.state.epoch, cursor, reached, lost, commits)
