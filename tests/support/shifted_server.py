"""A server whose machine's clock is wrong: ``python shifted_server.py SECONDS`` serves like ``jari serve`` does.

It moves every wall clock that Python reads by so many seconds, before it imports anything of jari. It leaves alone the
clocks that nobody can set (`time.monotonic`), and the database's clock.
"""

import sys
import time

SHIFT_SECONDS = int(sys.argv[1])

_time, _time_ns = time.time, time.time_ns
time.time = lambda: _time() + SHIFT_SECONDS
time.time_ns = lambda: _time_ns() + SHIFT_SECONDS * 1_000_000_000

from jari.cli import app  # noqa: E402 - the clock first

app(["serve"])
