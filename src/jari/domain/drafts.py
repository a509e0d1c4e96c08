"""Drafts: what was read, what has been decided on it since, and a way back."""

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Draft(Generic[Key, Value]):
    """Values by key as they were read (``before``) and as they stand now.

    Read ``now`` freely, but change it only by `put` and `remove`: they remember what was there. So the last changes can
    be taken back, and it is known what must be written.
    """

    def __init__(self, before: Mapping[Key, Value]) -> None:
        self.before = before
        self.now = dict(before)
        self._replaced: list[tuple[Key, Value | None]] = []

    def put(self, key: Key, value: Value) -> None:
        """Let the key have this value."""
        self._replaced.append((key, self.now.get(key)))
        self.now[key] = value

    def remove(self, key: Key) -> None:
        """Let the key have no value any more."""
        self._replaced.append((key, self.now.pop(key, None)))

    def mark(self) -> int:
        """The present moment, for `back_to`."""
        return len(self._replaced)

    def back_to(self, mark: int) -> None:
        """Take back what has changed since the mark."""
        while len(self._replaced) > mark:
            key, value = self._replaced.pop()
            if value is None:
                self.now.pop(key, None)
            else:
                self.now[key] = value

    def changed(self) -> Iterator[tuple[Value | None, Value | None]]:
        """The value before and now (None: no value) of every key that changed, in the order of the first change."""
        for key in dict.fromkeys(key for key, _ in self._replaced):
            before, now = self.before.get(key), self.now.get(key)
            if before != now:
                yield before, now
