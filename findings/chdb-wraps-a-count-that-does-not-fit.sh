#!/usr/bin/env bash
# ClickHouse reads a number that does not fit its column as another number.
#
# JSON lines with a count of tokens of 4,000,000,000 are read into an `Int32` as -294967296, and
# epoch 300 into a `UInt8` as 44: no error, no NULL, and the same from CSV. A
# fraction in the same column, by contrast, is an error. One would bet on an error for both, as
# DuckDB gives it.
#
# Seen with chdb 4.4.0 (chdb-core 26.9.0) and DuckDB 2.0.1. What helps: `Int64`, or no type at all
# (ClickHouse then looks at the first rows, and takes `Int64` for whole numbers).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check chdb==4.4.0 chdb-core==26.9.0 duckdb==2.0.1
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import json
from pathlib import Path

import chdb
import duckdb

TOKENS, EPOCH = 4_000_000_000, 300
Path("run.jsonl").write_text(json.dumps({"tokens": TOKENS, "epoch": EPOCH}) + "\n")
Path("run.csv").write_text(f"tokens,epoch\n{TOKENS},{EPOCH}\n")
Path("fraction.jsonl").write_text('{"tokens": 1.5, "epoch": 1}\n')
TYPES = "tokens Int32, epoch UInt8"


def clickhouse(title, query):
    try:
        print(f"ClickHouse, {title}:", str(chdb.query(query)).strip())
    except RuntimeError:
        print(f"ClickHouse, {title}: an error")


clickhouse("JSON lines", f"select * from file('run.jsonl', JSONEachRow, '{TYPES}')")
clickhouse("CSV", f"select * from file('run.csv', CSVWithNames, '{TYPES}')")
clickhouse("JSON lines without types", "select * from file('run.jsonl', JSONEachRow)")
clickhouse("a fraction", f"select * from file('fraction.jsonl', JSONEachRow, '{TYPES}')")
try:
    columns = "{'tokens': 'INTEGER', 'epoch': 'UTINYINT'}"
    duckdb.sql(f"select * from read_json('run.jsonl', columns={columns})").fetchall()
except duckdb.Error as error:
    print("DuckDB, JSON lines:", type(error).__name__)
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
ClickHouse, JSON lines: -294967296,44
ClickHouse, CSV: -294967296,44
ClickHouse, JSON lines without types: 4000000000,300
ClickHouse, a fraction: an error
DuckDB, JSON lines: InvalidInputException
EXPECTED
echo "as stated"
