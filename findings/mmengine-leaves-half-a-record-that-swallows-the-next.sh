#!/usr/bin/env bash
# mmengine leaves half a record in scalars.json for a tensor, and the next record inside it.
#
# `add_scalar` takes tensors, and `add_scalars`, which is given a whole step, does not: it raises
# a TypeError. By then the record has been written up to the tensor, without an end and without a
# newline, so that the next one, which is all right, begins amid it, as if it were the value.
# A reader that goes by lines loses both. One would bet on a record that is written
# whole or not at all.
#
# Seen with mmengine 0.10.7, torch 2.15.0 and numpy 1.26.4. What helps: `.item()` before the call.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check uv==0.13.9
venv/bin/uv pip install --quiet --python venv/bin/python mmengine==0.10.7 torch==2.15.0 numpy==1.26.4
export HOME="$work/home"
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import torch
from mmengine.visualization import LocalVisBackend

backend = LocalVisBackend(save_dir="out")
backend.add_scalar("loss", torch.tensor(0.5), step=1)
try:
    backend.add_scalars({"loss": 0.25, "grad_norm": torch.tensor(0.5)}, step=2)
except TypeError as error:
    print("TypeError:", error)
backend.add_scalars({"loss": 0.125, "grad_norm": 0.5}, step=3)
backend.add_scalars({"loss": 0.0625, "grad_norm": 0.5}, step=4)
print(open("out/scalars.json").read(), end="")
PROGRAM
venv/bin/python -W ignore program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
TypeError: <class 'torch.Tensor'> is unsupported for json dump
{"loss": 0.5, "step": 1}
{"loss": 0.25, "grad_norm": {"loss": 0.125, "grad_norm": 0.5, "step": 3}
{"loss": 0.0625, "grad_norm": 0.5, "step": 4}
EXPECTED
echo "as stated"
