#!/usr/bin/env bash
# Perspective drops a whole update in silence when one of its records has a NaN.
#
# A list of records is written as JSON on its way into the table, with Python's `NaN`, which
# its reader does not know. `table.update()` then returns as ever, and of the batch nothing has
# arrived: the records before the NaN and after it are missing too. Rows as lines of JSON end at
# the NaN instead, what comes before it arrives. Only a None is a missing value. One would bet on
# an error, or on the record with the NaN alone.
#
# Seen with perspective-python 5.6.1.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check perspective-python==5.6.1
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import json
import math

import perspective

client = perspective.Server().new_local_client()


def steps(rows, **options):
    table = client.table({"step": "integer", "loss": "float"})
    returned = table.update(rows, **options)
    return f"update() returned {returned}, steps {[row['step'] for row in table.view().to_json()]}"


for odd in None, math.nan:
    records = [{"step": step, "loss": odd if step == 3 else 0.5} for step in range(1, 6)]
    print(f"five records, a loss of {odd} at step 3")
    print("  as records:", steps(records))
    lines = "".join(json.dumps(record) + "\n" for record in records)
    print("  as lines:", steps(lines, format="ndjson"))
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
five records, a loss of None at step 3
  as records: update() returned None, steps [1, 2, 3, 4, 5]
  as lines: update() returned None, steps [1, 2, 3, 4, 5]
five records, a loss of nan at step 3
  as records: update() returned None, steps []
  as lines: update() returned None, steps [1, 2]
EXPECTED
echo "as stated"
