#!/usr/bin/env bash
# scipy's uniform_filter1d says 0 of all that comes after one large value, and NaN after one NaN.
#
# It is the fast running mean of SciPy, by which curves are smoothed in one line. It keeps one
# sum, adds what enters the window and takes away what leaves it: after a loss that once went to
# 1e17, as losses do that diverge, the small addends are lost and never come back, and the
# smoothed curve is 0 to its end though the loss is 1 again. After a NaN it is NaN to its end,
# thousands of steps beyond the window. One would bet on each mean being that of its window,
# as `numpy.convolve` and pandas' `rolling` give.
#
# Seen with SciPy 1.15.3 and NumPy 1.26.4, beside pandas 2.3.3.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check scipy==1.15.3 numpy==1.26.4 pandas==2.3.3

cat >program.py <<'PROGRAM'
import numpy
import pandas
from scipy.ndimage import uniform_filter1d

for odd in (1e17, float("nan")):
    losses = numpy.ones(1000)
    losses[10] = odd
    print(f"losses of 1, but {odd} at step 10; means of 3 at step 900")
    print("  scipy:", uniform_filter1d(losses, 3)[900])
    print("  numpy:", numpy.convolve(losses, [1 / 3] * 3, "same")[900])
    print("  pandas:", pandas.Series(losses).rolling(3).mean()[900])
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
losses of 1, but 1e+17 at step 10; means of 3 at step 900
  scipy: 0.0
  numpy: 1.0
  pandas: 1.0
losses of 1, but nan at step 10; means of 3 at step 900
  scipy: nan
  numpy: 1.0
  pandas: 1.0
EXPECTED
echo "as stated"
