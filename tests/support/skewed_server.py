"""A server whose clock is wrong: ``python skewed_server.py SECONDS`` serves as if it were so much later, or earlier."""

import sys
import time

skew_seconds = int(sys.argv[1])
true_time, true_time_ns = time.time, time.time_ns
# before anything of jari is imported, which may keep either function under a name of its own
time.time = lambda: true_time() + skew_seconds
time.time_ns = lambda: true_time_ns() + skew_seconds * 1_000_000_000

if __name__ == "__main__":
    import os

    import uvloop

    from jari import logs
    from jari.main import serve
    from jari.settings import Settings

    logs.configure()
    uvloop.run(serve(Settings.from_environment(os.environ)))
