#!/usr/bin/env bash
# watchfiles ends for good at one file whose name is not UTF-8.
#
# `watch("dir")` over a tree raises `WatchfilesRustInternalError: Unable to decode path …` when
# a file whose name is not UTF-8 is written anywhere below it, whatever its extension, and the
# watcher stays broken: each later call raises the same, though only good names change. A
# process that lets the error through has no notifications for the whole tree; one that begins
# anew loses what came in between, at each line that is written to that file.
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

from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError


def told(watcher):
    try:
        found = watcher.watch(10, 5, 1_000, None)
    except WatchfilesRustInternalError as error:
        return str(error).split(" path ")[0]
    return sorted(os.path.basename(path) for _, path in found)


def append(name):
    with open(os.path.join(b"tree", name), "ab") as file:
        file.write(b"{}\n")


os.mkdir("tree")
watcher = RustNotify(["tree"], False, False, 0, True, True)
append(b"a.jsonl")
print("a good name:", told(watcher))
append(b"caf\xe9.log")
print("a bad name:", told(watcher))
append(b"a.jsonl")
print("a good name again:", told(watcher))
PROGRAM

venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
a good name: ['a.jsonl']
a bad name: Unable to decode
a good name again: Unable to decode
EXPECTED
echo "as stated"
