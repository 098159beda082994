"""A service as a process, one of whose long-lived tasks ends when it is told to.

`python -m tests.integration.sabotage SERVICE [VICTIM WAY]`: the real service, composed
as ever. SIGUSR1 ends the task VICTIM by WAY (`cancelled`, `raised`, `returned`), and
SIGUSR2 has the names of all tasks written to stdout, as a line of JSON. Users have no
such setting, and the service knows nothing of it.
"""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import httpx

from tailcast_gateway import main as gateway
from tailcast_service.exits import run_as_command
from tailcast_service.tasks import LongLived, Loop
from tailcast_tailer import main as tailer
from tests.integration.gateway_rig import PATIENCE_SECONDS


SERVE = {"gateway": gateway.serve, "tailer": tailer.serve}

# What uvicorn and the runner of the loop have: they have no names.
UNNAMED = "Task-"


def main(service: str, victim: str = "", way: str = "") -> int:
    """Run the service; its exit code."""
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
    return run_as_command(SERVE[service])


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


@asynccontextmanager
async def running(
    service: str, *words: str, **settings: str
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Such a process; its settings by their names without `TAILCAST_`."""
    environment = {
        "PYTHONPATH": ":".join(entry for entry in sys.path if entry),
        **{f"TAILCAST_{name.upper()}": value for name, value in settings.items()},
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.sabotage", service, *words,
        env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip  # the command is one line
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def until_status(port: int, path: str, *, is_fine: bool) -> None:
    """Until a path is answered so; what does not listen is not fine."""
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
        asyncio.timeout(PATIENCE_SECONDS),
    ):
        while True:
            try:
                answer = (await client.get(path)).is_success
            except httpx.TransportError:
                answer = False
            if answer is is_fine:
                return
            await asyncio.sleep(0.02)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
