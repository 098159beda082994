#!/usr/bin/env bash
# Lightning's CSVLogger gives the same steps again and again to metrics that are logged without
# one.
#
# `log_metrics(metrics, step=None)` counts for itself where it is told no step: by the number of
# rows that wait to be written. They are written every hundred steps, or as
# `flush_logs_every_n_steps` says, and then none wait and the count is 0 again. So `metrics.csv`
# has the steps 0, 1, 2, 0, 1, 2: a reader draws loops, or takes it for a run that was started
# over. One would bet on a count that goes on, and short tests show one, as a hundred rows come
# before the first flush.
#
# Seen with lightning 2.6.6 and torch 2.15.0. What helps: a step in each call.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check uv==0.13.9
venv/bin/uv pip install --quiet --python venv/bin/python lightning==2.6.6 torch==2.15.0
export HOME="$work/home"
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import csv

from lightning.pytorch.loggers import CSVLogger


def steps(count, **settings):
    logger = CSVLogger("out", name=f"run{count}", version=len(settings), **settings)
    for number in range(count):
        logger.log_metrics({"loss": 1 / (number + 1)})
    logger.finalize("success")
    with open(logger.experiment.metrics_file_path) as file:
        return [int(row["step"]) for row in csv.DictReader(file)]


print("a flush each 3 steps:", *steps(8, flush_logs_every_n_steps=3))
print("as it comes, 8 rows:", *steps(8))
many = steps(250)
print("as it comes, 250 rows: the last has step", many[-1], "- rows with step 0:", many.count(0))
PROGRAM
venv/bin/python -W ignore program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
a flush each 3 steps: 0 1 2 0 1 2 0 1
as it comes, 8 rows: 0 1 2 3 4 5 6 7
as it comes, 250 rows: the last has step 49 - rows with step 0: 3
EXPECTED
echo "as stated"
