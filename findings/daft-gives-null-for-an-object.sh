#!/usr/bin/env bash
# daft gives null for an object where another record has a number under that key.
#
# A run that logs `"val": {"acc": 0.5}` and, elsewhere, `"val": 0.7` is given a column of texts,
# with "0.7" in it and nothing in the place of the object: no error, no warning, no JSON text.
# The same with a list beside a number (here the number is lost) and a date beside a time.
# Whole numbers beside texts, by contrast, become texts. One would bet on an error or on the
# object as text.
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

COLUMNS = [
    [{"acc": 0.5}, 0.7, {"acc": 0.9}],
    [[0.5], 0.7, [0.9]],
    ["2026-01-01", "2026-01-01T10:00:00", "2026-01-02"],
    [1, "warm-up", 2],
]
for column in COLUMNS:
    with open("run.jsonl", "w") as file:
        file.writelines(json.dumps({"val": value}) + "\n" for value in column)
    read = daft.read_json("run.jsonl").to_pydict()["val"]
    print(json.dumps(column), "is read as", json.dumps(read, default=str))
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
[{"acc": 0.5}, 0.7, {"acc": 0.9}] is read as [null, "0.7", null]
[[0.5], 0.7, [0.9]] is read as [[0.5], null, [0.9]]
["2026-01-01", "2026-01-01T10:00:00", "2026-01-02"] is read as [null, "2026-01-01 10:00:00", null]
[1, "warm-up", 2] is read as ["1", "warm-up", "2"]
EXPECTED
echo "as stated"
