#!/usr/bin/env bash
# torchmetrics' SumMetric counts to 16,777,216 and stands still, and MeanMetric's weights too.
#
# Both keep a float32. From 2**24 on a batch of one changes nothing, and none is remembered: after a
# thousand more the sum of the samples, tokens or steps is the same. A MeanMetric that is weighted
# by tokens goes on to add the losses while its weight stands still, and so leaves the mean: of
# losses of 1 and then 3 it says 1.0048 where 1.0024 is true. `.double()`, which turns each other
# module of torch into doubles, returns without an error and does nothing. One would bet on doubles,
# as Python's sum and numpy's mean are.
#
# Seen with torchmetrics 1.9.0 and torch 2.15.0. What helps: `set_dtype(torch.float64)`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check uv==0.13.9
venv/bin/uv pip install --quiet --python venv/bin/python torchmetrics==1.9.0 torch==2.15.0 numpy==2.4.6
export HOME="$work/home"
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import torch
from torchmetrics import MeanMetric, SumMetric

FULL = 2**24
choices = {
    "plain": lambda metric: metric,
    "double()": lambda metric: metric.double(),
    "set_dtype(torch.float64)": lambda metric: metric.set_dtype(torch.float64),
}
for name, choose in choices.items():
    count = choose(SumMetric())
    count.update(FULL)
    for _ in range(1000):
        count.update(1)
    print(f"{name}: 16777216 and a thousand ones: {count.compute().item():.0f}")
    mean = choose(MeanMetric())
    mean.update(1.0, weight=FULL)
    for _ in range(20_000):
        mean.update(3.0, weight=1)
    print(f"  mean of 16777216 ones and 20000 threes: {mean.compute().item():.4f}")
print(f"exact: {(FULL + 3 * 20_000) / (FULL + 20_000):.4f}")
PROGRAM
venv/bin/python -W ignore program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
plain: 16777216 and a thousand ones: 16777216
  mean of 16777216 ones and 20000 threes: 1.0048
double(): 16777216 and a thousand ones: 16777216
  mean of 16777216 ones and 20000 threes: 1.0048
set_dtype(torch.float64): 16777216 and a thousand ones: 16778216
  mean of 16777216 ones and 20000 threes: 1.0024
exact: 1.0024
EXPECTED
echo "as stated"
