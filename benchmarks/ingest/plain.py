"""A plain tailer to compare with: redis-py, one pipelined XADD for each line.

What one writes first, and what it leaves out: no proofs, no exactly-once, no checks but
that the line is JSON. Run as a process: file, broker URL, session, lines to expect.
"""

import json
import signal
import sys
import time

import redis


BATCH_LINES = 1_000


def main(path: str, url: str, session: str, count: int) -> None:
    """Append the file's lines until there were so many; wait to be ended."""
    client = redis.Redis.from_url(url)
    stream = f"plain:{{{session}}}"
    done = 0
    with open(path, "rb") as file:  # noqa: PTH123  # as one writes it first
        pipeline = client.pipeline(transaction=False)
        while done < count:
            line = file.readline()
            if not line:
                time.sleep(0.01)
                continue
            json.loads(line)
            pipeline.xadd(stream, {"r": line.rstrip()})
            done += 1
            if done % BATCH_LINES == 0:
                pipeline.execute()
        pipeline.execute()
    signal.pause()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
