#!/usr/bin/env bash
# DataFusion finds out that a column is text, and then refuses the numbers in it.
#
# `read_json` looks at the first records for the type of each key. Where a loss is 0.5 and
# later "NaN" (as several loggers write it) or `true`, the type that fits both is text, and it
# says so in the schema; the reader then fails at 0.5: "expected string got 0.5". A file that
# it has just described cannot be read at all. One would bet on "0.5", as polars and daft read
# it, or on an error while the types are looked at.
#
# Seen with DataFusion 55.0.0 (Python).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check datafusion==55.0.0
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import json

import datafusion

for losses in (0.5, "NaN"), (0.5, True), ("warm-up", [1]), (1, 0.5):
    with open("run.json", "w") as file:
        file.writelines(json.dumps({"loss": loss}) + "\n" for loss in losses)
    frame = datafusion.SessionContext().read_json("run.json")
    kind = frame.schema().field("loss").type
    try:
        seen = frame.to_pydict()["loss"]
    except Exception as error:
        seen = str(error).split("Json error: ")[-1]
    print(f"{json.dumps(losses)}: {kind}: {seen}")
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
[0.5, "NaN"]: string: whilst decoding field 'loss': expected string got 0.5
[0.5, true]: string: whilst decoding field 'loss': expected string got 0.5
["warm-up", [1]]: list<item: string>: whilst decoding field 'loss': expected [ got "warm-up"
[1, 0.5]: double: [1.0, 0.5]
EXPECTED
echo "as stated"
