#!/usr/bin/env bash
# websocket-client: `recv()` of a closed connection is an empty text, once, and no exception.
#
# When the server closes (here with 1012), the `recv()` that waits returns "" and the code
# is nowhere; only the next `recv()` raises. So a loop `json.loads(socket.recv())` ends
# with "Expecting value", far from its cause, and a loop that skips empty messages meets
# the exception one call later. And the close is answered with 1000 in the place of the
# code that was sent. One would bet on an exception that bears the code, at the first call.
#
# Seen with websocket-client 1.9.2.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check websocket-client==1.9.2 websockets==16.0
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
    await socket.close(1012, "draining")
    codes.append(socket.protocol.close_rcvd.code)
    closed.set()


codes, closed = [], threading.Event()
run(handler)

import websocket

socket = websocket.create_connection(f"ws://127.0.0.1:{port}/")
print("first:", repr(socket.recv()))
print("after the close:", repr(socket.recv()))
try:
    socket.recv()
except Exception as error:
    print("once more:", type(error).__name__)
closed.wait(30)
print("the server sent 1012 and was answered:", *codes)
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
first: 'first'
after the close: ''
once more: WebSocketConnectionClosedException
the server sent 1012 and was answered: 1000
EXPECTED
echo "as stated"
