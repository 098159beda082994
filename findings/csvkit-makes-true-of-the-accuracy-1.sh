#!/usr/bin/env bash
# csvkit makes True of the accuracy 1 and False of the step 0, from JSON lines, too.
#
# A column that has nothing but 0 and 1 is a column of booleans, although JSON has told numbers from
# booleans already: the first two epochs of a run (steps 0 and 1), or a class that is found always or
# never (accuracy 1.0 and 0.0), come out of `in2csv` as True and False, and out of `csvjson` as
# true and false. A third epoch, or an accuracy of 0.5, makes numbers of all of them. One would bet
# on the numbers that stand in the records.
#
# Seen with csvkit 2.2.0 and agate 1.14.2 on Python 3.11. What helps: `--no-inference`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check csvkit==2.2.0 agate==1.14.2

record() { echo "{\"step\": $1, \"accuracy\": $2, \"loss\": $3}"; }
{
    { record 0 0.0 0.5; record 1 1.0 0.25; } >two.jsonl
    { cat two.jsonl; record 2 0.5 0.125; } >three.jsonl
    echo "two records, as CSV:"
    venv/bin/in2csv --format ndjson two.jsonl
    echo "and as JSON again:"
    venv/bin/in2csv --format ndjson two.jsonl | venv/bin/csvjson --stream
    echo "three records, as CSV:"
    venv/bin/in2csv --format ndjson three.jsonl
    echo "two records, --no-inference:"
    venv/bin/in2csv --format ndjson --no-inference two.jsonl
} >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
two records, as CSV:
step,accuracy,loss
False,False,0.5
True,True,0.25
and as JSON again:
{"step": false, "accuracy": false, "loss": 0.5}
{"step": true, "accuracy": true, "loss": 0.25}
three records, as CSV:
step,accuracy,loss
0,0.0,0.5
1,1.0,0.25
2,0.5,0.125
two records, --no-inference:
step,accuracy,loss
0,0.0,0.5
1,1.0,0.25
EXPECTED
echo "as stated"
