"""None of a service's long-lived tasks ends unnoticed, whatever way it ends."""

import ast
import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tailcast_service.exceptions import ServiceError
from tailcast_service.tasks import LongLived, TaskEnded


Way = Callable[[], Awaitable[None]]

SOURCES = [
    path
    for folder in ("packages", "services")
    for path in (Path(__file__).parents[2] / folder).glob("*/src/**/*.py")
]
# Who may start a task, and why none of these ends unnoticed.
STARTERS = {
    "tasks.py": "the long-lived ones",
    "replica.py": "short ones, whose failures are told",
    "turns.py": "a piece of work, for which all wait who asked for it",
    "event_stream.py": "the two sides of a response, which waits for both",
    "export.py": "likewise",
    "front.py": "a verdict about a handshake, whose failure is told",
    "app.py": "the gateway's drain, which ends the server; a rest of the collector",
    "supervisor.py": "the start of `up`, which waits for it",
    "sweep.py": "looks at files, for which it waits",
    "follower.py": "a look ahead, which it ends or waits for",
    "signals.py": "a service, waited for",
    "hints.py": "who guards a watch, which looks at how it ended",
}


async def forever() -> None:
    """As a long-lived task should be."""
    await asyncio.Event().wait()


async def returns() -> None:
    """Ends as if all were done."""


async def raises() -> None:
    """Ends by a defect."""
    raise ValueError("a bad line")


async def is_cancelled() -> None:
    """Ends as if somebody had wanted it, which a TaskGroup takes for granted."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("way", "text"),
    [
        (returns, "the task one has ended (it returned)"),
        (raises, "the task one has ended (ValueError: a bad line)"),
        (is_cancelled, "the task one has ended (CancelledError)"),
    ],
)
async def test_whatever_way_one_ends(way: Way, text: str) -> None:
    """Who waits is told which, and how; the others are ended with it."""
    tasks = LongLived()
    tasks.start({"one": way, "other": forever})  # type: ignore[dict-item]  # coroutines
    assert not tasks.are_over
    with pytest.raises(TaskEnded, match="^the task one has ended") as raised:
        await tasks.wait()
    assert str(raised.value) == text
    assert tasks.are_over
    await tasks.end()
    assert not [t for t in asyncio.all_tasks() if t.get_name() in {"one", "other"}]


async def test_what_is_meant_for_people_is_told_as_it_is() -> None:
    """An error that says what to mend is no defect of ours."""

    async def fails() -> None:
        raise ServiceError("the port is taken")

    tasks = LongLived()
    tasks.start({"one": fails})
    with pytest.raises(ServiceError, match="^the port is taken$"):
        await tasks.wait()


async def test_ending_all_is_no_defect() -> None:
    """Nobody is told of what was asked for."""
    told: list[None] = []
    tasks = LongLived(lambda: told.append(None))
    tasks.start({"one": forever})
    await asyncio.sleep(0)
    await tasks.end()
    tasks.check()
    assert tasks.are_over
    assert not told


async def test_a_task_that_loses_a_cancellation_is_told_again() -> None:
    """As a library's `wait_for` may, in Python 3.11."""

    async def deaf_once() -> None:
        try:
            await forever()
        except asyncio.CancelledError:
            await forever()

    tasks = LongLived()
    tasks.start({"one": deaf_once})
    await asyncio.sleep(0)
    await tasks.end()
    assert "one" not in {task.get_name() for task in asyncio.all_tasks()}


def test_tasks_are_started_by_who_looks_after_them() -> None:
    """A task that nobody waits for can end without anybody hearing of it."""
    names = {"create_task", "ensure_future", "TaskGroup", "start_soon"}
    starters = {
        path.name
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in names
    }
    assert SOURCES
    assert starters == STARTERS.keys()
