#!/usr/bin/env bash
# DuckDB rounds the fractions of a metric that began as whole numbers, in silence.
#
# A metric whose first 20,480 values are whole (a learning rate of 1 during warm-up, a
# counter, a loss that is clipped) is given the type BIGINT from that sample. A fraction
# that comes later is no error and no NULL: 0.5 is read as 0 and 1.5 as 2. One would bet
# on an error, as polars gives for the same file, or on DOUBLE. A key that is first
# seen after the sample, by contrast, is an error.
#
# Seen with DuckDB 2.0.1. What helps: `sample_size=-1`, or named column types.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==2.0.1
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import json

import duckdb

with open("run.jsonl", "w") as file:
    for step in range(21_000):
        rate = 1 if step < 20_900 else 0.5 + step % 2
        file.write(json.dumps({"step": step, "lr": rate}) + "\n")

rows = duckdb.sql("select typeof(lr), step, lr from 'run.jsonl'").fetchall()
print("type:", rows[0][0])
print("last rows:", [row[1:] for row in rows[-2:]])
whole = duckdb.sql("select step, lr from read_json('run.jsonl', sample_size=-1)").fetchall()
print("with sample_size=-1:", whole[-2:])
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
type: BIGINT
last rows: [(20998, 0), (20999, 2)]
with sample_size=-1: [(20998, 0.5), (20999, 1.5)]
EXPECTED
echo "as stated"
