#!/usr/bin/env bash
# tensorboardX truncates what was logged, where another writer begins in the same second.
#
# The file is named by the second and the host alone and opened for writing anew, so that a job
# that ends and begins again in the same folder within a second (a resume, a second phase, a
# test), or two that begin together, leaves the records of the last one. Both `close()` have
# returned by then and nothing is raised. One would bet on two files, as the writers of
# TensorFlow and PyTorch make by adding the PID and a counter, or on an appended one.
#
# Seen with tensorboardX 2.6.5 (and tensorboard 2.21.0 to read).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check tensorboardX==2.6.5 tensorboard==2.21.0 setuptools==65.5.0
export HOME="$work/home"
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import os
import time

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboardX import SummaryWriter


def log(folder, steps):
    writer = SummaryWriter(folder)
    for step in steps:
        writer.add_scalar("loss", 1 / (1 + step), step)
    writer.close()


def show(title, folder):
    events = EventAccumulator(folder)
    events.Reload()
    steps = [event.step for event in events.Scalars("loss")]
    print(f"{title}: {len(os.listdir(folder))} file(s), steps {steps}")


for title, folder, pause in (("in one second", "a", 0), ("two seconds apart", "b", 2)):
    time.sleep(1 - time.time() % 1)  # a second has just begun
    log(folder, range(3))
    time.sleep(pause)
    log(folder, range(3, 5))
    show(title, folder)
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
in one second: 1 file(s), steps [3, 4]
two seconds apart: 2 file(s), steps [0, 1, 2, 3, 4]
EXPECTED
echo "as stated"
