"""`python -m benchmarks.gateway`: from stream to socket, beside what others would take.

All contenders run at once with the same clients and take turns under the same load, so
that what else the machine does hits all of them; a ratio is made within one round.
Measured is the server's CPU time, as the kernel accounts it; servers are on one core,
the broker, the writer and the clients on the other.
"""

import argparse
import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.gateway import report, turns
from benchmarks.gateway.contenders import KEY_PREFIX, KINDS, Kind, Stack
from benchmarks.gateway.installation import Missing
from benchmarks.processes import (
    CLIENT_CORE,
    allow_many_files,
    pin,
    require_linux,
    valkey,
)
from telemetry_stream.broker_redis import RedisBroker


PARTS = ("deliver", "saturate", "handshakes", "replay", "recovery")

Rows = list[dict[str, Any]]


async def run_rounds(
    kinds: Sequence[Kind],
    path: Path,
    broker_pid: int,
    clients: int,
    options: argparse.Namespace,
) -> Rows:
    """Delivery and saturation with so many clients."""
    rows: Rows = []
    broker = RedisBroker(f"unix://{path}", key_prefix=KEY_PREFIX)
    stacks: list[Stack] = []
    try:
        for kind in kinds:
            stack = kind.start(broker, path)
            stacks.append(stack)
            if not kind.is_fed_by_hand:
                await stack.writer.append(1)
            await stack.open(clients)
        loads = [*turns.LOADS, None] if "saturate" in options.only else turns.LOADS
        loads = [load for load in loads if load is None or "deliver" in options.only]
        for load in loads:
            # The round before the first is a warm-up; the order turns with each round.
            for number in range(-1, options.rounds):
                turn = number % len(stacks)
                for stack in [*stacks[turn:], *stacks[:turn]]:
                    if load is not None:
                        seconds = options.seconds if number >= 0 else 0.3
                        figures = await turns.deliver(
                            stack, broker_pid, clients, load, seconds
                        )
                    elif stack.kind.is_fed_by_hand or number < 0:
                        continue
                    else:
                        figures = await turns.saturate(stack, broker_pid, clients)
                    if number >= 0:
                        rows.append({
                            "part": "deliver" if load else "saturate",
                            "clients": clients, "load": load.name if load else "",
                            "contender": stack.kind.name, "round": number, **figures,
                        })  # fmt: skip  # one glance
    finally:
        for stack in stacks:
            stack.close()
        await broker.aclose()
    return rows


async def run_singly(kinds: Sequence[Kind], path: Path, part: str, rounds: int) -> Rows:
    """Handshakes or recovery: each turn with servers and streams of its own."""
    measure = {"handshakes": turns.shake_hands, "recovery": turns.recover}[part]
    rows: Rows = []
    for number in range(rounds):
        turn = number % len(kinds)
        for kind in [*kinds[turn:], *kinds[:turn]]:
            if kind.is_fed_by_hand:
                continue
            url = f"unix://{path}"
            broker = RedisBroker(url, key_prefix=KEY_PREFIX)
            try:
                figures = await measure(kind, broker, path)
            finally:
                await broker.aclose()
            rows.append({
                "part": part, "contender": kind.name, "round": number, **figures
            })  # fmt: skip  # one glance
    return rows


async def run_replay(kind: Kind, path: Path, broker_pid: int, rounds: int) -> Rows:
    """Only ours has anything to replay."""
    broker = RedisBroker(f"unix://{path}", key_prefix=KEY_PREFIX)
    stack = kind.start(broker, path)
    try:
        await turns.fill(stack)
        figures = [await turns.replay(stack, broker_pid) for _ in range(rounds)]
    finally:
        stack.close()
        await broker.aclose()
    return [
        {"part": "replay", "contender": kind.name, "round": number, **one}
        for number, one in enumerate(figures)
    ]


def find(kinds: Sequence[Kind], names: Sequence[str]) -> list[Kind]:
    """Those that can be had; who cannot is told."""
    found: list[Kind] = []
    with valkey() as (path, _):
        for kind in kinds:
            if names and kind.name not in names:
                continue
            try:
                kind.start(
                    RedisBroker(f"unix://{path}", key_prefix=KEY_PREFIX), path
                ).close()
            except Missing as reason:
                print(f"left out: {kind.name} ({kind.what}): {reason}", flush=True)
            else:
                found.append(kind)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gateway", description=__doc__
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each turn")
    parser.add_argument(
        "--clients", type=int, nargs="+", default=(100, 1_000, 5_000), metavar="N"
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--contenders", nargs="+", default=(), metavar="NAME")
    parser.add_argument("--quick", action="store_true", help="one to two minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every figure")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 1, 0.7
    require_linux()
    allow_many_files()
    pin(0, CLIENT_CORE)
    load_before = os.getloadavg()[0]
    kinds = find(KINDS, options.contenders)
    rows: Rows = []
    if {"deliver", "saturate"} & set(options.only):
        for clients in options.clients:
            with valkey() as (path, pid):
                rows += uvloop.run(run_rounds(kinds, path, pid, clients, options))
            report.show_deliveries(rows, clients)
    ours = [kind for kind in kinds if kind.name == "gateway"]
    for part in ("handshakes", "recovery"):
        if part in options.only:
            with valkey() as (path, _):
                rows += uvloop.run(run_singly(kinds, path, part, options.rounds))
            report.show_part(rows, part)
    if "replay" in options.only and ours:
        with valkey() as (path, pid):
            rows += uvloop.run(run_replay(ours[0], path, pid, options.rounds))
        report.show_part(rows, "replay")
    print(f"\nload of the machine before it began: {load_before:.1f}")
    if options.json:
        options.json.write_text(json.dumps({"load": load_before, "rows": rows}))


if __name__ == "__main__":
    main()
