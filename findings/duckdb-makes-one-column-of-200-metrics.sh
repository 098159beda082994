#!/usr/bin/env bash
# DuckDB makes one column of a file whose records have 200 keys, and cuts their steps.
#
# With 199 keys of numbers a record is a row of 199 columns. With one metric more each row is a
# single column `json`, a MAP(VARCHAR, DOUBLE): `select step` is an error, and since a map has one
# type of value, the step 9007199254740993 is 9007199254740992. A text among the values (the name of
# the run) makes them columns again. One would bet on the shape of a table not to change with one
# metric more, or with one text less.
#
# Seen with DuckDB 2.0.1. What helps: `read_json(..., map_inference_threshold=-1)`.
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


def read(metrics, *, text=False, **options):
    """Writes three records with a step and so many metrics, and tells what is read of them."""
    record = {"step": 2**53 + 1} | {f"layer.{i}": 0.5 for i in range(metrics)}
    with open("run.jsonl", "w") as file:
        file.writelines(json.dumps(record | ({"run": "a"} if text else {})) + "\n" for _ in range(3))
    table = duckdb.read_json("run.jsonl", **options)
    print(f"{len(record)} keys of numbers{', one of text' * text}: {len(table.columns)} columns")
    return table


print("  step:", read(198).project("step").limit(1).fetchall())
table = read(199)
print("  column:", table.columns, *table.types)
try:
    table.project("step").limit(1).fetchall()
except duckdb.Error as error:
    print("  step:", str(error).splitlines()[0])
print("  json['step']:", table.project("json['step']").limit(1).fetchall())
print("  step:", read(199, text=True).project("step").limit(1).fetchall())
print("map_inference_threshold=-1")
print("  step:", read(199, map_inference_threshold=-1).project("step").limit(1).fetchall())
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
199 keys of numbers: 199 columns
  step: [(9007199254740993,)]
200 keys of numbers: 1 columns
  column: ['json'] MAP(VARCHAR, DOUBLE)
  step: Binder Error: Referenced column "step" not found in FROM clause!
  json['step']: [(9007199254740992.0,)]
200 keys of numbers, one of text: 201 columns
  step: [(9007199254740993,)]
map_inference_threshold=-1
200 keys of numbers: 200 columns
  step: [(9007199254740993,)]
EXPECTED
echo "as stated"
