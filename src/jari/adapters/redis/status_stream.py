"""The status stream on Redis: a hash of seats with the head, and a stream of commits, for each schedule."""

import asyncio
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, cast

import msgspec
from redis.crc import key_slot

from jari.adapters.changes import decode_changes, encode_changes
from jari.adapters.redis import keys
from jari.adapters.redis.connection import Connection, Script
from jari.adapters.redis.node import Entry
from jari.domain.errors import Unavailable
from jari.domain.seating import Allocation, Status
from jari.domain.seatmap import Commit, Position
from jari.ports.seating import LoadedSeating
from jari.ports.status_stream import ShownSeating, StreamEntry
from jari.settings import StatusStreamSettings

T = TypeVar("T")

PUBLISH = Script(__file__, "publish.lua")
SWITCH = Script(__file__, "switch.lua")
ASIDE_SECONDS = 60  # what a dead process has written aside goes by itself
HEAD = b"head"

Seat = tuple[int, int, int | None]  # status, buyer id, expires_ms
_encoder = msgspec.json.Encoder()
_seats = msgspec.json.Decoder(list[Seat])


class RedisStatusStream:
    """See `jari.ports.status_stream.StatusStream`."""

    def __init__(self, connection: Connection, settings: StatusStreamSettings) -> None:
        self._connection = connection
        self._settings = settings
        self._seconds = settings.status_stream_hours * 3600
        self._woken = "0-0"  # the last entry of `keys.WAKE` that was seen

    async def heads(self, schedule_ids: Sequence[int]) -> Mapping[int, Position]:
        """The heads of those schedules that have one, as far as the servers that have them answer."""
        ids = {keys.seats_of(schedule_id): schedule_id for schedule_id in schedule_ids}
        groups = await self._connection.by_server(list(ids))
        answers = await asyncio.gather(*map(self._heads, groups), return_exceptions=True)
        faults = [each for each in answers if isinstance(each, BaseException)]
        if faults and (
            len(faults) == len(groups) or not all(isinstance(each, Unavailable) for each in faults)
        ):
            raise faults[0]
        return {
            ids[key]: head
            for each in answers
            if not isinstance(each, BaseException)
            for key, head in each
            if head is not None
        }

    async def _heads(self, names: Sequence[str]) -> Sequence[tuple[str, Position | None]]:
        async with self._connection.commands(names[0]) as client:
            pipeline: Any = client.pipeline(transaction=False)
            for name in names:
                pipeline.hget(name, HEAD)
            return list(zip(names, map(_position, await pipeline.execute()), strict=True))

    async def publish(self, schedule_id: int, epoch: str, commits: Sequence[Commit]) -> Position | None:
        """Apply those commits that follow the head, and return the head afterwards."""
        head = await self._connection.run(
            PUBLISH,
            [keys.seats_of(schedule_id), keys.stream_of(schedule_id)],
            epoch,
            self._settings.status_stream_size,
            self._seconds,
            *_arguments(commits),
        )
        return _position(head)

    async def rebuild(self, schedule_id: int, head: Position | None, seating: LoadedSeating) -> bool:
        """Write the state aside, in pieces that hold up nobody. Then put it in the place of what is shown."""
        aside = f"aside:{secrets.token_hex(8)}"
        seats, stream = (keys.of_schedule(schedule_id, f"{aside}:{name}") for name in ("seats", "stream"))
        state = seating.state
        fields = [(str(each.seat_id), _seat(each)) for each in seating.allocations]
        fields.append(("head", str(Position(state.epoch, state.version)).encode()))
        commits = seating.commits[-self._settings.status_stream_size :]
        for page in self._pages(fields):
            async with self._connection.commands(seats) as client:
                pipeline: Any = client.pipeline(transaction=True)  # nothing may stay for ever without an end
                pipeline.hset(seats, mapping=dict(page))
                pipeline.expire(seats, ASIDE_SECONDS)
                await pipeline.execute()
        for some in self._pages(commits):
            async with self._connection.commands(stream) as client:
                pipeline = client.pipeline(transaction=True)
                for commit in some:
                    entry = {"epoch": state.epoch, "changes": encode_changes(commit)}
                    pipeline.xadd(stream, entry, id=_id(commit.version))
                pipeline.expire(stream, ASIDE_SECONDS)
                await pipeline.execute()
        switched = await self._connection.run(
            SWITCH,
            [keys.seats_of(schedule_id), keys.stream_of(schedule_id), seats, stream],
            "" if head is None else str(head),
            len(fields),
            len(commits),
            self._seconds,
        )
        return bool(switched)

    def _pages(self, values: Sequence[T]) -> Iterator[Sequence[T]]:
        size = self._settings.status_rebuild_page_size
        return (values[start : start + size] for start in range(0, len(values), size))

    async def read(self, schedule_id: int) -> ShownSeating | None:
        """The hash in one reading, and the commits of the stream that lead to its head."""
        async with self._connection.commands(keys.seats_of(schedule_id)) as client:
            fields = cast("dict[bytes, bytes]", await client.hgetall(keys.seats_of(schedule_id)))
            head = _position(fields.pop(HEAD, None))
            if head is None:
                return None
            entries = await client.xrevrange(
                keys.stream_of(schedule_id), max=_id(head.version), count=self._settings.status_stream_size
            )
        return ShownSeating(
            head, _allocations(fields), _commits_before(head, schedule_id, cast("list[Entry]", entries))
        )

    def shard_of(self, schedule_id: int) -> int:
        """A single server reads all streams at once; a cluster reads those of one slot."""
        return key_slot(keys.stream_of(schedule_id).encode()) if self._connection.is_cluster else 0

    async def follow(self, versions: Mapping[int, int]) -> Sequence[StreamEntry]:
        """The next entries after these versions."""
        streams = {keys.stream_of(schedule_id).encode(): schedule_id for schedule_id in versions}
        positions = {name.decode(): _id(versions[schedule_id]) for name, schedule_id in streams.items()}
        if not self._connection.is_cluster:
            positions[keys.WAKE] = self._woken
        answer = dict(await self._connection.read(positions, self._settings.status_stream_page_size))
        if wakes := answer.pop(keys.WAKE.encode(), None):
            self._woken = wakes[-1][0].decode()
        return [_entry(streams[name], entry) for name, entries in answer.items() for entry in entries]

    async def wake(self) -> None:
        """Have `follow` return. On a cluster a shard has few schedules, and looks again by itself soon enough."""
        if not self._connection.is_cluster:
            async with self._connection.commands(keys.WAKE) as client:
                await client.xadd(keys.WAKE, {"": ""}, maxlen=1)


def _arguments(commits: Iterable[Commit]) -> Iterator[str | bytes | int]:
    """The commits as `publish.lua` takes them."""
    for commit in commits:
        yield from (commit.version, encode_changes(commit), len(commit.changes))
        for change in commit.changes:
            seat: Seat = (int(change.status), change.buyer_id, change.expires_ms)
            yield b"" if change.status is Status.AVAILABLE else _encoder.encode(seat)
            yield len(change.seat_ids)
            yield from change.seat_ids


def _seat(allocation: Allocation) -> bytes:
    seat: Seat = (int(allocation.status), allocation.buyer_id, allocation.expires_ms)
    return _encoder.encode(seat)


def _allocations(fields: Mapping[bytes, bytes]) -> list[Allocation]:
    seats = _seats.decode(b"[%b]" % b",".join(fields.values()))
    return [
        Allocation(int(seat_id), Status(status), buyer_id, "", expires_ms)
        for seat_id, (status, buyer_id, expires_ms) in zip(fields, seats, strict=True)
    ]


def _commits_before(head: Position, schedule_id: int, entries: Iterable[Entry]) -> list[Commit]:
    """The commits that lead to the head without a gap; the entries come newest first."""
    commits: list[Commit] = []
    for each in entries:
        entry = _entry(schedule_id, each)
        if entry.epoch != head.epoch or entry.commit.version != head.version - len(commits):
            break
        commits.append(entry.commit)
    return commits[::-1]


def _entry(schedule_id: int, entry: Entry) -> StreamEntry:
    entry_id, fields = entry
    version = int(entry_id.partition(b"-")[0])
    return StreamEntry(
        schedule_id, fields[b"epoch"].decode(), Commit(version, decode_changes(fields[b"changes"]))
    )


def _position(head: bytes | None) -> Position | None:
    return None if head is None else Position.parse(head.decode())


def _id(version: int) -> str:
    return f"{version}-0"
