"""The tasks of a service that run as long as the service: none ends unnoticed.

Each task has a name. If one ends before it is cancelled, in whatever way, that is a
defect and the service ends too: a service without one of its tasks would look alive and
not work.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, NoReturn, TypeAlias

from tailcast_service.exceptions import ServiceError


__all__ = ["LongLived", "Loop", "TaskEnded", "end_all"]

# After how long the tasks that have not ended are cancelled again. It leaves them time
# to clean up, as to close a connection.
CANCEL_AGAIN_SECONDS = 1.0

# A function that runs until it is cancelled.
Loop: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


class TaskEnded(Exception):
    """A task has ended too early; `__cause__` is its own error."""

    def __init__(self, name: str, error: BaseException | None) -> None:
        how = "it returned" if error is None else f"{type(error).__name__}: {error}"
        super().__init__(f"the task {name} has ended ({how.removesuffix(': ')})")
        # The name of the task.
        self.name = name
        self.__cause__ = error


class LongLived:
    """Tasks that run as long as the service, and are ended together."""

    def __init__(self, on_ended: Callable[[], None] | None = None) -> None:
        # All tasks that were started.
        self._tasks: list[asyncio.Task[None]] = []
        # Called when a task has ended on its own.
        self._on_ended = on_ended
        # The first task that ended on its own.
        self.ended: TaskEnded | None = None
        # Whether the tasks are being ended.
        self._is_ending = False
        # Set together with `ended`.
        self._has_ended = asyncio.Event()

    @property
    def are_over(self) -> bool:
        """Whether a task has ended, or all of them are being ended."""
        return self._is_ending or self.ended is not None

    def start(self, loops: Mapping[str, Loop]) -> None:
        """Start these loops as tasks with these names."""
        for name, loop in loops.items():
            task = asyncio.get_running_loop().create_task(loop(), name=name)
            task.add_done_callback(self._note_end)
            self._tasks.append(task)

    async def wait(self) -> NoReturn:
        """Wait for the first task that ends on its own; raises like `check`."""
        await self._has_ended.wait()
        self.check()
        raise AssertionError  # it has ended: that was waited for

    def check(self) -> None:
        """Raise TaskEnded if a task has ended on its own, or its ServiceError."""
        if self.ended is None:
            return
        cause = self.ended.__cause__
        raise cause if isinstance(cause, ServiceError) else self.ended

    async def end(self) -> None:
        """Cancel all tasks, and wait until all have ended."""
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
    """Cancel tasks, and wait until all have ended.

    They are cancelled again until they end: in Python 3.11 `asyncio.wait_for` in a
    library may lose a cancellation, and waiting for the task would never end.
    """
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=CANCEL_AGAIN_SECONDS)
