#!/usr/bin/env bash
# daft cuts the times of a column to seconds, if one of them happens to be a full second.
#
# The unit of the column is the coarsest that any value needs: one time with `.000000`, or
# without a fraction as Python's `isoformat()` writes it, once in a million records, makes it
# Timestamp[s], and the fractions of all other records are gone, in silence. One whose
# microseconds end with 000, one in a thousand, cuts the others to milliseconds. One would
# bet on the finest, as whole numbers beside fractions become floats in the same file.
#
# Seen with daft 0.7.26.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check daft==0.7.26
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import json

import daft

FILES = {
    "all odd": ["10:00:00.250125", "10:00:01.001001", "10:00:02.750125"],
    "one a full millisecond": ["10:00:00.250125", "10:00:01.001000", "10:00:02.750125"],
    "one a full second": ["10:00:00.250125", "10:00:01.000000", "10:00:02.750125"],
}
for name, times in FILES.items():
    with open("run.jsonl", "w") as file:
        for time in times:
            file.write(json.dumps({"time": f"2026-01-01T{time}Z", "n": 1}) + "\n")
    frame = daft.read_json("run.jsonl")
    kind = next(field.dtype for field in frame.schema() if field.name == "time")
    print(f"{name}: {kind}:", *(value.strftime("%S.%f") for value in frame.to_pydict()["time"]))
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
all odd: Timestamp[us; +00:00]: 00.250125 01.001001 02.750125
one a full millisecond: Timestamp[ms; +00:00]: 00.250000 01.001000 02.750000
one a full second: Timestamp[s; +00:00]: 00.000000 01.000000 02.000000
EXPECTED
echo "as stated"
