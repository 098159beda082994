#!/usr/bin/env bash
# httpx-sse: once an event had an ID, each comment with an empty line is an empty event.
#
# `: keep-alive` and an empty line is what most servers send in a pause. By the standard
# (HTML, section 9.2.6) nothing is dispatched while the data buffer is empty. httpx-sse keeps to
# that until an event with an `id:` has come; from then on it yields a `message` with
# empty data for each comment, so that `json.loads(event.data)` raises at the first pause,
# but only at servers that let clients resume. One would bet on the same rule before and
# after an ID. What helps on the server: a comment line without the empty line.
#
# Seen with httpx-sse 0.4.3 and httpx 0.28.1.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check httpx-sse==0.4.3 httpx==0.28.1
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import httpx
from httpx_sse import connect_sse

BODIES = {
    "without an ID": 'data: {"step": 1}\n\n: keep-alive\n\n',
    "with an ID": 'id: 7\ndata: {"step": 1}\n\n: keep-alive\n\n',
    "with an ID, no empty line": 'id: 7\ndata: {"step": 1}\n\n: keep-alive\n',
}


def answer(request):
    headers = {"content-type": "text/event-stream"}
    return httpx.Response(200, headers=headers, text=BODIES[request.url.params["body"]])


with httpx.Client(transport=httpx.MockTransport(answer)) as client:
    for name in BODIES:
        with connect_sse(client, "GET", "http://x/", params={"body": name}) as source:
            print(f"{name}:", [event.data for event in source.iter_sse()])
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
without an ID: ['{"step": 1}']
with an ID: ['{"step": 1}', '']
with an ID, no empty line: ['{"step": 1}']
EXPECTED
echo "as stated"
