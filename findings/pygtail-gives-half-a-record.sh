#!/usr/bin/env bash
# Pygtail gives the half of a line that is written so far as a line, and then the other half.
#
# What a reader of log files is for, going on where it stopped, it does at the byte, not at the
# line: a record that is half on disk is returned as it is, its offset is kept, and the rest is the
# first "line" of the next run. Neither half is JSON. One would bet on whole lines;
# there is an option for them, `full_lines=True`, which is off.
#
# Seen with pygtail 0.14.0.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pygtail==0.14.0
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
from pygtail import Pygtail

for options in {}, {"full_lines": True}:
    print(options or "as it is")
    path = f"run-{len(options)}.jsonl"
    with open(path, "w") as file:
        file.write('{"step": 1}\n{"ste')
        file.flush()
        print("  half a record is written:", list(Pygtail(path, **options)))
        file.write('p": 2}\n')
        file.flush()
        print("  the rest is written:", list(Pygtail(path, **options)))
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
as it is
  half a record is written: ['{"step": 1}\n', '{"ste']
  the rest is written: ['p": 2}\n']
{'full_lines': True}
  half a record is written: ['{"step": 1}\n']
  the rest is written: ['{"step": 2}\n']
EXPECTED
echo "as stated"
