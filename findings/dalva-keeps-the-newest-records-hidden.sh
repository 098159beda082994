#!/usr/bin/env bash
# dalva keeps the newest records in a hidden file, whose name one file after another has.
#
# Records are appended to `events/.active.jsonl`, which is renamed, half a second later or when
# it is large, to a name made of numbers and a hash; then a new `.active.jsonl` is begun. A
# glob `*.jsonl` does not show the hidden one, so that a run is seen half a second late, and
# what was logged in the last moments before a kill is never seen. Whoever follows the hidden
# file by name has each half second another one. One would bet on the finished parts to have
# the odd names and the current one to be in plain sight.
#
# Seen with dalva 0.3.0.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check dalva==0.3.0
export HOME="$work/home"
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import os
import pathlib
import signal
import time

import dalva

runs = pathlib.Path("runs")


def train():
    run = dalva.init(project="demo", runs_dir=runs)
    run.log({"loss": 0.5}, step=0)
    time.sleep(1)
    run.log({"loss": 0.4}, step=1)
    run.log({"loss": 0.3}, step=2)
    os.kill(os.getpid(), signal.SIGKILL)


def steps(pattern):
    lines = "".join(file.read_text() for file in sorted(runs.glob(f"*/events/{pattern}")))
    return lines.count('"step":')


child = os.fork()
if child == 0:
    train()
os.waitpid(child, 0)
shown = [name for name in os.popen("ls runs/*/events").read().split()]
print("files that `ls` shows:", len(shown), "all hashed:", all(len(name) > 64 for name in shown))
print("steps in them:", steps("[!.]*"))
print("steps in .active.jsonl:", steps(".active.jsonl"))
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
files that `ls` shows: 1 all hashed: True
steps in them: 1
steps in .active.jsonl: 2
EXPECTED
echo "as stated"
