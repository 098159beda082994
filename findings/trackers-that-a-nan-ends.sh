#!/usr/bin/env bash
# Three experiment trackers end the training run when a loss becomes NaN.
#
# Each keeps its metrics in SQLite with `NOT NULL` on the value, and SQLite stores a NaN
# as NULL: so the one value that everybody wants to find in a log is the one that raises
# IntegrityError from the logging call. In p95 the calls are buffered: the error comes out
# of the end of the `with` block, and the good values of that buffer go with it.
#
# One would bet on a logger never to end what it logs, and on NaN being a value.
#
# Seen with runmonitor 0.2.0, p95 0.15.0 and goodseed 0.4.0 on Python 3.11.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check runmonitor==0.2.0 p95==0.15.0 goodseed==0.4.0
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import glob
import os
import sqlite3
import subprocess
import sys

VALUES = [1.0, float("nan"), 0.5]
HOME = os.environ["HOME"]


def quiet():
    sys.stdout.flush()
    return os.dup(1), os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def loud(saved):
    sys.stdout.flush()
    os.dup2(saved[0], 1)


RUNMONITOR = """
import runmonitor
run = runmonitor.init("x", config={})
for step, value in enumerate([1.0, float("nan"), 0.5]):
    try:
        run.log({"loss": value}, step)
    except Exception as error:
        print("runmonitor:", type(error).__name__, "at step", step)
        break
"""
child = subprocess.run([sys.executable, "-c", RUNMONITOR], capture_output=True, text=True)
print(*[line for line in child.stdout.splitlines() if line.startswith("runmonitor:")], sep="\n")

import goodseed

saved = quiet()
run = goodseed.Run(name="x", storage="local")
for step, value in enumerate(VALUES):
    try:
        run["loss"].log(value, step=step)
    except Exception as error:
        said = f"goodseed: {type(error).__name__} at step {step}"
        break
run.close()
loud(saved)
print(said)

import p95

saved = quiet()
last = None
try:
    with p95.Run(project="p", name="e") as run:
        for step, value in enumerate(VALUES):
            run.log_metrics({"loss": value}, step=step)
            last = step
except Exception as error:
    said = f"p95: {type(error).__name__} after step {last}"
loud(saved)
rows = sum(
    sqlite3.connect(path).execute("select count(*) from metrics").fetchone()[0]
    for path in glob.glob(HOME + "/**/p95/**/*.db", recursive=True)
)
print(f"{said}, rows kept: {rows}")
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
runmonitor: IntegrityError at step 1
goodseed: IntegrityError at step 1
p95: IntegrityError after step 2, rows kept: 0
EXPECTED
echo "as stated"
