#!/usr/bin/env bash
# Ignite keeps the checkpoint of a NaN among the best, and never stops a run that is NaN early.
#
# A NaN is neither less nor greater than a score. To `Checkpoint(n_saved=2)` it sits among the best
# from then on, whatever comes: of the scores 3, NaN, 1, 2, 5 and 4 it keeps 5 and NaN, and throws
# the model with 4 away. To `EarlyStopping` what is not worse is an improvement, so that each NaN
# sets its patience back, and a run that is NaN from its second epoch goes on to the last. Neither
# says a word. One would bet on a NaN to be the worst, or to be left out.
#
# Seen with pytorch-ignite 0.5.5 and torch 2.15.0. What helps: ignite's own TerminateOnNan.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check uv==0.13.9
venv/bin/uv pip install --quiet --python venv/bin/python pytorch-ignite==0.5.5 torch==2.15.0 numpy==2.4.6
export HOME="$work/home"
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import math
import os

import torch
from ignite.engine import Engine, Events
from ignite.handlers import Checkpoint, DiskSaver, EarlyStopping


def run(handler, scores):
    trainer = Engine(lambda engine, batch: None)
    trainer.add_event_handler(Events.EPOCH_COMPLETED, handler(iter(scores), trainer))
    trainer.run([0], max_epochs=len(scores))
    return trainer.state.epoch


def checkpoint(scores, trainer):
    saver = DiskSaver("kept", require_empty=False)
    return Checkpoint({"m": torch.nn.Linear(1, 1)}, saver, n_saved=2, score_function=lambda _: next(scores))


def early_stopping(scores, trainer):
    handler = EarlyStopping(patience=2, score_function=lambda _: next(scores), trainer=trainer)
    return lambda engine: handler(engine)


scores = [3.0, math.nan, 1.0, 2.0, 5.0, 4.0]
run(checkpoint, scores)
print("Checkpoint: scores", *scores, "- kept:", *sorted(os.listdir("kept")))
for scores in [-1.0] + [-2.0] * 9, [-1.0] + [math.nan] * 9:
    print("EarlyStopping: scores", *scores[:3], "... - epochs of 10:", run(early_stopping, scores))
PROGRAM
venv/bin/python -W ignore program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
Checkpoint: scores 3.0 nan 1.0 2.0 5.0 4.0 - kept: m_5.0000.pt m_nan.pt
EarlyStopping: scores -1.0 -2.0 -2.0 ... - epochs of 10: 3
EarlyStopping: scores -1.0 nan nan ... - epochs of 10: 10
EXPECTED
echo "as stated"
