"""Idle clients in a process of their own: `python -m benchmarks.survival.crowd PORT …`.

Arguments: port, clients, how many of them watch all sessions, sessions. Prints `ready`
when all are subscribed and ends with its standard input.
"""

import asyncio
import sys

from benchmarks.survival.clients import Client, Counter, connect
from benchmarks.survival.stage import allow_many_files


# So many handshakes are under way at once.
WAVE = 20


async def crowd(port: int, count: int, broad: int, sessions: int) -> None:
    """Connect them all, and wait."""
    held: list[Client] = []
    every = count // broad if broad else count + 1
    for start in range(0, count, WAVE):
        held += await asyncio.gather(*(
            connect(
                port,
                {} if at % every == 0 and broad else {"sessionId": name(at % sessions)},
                Counter,
            )
            for at in range(start, min(count, start + WAVE))
        ))  # fmt: skip  # one glance
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    gone = sum(client.transport.is_closing() for client in held)
    print(f"gone {gone}", flush=True)


def name(number: int) -> str:
    """A session's name."""
    return f"run_{number:05}"


if __name__ == "__main__":
    allow_many_files()
    asyncio.run(crowd(*map(int, sys.argv[1:])))
