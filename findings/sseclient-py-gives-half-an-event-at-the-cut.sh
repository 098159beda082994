#!/usr/bin/env bash
# sseclient-py gives the half event that lay there when the connection broke.
#
# The standard (HTML, section 9.2.6) has an event end with an empty line, and what was not
# ended to be discarded. sseclient-py yields it: a server that is stopped within
# `data: 0.0625` is heard to say `0.0`, a number like any other, and after a come-back with
# `Last-Event-ID` the whole event comes as well. One would bet on one event, or on an error.
#
# Seen with sseclient-py 1.9.0.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check sseclient-py==1.9.0
export HOME="$work/home"
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import sseclient


class Answer:
    """What an HTTP library hands on, of a connection that ends within the third event."""

    def __iter__(self):
        yield b"id: 1\ndata: 0.25\n\n"
        yield b"id: 2\ndata: 0.125\n\nid: 3\ndata: 0.0"

    def close(self):
        pass


for event in sseclient.SSEClient(Answer()).events():
    print(f"id {event.id}: loss {event.data}")
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
id 1: loss 0.25
id 2: loss 0.125
id 3: loss 0.0
EXPECTED
echo "as stated"
