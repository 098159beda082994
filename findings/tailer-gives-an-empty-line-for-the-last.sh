#!/usr/bin/env bash
# tailer's `tail()` gives an empty line for a last line that has no line end.
#
# The last two lines of "1, 2, 3" are 2 and 3, if a line end follows the 3. Without it, as a file
# looks whose writer is amid a line or was killed there, they are "2" and "": the newest text
# of the file is what is missing, and an empty text is no record either. One would bet on what
# GNU's `tail -n 2` gives, 2 and 3 in both cases.
#
# Seen with tailer 0.4.1.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check tailer==0.4.1
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import subprocess

import tailer

for text in "1\n2\n3\n", "1\n2\n3":
    with open("run.txt", "w") as file:
        file.write(text)
    with open("run.txt") as file:
        seen = tailer.tail(file, 2)
    other = subprocess.run(["tail", "-n", "2", "run.txt"], capture_output=True, text=True)
    print(repr(text), "tailer:", seen, "GNU tail:", other.stdout.split("\n")[:2])
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
'1\n2\n3\n' tailer: ['2', '3'] GNU tail: ['2', '3']
'1\n2\n3' tailer: ['2', ''] GNU tail: ['2', '3']
EXPECTED
echo "as stated"
