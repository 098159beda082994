#!/usr/bin/env bash
# littlelogger logs the arguments as the function left them, not as it got them.
#
# `@log_run()` takes the arguments before the call and writes them after it; a list or a
# dictionary that the function changes (a configuration that gets its defaults, a schedule
# from which steps are popped) is in the line as it was at the end. Who runs the logged
# parameters again runs something else. One would bet on what was passed, since it is taken
# before the call.
#
# Seen with littlelogger 1.1.1 (and pandas 3.1.1, which it imports and does not ask for).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check littlelogger==1.1.1 pandas==3.1.1
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import json

from littlelogger import log_run


@log_run(log_file="run.jsonl")
def train(config, schedule):
    rate = config.setdefault("lr", 0.1)
    while schedule:
        rate *= schedule.pop()
    return {"rate": rate}


train({"seed": 7}, [0.5, 0.5])
(line,) = open("run.jsonl")
print("passed:", '{"config": {"seed": 7}, "schedule": [0.5, 0.5]}')
print("logged:", json.dumps(json.loads(line)["params"]))
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
passed: {"config": {"seed": 7}, "schedule": [0.5, 0.5]}
logged: {"config": {"seed": 7, "lr": 0.1}, "schedule": []}
EXPECTED
echo "as stated"
