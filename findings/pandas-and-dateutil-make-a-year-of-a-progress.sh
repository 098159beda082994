#!/usr/bin/env bash
# pandas and python-dateutil read the progress "5/250" as a date in the year 250.
#
# Progress bars and loggers write a step with its total, `5/250`. Whoever looks for the time
# column of a log by trying to parse it gets a date of each: in May of the year 250, by
# pandas on the first of the month, by python-dateutil on today's day of the month, so that
# the same line has another date tomorrow. "12/50" is December 2050 for one and the other.
# One would bet on an error, or on NaT: neither text names a day, and pandas' nanoseconds
# ended in 1677 for so long that one relies on it to refuse such years.
#
# Seen with pandas 3.0.6 and python-dateutil 2.9.0.post0.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pandas==3.0.6 python-dateutil==2.9.0.post0

cat >program.py <<'PROGRAM'
import warnings
from datetime import datetime

import pandas
from dateutil.parser import parse

warnings.simplefilter("ignore")
for progress in "5/250", "5/2500", "12/50":
    print(progress)
    print("  pandas:", pandas.to_datetime(progress).date())
    first = parse(progress, default=datetime(2026, 11, 1)).date()
    later = parse(progress, default=datetime(2026, 11, 25)).date()
    print("  dateutil on the 1st and on the 25th of a month:", first, later)
column = pandas.to_datetime(pandas.Series(["1/250", "2/250", "3/250"]), errors="coerce")
print("a column, errors='coerce':", column.dt.year.tolist(), "months", column.dt.month.tolist())
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
5/250
  pandas: 0250-05-01
  dateutil on the 1st and on the 25th of a month: 0250-05-01 0250-05-25
5/2500
  pandas: 2500-05-01
  dateutil on the 1st and on the 25th of a month: 2500-05-01 2500-05-25
12/50
  pandas: 2050-12-01
  dateutil on the 1st and on the 25th of a month: 2050-12-01 2050-12-25
a column, errors='coerce': [250, 250, 250] months [1, 2, 3]
EXPECTED
echo "as stated"
