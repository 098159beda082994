#!/usr/bin/env bash
# httpx-ws ends a connection at a pong that nobody asked for.
#
# RFC 6455, section 5.5.3: a pong "MAY be sent unsolicited", as a heartbeat in one direction that
# expects no answer; .NET sends such as its keep-alive. httpx-ws looks for the ping that it
# would belong to, finds none, and the KeyError ends the task that reads: the block is left
# with an ExceptionGroup, and the message behind the pong is lost. One would bet on a pong to
# be looked past.
#
# Seen with httpx-ws 0.9.0, httpx 0.28.1 and wsproto 1.3.2.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check httpx-ws==0.9.0 httpx==0.28.1 wsproto==1.3.2
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import asyncio
import base64
import hashlib
import re
import socket
import threading

import httpx
from httpx_ws import aconnect_ws

PONG, TEXT = b"\x8a\x09heartbeat", b"\x81\x05hello"


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


async def run(frames):
    def answer(connection, handshake):
        connection.sendall(handshake + frames)

    url = f"http://127.0.0.1:{serve(answer)}/"
    try:
        async with httpx.AsyncClient(trust_env=False) as client, aconnect_ws(url, client) as socket:
            return await socket.receive_text(timeout=10)
    except BaseExceptionGroup as group:
        inner = group
        while isinstance(inner, BaseExceptionGroup):
            inner = inner.exceptions[0]
        return f"{type(group).__name__} of {type(inner).__name__}"


print("a text:", asyncio.run(run(TEXT)))
print("a pong and a text:", asyncio.run(run(PONG + TEXT)))
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
a text: hello
a pong and a text: ExceptionGroup of KeyError
EXPECTED
echo "as stated"
