"""Telling a store that is away from a fault of ours: the first becomes Unavailable, the second stays what it is.

A store is away if it cannot be reached, does not answer in time, or has no room, no connection left or a lock that
somebody else keeps. All of that passes without a change to our code; a wrong statement does not.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from jari.domain.errors import Unavailable

RETRY_SECONDS = 2

# Classes of SQLSTATE (PostgreSQL, appendix A): connection, authorisation, no such database, resources, operator
# intervention (a time limit among them), system.
AWAY_CLASSES = frozenset({"08", "28", "3D", "53", "57", "58"})
# Read-only (a standby), serialization, deadlock, lock not available: another try may succeed.
AWAY_STATES = frozenset({"25006", "40001", "40P01", "55P03"})
AWAY_CODES = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
    }
)
PRIMARY_CODE = 0xFF  # SQLite's extended codes carry the plain one in their lowest byte
# asyncpg has no class for these. The pool takes a lost connection back while somebody still uses it.
CLOSED = re.compile(r"(connection|pool) is clos(ed|ing)|connection has been released")


@contextmanager
def away_is_unavailable() -> Iterator[None]:
    """Use the store within this block: an error that says that it is away becomes Unavailable.

    Raises:
        Unavailable: the store is away, and nobody knows whether it has what was written.
    """
    try:
        yield
    except Exception as error:
        if not is_away(error):
            raise
        raise Unavailable(
            "The store does not answer at the moment, and a change may or may not have been made: look, or send "
            "the same request with the same Idempotency-Key again in a few seconds.",
            retry_after_seconds=RETRY_SECONDS,
        ) from error


def is_away(error: BaseException | None) -> bool:
    """Whether a driver's error says that the store is away; a fault of ours does not."""
    match error:
        case DBAPIError():
            return error.connection_invalidated or is_away(error.orig) or is_away(_root(error.orig))
        case NoConnectionLeft() | OSError():  # a TimeoutError is an OSError, too
            return True
        case sqlite3.Error():
            return (getattr(error, "sqlite_errorcode", 0) & PRIMARY_CODE) in AWAY_CODES
        case asyncpg.InterfaceError():
            return CLOSED.search(str(error)) is not None
        case asyncpg.PostgresError():
            state = error.sqlstate or ""
            return state[:2] in AWAY_CLASSES or state in AWAY_STATES
    return False


def _root(error: BaseException | None) -> BaseException | None:
    """The driver's own error behind SQLAlchemy's translation of it."""
    return None if error is None else error.__cause__
