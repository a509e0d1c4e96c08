"""Caches in memory: each is bounded in size, and lets go of what was idle for long."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from weakref import WeakSet

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def _one(_: Any) -> int:
    return 1


@dataclass(slots=True)
class Entry(Generic[V]):
    """A value with its size, the end of its freshness, and the time when it was last asked for."""

    value: V
    size: int
    fresh_until: float
    used_at: float


class Cache(Generic[K, V]):
    """Keeps what was asked for last, up to a size: a number of entries, or the sum of what ``size_of`` counts.

    `get` returns a value for ``fresh_seconds`` after it was put. The next `let_go` forgets a value that nobody asked for
    during ``idle_seconds``; without ``idle_seconds``, during ``fresh_seconds``. ``clock`` gives seconds.
    """

    def __init__(
        self,
        max_size: int,
        *,
        fresh_seconds: float = math.inf,
        idle_seconds: float | None = None,
        size_of: Callable[[V], int] = _one,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_size = max_size
        self._fresh_seconds = fresh_seconds
        self._idle_seconds = fresh_seconds if idle_seconds is None else idle_seconds
        self._size_of = size_of
        self._clock = clock
        self._entries: OrderedDict[K, Entry[V]] = OrderedDict()  # the longest unused first
        self.size = 0
        _caches.add(self)

    def __contains__(self, key: K) -> bool:
        """Whether there is a value, fresh or not."""
        return key in self._entries

    def __iter__(self) -> Iterator[K]:
        """The keys, the longest unused first."""
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> V | None:
        """The value if there is a fresh one, which then counts as used."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        now = self._clock()
        if entry.fresh_until < now:
            return None
        entry.used_at = now
        self._entries.move_to_end(key)
        return entry.value

    def put(self, key: K, value: V) -> None:
        """Keep a value. If the size is exceeded, forget the longest unused; a value that is too large goes itself."""
        self.pop(key)
        now = self._clock()
        entry = self._entries[key] = Entry(value, self._size_of(value), now + self._fresh_seconds, now)
        self.size += entry.size
        while self.size > self._max_size:
            self._drop_first()

    def pop(self, key: K) -> None:
        """Forget the value, if there is one."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.size -= entry.size

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self.size = 0

    def values(self) -> list[V]:
        """All values, fresh or not; this does not count as use."""
        return [entry.value for entry in self._entries.values()]

    def let_go(self) -> None:
        """Forget what was idle for too long."""
        idle_since = self._clock() - self._idle_seconds
        while self._entries and next(iter(self._entries.values())).used_at < idle_since:
            self._drop_first()

    def _drop_first(self) -> None:
        _, entry = self._entries.popitem(last=False)
        self.size -= entry.size


# Every living cache registers itself here. A list written by hand would miss one sooner or later.
_caches: WeakSet[Cache[Any, Any]] = WeakSet()


def let_go() -> None:
    """Forget what is idle in every cache of this process. A task must call this now and then."""
    for cache in list(_caches):
        cache.let_go()
