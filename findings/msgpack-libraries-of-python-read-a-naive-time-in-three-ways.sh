#!/usr/bin/env bash
# Three ways to write a Python time without a zone as MessagePack: as UTC, as a text, not at all.
#
# `datetime.now()` has no zone. u-msgpack-python takes it for UTC and writes a timestamp, so that in
# Berlin in July what comes back is two hours in the future, and has a zone; a step of a run, or the
# age of a record, is off by these. ormsgpack writes a text, even where its option asks for
# timestamps (`OPT_DATETIME_AS_TIMESTAMP_EXT`), and so does msgspec: a column of times with two
# types, by who made them. msgpack raises. One would bet on the local time, which
# `datetime.timestamp()` and `astimezone()` take it for, or on the error.
#
# Seen with u-msgpack-python 2.8.0, ormsgpack 1.13.1, msgspec 0.23.0 and msgpack 1.2.4.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check ormsgpack==1.13.1 u-msgpack-python==2.8.0 msgpack==1.2.4 msgspec==0.23.0
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import os
import time
from datetime import UTC, datetime

import msgpack
import msgspec
import ormsgpack
import umsgpack

os.environ["TZ"] = "Europe/Berlin"
time.tzset()
NAIVE = datetime(2026, 7, 1, 12, 0, 0)
timestamps = ormsgpack.OPT_DATETIME_AS_TIMESTAMP_EXT
writers = {
    "u-msgpack-python": umsgpack.packb,
    "ormsgpack": lambda value: ormsgpack.packb(value, option=timestamps),
    "msgspec": msgspec.msgpack.encode,
    "msgpack": lambda value: msgpack.packb(value, datetime=True),
}
print("local:", NAIVE.astimezone(UTC).isoformat())
for name, write in writers.items():
    for value in NAIVE, NAIVE.astimezone(UTC):
        zone = "with a zone" if value.tzinfo else "without"
        try:
            back = umsgpack.unpackb(write(value))
            print(f"{name}, {zone}: {back if isinstance(back, str) else back.isoformat()}", type(back).__name__)
        except Exception as error:
            print(f"{name}, {zone}: {type(error).__name__}")
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
local: 2026-07-01T10:00:00+00:00
u-msgpack-python, without: 2026-07-01T12:00:00+00:00 datetime
u-msgpack-python, with a zone: 2026-07-01T10:00:00+00:00 datetime
ormsgpack, without: 2026-07-01T12:00:00 str
ormsgpack, with a zone: 2026-07-01T10:00:00+00:00 datetime
msgspec, without: 2026-07-01T12:00:00 str
msgspec, with a zone: 2026-07-01T10:00:00+00:00 datetime
msgpack, without: ValueError
msgpack, with a zone: 2026-07-01T10:00:00+00:00 datetime
EXPECTED
echo "as stated"
