#!/usr/bin/env bash
# rich says the same speed and the same time left for as long as a run stands still.
#
# Speed is that of the last steps that were reported, between the first and the last of them, and
# the time since the last one is not in it: a run of 100 steps per second that hangs says 100 steps
# per second and 0:00:09 left, after a minute as after a second, while the bar is drawn anew ten
# times a second and its elapsed time goes on. Of a bar that lives on the clock, one would bet on a
# speed that falls and a time left that grows, or is unknown. tqdm's text does not change
# either, but tqdm draws on steps alone.
#
# Seen with rich 15.0.0, on a clock of the program's own. What helps: one's own time since the
# last step, beside the bar.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check rich==15.0.0

cat >program.py <<'PROGRAM'
import io

from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

now = 0.0
shown = io.StringIO()
progress = Progress(
    TextColumn("{task.completed:.0f}: {task.speed:.0f} steps/s, left"),
    TimeRemainingColumn(),
    TextColumn("elapsed"),
    TimeElapsedColumn(),
    console=Console(file=shown, width=80),
    get_time=lambda: now,
)
run = progress.add_task("run", total=1000)
for _ in range(200):
    now += 0.01
    progress.advance(run)
for silent in 0, 1, 60, 3600:
    now += silent
    shown.seek(0)
    shown.truncate()
    progress.console.print(progress.make_tasks_table(progress.tasks))
    print(f"{silent:4} s later:", " ".join(shown.getvalue().split()))
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
   0 s later: 200: 100 steps/s, left 0:00:09 elapsed 0:00:02
   1 s later: 200: 100 steps/s, left 0:00:09 elapsed 0:00:03
  60 s later: 200: 100 steps/s, left 0:00:09 elapsed 0:01:03
3600 s later: 200: 100 steps/s, left 0:00:09 elapsed 1:01:03
EXPECTED
echo "as stated"
