#!/usr/bin/env bash
# pino writes a key twice, and polars takes the other of the two than most readers do.
#
# A record with a field `level` or `time` is logged beside pino's own, so that the line has
# the key twice, which JSON permits. JavaScript and Python give the last, polars the first
# (pino's), in silence: one file has other values in a table than in a script. One would bet
# on the last everywhere, or on an error.
#
# Seen with pino 10.4.0 on Node.js 20 and polars 2.1.0.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit pino@10.4.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check polars==2.1.0
export HOME="$work/home"
mkdir "$HOME"

cat >program.js <<'PROGRAM'
const pino = require("pino");

const logger = pino({ base: null, timestamp: false }, pino.destination({ dest: "run.jsonl", sync: true }));
logger.info({ level: 7, loss: 0.5 }, "difficulty");
PROGRAM
cat >program.py <<'PROGRAM'
import json

import polars

line = open("run.jsonl").read()
print(line.strip())
print("Python's json:", json.loads(line)["level"])
print("polars:", polars.read_ndjson("run.jsonl")["level"][0])
PROGRAM
node program.js
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
{"level":30,"level":7,"loss":0.5,"msg":"difficulty"}
Python's json: 7
polars: 30
EXPECTED
echo "as stated"
