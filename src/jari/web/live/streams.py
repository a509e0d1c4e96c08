"""The hub: sends every change of every watched schedule to every viewer.

The hub gathers changes for a tick and encodes them once for each channel. It sends the same bytes to all viewers by
calling each connection's ASGI ``send`` in turn: no queue and no task switch per viewer. A viewer joins at a tick,
when the channel's state and the change log agree. It gets either a snapshot or what changed since its position.

The hub notices at once when a viewer does not read: its ``send`` would wait. A task then finishes that ``send``, and
the hub skips the viewer meanwhile. So the viewer holds up nobody, and costs one socket buffer of memory. When it reads
on, it joins again at its position and gets every changed seat once.
"""

import asyncio
import random
import time
import types
from collections import Counter
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar, cast

import structlog
from starlette.types import Message, Receive, Send

from jari import metrics
from jari.domain.errors import TooManyAttempts, Unavailable
from jari.domain.seatmap import Commit, Position, by_block
from jari.settings import StreamSettings
from jari.usecases.live import LiveSchedule
from jari.web.live import sse
from jari.web.live.snapshots import Snapshots

log = structlog.get_logger()

K = TypeVar("K")

SLICE_SECONDS = 0.005  # how long the hub sends before it lets others run
LEAST_LOAD = 2  # a tick lasts at least so many times as long as the last fan-out took
RESUME_GROUPS = 4  # how many different catch-ups are encoded for one channel in one tick
TEND_SECONDS = 1.0  # how often the hub looks for quiet and for stalled streams

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]

END: Message = {"type": "http.response.body", "body": b"", "more_body": False}

Sender = Callable[[Message], Coroutine[Any, Any, None]]  # what ASGI servers pass is a coroutine function


class Viewer:
    """One open stream. ``position`` is how far the viewer was sent, known only while it joins or is stalled."""

    __slots__ = ("gone", "has_events", "position", "send", "stalled_at", "task")

    def __init__(self, send: Send, position: Position | None, task: asyncio.Task[Any] | None) -> None:
        self.task = task  # the task that waits until the client goes
        self.send = cast("Sender", send)
        self.position = position
        self.stalled_at = 0.0
        self.has_events = False  # none so far if nothing changed since the position that it resumed from
        self.gone = False


class Channel:
    """What a group of viewers watches: a whole schedule or one block of it, as single events or in batches."""

    def __init__(
        self, schedule: LiveSchedule, block_id: int | None, *, batch: bool, snapshots: Snapshots
    ) -> None:
        self.schedule = schedule
        self.block_id = block_id
        self.batch = batch
        self.position = schedule.seat_map.position  # all ``viewers`` were sent everything up to here
        self.viewers: dict[Viewer, None] = {}
        self.joining: dict[Viewer, None] = {}
        self.stalled: dict[Viewer, asyncio.Task[None]] = {}
        self.sent_at = time.monotonic()
        self._snapshots = snapshots

    @property
    def is_empty(self) -> bool:
        """Whether nobody watches."""
        return not (self.viewers or self.joining or self.stalled)

    @property
    def block(self) -> int | None:
        """The block as a place in the layout."""
        return None if self.block_id is None else self.schedule.seat_map.layout.block_of.get(self.block_id)

    def changes(self, commits: list[Commit]) -> bytes:
        """What viewers that are up to date must be sent."""
        seat_map = self.schedule.seat_map
        if self.batch:
            return sse.batch_changes(seat_map.epoch, commits)
        if self.block_id is None:
            return sse.schedule_actions(seat_map.epoch, commits, seat_map.layout)
        return sse.block_updates(seat_map.epoch, commits)

    def opening(self, position: Position | None) -> bytes:
        """What brings a viewer at ``position`` up to date: the changes if they suffice, else all seats."""
        seat_map = self.schedule.seat_map
        if position is None or not seat_map.can_resume(position):
            return self._snapshot()
        lead = sse.schedule_ready(position) if self.block_id is None and not self.batch else b""
        commit = seat_map.catch_up(position.version, self._within())
        # If nothing changed, send nothing: a heartbeat would end the block that `sse.retry` has begun.
        return lead + self.changes([commit]) if commit.changes else lead

    def _snapshot(self) -> bytes:
        seat_map = self.schedule.seat_map
        snapshots = self._snapshots.of(self.schedule)
        if self.batch:
            return sse.batch_snapshot(seat_map.position, snapshots.taken_by_status(self._within()))
        if self.block_id is None:
            return sse.schedule_ready(seat_map.position)
        seats = b"[]" if self.block is None else snapshots.block_seats(self.block)
        return sse.block_init(seat_map.position, seats)

    def _within(self) -> range:
        layout = self.schedule.seat_map.layout
        if self.block_id is None:
            return layout.whole
        return range(0) if self.block is None else layout.block_range(self.block)


class Pending:
    """What a schedule has committed since its last tick."""

    def __init__(self) -> None:
        self.commits: list[Commit] = []
        self.first_at = time.perf_counter()
        self.replaced = False


class Hub:
    """Every viewer of this process, and the one task that sends to them."""

    def __init__(self, snapshots: Snapshots, settings: StreamSettings) -> None:
        self._snapshots = snapshots
        self._settings = settings
        self._channels: dict[int, dict[tuple[int | None, bool], Channel]] = {}
        self._pending: dict[int, Pending] = {}
        self._due: set[int] = set()  # schedules with something to send
        self._wake = asyncio.Event()
        self._fanout_seconds = 0.0
        self._paused_at = 0.0
        self._tended_at = time.monotonic()
        self._closing = False
        self._viewers_of: Counter[str] = Counter()  # by address; without zeros
        self._watchers_of: Counter[int] = Counter()  # by schedule; without zeros
        self.viewer_count = 0

    def opened(self, schedule: LiveSchedule) -> None:
        """Nothing yet: nobody can watch a schedule before it has a replica."""

    def committed(self, schedule: LiveSchedule, commit: Commit) -> None:
        """Remember a commit for the next tick."""
        if schedule.id in self._channels:
            self._pend(schedule.id).commits.append(commit)

    def replaced(self, schedule: LiveSchedule) -> None:
        """Give every viewer of the schedule a fresh snapshot at the next tick."""
        if schedule.id in self._channels:
            self._pend(schedule.id).replaced = True

    @contextmanager
    def place(self, address: str, schedule_id: int) -> Iterator[None]:
        """Take one of the places for viewers while a request is answered.

        Raises:
            Unavailable: no place is left, or none for another schedule; says when to come back.
            TooManyAttempts: the address has as many viewers as one address may have.
        """
        if self.viewer_count >= self._settings.max_viewers:
            raise Unavailable(
                "This server has as many viewers as it can serve: connect again in a moment.",
                retry_after_seconds=_some_seconds(),
            )
        if self._viewers_of[address] >= self._settings.max_viewers_per_address:
            raise TooManyAttempts(
                "Your address watches as many streams as one address may: close one, then connect again.",
                retry_after_seconds=_some_seconds(),
            )
        if (
            schedule_id not in self._watchers_of
            and len(self._watchers_of) >= self._settings.max_schedules_watched
        ):
            raise Unavailable(
                "As many schedules are watched on this server as it can keep in memory: connect again in a moment.",
                retry_after_seconds=_some_seconds(),
            )
        self._count(address, schedule_id, 1)
        try:
            yield
        finally:
            self._count(address, schedule_id, -1)

    async def serve(
        self,
        schedule: LiveSchedule,
        block_id: int | None,
        *,
        batch: bool,
        position: Position | None,
        receive: Receive,
        send: Send,
    ) -> None:
        """Answer a request that has its `place` with a stream, until the client goes or the server ends."""
        viewer = Viewer(send, position, asyncio.current_task())
        delay_ms = random.randint(self._settings.retry_min_ms, self._settings.retry_max_ms)  # noqa: S311
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": sse.retry(delay_ms), "more_body": True})
        if (
            self._closing
        ):  # the server ends: the client shall come back as others do; a 503 would be the last of it
            await send(END)
            return
        channel = self._join(viewer, schedule, block_id, batch=batch)
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
        except asyncio.CancelledError:
            if not viewer.gone:
                raise
        finally:
            self._leave(viewer, channel)

    async def run(self) -> None:
        """Send, tick after tick, until `close`."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), TEND_SECONDS)
                await asyncio.sleep(self._tick_seconds())
            if self._closing:
                return
            self._wake.clear()
            try:
                await self._flush()
                if time.monotonic() - self._tended_at >= TEND_SECONDS:
                    await self._tend()
            except Exception:
                log.exception("fanout_failed")

    def close(self) -> None:
        """End every stream. Clients reconnect by themselves, each after a delay of its own."""
        self._closing = True
        self._wake.set()
        for channel in self._all_channels():
            for viewer in (*channel.viewers, *channel.joining):
                _step(viewer.send(END))
            for viewer in channel.stalled:
                _abort(viewer)

    def _count(self, address: str, schedule_id: int, change: int) -> None:
        self.viewer_count += change
        metrics.viewers.set(self.viewer_count)
        _add(self._viewers_of, address, change)
        _add(self._watchers_of, schedule_id, change)

    def _pend(self, schedule_id: int) -> Pending:
        self._due.add(schedule_id)
        self._wake.set()
        return self._pending.setdefault(schedule_id, Pending())

    def _all_channels(self) -> list[Channel]:
        return [channel for channels in self._channels.values() for channel in channels.values()]

    def _join(self, viewer: Viewer, schedule: LiveSchedule, block_id: int | None, *, batch: bool) -> Channel:
        channels = self._channels.setdefault(schedule.id, {})
        channel = channels.get((block_id, batch))
        if channel is None:
            channel = Channel(schedule, block_id, batch=batch, snapshots=self._snapshots)
            channels[block_id, batch] = channel
        self._rejoin(viewer, channel)
        return channel

    def _rejoin(self, viewer: Viewer, channel: Channel) -> None:
        channel.joining[viewer] = None
        self._due.add(channel.schedule.id)
        self._wake.set()

    def _leave(self, viewer: Viewer, channel: Channel) -> None:
        viewer.gone = True
        channel.viewers.pop(viewer, None)
        channel.joining.pop(viewer, None)
        if (finishing := channel.stalled.pop(viewer, None)) is not None:
            finishing.cancel()
            metrics.stalled_viewers.dec()
        if channel.is_empty:
            channels = self._channels[channel.schedule.id]
            channels.pop((channel.block_id, channel.batch), None)
            if not channels:
                del self._channels[channel.schedule.id]
                self._pending.pop(channel.schedule.id, None)

    def _tick_seconds(self) -> float:
        """How long to gather changes: twice as long as sending takes, and longer where that would take much of a core."""
        sending_ms, settings = self._fanout_seconds * 1000, self._settings
        load = min(max(sending_ms / settings.tick_ease_ms, LEAST_LOAD), settings.tick_load)
        return min(max(sending_ms * load, settings.tick_min_ms), settings.tick_max_ms) / 1000

    async def _flush(self) -> None:
        """One tick: send the changes to viewers that are up to date, and to those that join all that they lack."""
        started = self._paused_at = time.perf_counter()
        due, self._due = self._due, set()
        for schedule_id in due:
            try:
                await self._flush_schedule(schedule_id)
            except Exception:  # this schedule's viewers start over, and the others go on
                log.exception("fanout_failed", schedule=schedule_id)
                self._pend(schedule_id).replaced = True
        self._fanout_seconds = time.perf_counter() - started

    async def _flush_schedule(self, schedule_id: int) -> None:
        pending = self._pending.pop(schedule_id, None)
        for channel, body, viewers in self._prepare(schedule_id, pending):
            await self._send(channel, body, viewers)
        if pending is not None:
            metrics.fanout_seconds.observe(time.perf_counter() - pending.first_at)

    def _prepare(
        self, schedule_id: int, pending: Pending | None
    ) -> list[tuple[Channel, bytes, list[Viewer]]]:
        """Encode all that this tick sends, without a pause.

        What is committed after this belongs to the next tick. Viewers that join here are up to date by then.
        """
        channels = list(self._channels.get(schedule_id, {}).values())
        commits = pending.commits if pending else []
        replaced = pending is not None and pending.replaced
        parts = _by_block(channels, commits)
        deliveries = []
        for channel in channels:
            if replaced:
                channel.joining.update(dict.fromkeys(channel.viewers))
                for viewer in (*channel.viewers, *channel.stalled):
                    viewer.position = None
            elif mine := (commits if channel.block_id is None else parts.get(channel.block, [])):
                channel.sent_at = time.monotonic()
                deliveries.append((channel, channel.changes(mine), list(channel.viewers)))
            deliveries.extend(self._admit(channel))
            channel.position = channel.schedule.seat_map.position
        return deliveries

    def _admit(self, channel: Channel) -> list[tuple[Channel, bytes, list[Viewer]]]:
        """Let the waiting viewers join.

        Viewers that can resume are put in a few groups. Each group is sent what changed since the earliest position
        in it: a seat more than needed does no harm. So a wave of viewers that come back costs only a few looks over
        the seats.
        """
        joining, channel.joining = list(channel.joining), {}
        channel.viewers.update(dict.fromkeys(joining))
        seat_map = channel.schedule.seat_map
        resuming, fresh = [], []
        for viewer in joining:
            position = viewer.position
            if position is not None and seat_map.can_resume(position):
                resuming.append((position.version, viewer))
            else:
                fresh.append(viewer)
        deliveries = [(channel, channel.opening(None), fresh)] if fresh else []
        resuming.sort(key=lambda each: each[0])
        size = -(-len(resuming) // RESUME_GROUPS) or 1
        for first in range(0, len(resuming), size):
            group = resuming[first : first + size]
            body = channel.opening(Position(seat_map.epoch, group[0][0]))
            deliveries.append((channel, body, [viewer for _, viewer in group]))
        return deliveries

    async def _send(self, channel: Channel, body: bytes, viewers: list[Viewer]) -> None:
        message: Message = {"type": "http.response.body", "body": body, "more_body": True}
        event_count = body.count(b"\ndata: ")
        metrics.deliveries.inc(event_count * len(viewers))
        for viewer in viewers:
            if not viewer.gone and viewer not in channel.stalled:
                if event_count:
                    viewer.has_events = True
                sending = viewer.send(message)
                waiting_on = _step(sending)
                if waiting_on is not None:
                    self._stall(channel, viewer, sending, waiting_on)
            if time.perf_counter() - self._paused_at > SLICE_SECONDS:
                await asyncio.sleep(0)
                self._paused_at = time.perf_counter()

    def _stall(
        self, channel: Channel, viewer: Viewer, sending: Coroutine[Any, Any, None], waiting_on: object
    ) -> None:
        """Skip a viewer that does not read until its `send` has finished; then let it join again."""
        channel.viewers.pop(viewer, None)
        viewer.position = channel.position
        viewer.stalled_at = time.monotonic()
        channel.stalled[viewer] = asyncio.create_task(self._finish(channel, viewer, sending, waiting_on))
        metrics.stalled_viewers.inc()

    async def _finish(
        self, channel: Channel, viewer: Viewer, sending: Coroutine[Any, Any, None], waiting_on: object
    ) -> None:
        await _resume(sending, waiting_on)
        if channel.stalled.pop(viewer, None) is not None:
            metrics.stalled_viewers.dec()
            self._rejoin(viewer, channel)

    async def _tend(self) -> None:
        """Keep quiet streams open. Cut off viewers whose client has gone, or has not read for too long."""
        now = self._tended_at = time.monotonic()
        for channel in self._all_channels():
            if now - channel.sent_at >= self._settings.heartbeat_seconds:
                channel.sent_at = now
                heartbeat, viewers = sse.heartbeat(channel.position), list(channel.viewers)
                await self._send(channel, heartbeat, [each for each in viewers if each.has_events])
                await self._send(
                    channel, sse.FIRST_HEARTBEAT, [each for each in viewers if not each.has_events]
                )
            for viewer in channel.stalled:
                if now - viewer.stalled_at >= self._settings.stall_seconds:
                    _abort(viewer)
            for viewer in (*channel.viewers, *channel.joining, *channel.stalled):
                if _is_closing(viewer):
                    _drop(viewer)


def _add(counter: Counter[K], key: K, change: int) -> None:
    """Count, and keep no zeros."""
    counter[key] += change
    if not counter[key]:
        del counter[key]


def _by_block(channels: list[Channel], commits: list[Commit]) -> dict[int | None, list[Commit]]:
    """The commits as each block sees them. Empty if no block is watched."""
    parts: dict[int | None, list[Commit]] = {}
    if any(channel.block_id is not None for channel in channels):
        layout = channels[0].schedule.seat_map.layout
        for commit in commits:
            for block, part in by_block(commit, layout).items():
                parts.setdefault(block, []).append(part)
    return parts


def _step(sending: Coroutine[Any, Any, None]) -> object | None:
    """Run a ``send`` until it ends or waits. Returns None, or what it waits for."""
    try:
        waiting_on: object = sending.send(None)
    except StopIteration:
        return None
    except Exception as error:  # noqa: BLE001 - one broken connection is no fault of the others
        log.debug("send_failed", error=repr(error))
        return None
    return waiting_on


@types.coroutine
def _resume(sending: Coroutine[Any, Any, None], waiting_on: object) -> Generator[object, Any, None]:
    """Await the rest of a coroutine whose first step was taken by hand."""
    while True:
        try:
            try:
                sent = yield waiting_on
            except BaseException as error:  # noqa: BLE001 - a cancellation belongs to the coroutine
                waiting_on = sending.throw(error)
            else:
                waiting_on = sending.send(sent)
        except StopIteration:
            return


def _abort(viewer: Viewer) -> None:
    """Drop the connection of a client that does not read.

    ASGI cannot do this, and an ordinary close would wait for the client. uvicorn's ``send`` is a method of the object
    that holds the transport.
    """
    if (transport := _transport(viewer)) is not None:
        transport.abort()


def _drop(viewer: Viewer) -> None:
    """Let go of a viewer whose connection is closing. Do not wait for the end of the closing."""
    _abort(viewer)  # else the closing waits for a client that does not read
    viewer.gone = True
    if viewer.task is not None:
        viewer.task.cancel()


def _is_closing(viewer: Viewer) -> bool:
    transport = _transport(viewer)
    return transport is not None and transport.is_closing()


def _transport(viewer: Viewer) -> asyncio.WriteTransport | None:
    return getattr(getattr(viewer.send, "__self__", None), "transport", None)


def _some_seconds() -> int:
    """When to come back: at different times, so that not all who are refused come back at once."""
    return random.randint(2, 10)  # noqa: S311 - it guards nothing
