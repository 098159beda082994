#!/usr/bin/env bash
# pino writes a key twice, and each reader of tables takes another of the two.
#
# A record with a field `level` or `time` is logged beside pino's own, so that the line has
# the key twice, which JSON permits. Python and pandas then give the last, polars the first
# (pino's), and pyarrow raises, so that one file has other values in another table. One
# would bet on the last everywhere, as most parsers of most languages give it.
#
# Seen with pino 10.4.0 on Node.js 20, polars 2.1.0, pandas 3.1.1 and pyarrow 26.0.1.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit pino@10.4.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check polars==2.1.0 pandas==3.1.1 pyarrow==26.0.1
export HOME="$work/home"
mkdir "$HOME"

cat >program.js <<'PROGRAM'
const pino = require("pino");

const logger = pino({ base: null, timestamp: false }, pino.destination({ dest: "run.jsonl", sync: true }));
logger.info({ level: 7, loss: 0.5 }, "difficulty");
PROGRAM
cat >program.py <<'PROGRAM'
import json

import pandas
import polars
import pyarrow.json


def read(name, function):
    try:
        print(f"{name}: {function()}")
    except Exception as error:
        print(f"{name}: {type(error).__name__}")


print(open("run.jsonl").read().strip())
read("Python's json", lambda: json.loads(open("run.jsonl").read())["level"])
read("pandas", lambda: int(pandas.read_json("run.jsonl", lines=True)["level"][0]))
read("polars", lambda: polars.read_ndjson("run.jsonl")["level"][0])
read("pyarrow", lambda: pyarrow.json.read_json("run.jsonl")["level"][0])
PROGRAM
node program.js
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
{"level":30,"level":7,"loss":0.5,"msg":"difficulty"}
Python's json: 7
pandas: 7
polars: 30
pyarrow: ArrowInvalid
EXPECTED
echo "as stated"
