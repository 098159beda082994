#!/usr/bin/env bash
# sse-starlette sends the `str()` of a dictionary as an event's data: Python, which no page reads.
#
# `{"data": {"loss": 0.5, "done": False}}` leaves the server as `data: {'loss': 0.5, 'done': False}`,
# with the quotes, the False and the None of Python. Nothing is raised where it is sent; it is the
# page's JSON.parse that fails, at each event. Whatever else a FastAPI application returns is made
# JSON for it, so that one would bet on JSON here too, or on an error for what is no text. What
# helps: JSONServerSentEvent of the same package, or a text of `json.dumps`.
#
# Seen with sse-starlette 3.7.0 and starlette 1.10.0 on Python.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check sse-starlette==3.7.0 starlette==1.10.0

cat >program.py <<'PROGRAM'
import asyncio

from sse_starlette import EventSourceResponse, JSONServerSentEvent

record = {"loss": 0.5, "done": False, "note": None}


async def events():
    yield {"data": record}
    yield JSONServerSentEvent(record)


async def main():
    sent = []
    never = asyncio.Event()

    async def receive():
        await never.wait()

    async def send(message):
        sent.append(message.get("body", b"").decode())

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    await EventSourceResponse(events())(scope, receive, send)
    print("".join(sent).replace("\r\n\r\n", "\n").strip())


asyncio.run(asyncio.wait_for(main(), 60))
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
data: {'loss': 0.5, 'done': False, 'note': None}
data: {"loss":0.5,"done":false,"note":null}
EXPECTED
echo "as stated"
