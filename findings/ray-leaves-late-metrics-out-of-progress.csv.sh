#!/usr/bin/env bash
# Ray Tune writes no metric to progress.csv that was not in the first report.
#
# The columns are those of a trial's first record. What is reported later, an accuracy that is
# measured each ten epochs, or at the end, is left out of every row, and nothing says so;
# `result.json` beside it has all of it. A table of the trials that is made from the CSV
# files has no column of what they are compared by. One would bet on a column that is
# added, or on an error, as of Python's own csv module, which was told to ignore it.
#
# Seen with ray 2.60.0. What helps: `result.json`; or each metric in the first report, as NaN.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check "ray[tune]==2.60.0" numpy==2.4.6
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import pathlib

from ray.tune.logger import CSVLoggerCallback, JsonLoggerCallback


class Trial:
    """What the loggers ask of a trial."""

    trial_id = "1"
    local_path = "out"
    config = evaluated_params = {}
    checkpoint = None

    def init_local_path(self):
        pathlib.Path(self.local_path).mkdir(exist_ok=True)


trial = Trial()
for logger in (CSVLoggerCallback(), JsonLoggerCallback()):
    logger.log_trial_start(trial)
    for epoch in range(3):
        report = {"epoch": epoch, "loss": 0.5} | ({"accuracy": 0.75} if epoch == 2 else {})
        logger.log_trial_result(epoch, trial, report)
    logger.log_trial_end(trial)
for name in ("progress.csv", "result.json"):
    print(name, *pathlib.Path("out", name).read_text().splitlines(), sep="\n  ")
PROGRAM
venv/bin/python -W ignore program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
progress.csv
  epoch,loss
  0,0.5
  1,0.5
  2,0.5
result.json
  {"epoch": 0, "loss": 0.5}
  {"epoch": 1, "loss": 0.5}
  {"epoch": 2, "loss": 0.5, "accuracy": 0.75}
EXPECTED
echo "as stated"
