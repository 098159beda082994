"""`python -m benchmarks.live`: what a line costs on a node where training runs.

Eight files grow by ten lines a second each. What is counted, over some seconds in the
midst of that: CPU of the tailer, the indexer and the broker, and bytes that the broker
got; each for a line. The tailer runs alone, with somebody who listens to the channel
and does nothing, and with the indexer: what the broker has to do more is what it costs
to tell of appends, and what the indexer reads and writes. rsyslog (imfile, omhiredis)
has the same lines and a broker of its own. They take turns. CPU is that of processes,
at rest included.

Then one file grows by 20,000 lines a second: how far behind it the stream is, and how
far behind the stream the index.
"""

import argparse
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from random import Random
from statistics import median
from typing import NamedTuple

from benchmarks.accidents.installation import (
    Installed,
    Missing,
    rsyslog as installed_rsyslog,
)
from benchmarks.live.load import TIME, Flood, Runs, line
from benchmarks.live.node import (
    KEYS,
    PREFIX,
    Node,
    listener,
    node,
    service,
    used,
    wait_for_keys,
)
from benchmarks.live.others import rsyslog
from benchmarks.processes import require_linux, spread


FILES, RATE = 8, 10
# How long all run before they are measured.
WARM_SECONDS = 8.0
FLOOD_RATE, FLOOD_METRICS = 20_000, 8

# Starts what follows the files; their processes by name.
Follow = Callable[[ExitStack, Node], dict[str, int]]


class Cost(NamedTuple):
    """What one turn measured, of one line."""

    # CPU by name, microseconds.
    microseconds: dict[str, float]
    # Bytes to the broker ÷ bytes of lines.
    ratio: float


def tailer(stack: ExitStack, on: Node) -> dict[str, int]:
    """The tailer alone."""
    pids = {"tailer": stack.enter_context(service("tailer", on))}
    wait_for_keys(on, [KEYS.state(path.stem) for path in on.files(FILES)])
    return pids


def heard(stack: ExitStack, on: Node) -> dict[str, int]:
    """The tailer, and somebody who listens."""
    pids = tailer(stack, on)
    stack.enter_context(listener(on))
    return pids


def both(stack: ExitStack, on: Node) -> dict[str, int]:
    """The tailer and the indexer."""
    pids = tailer(stack, on)
    pids["indexer"] = stack.enter_context(service("indexer", on))
    wait_for_keys(on, [KEYS.index(path.stem) for path in on.files(FILES)])
    return pids


def by_rsyslog(installed: Installed) -> Follow:
    """Them."""

    def follow(stack: ExitStack, on: Node) -> dict[str, int]:
        daemon = rsyslog(
            installed, on.files(FILES), on.own, port=on.port, prefix=PREFIX
        )
        pids = {"rsyslog": stack.enter_context(daemon)}
        wait_for_keys(on, [f"{PREFIX}:{path.stem}" for path in on.files(FILES)])
        return pids

    return follow


def turn(follow: Follow, *, metrics: int, seconds: float) -> Cost:
    """One turn of one of them."""
    with ExitStack() as stack:
        on = stack.enter_context(node())
        runs = stack.enter_context(Runs(on.files(FILES), metrics=metrics, rate=RATE))
        pids = follow(stack, on)
        time.sleep(WARM_SECONDS)
        before, lines, size = used(on, pids), runs.lines, runs.bytes
        time.sleep(seconds)
        after, lines, size = used(on, pids), runs.lines - lines, runs.bytes - size
        microseconds = {
            name: (now - before.seconds[name]) / lines * 1e6
            for name, now in after.seconds.items()
        }
        return Cost(microseconds, (after.input_bytes - before.input_bytes) / size)


def live(metrics: int, *, rounds: int, seconds: float) -> None:
    """All of them in turns; prints medians and what lies around them."""
    kinds: dict[str, Follow] = {
        "tailer": tailer, "tailer, listener": heard, "tailer, indexer": both,
    }  # fmt: skip  # one glance
    try:
        kinds["rsyslog"] = by_rsyslog(installed_rsyslog())
    except Missing as why:
        print(f"without rsyslog: {why}")
    costs: dict[str, list[Cost]] = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, follow in kinds.items():
            costs[name].append(turn(follow, metrics=metrics, seconds=seconds))
    print(f"{metrics} metrics, {FILES} files of {RATE} lines/s; µs of CPU a line:")
    for name, some in costs.items():
        parts = [
            f"{part} {spread([one.microseconds[part] for one in some], 0)}"
            for part in some[0].microseconds
        ]
        ratio = spread([one.ratio for one in some])
        print(f"  {name:<17}{', '.join(parts)}; {ratio} bytes to the broker a byte")
    for what, with_it, without in (
        ("what telling of appends costs the broker", "tailer, listener", "tailer"),
        ("what the indexer reads and writes", "tailer, indexer", "tailer, listener"),
    ):
        more = [
            one.microseconds["broker"] - other.microseconds["broker"]
            for one, other in zip(costs[with_it], costs[without], strict=True)
        ]
        print(f"  {what}: {spread(more, 0)}")


class Behind:
    """For how long somebody has been without what somebody else has."""

    def __init__(self) -> None:
        # How far who is ahead was, each time that it had moved.
        self._was_at: list[tuple[float, int]] = [(0.0, 0)]
        self.seconds: list[float] = []

    def note(self, now: float, ahead: int, behind: int) -> None:
        """Note how far both are."""
        if ahead > self._was_at[-1][1]:
            self._was_at.append((now, ahead))
        since = next((at for at, offset in self._was_at if offset > behind), now)
        self.seconds.append(now - since)


def flood(seconds: float) -> None:
    """How far behind the index is while one session grows fast."""
    with ExitStack() as stack:
        on = stack.enter_context(node())
        [path] = on.files(1)
        path.write_bytes(line(0, FLOOD_METRICS, Random(0), at=TIME) + b"\n")
        pids = {"tailer": stack.enter_context(service("tailer", on))}
        pids["indexer"] = stack.enter_context(service("indexer", on))
        wait_for_keys(on, [KEYS.index(path.stem)])
        runs = stack.enter_context(Flood(path, metrics=FLOOD_METRICS, rate=FLOOD_RATE))
        time.sleep(WARM_SECONDS)
        of_file, of_stream = Behind(), Behind()
        before, size, first = used(on, pids), runs.bytes, offsets(on, path.stem)
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            stream, index = offsets(on, path.stem)
            of_file.note(now, runs.bytes, stream)
            of_stream.note(now, stream, index)
            time.sleep(0.05)
        after, size, last = used(on, pids), runs.bytes - size, offsets(on, path.stem)
    print(f"{FLOOD_RATE} records/s into one file, {FLOOD_METRICS} metrics:")
    for name, behind, at in (
        ("stream behind the file", of_file, 0),
        ("index behind the stream", of_stream, 1),
    ):
        rate = (last[at] - first[at]) / size * FLOOD_RATE
        lags = behind.seconds
        print(f"  {name}: {median(lags):.2f} s, at most {max(lags):.2f}; {rate:.0f}/s")
    cores = [
        f"{name} {(now - before.seconds[name]) / seconds:.2f}"
        for name, now in after.seconds.items()
    ]
    print(f"  cores: {', '.join(cores)}")


def offsets(on: Node, session: str) -> tuple[int, int]:
    """Up to which byte of the file stream and index are."""
    at = on.client.hget(KEYS.index(session), "at")
    offset = on.client.hget(KEYS.state(session), "offset")
    assert isinstance(at, bytes)
    assert isinstance(offset, bytes)
    return int(offset), int(at.split()[1].split(b"-")[1])


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--metrics", type=int, nargs="*", default=[3, 100])
    parser.add_argument("--only", choices=("live", "flood"))
    options = parser.parse_args()
    require_linux()
    print(f"load of this machine: {os.getloadavg()[0]:.1f}")
    for metrics in options.metrics if options.only != "flood" else ():
        live(metrics, rounds=options.rounds, seconds=options.seconds)
    if options.only != "live":
        flood(options.seconds)
    print(f"load of this machine: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
