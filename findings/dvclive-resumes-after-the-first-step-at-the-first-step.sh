#!/usr/bin/env bash
# dvclive: a run that was ended after its first step resumes at that step, not behind it.
#
# `resume=True` reads the last step out of `metrics.json` and goes on with the next one, unless the
# number is 0, which stands for "nothing there" as well. A job that was preempted after one epoch,
# and again after the next, so has step 0 in its table as often as it was resumed, with different
# values; after two epochs all is well. One would bet on 1.
#
# Seen with dvclive 3.49.1.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check dvclive==3.49.1 2>/dev/null
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
from dvclive import Live

for epochs in 1, 2:
    for part in range(3):
        with Live(f"run{epochs}", save_dvc_exp=False, dvcyaml=None, resume=part > 0) as live:
            for _ in range(epochs):
                live.log_metric("loss", 1 / (1 + part))
                live.next_step()
    with open(f"run{epochs}/plots/metrics/loss.tsv") as table:
        steps = [line.split("\t")[0] for line in table][1:]
    print(f"three times {epochs} of it, steps:", *steps)
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
three times 1 of it, steps: 0 0 0
three times 2 of it, steps: 0 1 2 3 4 5
EXPECTED
echo "as stated"
