"""`python -m benchmarks.gateway`: from stream to socket, beside what others would take.

All contenders run at once with the same clients and take turns under the same load, so
that what else the machine does hits all of them; a ratio is made within one round.
Measured is the server's CPU time, as the kernel accounts it; servers are on one core,
the broker, the writer and the clients on the other.
"""

import argparse
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
from tailcast_streams.redis.broker import RedisBroker


WARM_UP_SECONDS = 0.3
# Parts of which each turn has servers and streams of its own.
SINGLY = {
    "handshakes": turns.shake_hands,
    "recovery": turns.recover,
    "storm": turns.storm,
}
PARTS = ("deliver", "saturate", *SINGLY, "replay")

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
            if clients <= kind.most_clients:
                stack = kind.start(broker, path)
                stacks.append(stack)
                if not kind.is_fed_by_hand:
                    await stack.writer.append(1)
                await stack.open(clients)
        for load in turns.LOADS:
            if load.part in options.only:
                rows += await take_turns(stacks, broker_pid, clients, load, options)
    finally:
        for stack in stacks:
            stack.close()
        await broker.aclose()
    return rows


async def take_turns(
    stacks: Sequence[Stack],
    broker_pid: int,
    clients: int,
    load: turns.Load,
    options: argparse.Namespace,
) -> Rows:
    """Round by round; the one before the first is a warm-up, and the order turns."""
    rows: Rows = []
    for number in range(-1, options.rounds):
        turn = number % len(stacks)
        seconds = options.seconds if number >= 0 else WARM_UP_SECONDS
        for stack in [*stacks[turn:], *stacks[:turn]]:
            figures = await turns.measure(stack, broker_pid, clients, load, seconds)
            if number >= 0 and figures:
                rows.append({
                    "part": load.part, "clients": clients, "load": load.name,
                    "contender": stack.kind.name, "round": number, **figures,
                })  # fmt: skip  # one glance
    return rows


async def run_singly(kinds: Sequence[Kind], path: Path, part: str, rounds: int) -> Rows:
    """One of these parts."""
    rows: Rows = []
    for number in range(rounds):
        turn = number % len(kinds)
        for kind in [*kinds[turn:], *kinds[:turn]]:
            if kind.is_fed_by_hand:
                continue
            url = f"unix://{path}"
            broker = RedisBroker(url, key_prefix=KEY_PREFIX)
            try:
                figures = await SINGLY[part](kind, broker, path)
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
    parser.add_argument("--seconds", type=float, default=0.8, help="of each turn")
    parser.add_argument(
        "--clients", type=int, nargs="+", default=(100, 1_000, 5_000), metavar="N"
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--contenders", nargs="+", default=(), metavar="NAME")
    parser.add_argument("--quick", action="store_true", help="one to two minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every figure")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 1, 0.5
    require_linux()
    allow_many_files()
    pin(0, CLIENT_CORE)
    load_before = os.getloadavg()[0]
    kinds = find(KINDS, options.contenders)
    if not kinds:
        raise SystemExit("nobody is there to be measured")
    rows: Rows = []
    if {"deliver", "saturate"} & set(options.only):
        for clients in options.clients:
            with valkey() as (path, pid):
                rows += uvloop.run(run_rounds(kinds, path, pid, clients, options))
            report.show_deliveries(rows, clients)
    ours = [kind for kind in kinds if kind.name == "gateway"]
    for part in SINGLY:
        if part in options.only:
            with valkey() as (path, _):
                rounds = min(options.rounds, 2)
                rows += uvloop.run(run_singly(kinds, path, part, rounds))
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
