#!/usr/bin/env bash
# MLflow gives back an infinite metric as 1.797…e308.
#
# `log_metric("loss", inf)` is taken; what is read back is the largest float, a finite
# number, so that `isinf` is False and a plot of the run has an axis of 308 digits. NaN,
# by contrast, comes back as NaN.
#
# Seen with mlflow-skinny 3.17.2 on SQLite (SQLAlchemy 2.1.9).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check mlflow-skinny==3.17.2 sqlalchemy==2.1.9 alembic==1.20.1
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import math

import mlflow

mlflow.set_tracking_uri("sqlite:///runs.db")
with mlflow.start_run() as run:
    mlflow.log_metric("loss", math.inf)
    mlflow.log_metric("grad", math.nan)
metrics = mlflow.get_run(run.info.run_id).data.metrics
print("loss", metrics["loss"], "isinf", math.isinf(metrics["loss"]))
print("grad", metrics["grad"])
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
loss 1.7976931348623157e+308 isinf False
grad nan
EXPECTED
echo "as stated"
