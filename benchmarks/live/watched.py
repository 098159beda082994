"""`python -m benchmarks.live.watched`: what a line costs the gateway that shows it.

Files grow line by line, a tailer follows them, and clients are subscribed to all of
them. What is counted, over some seconds in the midst of that: CPU of the gateway and of
the broker for each line, what they use at rest included, and how long a line took from
its write to each client. With `--beside CHECKOUT` the services of another checkout,
which has its own `.venv`, take turns with those of this one: a ratio is made within one
round.
"""

import argparse
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from benchmarks.gateway import installation
from benchmarks.gateway.load import Clients
from benchmarks.live.load import Runs
from benchmarks.live.node import (
    KEYS,
    PATIENCE_SECONDS,
    Node,
    node,
    service,
    used,
    wait_for_keys,
)
from benchmarks.processes import free_port, require_linux, spread


SUBSCRIBE = '{"type":"subscribe"}'
PATH = "/ws/telemetry"
# How long all run before they are measured.
WARM_SECONDS = 5.0


class Load(NamedTuple):
    """What is written, and to how many it is shown."""

    files: int
    # Of one file, lines a second; 0 for files that rest.
    rate: float
    metrics: int
    clients: int

    def __str__(self) -> str:
        what = f"{self.rate:g} lines/s" if self.rate else "nothing more"
        return (
            f"{self.files} files of {what}, {self.metrics} metrics,"
            f" {self.clients} clients of all"
        )


LOADS: Mapping[str, Load] = {
    "few": Load(8, 10, 3, 1),
    "large": Load(8, 10, 100, 1),
    "many": Load(200, 1, 3, 1),
    "clients": Load(8, 10, 3, 20),
    "one": Load(1, 50, 3, 20),
    "idle": Load(8, 0, 3, 1),
}

Figures = Mapping[str, float]


def turn(
    python: str,
    load: Load,
    seconds: float,
    look: Callable[[int], object] = lambda _: None,
) -> Figures:
    """One turn of one of them.

    Args:
        python: runs its services.
        load: what is written, and to how many it is shown.
        seconds: how long it is measured.
        look: called with the gateway's process when that begins, to sample it.
    """
    with ExitStack() as stack:
        on = stack.enter_context(node())
        paths = on.files(load.files)
        runs = Runs(paths, metrics=load.metrics, rate=load.rate, is_stamped=True)
        stack.enter_context(runs)
        stack.enter_context(service("tailer", on, python=python))
        wait_for_keys(on, [KEYS.state(path.stem) for path in paths])
        port = free_port()
        gateway = stack.enter_context(
            service("gateway", on, python=python, host="127.0.0.1", port=str(port))
        )
        wait_until_ready(port)
        clients = Clients(
            installation.compiled(Path(installation.__file__).with_name("clients.c"))
        )
        stack.callback(clients.close)
        connect(clients, port, load.clients)
        time.sleep(WARM_SECONDS)
        look(gateway)
        return measure(on, gateway, clients, runs, seconds)


def measure(
    on: Node, gateway: int, clients: Clients, runs: Runs, seconds: float
) -> Figures:
    """What was used for so long."""
    pids = {"gateway": gateway}
    clients.order("reset")
    before, lines, began = used(on, pids), runs.lines, time.monotonic()
    time.sleep(seconds)
    after, lines = used(on, pids), runs.lines - lines
    took = time.monotonic() - began
    report = clients.order("report")
    spent = {
        name: (now - before.seconds[name]) * 1e6 for name, now in after.seconds.items()
    }
    if not lines:
        return {"gateway, ms/s": spent["gateway"] / took / 1e3}
    return {
        "gateway, µs": spent["gateway"] / lines,
        "broker, µs": spent["broker"] / lines,
        "p50, ms": report["p50_ms"],
        "p99, ms": report["p99_ms"],
    }


def wait_until_ready(port: int) -> None:
    """Until a gateway listens, RuntimeError if it does not for long."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > end:
                raise RuntimeError("the gateway does not listen") from None
            time.sleep(0.05)
        else:
            return


def connect(clients: Clients, port: int, count: int) -> None:
    """Make so many clients of everything."""
    clients.order(f"open {port} {PATH} {count} {SUBSCRIBE}")
    while (report := clients.order("report"))["open"] < count:
        if report["failures"]:
            raise RuntimeError("connections were refused")
        time.sleep(0.05)


def compare(
    load: Load,
    pythons: Mapping[str, str],
    options: argparse.Namespace,
) -> None:
    """All of them in turns; prints medians and what lies around them."""
    found: dict[str, list[Figures]] = {name: [] for name in pythons}
    for number in range(options.rounds):
        names = list(pythons) if number % 2 else list(pythons)[::-1]
        for name in names:
            found[name].append(turn(pythons[name], load, options.seconds))
    print(f"{load}; load of this machine {os.getloadavg()[0]:.1f}")
    for name, some in found.items():
        print(f"  {name:<8}{figures(some)}")
    here, *others = found
    for other in others:
        ratios = [
            {what: of / that[what] for what, of in this.items()}
            for this, that in zip(found[here], found[other], strict=True)
        ]
        print(f"  {here} ÷ {other}: {figures(ratios)}", flush=True)


def figures(some: Sequence[Figures]) -> str:
    """Medians, and what lies around them."""
    return "; ".join(
        f"{name} {spread([one[name] for one in some], 2)}" for name in some[0]
    )


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live.watched")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--only", nargs="+", choices=[*LOADS], default=[*LOADS])
    parser.add_argument("--beside", type=Path, metavar="CHECKOUT")
    options = parser.parse_args()
    require_linux()
    pythons = {"now": sys.executable}
    if options.beside is not None:
        pythons["beside"] = str(options.beside.absolute() / ".venv/bin/python")
    for name in options.only:
        compare(LOADS[name], pythons, options)


if __name__ == "__main__":
    main()
