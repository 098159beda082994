#!/usr/bin/env bash
# DuckDB finds no NaN in a Parquet file of pyarrow or polars, and finds it below 10.
#
# Parquet's smallest and largest value of a column leave out the NaN, so that a column of losses
# "from 1 to 3" can hold one. DuckDB believes these two: `isnan(loss)` is false in each row and
# `where isnan(loss)` has no row, `loss > 10` has none either, and `loss < 10` has the NaN, since
# "all rows are below 10". In a table of DuckDB a NaN is above every number, and each of the
# three answers is the other one. The question which runs have diverged is thus answered with
# "none". One would bet on one query having one answer, wherever the rows are kept; DuckDB's own
# Parquet files leave the two values out for such a column, which is why they are read rightly.
#
# Seen with DuckDB 2.0.1, pyarrow 26.0.1 and polars 2.1.0. What helps: reading the file into a
# table first.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==2.0.1 pyarrow==26.0.1 polars==2.1.0
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import math

import duckdb
import polars
import pyarrow
import pyarrow.parquet

COLUMNS = {"step": [1, 2, 3, 4], "loss": [1.0, 2.0, math.nan, 3.0]}
pyarrow.parquet.write_table(pyarrow.table(COLUMNS), "pyarrow.parquet")
polars.DataFrame(COLUMNS).write_parquet("polars.parquet")
duckdb.sql("create table runs as from 'pyarrow.parquet'")
duckdb.sql("copy runs to 'duckdb.parquet'")

for rows in ["'pyarrow.parquet'", "'polars.parquet'", "'duckdb.parquet'", "runs"]:
    print(rows)
    for condition in ["isnan(loss)", "loss > 10", "loss < 10"]:
        found = duckdb.sql(f"select step from {rows} where {condition} order by step").fetchall()
        print(f"  where {condition}: steps", *(step for (step,) in found))
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
'pyarrow.parquet'
  where isnan(loss): steps
  where loss > 10: steps
  where loss < 10: steps 1 2 3 4
'polars.parquet'
  where isnan(loss): steps
  where loss > 10: steps
  where loss < 10: steps 1 2 3 4
'duckdb.parquet'
  where isnan(loss): steps 3
  where loss > 10: steps 3
  where loss < 10: steps 1 2 4
runs
  where isnan(loss): steps 3
  where loss > 10: steps 3
  where loss < 10: steps 1 2 4
EXPECTED
echo "as stated"
