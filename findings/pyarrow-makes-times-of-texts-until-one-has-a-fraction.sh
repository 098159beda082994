#!/usr/bin/env bash
# pyarrow.json makes times of a column of texts, unless one of them has a fraction of a second.
#
# "2026-11-30T12:00:00Z" is a timestamp, in seconds and without the zone it came with: +02:00 is
# counted in, a time without a zone is not, and nothing tells one from the other. As soon as one
# time in the file is not at a full second the column is text. So two files of one run have two
# types, and do not go together: `concat_tables` fails, and a dataset over both fails at the second
# with "couldn't parse". Its CSV reader reads both as UTC with nanoseconds. One would bet on the
# same from both readers, or on a JSON string to stay a text.
#
# Seen with pyarrow 26.0.1. What helps: `explicit_schema`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pyarrow==26.0.1
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import json

import pyarrow
import pyarrow.csv
import pyarrow.dataset
import pyarrow.json

FILES = {
    "full": ["2026-11-30T12:00:00Z", "2026-11-30T12:00:01Z"],
    "fraction": ["2026-11-30T12:00:02Z", "2026-11-30T12:00:02.500Z"],
    "zones": ["2026-11-30T12:00:00+02:00", "2026-11-30T12:00:00"],
}
for name, times in FILES.items():
    with open(f"{name}.jsonl", "w") as file:
        file.writelines(json.dumps({"time": time}) + "\n" for time in times)
    with open(f"{name}.csv", "w") as file:
        file.writelines(line + "\n" for line in ["time", *times])
    column = pyarrow.json.read_json(f"{name}.jsonl")["time"]
    print(f"{name}: {column.type}: {', '.join(map(str, column.to_pylist()))}")
print("CSV, fraction:", pyarrow.csv.read_csv("fraction.csv")["time"].type)

names = ["full.jsonl", "fraction.jsonl"]
try:
    pyarrow.concat_tables([pyarrow.json.read_json(name) for name in names])
except pyarrow.ArrowInvalid as error:
    print("concat_tables:", str(error).splitlines()[0])
try:
    pyarrow.dataset.dataset(names, format="json").to_table()
except pyarrow.ArrowInvalid as error:
    print("dataset:", str(error).partition("Invalid: ")[2])
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
full: timestamp[s]: 2026-11-30 12:00:00, 2026-11-30 12:00:01
fraction: string: 2026-11-30T12:00:02Z, 2026-11-30T12:00:02.500Z
zones: timestamp[s]: 2026-11-30 10:00:00, 2026-11-30 12:00:00
CSV, fraction: timestamp[ns, tz=UTC]
concat_tables: Schema at index 1 was different: 
dataset: Failed to convert JSON to timestamp[s], couldn't parse:2026-11-30T12:00:02.500Z
EXPECTED
echo "as stated"
