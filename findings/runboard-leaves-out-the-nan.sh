#!/usr/bin/env bash
# runboard leaves out a NaN, a text and a nested dictionary, and turns True into 1.0.
#
# Of `log({"loss": nan, "val": {"acc": 0.5}, "note": "warm-up", "ok": True, "n": 3})` the
# file gets `ok` and `n` alone, both as floats; nothing is logged or raised. The moment a
# loss becomes NaN is therefore no value at all in the file: the key is simply missing,
# and a viewer draws a line from the last good point to the next. One would bet on `NaN`,
# `null` or a text, as other loggers write them.
#
# Seen with runboard 0.3.0 in its file mode.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check runboard==0.3.0
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import glob
import json
import os

os.environ["RUNBOARD_DIR"] = "."
import runboard

runboard.init(project="p", name="n")
values = {"loss": float("nan"), "val": {"acc": 0.5}, "note": "warm-up", "ok": True, "n": 3}
runboard.log(values, step=0)
runboard.finish()

[path] = glob.glob("**/metrics.jsonl", recursive=True)
record = json.loads(open(path).readline())
print(json.dumps({key: record[key] for key in sorted(record) if key[0] != "_"}))
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
{"n": 3.0, "ok": 1.0}
EXPECTED
echo "as stated"
