#!/usr/bin/env bash
# curl_cffi answers a ping only when a message comes: a quiet connection is taken for dead.
#
# libcurl answers pings while it delivers something. A program that waits in `recv()` on a
# quiet WebSocket delivers nothing, so that a server which pings and waits for the pong
# closes a client that is alive and reading. One would bet on a client that sits in `recv`
# to answer control frames, as RFC 6455, section 5.5.2 asks for ("as soon as practical")
# and as every other Python client does. What helps: to send anything from time to time.
#
# Seen with curl_cffi 0.17.0 (libcurl 8.23.0), against websockets 16.0 as the server.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check curl_cffi==0.17.0 websockets==16.0
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import asyncio
import threading

from websockets.asyncio.server import serve

ready, port = threading.Event(), None


def run(handler):
    async def main():
        global port
        server = await serve(handler, "127.0.0.1", 0, ping_interval=None)
        port = server.sockets[0].getsockname()[1]
        ready.set()
        await asyncio.Future()

    threading.Thread(target=asyncio.run, args=[main()], daemon=True).start()
    ready.wait()


async def handler(socket):
    await socket.send("first")
    pong = await socket.ping()
    try:
        await asyncio.wait_for(asyncio.shield(pong), 5)
        said.append("waiting in recv(): pong")
    except TimeoutError:
        said.append("waiting in recv(): no pong in 5 s")
    await socket.send("second")
    await asyncio.wait_for(pong, 5)
    said.append("after the next message: pong")


said = []
run(handler)

import curl_cffi

with curl_cffi.Session() as session:
    socket = session.ws_connect(f"ws://127.0.0.1:{port}/")
    try:
        while True:
            socket.recv_str()
    except curl_cffi.WebSocketClosed:
        pass
print(*said, sep="\n")
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
waiting in recv(): no pong in 5 s
after the next message: pong
EXPECTED
echo "as stated"
