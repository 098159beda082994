#!/usr/bin/env bash
# Optuna's journal is locked by a symbolic link that leads to the journal itself.
#
# `JournalFileBackend("study.log")` makes `study.log.lock` for each write: not a lock file,
# but a link whose target is `study.log`, renamed away again after a millisecond. Whoever
# watches the folder and follows links sees a second file with the same contents, which
# comes and goes with each line; a `*.lock` that one opens to see who holds it shows the
# journal. One would bet on an empty file, or one with a PID in it.
#
# Seen with optuna 5.0.0.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check optuna==5.0.0
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import json
import os
import threading

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

optuna.logging.set_verbosity(optuna.logging.ERROR)
targets, heads, done = set(), [], threading.Event()


def watch():
    while not done.is_set():
        try:
            targets.add(os.readlink("study.log.lock"))
            with open("study.log.lock") as file:
                heads.append(json.loads(file.readline())["op_code"])
        except (OSError, ValueError):
            pass


watcher = threading.Thread(target=watch)
watcher.start()
study = optuna.create_study(storage=JournalStorage(JournalFileBackend("study.log")))
while not heads:
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=5)
done.set()
watcher.join()
print("study.log.lock -> study.log:", targets == {"study.log"})
print("its first record, read through the lock: op_code", heads[0])
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
study.log.lock -> study.log: True
its first record, read through the lock: op_code 0
EXPECTED
echo "as stated"
