"""Children are kept running, and ended in order."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tailcast.supervisor import Child, Supervisor, back_off
from tailcast_service.exceptions import ServiceError, SettingsError
from tailcast_service.tasks import TaskEnded
from tests.patience import PATIENCE_SECONDS


# Writes its name and number to the log, then does what it was told.
PROGRAM = """
import os, signal, sys, time
name, log, behaviour = sys.argv[1:]
def say(word):
    with open(log, "a") as file:
        file.write(f"{name} {word} {os.getpid()}\\n")
def end(*_):
    say("ended")
    sys.exit(0)
if behaviour == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
elif behaviour == "runs":
    signal.signal(signal.SIGTERM, end)
say("started")
if behaviour.startswith("exits"):
    sys.exit(int(behaviour.removeprefix("exits")))
while True:
    time.sleep(60)
"""


class Children:
    """Children that write to one log, and the supervisor over them."""

    def __init__(self, log: Path) -> None:
        self.log = log
        log.touch()

    def child(self, name: str, behaviour: str = "runs", **more: object) -> Child:
        """A child that behaves so, and is ready once it has said that it started."""
        command = (sys.executable, "-c", PROGRAM, name, str(self.log), behaviour)
        return Child(
            name=name,
            command=command,
            wait_until_ready=lambda: self.wait_for(f"{name} started"),
            **more,  # type: ignore[arg-type]  # a test's own words
        )

    def words(self) -> list[str]:
        """What was said so far, without the process IDs."""
        return [line.rpartition(" ")[0] for line in self.lines()]

    def lines(self) -> list[str]:
        """What was said so far."""
        return self.log.read_text().splitlines()

    async def wait_for(self, words: str, times: int = 1) -> int:
        """Return the process ID once this was said so often."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                said = [line for line in self.lines() if line.startswith(words + " ")]
                if len(said) >= times:
                    return int(said[times - 1].split()[-1])
                await asyncio.sleep(0.01)


@pytest.fixture
def children(tmp_path: Path) -> Children:
    """Children with a log of their own."""
    return Children(tmp_path / "log")


async def test_children_start_and_end_in_order(children: Children) -> None:
    """Each starts when the one before is ready; they end the other way round."""
    supervisor = Supervisor([children.child("a"), children.child("b")])

    async def on_ready() -> None:
        supervisor.stop()

    await supervisor.run(on_ready=on_ready)
    assert children.words() == ["a started", "b started", "b ended", "a ended"]


async def test_a_child_that_dies_is_started_again(children: Children) -> None:
    """After `kill -9` there is a new one."""
    supervisor = Supervisor([children.child("a")])

    async def on_ready() -> None:
        os.kill(await children.wait_for("a started"), signal.SIGKILL)
        await children.wait_for("a started", times=2)
        supervisor.stop()

    await supervisor.run(on_ready=on_ready)
    assert children.words() == ["a started", "a started", "a ended"]


async def test_a_child_that_does_not_end_is_killed(children: Children) -> None:
    """Its bound over, the others get their turn."""
    supervisor = Supervisor(
        [children.child("a"), children.child("b", "deaf", end_seconds=0.1)]
    )

    async def on_ready() -> None:
        supervisor.stop()

    await supervisor.run(on_ready=on_ready)
    assert children.words() == ["a started", "b started", "a ended"]


async def test_wrong_settings_end_all(children: Children) -> None:
    """To start such a child again would change nothing; it has said what is wrong."""
    supervisor = Supervisor([children.child("a"), children.child("b", "exits2")])

    async def on_ready() -> None:
        await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as raised:
        await supervisor.run(on_ready=on_ready)
    (error,) = raised.value.exceptions
    assert isinstance(error, SettingsError)
    assert str(error) == ""
    assert children.words() == ["a started", "b started", "a ended"]


async def test_a_child_that_never_starts_ends_all(children: Children) -> None:
    """At the start a child has three attempts."""
    supervisor = Supervisor([children.child("a", "exits1")])

    async def on_ready() -> None:
        await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as raised:
        await supervisor.run(on_ready=on_ready)
    (error,) = raised.value.exceptions
    assert isinstance(error, ServiceError)
    assert "a does not start (exit code 1)" in str(error)
    assert children.words() == ["a started"] * 3


async def test_a_stop_while_starting_ends_what_was_started(
    children: Children,
) -> None:
    """Ctrl-C before all is ready leaves nothing behind."""
    never = children.child("b")
    waiting = Child("b", never.command, wait_until_ready=asyncio.Event().wait)
    supervisor = Supervisor([children.child("a"), waiting, children.child("c")])

    async def stop_early() -> None:
        await children.wait_for("b started")
        supervisor.stop()

    async def on_ready() -> None:
        pytest.fail("it never was")

    async with asyncio.TaskGroup() as group:
        group.create_task(stop_early())
        await supervisor.run(on_ready=on_ready)
    assert children.words() == ["a started", "b started", "b ended", "a ended"]


async def test_a_program_that_is_not_there_is_told(children: Children) -> None:
    """It is a child that does not start."""
    supervisor = Supervisor([Child("a", (str(children.log) + ".no",))])

    async def on_ready() -> None:
        await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as raised:
        await supervisor.run(on_ready=on_ready)
    assert isinstance(raised.value.exceptions[0], ServiceError)


def test_delays_grow_to_their_bound_and_are_spread() -> None:
    """Each failure doubles the wait, up to ten seconds; half of it is chance."""
    assert back_off(1, 0.0) == pytest.approx(0.1)
    assert back_off(1, 0.999) == pytest.approx(0.2, rel=0.01)
    assert back_off(3, 0.0) == pytest.approx(0.4)
    assert back_off(1000, 0.0) == pytest.approx(5.0)


async def test_nobody_keeping_a_child_ends_all(children: Children) -> None:
    """A child that would not be started again is a child that is not looked after."""
    supervisor = Supervisor([children.child("a"), children.child("b")])

    async def on_ready() -> None:
        (keeping,) = (t for t in asyncio.all_tasks() if t.get_name() == "keep a")
        keeping.cancel()
        await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as raised:
        await supervisor.run(on_ready=on_ready)
    (error,) = raised.value.exceptions
    assert isinstance(error, TaskEnded)
    assert "keep a" in str(error)
    assert children.words() == ["a started", "b started", "b ended", "a ended"]
