"""Keeps child processes running, and ends them in order.

Children start one after the other, each when the one before is ready, and end in the
opposite order, each within its bound. One that dies is started again, later each time.
`up` says what the children are, and when all is ready.
"""

import asyncio
import contextlib
import os
import random
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog

from tailcast.bound import KERNEL_BINDS, bind_command
from tailcast_service.exceptions import ServiceError, SettingsError
from tailcast_service.tasks import LongLived


__all__ = ["Child", "Supervisor"]

FIRST_DELAY_SECONDS = 0.2
LAST_DELAY_SECONDS = 10.0
# A child that ran for longer has recovered: its next delay is the first one again.
RECOVERED_SECONDS = 30.0
# Before all is ready, a child that fails this often in a row is given up.
START_ATTEMPTS = 3

_log = structlog.get_logger()


async def already_ready() -> None:
    """The default of `wait_until_ready`: do not wait."""


def refer_to_terminal() -> str:
    """The default of `last_words`: the child wrote to our terminal itself."""
    return "what it said is above"


@dataclass(frozen=True, slots=True)
class Child:
    """One program to keep running."""

    name: str
    command: tuple[str, ...]
    # Variables that it has besides ours.
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    # Descriptors that it inherits.
    pass_fds: tuple[int, ...] = ()
    # How long it may take to end; then it is killed.
    end_seconds: float = 10.0
    # What ends it when this process dies.
    bound_by: signal.Signals = signal.SIGKILL
    # Returns when the next child may start.
    wait_until_ready: Callable[[], Awaitable[object]] = already_ready
    # What it said when it did not start, in words for people.
    last_words: Callable[[], str] = refer_to_terminal


class Supervisor:
    """Runs children until `stop` is called or one of them cannot be run at all."""

    def __init__(self, children: Sequence[Child]) -> None:
        # In the order in which they start.
        self._children = children
        # The newest process of each child that was started, by name.
        self._processes: dict[str, Process] = {}
        # Set when all is to end.
        self._stopping = asyncio.Event()
        # A task for each child that keeps it running; all end before the children do.
        self._keeping = LongLived(self._stopping.set)
        # Whether all children were ready once.
        self._was_ready = False

    def stop(self) -> None:
        """End all; `run` returns when they have ended. For signal handlers too."""
        self._stopping.set()

    async def run(self, *, on_ready: Callable[[], Awaitable[None]]) -> None:
        """Start all, call `on_ready` when they are, and keep them until `stop`.

        Raises a group with a SettingsError if a child said that its settings are wrong,
        with a ServiceError if one does not start, with TaskEnded if a task that keeps
        a child running ended.
        """
        try:
            async with asyncio.TaskGroup() as group:
                starting = group.create_task(self._start_all(on_ready))
                await self._stopping.wait()
                self._keeping.check()
                starting.cancel()
        finally:
            await self._keeping.end()
            await self._end_all()

    async def _start_all(self, on_ready: Callable[[], Awaitable[None]]) -> None:
        for child in self._children:
            self._keeping.start({f"keep {child.name}": partial(self._keep, child)})
            await child.wait_until_ready()
        await on_ready()
        self._was_ready = True

    async def _keep(self, child: Child) -> None:
        """Run the child, again and again."""
        clock = asyncio.get_running_loop().time
        failures = 0
        while True:
            started_at = clock()
            self._processes[child.name] = process = await spawn(child)
            exit_code = await process.wait()
            if clock() - started_at >= RECOVERED_SECONDS:
                failures = 0
            failures += 1
            self._judge(child, exit_code, failures)
            delay = back_off(failures, random.random())  # noqa: S311  # jitter
            _log.warning(
                "child ended, starting it again",
                child=child.name,
                exit_code=exit_code,
                delay_seconds=round(delay, 3),
            )
            await asyncio.sleep(delay)

    def _judge(self, child: Child, exit_code: int, failures: int) -> None:
        """Raise if starting it again would change nothing."""
        if exit_code == SettingsError.exit_code:
            raise SettingsError  # without a text: the child said it
        if not self._was_ready and failures >= START_ATTEMPTS:
            raise ServiceError(
                f"{child.name} does not start (exit code {exit_code});"
                f" {child.last_words()}"
            )

    async def _end_all(self) -> None:
        """End the processes, the one that was started last first."""
        for child in reversed(self._children):
            process = self._processes.get(child.name)
            if process is not None:
                await end(process, child.end_seconds)


async def spawn(child: Child) -> Process:
    """Start the child's program, bound to this process and deaf to our terminal."""
    return await asyncio.create_subprocess_exec(
        *bind_command(child.command, how=child.bound_by),
        stdin=DEVNULL if KERNEL_BINDS else PIPE,
        env={**os.environ, **child.environment},
        pass_fds=child.pass_fds,
        # Ctrl-C is for us: we end them, in order.
        start_new_session=True,
    )


async def end(process: Process, end_seconds: float) -> None:
    """Ask it to end; kill it if it does not."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(end_seconds):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def back_off(failures: int, chance: float) -> float:
    """Seconds to wait after `failures` in a row; `chance`, in [0, 1), is the jitter."""
    longest = min(
        FIRST_DELAY_SECONDS * 2.0 ** min(failures - 1, 16), LAST_DELAY_SECONDS
    )
    return longest * (0.5 + chance / 2)
