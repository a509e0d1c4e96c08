"""A server whose machine's clock is wrong: ``python shifted_server.py SECONDS`` serves like ``jari serve`` does.

Every wall clock that Python reads is put forward by so many seconds (or back), before anything of jari is imported.
Clocks that nobody can set (`time.monotonic`) are left alone, and so is that of the database.
"""

import sys
import time

SHIFT_SECONDS = int(sys.argv[1])

_time, _time_ns = time.time, time.time_ns
time.time = lambda: _time() + SHIFT_SECONDS
time.time_ns = lambda: _time_ns() + SHIFT_SECONDS * 1_000_000_000

from jari.cli import app  # noqa: E402 - the clock first

app(["serve"])
