#!/usr/bin/env bash
# accelerate writes no metric to TensorBoard whose value is a float32 or an integer of numpy.
#
# `accelerator.log({...})` takes Python's numbers and tensors. A `float64` is a `float`, and is
# written; a `float32`, which a model's loss mostly is by then, a `float16` and an `int64` are
# none of the types that its tracker looks for: they are left out, without a word, and all others
# of the call are written. One would bet on a curve for each name, or on an error: the run has a
# curve of the learning rate and none of the loss, and who looks for it thinks of the reader
# first.
#
# Seen with accelerate 1.15.0, tensorboard 2.21.0, torch 2.15.0 and numpy 2.4.6. What helps:
# `float(loss)`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check uv==0.13.9
venv/bin/uv pip install --quiet --python venv/bin/python accelerate==1.15.0 tensorboard==2.21.0 torch==2.15.0 numpy==2.4.6
export HOME="$work/home"
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import numpy
import torch
from accelerate import Accelerator
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

values = {
    "float": 0.5,
    "tensor": torch.tensor(0.5),
    "float64": numpy.float64(0.5),
    "float32": numpy.float32(0.5),
    "float16": numpy.float16(0.5),
    "int64": numpy.int64(3),
}
accelerator = Accelerator(cpu=True, log_with="tensorboard", project_dir="out")
accelerator.init_trackers("run")
for step in range(2):
    accelerator.log(values, step=step)
accelerator.end_training()

events = EventAccumulator("out/run")
events.Reload()
curves = events.Tags()["scalars"]
for name in values:
    print(name, [event.value for event in events.Scalars(name)] if name in curves else "no curve")
PROGRAM
venv/bin/python -W ignore program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen
grep -E 'float32|int64|skip|ignor' errors || echo "no word of it"

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
float [0.5, 0.5]
tensor [0.5, 0.5]
float64 [0.5, 0.5]
float32 no curve
float16 no curve
int64 no curve
EXPECTED
echo "as stated"
