#!/usr/bin/env bash
# aiohttp-sse-client doubles the `retry` of a server, and forgets it after one reconnection.
#
# `retry: 100` asks for reconnections after 100 ms. The first comes after 200 ms, and from the
# second on it waits 10 s, as if nothing had been asked: a successful connection sets the
# time back to the built-in five seconds, which are doubled too. A server that says `retry`
# once, on its first answer, so gets a client that is absent for 10 s after each restart.
# One would bet on 100 ms until something else is asked, by the standard (HTML, 9.2.6).
#
# Seen with aiohttp-sse-client 0.2.1 and aiohttp 3.14.5. (The waits are read, not waited for.)
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check aiohttp-sse-client==0.2.1 aiohttp==3.14.5
export HOME="$work/home"
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import asyncio

from aiohttp import web
from aiohttp_sse_client import client

asked = 0
waits = []
sleep = asyncio.sleep


async def events(request):
    global asked
    asked += 1
    text = "retry: 100\ndata: 1\n\n" if asked == 1 else f"data: {asked}\n\n"
    return web.Response(text=text, content_type="text/event-stream")


async def no_sleep(seconds):
    waits.append(seconds)
    await sleep(0)


async def main():
    app = web.Application()
    app.router.add_get("/", events)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    client.asyncio = type("asyncio", (), {"sleep": staticmethod(no_sleep)})
    async with client.EventSource(f"http://127.0.0.1:{port}/") as source:
        async for event in source:
            if event.data == "4":
                break
    print("seconds before each reconnection:", waits)
    await runner.cleanup()


asyncio.run(main())
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
seconds before each reconnection: [0.2, 10.0, 10.0]
EXPECTED
echo "as stated"
