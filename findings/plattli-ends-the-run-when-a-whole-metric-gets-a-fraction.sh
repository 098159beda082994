#!/usr/bin/env bash
# plattli raises at the first fraction of a metric that began as a whole number.
#
# The type of a column is that of its first value: a reward that is 0 until the first success, a
# learning rate of 1 during warm-up. The first 0.5 raises TypeError out of `write()`, in the
# training loop, hours later; NaN does so too. The other way round, 0.5 and then 1, is taken,
# and so are larger and negative integers. One would bet on the column to become one of floats.
#
# Seen with plattli 0.19.0 (numpy 2.4.6).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check plattli==0.19.0 numpy==2.4.6
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import math

import plattli

for number, values in enumerate(((0, 0.5), (0, math.nan), (0.5, 1), (1, 2**40, -1))):
    writer = plattli.DirectWriter(f"run{number}")
    try:
        for value in values:
            writer.write(reward=value)
            writer.end_step()
        seen = "taken"
    except Exception as error:
        seen = f"{type(error).__name__}: {error}"
    print(*values, "-", seen)
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
0 0.5 - TypeError: cannot mix i64 and f32 values for reward in run run0
0 nan - TypeError: cannot mix i64 and f32 values for reward in run run1
0.5 1 - taken
1 1099511627776 -1 - taken
EXPECTED
echo "as stated"
