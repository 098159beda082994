#!/usr/bin/env bash
# tsdownsample gives 10 points of 200 that were asked for, if a run paused and time is the axis.
#
# Its min-max, M4 and MinMaxLTTB samplers cut the axis into intervals of equal length, and leave out
# those that are empty. Of a run of an hour, a pause of ten days and another hour all records lie in
# the first and the last interval: asked for 200 of 7200 points they give 4, 8 and 10, and
# plotly-resampler, which draws with MinMaxLTTB, 38 where it draws 1000 else. Nothing says so, and
# what oscillates looks like two strokes. Steps that jump do the same. One would bet on as many
# points as were asked for, as its own LTTB gives, or the same samplers without an axis. What helps:
# sample by the number of the record, and draw at its time.
#
# Seen with tsdownsample 0.1.5.1, plotly-resampler 0.11.1, plotly 6.9.0 and numpy 2.4.6.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    tsdownsample==0.1.5.1 plotly-resampler==0.11.1 plotly==6.9.0 numpy==2.4.6

cat >program.py <<'PROGRAM'
import numpy as np
import tsdownsample
from plotly.graph_objects import Figure, Scattergl
from plotly_resampler import FigureResampler

seconds = np.arange(7200.0)
paused = np.where(seconds < 3600, seconds, seconds + 10 * 86400)
loss = 1 + np.sin(seconds / 60) / 10
for name in ["MinMax", "M4", "MinMaxLTTB", "LTTB"]:
    sampler = getattr(tsdownsample, f"{name}Downsampler")()
    with_pause = sampler.downsample(paused, loss, n_out=200)
    without_pause = sampler.downsample(seconds, loss, n_out=200)
    without_axis = sampler.downsample(loss, n_out=200)
    print(f"{name}: {len(with_pause)} with a pause, {len(without_pause)} without,", end=" ")
    print(f"{len(without_axis)} without an axis")
for title, axis in [("with", paused), ("without", seconds)]:
    figure = FigureResampler(Figure())
    figure.add_trace(Scattergl(name="loss"), hf_x=axis, hf_y=loss)
    drawn = np.count_nonzero(~np.isnan(np.array(figure.data[0].y, dtype=float)))
    print(f"plotly-resampler draws {drawn} of 7200 {title} a pause")
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
MinMax: 4 with a pause, 200 without, 200 without an axis
M4: 8 with a pause, 200 without, 200 without an axis
MinMaxLTTB: 10 with a pause, 200 without, 200 without an axis
LTTB: 200 with a pause, 200 without, 200 without an axis
plotly-resampler draws 38 of 7200 with a pause
plotly-resampler draws 1000 of 7200 without a pause
EXPECTED
echo "as stated"
