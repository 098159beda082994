#!/usr/bin/env bash
# niquests hides why a WebSocket was closed, and does not answer the close.
#
# The server closes with 1012 and a reason. `next_payload()` answers None, as it would for
# a lost connection; neither the code nor the reason is anywhere in its interface, and the
# server gets no close frame back, so that it sees 1006, an abnormal end. A client cannot
# tell "come back" from "stay away". One would bet on the code to be an attribute.
#
# Seen with niquests 3.21.2 (urllib3-future 2.25.904, wsproto 1.3.2).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check "niquests[ws]==3.21.2" urllib3-future==2.25.904 wsproto==1.3.2 websockets==16.0
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
    codes.append(socket.close_code)
    closed.set()


codes, closed = [], threading.Event()
run(handler)

import niquests

with niquests.Session() as session:
    socket = session.get(f"ws://127.0.0.1:{port}/").extension
    print("payloads:", [socket.next_payload(), socket.next_payload()])
    names = [name for name in dir(socket) if "clos" in name and name[0] != "_"]
    print("public names that speak of a close:", names)
closed.wait(30)
print("the server saw:", *codes)
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
payloads: ['first', None]
public names that speak of a close: ['close', 'closed']
the server saw: 1006
EXPECTED
echo "as stated"
