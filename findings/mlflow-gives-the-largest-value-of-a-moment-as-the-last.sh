#!/usr/bin/env bash
# MLflow gives the largest value of a moment as the last one, and sorts the others by value too.
#
# Without a step all values of a metric have step 0, and what counts then is the time in
# milliseconds, and after it the value: of a best loss of 3, 2 and 1 in one `log_batch`, or in fast
# calls one after another, the run has 3. The history of that millisecond comes back sorted by
# value, and a value that came twice stands there once, as all three together are the key of its
# table. One would bet on the order of the calls.
#
# Seen with mlflow-skinny 3.17.2 on SQLite (SQLAlchemy 2.1.9). What helps: a step.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check mlflow-skinny==3.17.2 sqlalchemy==2.1.9 alembic==1.20.1
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import mlflow
from mlflow.entities import Metric

mlflow.set_tracking_uri("sqlite:///runs.db")
client = mlflow.MlflowClient()
run = client.create_run("0").info.run_id

VALUES = [3.0, 2.0, 2.0, 1.0]
client.log_batch(run, [Metric("batch", value, 1000, 0) for value in VALUES])
for value in VALUES:
    client.log_metric(run, "calls", value, timestamp=1000)
client.log_batch(run, [Metric("steps", value, 1000, step) for step, value in enumerate(VALUES)])

print("logged:", VALUES)
for name, last in sorted(client.get_run(run).data.metrics.items()):
    history = [metric.value for metric in client.get_metric_history(run, name)]
    print(f"{name}: last {last}, history {history}")
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
logged: [3.0, 2.0, 2.0, 1.0]
batch: last 3.0, history [1.0, 2.0, 3.0]
calls: last 3.0, history [1.0, 2.0, 3.0]
steps: last 1.0, history [3.0, 2.0, 2.0, 1.0]
EXPECTED
echo "as stated"
