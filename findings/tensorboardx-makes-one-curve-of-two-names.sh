#!/usr/bin/env bash
# tensorboardX makes one curve of `recall@10` and `recall_10`, and of `lr (max)` and `lr__max_`.
#
# Each character of a name that TensorBoard once refused is written as "_"; a word of it goes to a
# logger that nobody listens to. Names that become the same share a curve, with two values at each
# step, and nothing tells them apart any more: `loss<1k` and `loss>1k` are one. `SummaryWriter` of
# torch, which has the same code as its origin, has left names as they are for years, and
# TensorBoard shows them. One would bet on two curves, or on an error for the second.
#
# Seen with tensorboardX 2.6.5 and tensorboard 2.21.0.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check tensorboardX==2.6.5 tensorboard==2.21.0 numpy==2.4.6

cat >program.py <<'PROGRAM'
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboardX import SummaryWriter

writer = SummaryWriter("out")
for step in (1, 2):
    for value, name in enumerate(("recall@10", "recall_10", "loss<1k", "loss>1k", "lr (max)", "lr__max_")):
        writer.add_scalar(name, value, step)
writer.close()
events = EventAccumulator("out")
events.Reload()
for name in sorted(events.Tags()["scalars"]):
    print(name, [(event.step, event.value) for event in events.Scalars(name)])
PROGRAM
venv/bin/python -W ignore program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
loss_1k [(1, 2.0), (1, 3.0), (2, 2.0), (2, 3.0)]
lr__max_ [(1, 4.0), (1, 5.0), (2, 4.0), (2, 5.0)]
recall_10 [(1, 0.0), (1, 1.0), (2, 0.0), (2, 1.0)]
EXPECTED
echo "as stated"
