#!/usr/bin/env bash
# CatBoost takes back the last bytes of its training log with each iteration.
#
# `catboost_training.json` is one JSON document that is whole after each iteration: the closing
# `]}` is written over with a comma and the next record, and stands behind that again. The file only
# grows, but what has been read of it changes. Whoever follows it from an offset, as `tail -f`
# does, gets `]}` in the midst and each record without its first bytes. One would bet on a log that
# grows to grow at its end.
#
# Seen with catboost 1.2.10. What helps: reading it anew from the start, or `learn_error.tsv` and
# `test_error.tsv` beside it, which are appended to.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check catboost==1.2.10
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import json
from pathlib import Path

import catboost

FILES = {name: Path("info", name) for name in ("catboost_training.json", "learn_error.tsv")}
followed = dict.fromkeys(FILES, b"")
before = b""
wholes, grown = [], []


class Follower:
    def after_iteration(self, info):
        """Reads what is behind the offset that was reached, and the whole document beside it."""
        global before
        for name, path in FILES.items():
            contents = path.read_bytes() if path.exists() else b""
            followed[name] += contents[len(followed[name]) :]
            if name == "catboost_training.json" and contents:
                wholes.append(len(json.loads(contents)["iterations"]))
                grown.append(len(contents) > len(before) and not contents.startswith(before))
                before = contents
        return True


model = catboost.CatBoostRegressor(iterations=6, verbose=False, train_dir="info", thread_count=1)
model.fit([[n % 7, n % 3] for n in range(200)], [n % 7 for n in range(200)], callbacks=[Follower()])
print("the document is whole each time, with iterations:", *wholes)
print("each time longer, and not what it was with something behind it:", all(grown[1:]))
try:
    json.loads(followed["catboost_training.json"])
except ValueError as error:
    print("as it was followed:", error.msg)
for name, path in FILES.items():
    print(f"{name}: what was followed is its beginning:", path.read_bytes().startswith(followed[name]))
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
the document is whole each time, with iterations: 1 2 3 4 5 6
each time longer, and not what it was with something behind it: True
as it was followed: Extra data
catboost_training.json: what was followed is its beginning: False
learn_error.tsv: what was followed is its beginning: True
EXPECTED
echo "as stated"
