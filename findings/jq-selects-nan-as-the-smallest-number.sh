#!/usr/bin/env bash
# jq: `select(.loss < 0.1)` also gives the records whose loss is NaN, and prints null there.
#
# jq takes the token NaN, which is no JSON, without a word; compares it as less than every
# number, so that a filter for good runs selects those that broke; and prints it as null.
# An Infinity becomes 1.797…e308, a number that looks as if somebody had measured it. One
# would bet on an error, or on the rule of IEEE 754 that NaN is less than nothing.
#
# Seen with jq 1.8 in the Python binding jq 1.13.0.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check jq==1.13.0
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import jq

LINES = '{"step":1,"loss":0.9}\n{"step":2,"loss":NaN}\n{"step":3,"loss":0.05}\n'

good = jq.compile("select(.loss < 0.1)").input_text(LINES)
print("selected:", good.text().replace("\n", "\nselected: "))
print("Infinity:", jq.compile(".loss").input_text('{"loss":Infinity}').text())
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
selected: {"step": 2, "loss": null}
selected: {"step": 3, "loss": 0.05}
Infinity: 1.7976931348623157e+308
EXPECTED
echo "as stated"
