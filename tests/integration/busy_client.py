"""`python -m tests.integration.busy_client URL RECORDS SECONDS`: reads, and is busy.

It handles records one by one, so many seconds each in which it answers nothing, and
comes back by its name whenever it was sent away. A line for each start and each record.
"""

import asyncio
import json
import sys
import time
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


async def main(url: str, records: int, seconds: float) -> None:
    """Until the last record has been handled."""
    subscribe = {
        "type": "subscribe", "sessionId": "a", "clientId": "me", "from": "resume",
    }  # fmt: skip  # one glance
    step = -1
    while step < records - 1:
        try:
            async with connect(url, ping_interval=None) as socket:
                await socket.send(json.dumps(subscribe))
                async for text in socket:
                    step = max(step, handle(json.loads(text), seconds))
                    if step == records - 1:
                        return
        except ConnectionClosed:
            pass


def handle(message: dict[str, Any], seconds: float) -> int:
    """Handle what came; the last step in it."""
    if message["type"] == "subscribed":
        sys.stdout.write("repeated\n" if "repeated" in message else "start\n")
    step = -1
    if message["type"] == "telemetry":
        for record in message["data"]:
            # Nothing else goes on meanwhile, as while something is computed.
            time.sleep(seconds)
            step = int(record["step"])
            sys.stdout.write(f"{step}\n")
    return step


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
