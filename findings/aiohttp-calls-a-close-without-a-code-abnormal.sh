#!/usr/bin/env bash
# aiohttp says 1006, "abnormal closure", of a connection that was closed in order.
#
# A close frame need not bear a code; RFC 6455, section 7.1.5 has a client say 1005 then. aiohttp
# gives a message CLOSE with the data 0, and `close_code` is 1006, the code for a cable that
# was cut, with an exception EofStream. Whoever raises an alarm for 1006, or comes back for
# it and stays away for an orderly end, does the wrong one. One would bet on 1005, as
# websockets and trio-websocket say.
#
# Seen with aiohttp 3.14.5 and websockets 17.4.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check aiohttp==3.14.5 websockets==17.4
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import asyncio
import base64
import hashlib
import re
import socket
import threading

import aiohttp
import websockets

CLOSES = {"with 1000": b"\x88\x02\x03\xe8", "with no code": b"\x88\x00"}


def serve(answer):
    """Accepts one WebSocket; `answer(socket, handshake)` does the rest. Gives its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run():
        connection, _ = listener.accept()
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            request += connection.recv(4096)
        key = re.search(rb"(?i)sec-websocket-key: (\S+)", request)[1]
        digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        handshake = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        handshake += b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
        answer(connection, handshake)

    threading.Thread(target=run, daemon=True).start()
    return listener.getsockname()[1]


async def run(frame):
    def answer(connection, handshake):
        connection.sendall(handshake + frame)
        connection.recv(4096)

    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(f"ws://127.0.0.1:{serve(answer)}/") as client:
            message = await client.receive()
            await client.receive()
            seen = f"data {message.data}, close_code {int(client.close_code)}, {client.exception()}"
    async with websockets.connect(f"ws://127.0.0.1:{serve(answer)}/", proxy=None) as client:
        await client.wait_closed()
        return seen, client.close_code


for name, frame in CLOSES.items():
    seen, other = asyncio.run(run(frame))
    print(f"{name}: aiohttp: {seen}; websockets: {other}")
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
with 1000: aiohttp: data 1000, close_code 1000, None; websockets: 1000
with no code: aiohttp: data 0, close_code 1006, ; websockets: 1005
EXPECTED
echo "as stated"
