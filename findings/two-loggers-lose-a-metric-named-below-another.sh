#!/usr/bin/env bash
# MLflow's file store and ecs-logging cannot keep a metric "acc" beside "acc/top1" or "acc.top1".
#
# Each makes a tree of the names. In the file store `metrics/acc` is a file, and "acc/top1" needs it
# to be a folder: NotADirectoryError, out of `log_metric`, which ends the training. ecs-logging,
# which does so at a dot, writes nothing of the record, and `logging` prints the TypeError to the
# standard error; it also leaves out what is None. The same names are fine in MLflow's database, and
# "val/acc" beside "train/acc" is fine in both. One would bet on a name to be a name.
#
# Seen with mlflow-skinny 3.17.2 and ecs-logging 2.3.0.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check mlflow-skinny==3.17.2 ecs-logging==2.3.0
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import io
import json
import logging
import os

import ecs_logging
import mlflow

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
mlflow.set_tracking_uri(f"file://{os.getcwd()}/runs")
try:
    with mlflow.start_run():
        mlflow.log_metric("acc", 0.5)
        mlflow.log_metric("acc/top1", 0.25)
except Exception as error:
    print("MLflow:", type(error).__name__)

logging.raiseExceptions = False
written = io.StringIO()
handler = logging.StreamHandler(written)
handler.setFormatter(ecs_logging.StdlibFormatter())
logger = logging.getLogger("run")
logger.addHandler(handler)
logger.warning("first", extra={"acc": 0.5, "loss": None})
logger.warning("second", extra={"acc": 0.5, "acc.top1": 0.25})
logger.warning("third", extra={"acc.top1": 0.25})
for line in written.getvalue().splitlines():
    record = json.loads(line)
    print("ecs-logging:", {key: record[key] for key in ("message", "acc", "loss") if key in record})
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
MLflow: NotADirectoryError
ecs-logging: {'message': 'first', 'acc': 0.5}
ecs-logging: {'message': 'third', 'acc': {'top1': 0.25}}
EXPECTED
echo "as stated"
