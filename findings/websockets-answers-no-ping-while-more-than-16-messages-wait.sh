#!/usr/bin/env bash
# A client of `websockets` with more than 16 messages to receive answers no ping until it has 4.
#
# The keepalive is said to run by itself beside the program. But a connection with 17 messages
# that were not received stops reading its socket, and the server's pings are behind them: none is
# answered until `recv()` has been called 13 times. The synchronous client, which reads in a thread
# of its own, does the same. Whoever takes long over one message while others come is thus taken
# for dead by the server, although the loop or the thread is idle. One would bet on a pong for as
# long as the program lives.
#
# Seen with websockets 17.4. What helps: a larger `max_queue`, or a task that receives into a
# queue of one's own.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check websockets==17.4
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import asyncio
import threading

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.sync.client import connect as connect_in_a_thread

behind, answered = threading.Event(), threading.Event()


async def send_and_ping(connection):
    """Sends a message and a ping in turns until a ping is not answered for three seconds."""
    for sent in range(1, 41):
        await connection.send(f"message {sent}")
        pong = await connection.ping()
        if not (await asyncio.wait([pong], timeout=3))[0]:
            break
    # The ping that came in one packet with the message before it may still be answered.
    assert sent in {17, 18}, sent
    print("  more than 16 messages wait: the ping is not answered")
    behind.set()
    await pong
    answered.set()
    await connection.wait_closed()


async def receive(url):
    async with connect(url, ping_interval=None, proxy=None) as client:
        await asyncio.to_thread(behind.wait)
        received = 0
        while not answered.is_set():
            await client.recv()
            received += 1
            await asyncio.to_thread(answered.wait, 2)
        return received


def receive_in_a_thread(url):
    with connect_in_a_thread(url, ping_interval=None, proxy=None) as client:
        behind.wait()
        received = 0
        while not answered.is_set():
            client.recv()
            received += 1
            answered.wait(2)
        return received


async def main():
    async with serve(send_and_ping, "127.0.0.1", 0, ping_interval=None) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        print("asyncio client")
        print(f"  {await receive(url)} of them are received: it is answered")
        behind.clear()
        answered.clear()
        print("synchronous client")
        received = await asyncio.to_thread(receive_in_a_thread, url)
        print(f"  {received} of them are received: it is answered")


asyncio.run(main())
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
asyncio client
  more than 16 messages wait: the ping is not answered
  13 of them are received: it is answered
synchronous client
  more than 16 messages wait: the ping is not answered
  13 of them are received: it is answered
EXPECTED
echo "as stated"
