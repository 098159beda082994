#!/usr/bin/env bash
# DataFusion and SQLite do not forget a spike that left the window of a running average.
#
# `avg(loss) over (order by step rows 2 preceding)` adds what comes in and takes off what goes out.
# After one loss of 1e20 the mean of three ones is 0 in DataFusion, for all steps that follow, and
# after one that was infinite it is NaN or NULL to the end of the run. DataFusion's `stddev` too;
# `min` and `max` do forget, and so do the averages of DuckDB and polars. SQLite since 3.43 keeps
# the digits that the spike takes, but not the infinity. One would bet on a window of three rows
# to know three rows, as SQL tells of it.
#
# Seen with datafusion 55.0.0, SQLite 3.50.4 (apsw 3.50.4.0), duckdb 1.4.1 and polars 2.1.0.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check datafusion==55.0.0 apsw==3.50.4.0 duckdb==1.4.1 \
    polars==2.1.0 pyarrow==26.0.1

cat >program.py <<'PROGRAM'
import math

import apsw
import datafusion
import duckdb
import polars
import pyarrow

SQL = "select step, avg(loss) over (order by step rows 2 preceding) as mean from run order by step"
for loss in 1e20, math.inf:
    losses = [1.0, 1.0, loss, 1.0, 1.0, 1.0, 1.0, 4.0]
    run = pyarrow.table({"step": range(len(losses)), "loss": losses})
    means = {}

    context = datafusion.SessionContext()
    context.register_record_batches("run", [run.to_batches()])
    means["DataFusion"] = context.sql(SQL).to_pydict()["mean"]

    sqlite = apsw.Connection(":memory:")
    sqlite.execute("create table run (step integer, loss real)")
    sqlite.executemany("insert into run values (?, ?)", list(enumerate(losses)))
    means["SQLite"] = [mean for _, mean in sqlite.execute(SQL)]

    means["DuckDB"] = [mean for _, mean in duckdb.sql(SQL).fetchall()]
    means["polars"] = polars.Series(losses).rolling_mean(3, min_samples=1).to_list()

    print("losses:", *losses)
    for name, values in means.items():
        print(f"  {name}:", *("NULL" if mean is None else f"{mean:g}" for mean in values))
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
losses: 1.0 1.0 1e+20 1.0 1.0 1.0 1.0 4.0
  DataFusion: 1 1 3.33333e+19 3.33333e+19 3.33333e+19 0 0 1
  SQLite: 1 1 3.33333e+19 3.33333e+19 3.33333e+19 1 1 2
  DuckDB: 1 1 3.33333e+19 3.33333e+19 3.33333e+19 1 1 2
  polars: 1 1 3.33333e+19 3.33333e+19 3.33333e+19 1 1 2
losses: 1.0 1.0 inf 1.0 1.0 1.0 1.0 4.0
  DataFusion: 1 1 inf inf inf nan nan nan
  SQLite: 1 1 inf inf inf NULL NULL NULL
  DuckDB: 1 1 inf inf inf 1 1 2
  polars: 1 1 inf inf inf 1 1 2
EXPECTED
echo "as stated"
