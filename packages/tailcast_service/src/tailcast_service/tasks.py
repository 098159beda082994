"""The tasks of a service that run for as long as it does: none ends unnoticed.

Each has a name. One that ends before it is told to, whatever way it ends, is a defect
that ends the service: half of one that goes on looks alive to everybody and serves
nobody. What the tasks do is not known here.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, NoReturn, TypeAlias

from tailcast_service.exceptions import ServiceError


__all__ = ["LongLived", "Loop", "TaskEnded", "end_all"]

# Until those that have not ended are told again: what a task cleans up at its end, a
# connection to be closed, must not be cut off by it.
CANCEL_AGAIN_SECONDS = 1.0

# Runs until it is cancelled.
Loop: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


class TaskEnded(Exception):
    """A task has ended that was to run as long as the service; the cause is its own."""

    def __init__(self, name: str, error: BaseException | None) -> None:
        how = "it returned" if error is None else f"{type(error).__name__}: {error}"
        super().__init__(f"the task {name} has ended ({how.removesuffix(': ')})")
        # What the task is called.
        self.name = name
        self.__cause__ = error


class LongLived:
    """Tasks that are started for good, and ended together."""

    def __init__(self, on_ended: Callable[[], None] | None = None) -> None:
        # All that were started.
        self._tasks: list[asyncio.Task[None]] = []
        # Told when one has ended on its own.
        self._on_ended = on_ended
        # The first that ended on its own.
        self.ended: TaskEnded | None = None
        # Whether they have been told to end.
        self._is_ending = False
        # Set with `ended`.
        self._has_ended = asyncio.Event()

    @property
    def are_over(self) -> bool:
        """Whether one has ended, or all of them are being ended."""
        return self._is_ending or self.ended is not None

    def start(self, loops: Mapping[str, Loop]) -> None:
        """Start these, each under its name."""
        for name, loop in loops.items():
            task = asyncio.get_running_loop().create_task(loop(), name=name)
            task.add_done_callback(self._note_end)
            self._tasks.append(task)

    async def wait(self) -> NoReturn:
        """Wait for the first that ends on its own; raises as `check` does."""
        await self._has_ended.wait()
        self.check()
        raise AssertionError  # it has ended: that was waited for

    def check(self) -> None:
        """Raise if one has ended on its own: TaskEnded, or its error for people."""
        if self.ended is None:
            return
        cause = self.ended.__cause__
        raise cause if isinstance(cause, ServiceError) else self.ended

    async def end(self) -> None:
        """Cancel all; afterwards none is left."""
        self._is_ending = True
        await end_all(self._tasks)

    def _note_end(self, task: asyncio.Task[None]) -> None:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if self.are_over:
            return
        self.ended = TaskEnded(task.get_name(), error)
        self._has_ended.set()
        if self._on_ended is not None:
            self._on_ended()


async def end_all(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks; afterwards none is left.

    They are told until they have ended: in Python 3.11 a library's `asyncio.wait_for`
    may lose a cancellation, and who waits would wait for ever.
    """
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=CANCEL_AGAIN_SECONDS)
