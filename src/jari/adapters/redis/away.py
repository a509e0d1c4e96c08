"""Telling a Redis that is away from a fault of ours: the first becomes Unavailable, the second stays what it is.

Redis is away if it cannot be reached, does not answer in time, lets nobody in, has no memory left, is loading, busy with
a script or a replica that was a master, or if the cluster has nobody for the key. All of that passes without a change to
our code; a wrong command does not.
"""

from redis.exceptions import (
    AskError,
    BusyLoadingError,
    ClusterError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import TimeoutError as NoAnswerInTime

AWAY = (
    NotConnected,  # wrong passwords among them
    NoAnswerInTime,
    BusyLoadingError,
    ClusterError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    TryAgainError,
    OSError,  # a TimeoutError is an OSError, too
)
# What servers say that redis-py has no class for: the first word of the answer.
AWAY_WORDS = frozenset(
    {"BUSY", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "MISCONF", "NOREPLICAS", "READONLY", "UNBLOCKED"}
)


def is_away(error: BaseException) -> bool:
    """Whether an error of redis-py says that Redis is away; a fault of ours does not."""
    if isinstance(error, ResponseError) and str(error).partition(" ")[0] in AWAY_WORDS:
        return True
    return isinstance(error, AWAY)


def is_elsewhere(error: BaseException) -> bool:
    """Whether a server of a cluster says that it has not, or soon will not have, what it was asked for."""
    return isinstance(error, AskError)  # of which a MovedError is one
