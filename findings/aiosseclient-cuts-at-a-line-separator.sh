#!/usr/bin/env bash
# aiosseclient cuts a text at U+2028 and at a form feed, and drops the rest of the record.
#
# An event stream has three line ends: LF, CR and both. aiosseclient splits by Python's
# `str.splitlines`, which knows eight more. JSON may hold U+2028 as it is, so an event whose
# data is `{"a":"x<U+2028>y"}` arrives as `{"a":"x`; the rest is printed as an "invalid line".
#
# Seen with aiosseclient 0.1.8.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check aiosseclient==0.1.8
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import asyncio
import json

from aiohttp import web
from aiosseclient import aiosseclient

BODY = json.dumps({"a": "x\u2028y"}, ensure_ascii=False, separators=(",", ":"))


async def events(request):
    return web.Response(text=f"data: {BODY}\n\n", content_type="text/event-stream")


async def main():
    app = web.Application()
    app.router.add_get("/", events)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    async for event in aiosseclient(f"http://127.0.0.1:{port}/"):
        print("data:", event.data)
        try:
            json.loads(event.data)
        except ValueError as error:
            print("is it JSON?", type(error).__name__)
        break
    await runner.cleanup()


asyncio.run(main())
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
data: {"a":"x
is it JSON? JSONDecodeError
EXPECTED
echo "as stated"
