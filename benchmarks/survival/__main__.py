"""`python -m benchmarks.survival [PART …]`: what the gateway survives, and its price.

Parts: `replay` (a million records; live ones beside it), `idle` (5,000 clients, 10,000
sessions), `live` (ten live sessions of 10,000), `slow` (200 MB past one that does not
read), `restart` (how long clients hear nothing while `tailcast up` restarts, or its
gateway), `hostile` (an honest client beside 2,360 hostile ones, 10,000 half-open
handshakes, a gigabyte of headers; with the goals; four minutes at most); by default
all, some twelve minutes. Linux only: it reads `/proc`.
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks.survival import (
    hostility,
    idleness,
    replays,
    restarts,
    slow_reader,
)
from benchmarks.survival.stage import allow_many_files, valkey


# How long the hostile part may take, seconds.
HOSTILE_SECONDS = 240.0


async def replay(url: str, scale: float) -> None:
    """Task by task: the replay itself, and who is beside it."""
    alone, beside = await replays.measure(
        url, records=int(1_000_000 * scale), replayers=8, seconds=20.0 * scale
    )
    print(alone, *beside, sep="\n", flush=True)


async def idle(url: str, scale: float) -> None:
    """Clients and sessions that do nothing."""
    clients, sessions = int(5_000 * scale), int(10_000 * scale)
    figures = await idleness.measure(
        url,
        clients=clients,
        broad=clients // 50,
        sessions=sessions,
        seconds=max(10.0, 60.0 * scale),
    )
    print(figures, flush=True)


async def live(url: str, scale: float) -> None:
    """Sessions that do nothing beside some that do."""
    figures = await idleness.measure_live(
        url, few=10, many=int(10_000 * scale), live=10, seconds=max(5.0, 30.0 * scale)
    )
    print(figures, flush=True)


async def slow(url: str, scale: float) -> None:
    """One that does not read."""
    figures = await slow_reader.measure(
        url, flow_bytes=int(200_000_000 * scale), seconds=60.0 * scale
    )
    print(figures, flush=True)


async def restart(_url: str, _scale: float) -> None:
    """`tailcast up`, on a broker of its own."""
    async for figures in restarts.measure(followers=20):
        print(figures, flush=True)


async def hostile(url: str, scale: float) -> None:
    """All attacks together, and what is to come of it."""
    try:
        async with asyncio.timeout(HOSTILE_SECONDS):
            await _hostile(url, scale)
    except TimeoutError:
        sys.exit(f"hostile: not done after {HOSTILE_SECONDS:.0f} s")


async def _hostile(url: str, scale: float) -> None:
    counts = (2_000, 10, 200, 100, 50)
    before, beside, kept = await hostility.measure(
        url,
        records=int(100_000 * scale),
        counts=tuple(max(1, int(count * scale)) for count in counts),
        seconds=max(5.0, 60.0 * scale),
    )
    print(before, beside, kept, sep="\n", flush=True)
    half_open = await hostility.measure_half_open(url, connections=int(10_000 * scale))
    print(half_open, flush=True)
    headers = await hostility.measure_headers(url, sent_bytes=int(1e9 * scale))
    print(headers, flush=True)
    goals = [*beside.goals, *kept.goals, *half_open.goals, *headers.goals]
    print("goals, on two cores with nothing else to do:", *goals, sep="\n", flush=True)


PARTS: dict[str, Callable[[str, float], Awaitable[None]]] = {
    "replay": replay,
    "idle": idle,
    "live": live,
    "slow": slow,
    "restart": restart,
    "hostile": hostile,
}


def main() -> None:
    """Measure, each part on a broker of its own."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.survival", description=__doc__
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--scale", type=float, default=1.0, help="0.1 for a first look")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    if not Path("/proc/self/clear_refs").exists():
        sys.exit("this benchmark reads /proc: Linux only")
    allow_many_files()
    for name in options.parts or PARTS:
        with valkey(hostility.BROKER_BYTES if name == "hostile" else 0) as url:
            asyncio.run(_run(PARTS[name], url, options.scale))


async def _run(
    part: Callable[[str, float], Awaitable[None]], url: str, scale: float
) -> None:
    await part(url, scale)


if __name__ == "__main__":
    main()
