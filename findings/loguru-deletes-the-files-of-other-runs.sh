#!/usr/bin/env bash
# loguru deletes the files of another run when it keeps the last ones of its own.
#
# `retention=1` deletes all but one of the older files. Which those are it tells by their names: for
# `run.jsonl` all that match `run.*.jsonl` or `run.jsonl.*`, and not what it has rotated
# itself. `run.eval.jsonl`, into which another process writes, `run.2.jsonl` of another run and
# `run.jsonl.sha256`, which somebody has put there, go at the first rotation. One would bet on the names
# that it gives when it rotates, `run.2026-12-01_04-48-11_488036.jsonl`.
#
# Seen with loguru 0.7.3 on Python 3.11. What helps: no dot in the part that tells runs
# apart (`run-eval.jsonl` stays), a folder for each run, or a function as `retention`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check loguru==0.7.3

cat >program.py <<'PROGRAM'
import re
from pathlib import Path

from loguru import logger

folder = Path("runs")
folder.mkdir()
logger.remove()
others = ["run.2.jsonl", "run.eval.jsonl", "run-eval.jsonl", "run.jsonl.sha256"]
for name in others:
    (folder / name).write_text('{"step": 1}\n')

sink = logger.add(folder / "run.jsonl", format="{message}", rotation="1 KB", retention=1)
for step in range(100):
    logger.info(f'{{"step": {step}}}')
logger.remove(sink)

for name in others:
    print(name, "is there" if (folder / name).exists() else "is gone")
own = [path.name for path in folder.iterdir() if path.name not in others]
print("its own:", sorted(re.sub(r"\d", "0", name) for name in own))
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
run.2.jsonl is gone
run.eval.jsonl is gone
run-eval.jsonl is there
run.jsonl.sha256 is gone
its own: ['run.0000-00-00_00-00-00_000000.jsonl', 'run.jsonl']
EXPECTED
echo "as stated"
