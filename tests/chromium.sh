#!/bin/sh
# Browser tests drive the system's Chromium. Where it is missing and we may install it, do so.
set -eu
command -v chromium >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-nanum >/dev/null
else
    echo "Chromium is missing: install your system's package 'chromium', then run the tests again." >&2
    exit 1
fi
