#!/bin/sh
# Some tests want a Redis 7 besides the Valkey of the wheel. Where it is missing and we may install it, do so, but
# have no server started. Elsewhere those tests are skipped; in CI they fail.
set -eu
command -v redis-server >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -qq
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server >/dev/null
else
    echo "Redis is missing: install your system's package 'redis-server' to run the tests on it, too." >&2
fi
