"""The head: what Redis says of a schedule, a position, or nothing. And what is to be done about it.

PostgreSQL decides and remembers, Redis shows. So what Redis says is held against how far the store is, and Redis is
brought to the store's state, never the store to that of Redis::

    the head, held against the store          step
    ─────────────────────────────────────────────────────────────────────
    none: Redis is empty                      REBUILD
    of another epoch                          REBUILD
    behind                                    BRING
    the same                                  NOTHING
    ahead                                     BREAK_OFF: the store has lost versions
"""

from enum import Enum

from jari.domain.seatmap import Position


class Step(Enum):
    """What brings Redis to the store's state."""

    NOTHING = "nothing"
    BRING = "bring"  # the commits after the head
    REBUILD = "rebuild"  # everything
    BREAK_OFF = "break off"  # a new epoch in the store, for viewers have seen what it lost; then rebuild


def next_step(head: Position | None, store: Position) -> Step:
    """The step that follows from a head, and from the store's position as it was read after the head.

    The order matters. What Redis shows was committed before, so only a store that was asked earlier, or one that has
    lost commits, can be behind the head.
    """
    if head is None or head.epoch != store.epoch:
        return Step.REBUILD
    if head.version < store.version:
        return Step.BRING
    return Step.NOTHING if head.version == store.version else Step.BREAK_OFF


def shows(head: Position | None, position: Position) -> bool:
    """Whether Redis shows a position that was committed, or a later one of its epoch."""
    return head is not None and head.epoch == position.epoch and head.version >= position.version
