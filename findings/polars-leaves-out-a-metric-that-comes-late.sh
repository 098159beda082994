#!/usr/bin/env bash
# polars leaves out a metric that is first logged after a hundred records, in silence.
#
# `read_ndjson` takes the columns from the first 100 lines. A key that comes later, as the
# validation loss does that is logged once an epoch, is no column, no error and no null: it
# is not there. (A value that comes later with another type is an error.) One would bet on
# an error for both (DuckDB gives one for a key beyond its sample), or on the column. What
# helps: `infer_schema_length=None`.
#
# Seen with polars 2.1.0.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check polars==2.1.0
export HOME="$work/home"
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import json

import polars


def read(title, late, **options):
    with open("run.jsonl", "w") as file:
        for step in range(101):
            record = {"step": step, "lr": 1}
            file.write(json.dumps(record | late if step == 100 else record) + "\n")
    try:
        table = polars.read_ndjson("run.jsonl", **options)
        print(f"{title}: columns {table.columns}, last row {table.row(-1)}")
    except polars.exceptions.PolarsError as error:
        print(f"{title}: {type(error).__name__}")


read("a late key", {"val_loss": 0.5})
read("a late fraction", {"lr": 0.5})
read("a late key, infer_schema_length=None", {"val_loss": 0.5}, infer_schema_length=None)
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
a late key: columns ['step', 'lr'], last row (100, 1)
a late fraction: ComputeError
a late key, infer_schema_length=None: columns ['step', 'lr', 'val_loss'], last row (100, 1, 0.5)
EXPECTED
echo "as stated"
