"""`python -m benchmarks.cluster`: how many nodes that train one of each part carries.

Two hundred nodes have eight ranks each, and each rank has a file, a line of 100 metrics
in which ten times a second. One tailer follows all 1,600 files, one broker, one indexer
and one gateway have them, and one hundred watchers look at two nodes each, so that each
line is shown to one. First one node writes, then more and more, until a part falls
behind or the machine has no more to give. For each pace it is counted what CPU each
part uses for a line, and how far it is behind.

All parts share the cores of this machine, with the writer and the watchers. So what one
can say is what a line costs each part at the most lines that it kept up with, and how
many nodes it could have with a core of its own at that cost.
"""

import argparse
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from benchmarks.cluster.load import LINES_PER_NODE, RANKS, Cluster
from benchmarks.gateway import installation
from benchmarks.gateway.load import Clients
from benchmarks.live.node import KEYS, Node, node, service, used
from benchmarks.live.watched import wait_until_ready
from benchmarks.processes import allow_many_files, free_port, require_linux


NODES, WATCHERS = 200, 100
# How many nodes write, pace by pace.
PACES = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 200)
WARM_SECONDS = 4.0
# Until all sessions have begun.
PATIENCE_SECONDS = 240.0
# Beyond this somebody is behind: the streams behind the files, the indexes behind the
# streams, which are written once in two seconds, and watchers behind what was written.
# But who goes on at the pace that is written is no more than late.
MOST_BEHIND = {"tailer": 1.0, "indexer": 5.0, "gateway": 2.0}
# A smaller share of what was to be done in a time is not the pace.
LEAST_SHARE = 0.9
# What the broker may keep: this machine has other things to do.
KEPT_BYTES = "1GiB"
PARTS = ("tailer", "broker", "indexer", "gateway")


class Pace(NamedTuple):
    """What was measured while so many nodes wrote."""

    nodes: int
    # Lines a second, and those that each watcher's sessions had, in all.
    lines: float
    delivered: float
    # By part: cores, and microseconds of CPU a line.
    cores: Mapping[str, float]
    microseconds: Mapping[str, float]
    # Seconds that parts are behind, and the share that they had of what was written.
    behind: Mapping[str, float]
    shares: Mapping[str, float]
    # How long lines took to their watchers.
    p50_ms: float
    p99_ms: float

    @property
    def late(self) -> list[str]:
        """Who was behind, in the order of a line's way."""
        late = [
            name
            for name, most in MOST_BEHIND.items()
            if self.behind[name] > most and self.shares[name] < LEAST_SHARE
        ]
        is_written = self.lines >= LEAST_SHARE * self.nodes * LINES_PER_NODE
        return late if is_written else ["writer", *late]


class Places(NamedTuple):
    """How far files, streams and indexes are, bytes of files."""

    written: int
    stored: int
    indexed: int


class Stage:
    """All parts, and who watches them."""

    def __init__(self, stack: ExitStack, nodes: int, watchers: int) -> None:
        self._on: Node = stack.enter_context(node())
        self.cluster = Cluster(self._on.directory / "telemetry", nodes)
        stack.enter_context(self.cluster)
        limits = {"retention_total_bytes": KEPT_BYTES}
        self._pids = {
            "tailer": stack.enter_context(service("tailer", self._on, **limits)),
            "indexer": stack.enter_context(service("indexer", self._on)),
        }
        self._until_indexed()
        port = free_port()
        gateway = service("gateway", self._on, host="127.0.0.1", port=str(port))
        self._pids["gateway"] = stack.enter_context(gateway)
        wait_until_ready(port)
        source = Path(installation.__file__).with_name("clients.c")
        self._clients = Clients(installation.compiled(source))
        stack.callback(self._clients.close)
        for number in range(watchers):
            watched = [f'"n{2 * number + one:03}-*"' for one in (0, 1)]
            self._watch(port, number, ",".join(watched))

    def _until_indexed(self) -> None:
        """Until each session has an index; TimeoutError if that takes long."""
        end, indexes = time.monotonic() + PATIENCE_SECONDS, self.cluster.sessions
        while self._on.client.exists(*map(KEYS.index, indexes)) < len(indexes):
            if time.monotonic() > end:
                raise TimeoutError("sessions are not indexed")
            time.sleep(0.5)

    def _watch(self, port: int, before: int, patterns: str) -> None:
        subscribe = f'{{"type":"subscribe","sessionIds":[{patterns}]}}'
        self._clients.order(f"open {port} /ws/telemetry 1 {subscribe}")
        while (report := self._clients.order("report"))["open"] <= before:
            if report["failures"]:
                raise RuntimeError("connections were refused")
            time.sleep(0.002)

    def measure(self, nodes: int, seconds: float) -> Pace:
        """What the parts use, and whether they keep up, while so many nodes write."""
        self.cluster.writing = nodes
        time.sleep(WARM_SECONDS)
        first = self._places(nodes)
        self._clients.order("reset")
        before, lines = used(self._on, self._pids), self.cluster.lines
        began = time.monotonic()
        time.sleep(seconds)
        after, lines = used(self._on, self._pids), self.cluster.lines - lines
        took = time.monotonic() - began
        report = self._clients.order("report")
        last = self._places(nodes)
        moved = Places(*(now - then for now, then in zip(last, first, strict=True)))
        spent = {part: after.seconds[part] - before.seconds[part] for part in PARTS}
        return Pace(
            nodes,
            lines / took,
            report["records"] / took,
            {part: one / took for part, one in spent.items()},
            {part: one / lines * 1e6 for part, one in spent.items()},
            {
                "tailer": (last.written - last.stored) / moved.written * took,
                "indexer": (last.stored - last.indexed) / moved.written * took,
                "gateway": report["p50_ms"] / 1e3,
            },
            {
                "tailer": moved.stored / moved.written,
                "indexer": moved.indexed / moved.written,
                # Each line is shown to one.
                "gateway": report["records"] / lines,
            },
            report["p50_ms"],
            report["p99_ms"],
        )

    def _places(self, nodes: int) -> Places:
        """How far the sessions of the nodes that write are, in all."""
        sessions = self.cluster.sessions[: nodes * RANKS]
        written = sum(self.cluster.sizes[: len(sessions)])
        pipeline = self._on.client.pipeline(transaction=False)
        for session in sessions:
            pipeline.hget(KEYS.state(session), "offset")
            pipeline.hget(KEYS.index(session), "at")
        replies = pipeline.execute()
        indexed = [int(at.split()[1].split(b"-")[1]) for at in replies[1::2]]
        return Places(written, sum(map(int, replies[::2])), sum(indexed))


def row(pace: Pace) -> str:
    """One pace, as a line of the table."""
    costs = " ".join(f"{pace.microseconds[part]:>7.0f}" for part in PARTS)
    cores = " ".join(f"{pace.cores[part]:>5.2f}" for part in PARTS)
    late = f"  behind: {', '.join(pace.late)}" if pace.late else ""
    return (
        f"{pace.nodes:>5} {pace.lines:>7.0f} {pace.delivered:>7.0f}  {costs}  {cores}"
        f"  {pace.behind['tailer']:>6.2f} {pace.behind['indexer']:>6.2f}"
        f"  {pace.p50_ms:>6.0f} {pace.p99_ms:>6.0f}{late}"
    )


def is_enough(paces: Sequence[Pace]) -> bool:
    """Whether the machine has no more to give, at two paces one after the other.

    An indexer gives way to others: that it is late alone says nothing of them.
    """
    late = [{*pace.late} - {"indexer"} for pace in paces[-2:]]
    return len(late) == 2 and all(late)


def conclude(paces: Sequence[Pace]) -> None:
    """What follows for each part from the most that it kept up with."""
    for part in PARTS:
        # The broker is asked by the tailer, which is late if that is.
        who = {"writer", "tailer" if part == "broker" else part}
        kept = [pace for pace in paces if not who & {*pace.late}]
        if kept:
            cost = kept[-1].microseconds[part]
            print(
                f"{part}: {cost:.0f} µs a line at {kept[-1].nodes} nodes, with which it"
                f" kept up; at that cost a core of its own carries"
                f" {1e6 / cost / LINES_PER_NODE:.0f}"
            )
    if all_kept := [pace for pace in paces if not pace.late]:
        # A line costs less at a faster pace: parts are compared at the same one.
        nodes, costs = all_kept[-1].nodes, all_kept[-1].microseconds
        first = max(costs, key=costs.__getitem__)
        print(f"at {nodes} nodes, with which all kept up, the {first} needs most")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster")
    parser.add_argument("--seconds", type=float, default=8.0, help="for each pace")
    parser.add_argument("--most", type=int, default=NODES, help="nodes that write")
    options = parser.parse_args()
    require_linux()
    allow_many_files()
    print(f"load of this machine: {os.getloadavg()[0]:.1f}")
    paces: list[Pace] = []
    with ExitStack() as stack:
        stage = Stage(stack, NODES, WATCHERS)
        print(
            "nodes lines/s shown/s  µs of CPU a line: tailer, broker, indexer, gateway"
            "  cores of each  s behind: stream, index  ms to watchers: p50, p99"
        )
        for nodes in PACES:
            if nodes <= options.most and not is_enough(paces):
                paces.append(stage.measure(nodes, options.seconds))
                print(row(paces[-1]), flush=True)
    conclude(paces)
    print(f"load of this machine: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
