#!/usr/bin/env bash
# pandas: a smoothed loss passes over an infinite value, and a rolling maximum calls it NaN.
#
# `ewm().mean()` of 2, 1, Infinity, 1 goes on as if the third step had not been: 1.33 stays where it
# is and the curve is finite from end to end. `rolling(2).max()` has NaN where the window holds the
# Infinity, as have its sum, median and quantile, and with `min_periods=1` the greatest of what is
# left, so that a run that diverged has a maximum of 2; `expanding().max()` has too. Each makes a
# missing value of it first. `max()`, `mean()` and `cummax()` of the same series say Infinity. One
# would bet on that.
#
# Seen with pandas 3.1.1.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pandas==3.1.1
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import math

import pandas

losses = pandas.Series([2.0, 1.0, math.inf, 1.0, 1.0])
print("losses:", losses.tolist())
print("max, mean:", losses.max(), losses.mean())
print("cummax:", losses.cummax().tolist())
print("expanding max:", losses.expanding().max().tolist())
print("rolling max:", losses.rolling(2).max().tolist())
print("rolling max, min_periods=1:", losses.rolling(2, min_periods=1).max().tolist())
print("ewm mean:", [round(value, 3) for value in losses.ewm(alpha=0.5).mean()])
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
losses: [2.0, 1.0, inf, 1.0, 1.0]
max, mean: inf inf
cummax: [2.0, 2.0, inf, inf, inf]
expanding max: [2.0, 2.0, 2.0, 2.0, 2.0]
rolling max: [nan, 2.0, nan, nan, 1.0]
rolling max, min_periods=1: [2.0, 2.0, 1.0, 1.0, 1.0]
ewm mean: [2.0, 1.333, 1.333, 1.091, 1.037]
EXPECTED
echo "as stated"
