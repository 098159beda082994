#!/usr/bin/env bash
# jupyter-server-proxy: a refused WebSocket opens first, and every close arrives as 1005.
#
# It is no tunnel: it accepts the browser with 101, then connects to the server behind it.
# A server that refuses the handshake with 503 and `Retry-After` is therefore seen as an
# open connection that breaks (1006); a back-off that starts anew "on open" never backs off.
# And a close with 1012 and a reason arrives as 1005 without one: what a client must know
# has to be said in a message before the close.
#
# Seen with jupyter-server-proxy 4.6.0, jupyter-server 2.21.1, websockets 16.0.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check jupyter-server-proxy==4.6.0 jupyter-server==2.21.1 websockets==16.0
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import asyncio
import os
import socket
import subprocess

import websockets
from websockets.asyncio.server import serve

TOKEN = "a-token-of-this-test"


async def close_with_a_reason(connection):
    await connection.send("x")
    await connection.close(1012, "draining")


def refuse_some(connection, request):
    if request.path == "/full":
        answer = connection.respond(503, "full\n")
        answer.headers["Retry-After"] = "5"
        return answer


async def watch(url):
    seen = []
    headers = {"Authorization": f"token {TOKEN}"}
    try:
        connection = await websockets.connect(url, additional_headers=headers, proxy=None)
    except websockets.InvalidStatus as error:
        return f"refused {error.response.status_code}"
    seen.append("open")
    try:
        while True:
            seen.append(f"got {await connection.recv()!r}")
    except websockets.ConnectionClosed:
        seen.append(f"closed {connection.close_code} {connection.close_reason!r}")
    return ", ".join(seen)


async def main():
    server = await serve(close_with_a_reason, "127.0.0.1", 0, process_request=refuse_some)
    backend = server.sockets[0].getsockname()[1]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        front = free.getsockname()[1]
    jupyter = subprocess.Popen(
        ["venv/bin/jupyter-server", "--allow-root", f"--port={front}", "--ip=127.0.0.1",
         "--no-browser", "--ServerApp.port_retries=0"],
        env={**os.environ, "JUPYTER_TOKEN": TOKEN},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", front)).close()
                break
            except OSError:
                await asyncio.sleep(0.1)
        for path, title in ("/ok", "served"), ("/full", "refused with 503"):
            url = f"ws://127.0.0.1:{front}/proxy/{backend}{path}"
            print(f"{title}:", await watch(url))
    finally:
        jupyter.terminate()
        jupyter.wait()


asyncio.run(main())
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
served: open, got 'x', closed 1005 ''
refused with 503: open, closed 1006 ''
EXPECTED
echo "as stated"
