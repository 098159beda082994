#!/usr/bin/env bash
# watchdog goes on telling of a folder that was moved out of the tree, under its old name.
#
# The watch on `runs/old` is not ended when that folder is moved elsewhere (to an archive):
# `deleted` is told, and then each write in the archive as `modified` of `runs/old/...`, a
# file that is not there. Where a new `runs/old` has been made since, a write in the archive
# cannot be told from a write in it. One would bet on silence after `deleted`.
#
# Seen with watchdog 7.1.0 on Linux (inotify).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check watchdog==7.1.0
export HOME="$work/home"
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import os
import time

from watchdog.events import FileSystemEventHandler
from watchdog.observers import Observer

told = []


class Handler(FileSystemEventHandler):
    def on_any_event(self, event):
        if event.src_path != "runs" and event.event_type not in ("opened", "closed"):
            there = "there" if os.path.exists(event.src_path) else "not there"
            told.append(f"{event.event_type} {event.src_path} ({there})")


def say(title):
    time.sleep(2)
    print(f"{title}: {', '.join(told)}")
    told.clear()


os.makedirs("runs/old")
os.mkdir("archive")
with open("runs/old/run.jsonl", "w") as file:
    observer = Observer()
    observer.schedule(Handler(), "runs", recursive=True)
    observer.start()
    os.rename("runs/old", "archive/old")
    say("the folder is moved out")
    file.write("{}\n")
    file.flush()
    say("a write to the file in the archive")
    os.mkdir("runs/old")
    open("runs/old/run.jsonl", "w").close()
    time.sleep(2)
    told.clear()
    file.write("{}\n")
    file.flush()
    say("the same, with a new folder of the old name")
    observer.stop()
    observer.join()
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
the folder is moved out: deleted runs/old (not there)
a write to the file in the archive: modified runs/old/run.jsonl (not there)
the same, with a new folder of the old name: modified runs/old/run.jsonl (there)
EXPECTED
echo "as stated"
