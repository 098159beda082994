#!/usr/bin/env bash
# spectria's follower skips for good a record that it saw half written.
#
# `read_rows_from_offset` is how its page follows a run: it gives the new records and the
# offset to go on from. A last line without its line end (a long record is written in
# pieces) is no JSON yet, so it is passed over, in silence, and the offset is behind it: next
# time only the other half is read, which is no JSON either. One would bet on the offset to
# stay at the begin of the line. Its files are no JSON lines, besides: the first is `# {...}`.
#
# Seen with spectria-logger 0.3.1.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check spectria-logger==0.3.1
export HOME="$work/home"
mkdir "$HOME"

cat >program.py <<'PROGRAM'
from spectria.logger.writer import RunWriter

writer = RunWriter("logs", "demo", "run")
writer.write_row({"epoch": 0, "loss": 0.5})
path = writer.events_path
rows, offset = RunWriter.read_rows_from_offset(path)
print("epochs:", [row["epoch"] for row in rows])

with open(path, "a") as file:
    file.write('{"epoch": 1, "lo')
    file.flush()
    rows, offset = RunWriter.read_rows_from_offset(path, offset)
    print("epochs, while a record is half written:", [row["epoch"] for row in rows])
    file.write('ss": 0.25}\n')
writer.write_row({"epoch": 2, "loss": 0.125})
rows, offset = RunWriter.read_rows_from_offset(path, offset)
print("epochs, once it is whole:", [row["epoch"] for row in rows])
print("epochs, read anew:", [row["epoch"] for row in RunWriter.read_rows(path)])
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
epochs: [0]
epochs, while a record is half written: []
epochs, once it is whole: [2]
epochs, read anew: [0, 1, 2]
EXPECTED
echo "as stated"
