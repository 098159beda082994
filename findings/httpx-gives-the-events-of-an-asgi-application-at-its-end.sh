#!/usr/bin/env bash
# httpx's ASGITransport gives an event stream to its reader when the stream has ended.
#
# `client.stream()` with the transport that tests of FastAPI use runs the application to its end,
# gathers what it sent, and only then returns the response with its headers. A test that
# reads one event and leaves thus gets it only after the last, and one that waits for an event
# before it causes the next cannot be written. One would bet on `stream()` to stream, as it does
# over a socket.
#
# Seen with httpx 0.28.1. What helps: the same application behind a server on a free port.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check httpx==0.28.1 uvicorn==0.54.0
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import asyncio
import contextlib

import httpx
import uvicorn

sent = 0


async def application(scope, receive, send):
    """Sends the second event and the third after the first has been read, or after a second."""
    global sent, read
    sent, read = 0, asyncio.Event()
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for event in range(1, 4):
        body = b"data: %d\n\n" % event
        await send({"type": "http.response.body", "body": body, "more_body": event < 3})
        sent += 1
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(read.wait(), 1)


async def follow(client):
    async with client, client.stream("GET", "/") as response:
        async for line in response.aiter_lines():
            if line and not read.is_set():
                print(f"  {line} was read when {sent} of 3 were sent")
                read.set()


async def main():
    print("ASGITransport")
    transport = httpx.ASGITransport(app=application)
    await follow(httpx.AsyncClient(transport=transport, base_url="http://test"))
    print("the same behind uvicorn")
    config = uvicorn.Config(application, port=0, lifespan="off", log_level="critical")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    await follow(httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}"))
    server.should_exit = True
    await serving


asyncio.run(main())
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
ASGITransport
  data: 1 was read when 3 of 3 were sent
the same behind uvicorn
  data: 1 was read when 1 of 3 were sent
EXPECTED
echo "as stated"
