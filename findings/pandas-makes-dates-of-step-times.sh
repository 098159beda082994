#!/usr/bin/env bash
# pandas.read_json makes dates of numbers by the name of their key, and numbers of texts.
#
# A key that ends with `_time` or `_at`, or is called `date` or `modified`, is taken for seconds
# since 1970 as soon as its values are above a year of them: 41 ms as a `step_time` in
# nanoseconds is the 20th of April 1971, 200 million `tokens_at` a day in 1976. Smaller values
# of the same key stay numbers. And a text that looks like a number becomes one: the run
# "0042" is 42 and the commit "12345e6" is 12345000000. One would bet on a JSON number to stay
# a number and on a JSON string to stay a text.
#
# Seen with pandas 3.1.1. What helps: `convert_dates=False, dtype=False`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pandas==3.1.1
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import json

import pandas

RECORDS = [
    {"step_time": 40_100_000, "tokens_at": 100_000_000, "run": "0042", "commit": "12345e6"},
    {"step_time": 41_100_000, "tokens_at": 200_000_000, "run": "0042", "commit": "12345e6"},
]
with open("run.jsonl", "w") as file:
    file.writelines(json.dumps(record) + "\n" for record in RECORDS)

for options in {}, {"convert_dates": False, "dtype": False}:
    frame = pandas.read_json("run.jsonl", lines=True, **options)
    print(options or "as it is")
    for key in frame:
        print(f"  {key}: {frame[key].dtype}: {frame[key].iloc[-1]}")
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
as it is
  step_time: datetime64[us]: 1971-04-21 16:40:00
  tokens_at: datetime64[us]: 1976-05-03 19:33:20
  run: int64: 42
  commit: float64: 12345000000.0
{'convert_dates': False, 'dtype': False}
  step_time: int64: 41100000
  tokens_at: int64: 200000000
  run: str: 0042
  commit: str: 12345e6
EXPECTED
echo "as stated"
