#!/usr/bin/env bash
# simple-websocket does not give a message that came together with the handshake.
#
# A server that greets sends its first message right behind its 101, mostly in the same packet.
# simple-websocket reads both, takes the handshake, and does not look at the rest until the
# next packet comes: the greeting, a ping or a close that stand there are seen with the next
# message, minutes later or never. Sent a moment later they are given at once. One would bet
# on a library that buffers to look into its buffer.
#
# Seen with simple-websocket 1.1.0 (wsproto 1.3.2).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check simple-websocket==1.1.0 wsproto==1.3.2
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import base64
import hashlib
import re
import socket
import threading

from simple_websocket import Client

GREETING, NEXT = b"\x81\x05hello", b"\x81\x04next"


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


def at_once(connection, handshake):
    connection.sendall(handshake + GREETING)
    go_on.wait()
    connection.sendall(NEXT)


def a_moment_later(connection, handshake):
    connection.sendall(handshake)
    connected.wait()
    connection.sendall(GREETING)
    go_on.wait()
    connection.sendall(NEXT)


for answer in at_once, a_moment_later:
    connected, go_on = threading.Event(), threading.Event()
    client = Client(f"ws://127.0.0.1:{serve(answer)}/")
    connected.set()
    print(answer.__name__, "- within 3 s:", client.receive(timeout=3), end="; ")
    go_on.set()
    print("when the next is sent:", client.receive(timeout=10))
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
at_once - within 3 s: None; when the next is sent: hello
a_moment_later - within 3 s: hello; when the next is sent: next
EXPECTED
echo "as stated"
