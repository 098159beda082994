#!/usr/bin/env bash
# tensorboardX writes the count 16,777,217 as 16,777,216, and four times of a minute and a half as
# one.
#
# A scalar is a float32 in the file, whatever was given: integers from 2**24 on are rounded, so
# that a count of tokens or samples stands still and then leaps, and Unix times that are thirty
# seconds apart are the same one. A learning rate of 1e-46 is 0, and 1e39 is infinity, which looks
# like a run that diverged. The step of an event is exact; its value is not. One would bet on a
# double, as Python's float is one.
#
# Seen with tensorboardX 2.6.5 and tensorboard 2.21.0. What helps: counts as steps, and times as
# differences.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check tensorboardX==2.6.5 tensorboard==2.21.0 numpy==2.4.6

cat >program.py <<'PROGRAM'
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboardX import SummaryWriter

NOON = 1_795_608_000
values = [2**24, 2**24 + 1, 2**24 + 2, NOON, NOON + 30, NOON + 60, NOON + 90, 1e39, 1e-46]
writer = SummaryWriter("out")
for step, value in enumerate(values):
    writer.add_scalar("value", value, step)
writer.close()
events = EventAccumulator("out")
events.Reload()
for given, event in zip(values, events.Scalars("value"), strict=True):
    print(f"{given!r} - {event.value!r}")
PROGRAM
venv/bin/python -W ignore program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
16777216 - 16777216.0
16777217 - 16777216.0
16777218 - 16777218.0
1795608000 - 1795608064.0
1795608030 - 1795608064.0
1795608060 - 1795608064.0
1795608090 - 1795608064.0
1e+39 - inf
1e-46 - 0.0
EXPECTED
echo "as stated"
