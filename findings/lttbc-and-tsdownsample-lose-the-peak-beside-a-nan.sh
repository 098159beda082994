#!/usr/bin/env bash
# lttbc and tsdownsample's LTTB lose the peak of a loss where there is a NaN near it.
#
# Both reduce a curve to so many points by Largest-Triangle-Three-Buckets: of each bucket
# they keep the point that makes the largest triangle with the point before and the mean of
# the next bucket. A NaN makes that mean, or the triangle, a NaN, with which no comparison
# holds. So a single NaN takes the choice from a whole bucket: in lttbc from the one before
# it, which gets the point that was kept last once more; in tsdownsample from its own, which
# gets the NaN. A spike to 50 in a loss of 1 is not among the points any more. One would bet
# on the NaN being left out, or kept beside the spike; lttb, of pure Python, refuses NaN in one
# line. (tsdownsample's MinMaxLTTB, which looks for extremes first, keeps the spike.)
#
# Seen with lttbc 0.2.4 and tsdownsample 0.1.5.1.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    lttbc==0.2.4 tsdownsample==0.1.5.1 numpy==1.26.4

cat >program.py <<'PROGRAM'
import lttbc
import numpy
from tsdownsample import LTTBDownsampler, MinMaxLTTBDownsampler

steps = numpy.arange(1000.0)


def kept(nan):
    loss = numpy.ones(1000)
    loss[500] = 50.0
    if nan is not None:
        loss[nan] = numpy.nan
    xs, ys = lttbc.downsample(steps, loss, 20)
    yield "lttbc", 50.0 in ys, len(set(xs))
    for made in (LTTBDownsampler(), MinMaxLTTBDownsampler()):
        rows = made.downsample(steps, loss, n_out=20)
        yield type(made).__name__, 500 in rows, len(set(rows))


for nan in None, 510, 560:
    print("no NaN" if nan is None else f"a NaN at step {nan}")
    for name, is_kept, points in kept(nan):
        spike = "the spike at 500 is kept" if is_kept else "the spike at 500 is LOST"
        print(f"  {name}: {spike}; {points} different points of 20")
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
no NaN
  lttbc: the spike at 500 is kept; 20 different points of 20
  LTTBDownsampler: the spike at 500 is kept; 20 different points of 20
  MinMaxLTTBDownsampler: the spike at 500 is kept; 20 different points of 20
a NaN at step 510
  lttbc: the spike at 500 is kept; 19 different points of 20
  LTTBDownsampler: the spike at 500 is LOST; 20 different points of 20
  MinMaxLTTBDownsampler: the spike at 500 is kept; 20 different points of 20
a NaN at step 560
  lttbc: the spike at 500 is LOST; 19 different points of 20
  LTTBDownsampler: the spike at 500 is kept; 20 different points of 20
  MinMaxLTTBDownsampler: the spike at 500 is kept; 20 different points of 20
EXPECTED
echo "as stated"
