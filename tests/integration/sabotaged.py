"""A service as a process, one of whose long-lived tasks ends when it is told to.

`python -m tests.integration.sabotaged SERVICE [VICTIM WAY]`: the real service, composed
as ever. SIGUSR1 ends the task VICTIM by WAY (`cancelled`, `raised`, `returned`), and
SIGUSR2 has the names of all tasks written to stdout, as a line of JSON. Users have no
such setting, and the service knows nothing of it. It loads what the service does and
nothing else: it is started for each of the tasks.
"""

import asyncio
import json
import signal
import sys
from collections.abc import Mapping
from importlib import import_module

from tailcast_service.exits import run_as_command
from tailcast_service.start import begin
from tailcast_service.tasks import LongLived, Loop


def main(service: str, victim: str = "", way: str = "") -> int:
    """Run the service; its exit code."""
    begin()
    start = LongLived.start
    traps: list[asyncio.Event] = []

    def start_trapped(self: LongLived, loops: Mapping[str, Loop]) -> None:
        loop = asyncio.get_running_loop()
        if not traps:
            traps.append(asyncio.Event())
            loop.add_signal_handler(signal.SIGUSR1, traps[0].set)
            loop.add_signal_handler(signal.SIGUSR2, tell_tasks)
        start(
            self,
            {
                name: trapped(one, traps[0], way) if name == victim else one
                for name, one in loops.items()
            },
        )

    LongLived.start = start_trapped  # type: ignore[method-assign]  # the seam
    return run_as_command(import_module(f"tailcast_{service}.main").serve)


def trapped(loop: Loop, trap: asyncio.Event, way: str) -> Loop:
    """The loop, until the trap is set."""

    async def run() -> None:
        inner = asyncio.ensure_future(loop())
        await trap.wait()
        inner.cancel()
        if way == "raised":
            raise ValueError("sabotaged")
        if way == "cancelled":
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.Event().wait()

    return run


def tell_tasks() -> None:
    """Write what runs now, without what was started by this module."""
    names = [task.get_name() for task in asyncio.all_tasks()]
    print(json.dumps(names), flush=True)  # noqa: T201  # the answer


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
