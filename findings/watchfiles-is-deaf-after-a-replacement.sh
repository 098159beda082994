#!/usr/bin/env bash
# watchfiles is deaf to a file that it watches by name once the file was replaced.
#
# `watch("run.jsonl")` tells an append, and tells the replacement of the file by a rename
# (an atomic save) as `deleted` and `modified`. After that nothing more comes: the inode that
# was watched is gone, the name is not watched again, and no error is raised. One would bet on
# a watch by name to follow the name. What helps: to watch the folder.
#
# Seen with watchfiles 1.3.0 on Linux.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check watchfiles==1.3.0
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import os
import queue
import sys
import threading

import watchfiles


def follow(path):
    changes, ready = queue.Queue(), threading.Event()

    def run():
        for found in watchfiles.watch(path, step=50, debounce=200, rust_timeout=100, yield_on_timeout=True):
            ready.set()
            if found:
                changes.put(sorted({change.name for change, _ in found}))

    threading.Thread(target=run, daemon=True).start()
    ready.wait()
    return changes


def told(changes):
    try:
        return ", ".join(changes.get(timeout=3))
    except queue.Empty:
        return "nothing in 3 s"


def append(text):
    with open("run/run.jsonl", "a") as file:
        file.write(text)


os.mkdir("run")
append("1\n")
changes = follow("run/run.jsonl")
append("2\n")
print("append:", told(changes))
with open("new", "w") as file:
    file.write("1\n2\n3\n")
os.replace("new", "run/run.jsonl")
print("replaced:", told(changes))
append("4\n")
print("append to the new file:", told(changes))
folder = follow("run")
append("5\n")
print("its folder, append:", told(folder))
sys.stdout.flush()
os._exit(0)
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
append: modified
replaced: deleted, modified
append to the new file: nothing in 3 s
its folder, append: modified
EXPECTED
echo "as stated"
