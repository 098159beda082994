#!/usr/bin/env bash
# redis-py takes a misspelt option in an address, and fails with a TypeError at first use.
#
# `from_url` parses the address and raises ValueError for a scheme or a number that is
# wrong. An option that does not exist (`?socket_timeot=5`) passes: the client is made.
# Its first command, before any connection, raises a TypeError about a constructor of the
# library; neither `redis.exceptions.RedisError` nor OSError catches that. A service that
# waits for its broker with back-off takes a typing error in its settings for a defect of
# its own, or dies in the task that asked first.
#
# Seen with redis 8.1.0 (PyPI) on Python 3.11. No server is needed.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet redis==8.1.0

cat >program.py <<'PROGRAM'
import asyncio

import redis
import redis.asyncio

ADDRESSES = ["redys://127.0.0.1:1", "redis://127.0.0.1:1?socket_timeout=x",
             "redis://127.0.0.1:1?socket_timeot=5", "redis://127.0.0.1:1?socket_timeout=5"]


def kind(error):
    known = isinstance(error, (redis.exceptions.RedisError, OSError))
    return f"{type(error).__name__}{'' if known else ', no RedisError'}"


async def main():
    for address in ADDRESSES:
        try:
            client = redis.asyncio.Redis.from_url(address)
        except Exception as error:
            print(f"{address}\n  when made: {kind(error)}")
            continue
        try:
            await client.ping()
        except Exception as error:
            print(f"{address}\n  at the first command: {kind(error)}")


asyncio.run(main())
PROGRAM
venv/bin/python program.py >seen
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
redys://127.0.0.1:1
  when made: ValueError, no RedisError
redis://127.0.0.1:1?socket_timeout=x
  when made: ValueError, no RedisError
redis://127.0.0.1:1?socket_timeot=5
  at the first command: TypeError, no RedisError
redis://127.0.0.1:1?socket_timeout=5
  at the first command: ConnectionError
EXPECTED
echo "as stated"
