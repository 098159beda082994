#!/usr/bin/env bash
# stable-baselines3 writes the step of `dump(step=...)` into neither its JSON lines nor its CSV.
#
# The step is an argument of each output format, and TensorBoard's alone makes use of it: a record
# of `progress.json` has the metrics only. The library's own training loops hide that, since they
# record `time/total_timesteps` as a metric before each dump. Who logs by hand, or from a callback
# between two dumps, has records that cannot be placed; the reader counts them instead, and two
# runs that dump at another pace do not lie upon each other. Integers of numpy become fractions,
# so that a count is 3.0. One would bet on the step in each record, as it was given.
#
# Seen with stable-baselines3 2.9.2, torch 2.15.0 and numpy 2.4.6. What helps: record the step as
# a metric.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check uv==0.13.9
venv/bin/uv pip install --quiet --python venv/bin/python stable-baselines3==2.9.2 tensorboard==2.21.0 torch==2.15.0 numpy==2.4.6
export HOME="$work/home" MPLCONFIGDIR="$work"
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import numpy
from stable_baselines3.common.logger import configure
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

logger = configure("out", ["json", "csv", "tensorboard"])
for step in (1000, 2000):
    logger.record("loss", 0.5)
    logger.record("n", numpy.int64(3))
    logger.dump(step=step)
logger.close()

print("JSON:", *open("out/progress.json").read().splitlines())
rows = open("out/progress.csv").read().splitlines()
print("CSV:", sorted(rows[0].split(",")), len(rows) - 1, "rows")
events = EventAccumulator("out")
events.Reload()
print("TensorBoard:", [event.step for event in events.Scalars("loss")])
PROGRAM
venv/bin/python -W ignore program.py >told 2>errors || { cat told errors; exit 1; }
grep -E '^(JSON|CSV|TensorBoard):' told >seen
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
JSON: {"loss": 0.5, "n": 3.0} {"loss": 0.5, "n": 3.0}
CSV: ['loss', 'n'] 2 rows
TensorBoard: [1000, 2000]
EXPECTED
echo "as stated"
