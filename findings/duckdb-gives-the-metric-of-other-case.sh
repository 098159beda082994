#!/usr/bin/env bash
# `select loss` in DuckDB gives the metric `Loss` when a record has both.
#
# JSON keys differ by case, column names of DuckDB do not: the second of two keys that
# differ by case alone is renamed to `loss_1`, and `loss` means the first. A script that
# asks for the training `loss` of records that also carry an aggregated `Loss` is given
# the other curve, without a word. One would bet on the exact name to win.
#
# Seen with DuckDB 2.0.1.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==2.0.1
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import duckdb

with open("run.jsonl", "w") as file:
    file.write('{"step":1,"Loss":7.5,"loss":0.5}\n{"step":2,"Loss":7.25,"loss":0.25}\n')

print("columns:", duckdb.sql("select * from 'run.jsonl'").columns)
print("select loss:", duckdb.sql("select loss from 'run.jsonl'").fetchall())
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
columns: ['step', 'Loss', 'loss_1']
select loss: [(7.5,), (7.25,)]
EXPECTED
echo "as stated"
