"""However and whenever a tailer is told to end, it ends: in order, with 0, in time.

What a thread has begun when nobody waits for it any more is still its own.
"""

import asyncio
import os
import random
import signal
import sys
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from _pytest.mark import ParameterSet

from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_tailer import pipeline
from tailcast_tailer.app import Tailer
from tailcast_tailer.files import file_system, session_file
from tailcast_tailer.finding import directory_tree
from tailcast_tailer.options import Options
from tests.brokers import BrokerServer
from tests.conftest import BrokerFactory
from tests.patience import PATIENCE_SECONDS
from tests.tailer.harness import (
    append,
    entries_of,
    eventually,
    lines,
    running,
    session_path,
    texts,
    wait_for_records,
)
from tests.tailer.test_real_brokers import connected


# How many of the signals come while files are found and first read.
STARTING_SHARE = 0.3
# More than there are threads, or workers, for one device.
MANY = 12


@pytest.fixture
def broker(own_brokers: BrokerFactory) -> BrokerServer:
    """One kind is enough: it is the tailer that ends."""
    return own_brokers("valkey")


class Gate:
    """Calls that wait until they are let through."""

    def __init__(self) -> None:
        self._is_open = threading.Event()
        self.count = 0

    def wait(self) -> None:
        """Wait in a thread."""
        self.count += 1
        assert self._is_open.wait(PATIENCE_SECONDS)

    def let_through(self) -> None:
        """All that wait, and all that come."""
        self._is_open.set()


class System:
    """`os`, as the modules of the tailer that touch files see it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open_now: set[int] = set()
        self.faults: list[str] = []
        self.on_open: Callable[[str], None] = lambda _path: None
        self.on_close: Callable[[], None] = lambda: None
        self.device_of: Callable[[str, int], int] = lambda _path, device: device
        names = {name: getattr(os, name) for name in dir(os) if name[0] != "_"}
        fake = SimpleNamespace(
            **names
            | {
                "open": self._open,
                "close": self._close,
                "stat": self._stat,
                "fstat": self._fstat,
            }
        )
        self._paths: dict[int, str] = {}
        for module in (file_system, session_file, directory_tree):
            monkeypatch.setattr(module, "os", fake)

    def _open(self, path: str, flags: int) -> int:
        self.on_open(path)
        descriptor = os.open(path, flags)
        self.open_now.add(descriptor)
        self._paths[descriptor] = path
        return descriptor

    def _close(self, descriptor: int) -> None:
        if descriptor not in self.open_now:
            self.faults.append(f"{descriptor} is not ours to close")
            return
        self.open_now.discard(descriptor)
        os.close(descriptor)
        self.on_close()

    def _stat(self, path: str) -> Any:
        self.on_open(path)
        return self._on_its_device(path, Path(path).stat())

    def _fstat(self, descriptor: int) -> Any:
        return self._on_its_device(self._paths[descriptor], os.fstat(descriptor))

    def _on_its_device(self, path: str, found: os.stat_result) -> Any:
        names = ("st_mode", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns")
        values = {name: getattr(found, name) for name in names}
        return SimpleNamespace(st_dev=self.device_of(path, found.st_dev), **values)


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> System:
    """What is opened and closed in this test."""
    return System(monkeypatch)


def is_true(so: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    """For `eventually`."""

    async def is_so() -> bool:
        return so()

    return is_so


async def test_what_is_under_way_at_the_end_closes_what_it_opened(
    system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each descriptor once, by who has it, be it after the tailer has ended."""
    monkeypatch.setattr(pipeline, "FILES_END_SECONDS", 0.05)
    broker, gate = MemoryBroker(), Gate()
    session_path(tmp_path, "a").write_bytes(lines(1))
    tailer = Tailer(broker, Options(log_dir=str(tmp_path), poll_interval=0.01))
    task = asyncio.create_task(tailer.run())
    try:
        await wait_for_records(broker, "a", texts(1))
        # The next look closes what the one before it opened, and hangs then; so does
        # whatever closes something else meanwhile.
        system.on_close = gate.wait
        append(session_path(tmp_path, "a"), lines(2))
        await eventually(is_true(lambda: gate.count > 0))
        task.cancel()
        await asyncio.wait([task], timeout=PATIENCE_SECONDS)
        # What hangs still does.
        assert task.cancelled()
    finally:
        gate.let_through()
    await eventually(is_true(lambda: not system.open_now))
    assert not system.faults


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_device_that_does_not_answer_stops_only_its_own_files(
    system: System, tmp_path: Path, *, is_known: bool
) -> None:
    """However many of its files are looked at, known or found meanwhile."""
    broker, gate = MemoryBroker(), Gate()
    dead = [session_path(tmp_path, f"dead/{number}") for number in range(MANY)]
    local = session_path(tmp_path, "local")
    local.write_bytes(lines(1))
    system.device_of = lambda path, device: device + ("/dead" in path)
    if is_known:
        for path in dead:
            path.write_bytes(lines(1))
    try:
        async with running(broker, tmp_path) as tailer:
            await wait_for_records(broker, "local", texts(1))
            if is_known:
                await wait_for_records(broker, f"dead/{MANY - 1}", texts(1))

            def hang(path: str) -> None:
                if "/dead/" in path:
                    gate.wait()

            system.on_open = hang
            for path in dead:
                append(path, lines(2))
            # All threads of that device hang, or the listing that found it does.
            await eventually(is_true(lambda: gate.count >= 1))
            for step in range(2, 6):
                append(local, lines(step))
                await wait_for_records(broker, "local", texts(*range(1, step + 1)))
            system.on_open = lambda _path: None
            gate.let_through()
            expected = texts(1, 2) if is_known else texts(2)
            for number in range(MANY):
                await wait_for_records(broker, f"dead/{number}", expected)
            assert len(tailer.turns.followed) == MANY + 1
    finally:
        gate.let_through()
    assert not system.faults


async def test_a_pipe_in_the_place_of_an_emergency_hangs_nothing(
    tmp_path: Path,
) -> None:
    """Though nobody ever writes to it; the documents of others are told."""
    broker = MemoryBroker()
    emergencies = tmp_path / "emergency"
    emergencies.mkdir()
    names = [f"{number}.json" for number in range(MANY)]
    for name in names:
        (emergencies / name).write_text('{"reason":"a"}')

    async def has(count: int) -> bool:
        return len(await entries_of(broker, EMERGENCIES)) == count

    async with running(broker, tmp_path):
        await eventually(partial(has, MANY))
        for name in names:
            (emergencies / name).unlink()
            os.mkfifo(emergencies / name)
        (emergencies / "late.json").write_text('{"reason":"b"}')
        await eventually(partial(has, MANY + 1))


@asynccontextmanager
async def slow_tailer(
    server: BrokerServer,
    log_dir: Path,
    *,
    seconds: float = 0.0,
    hung: str = "nothing",
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Such a process, which ends with the context."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.tailer.slow_system", str(seconds), hung,
        env={
            "PYTHONPATH": ":".join(entry for entry in sys.path if entry),
            "TAILCAST_REDIS_URL": server.url,
            "TAILCAST_LOG_DIR": str(log_dir),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip  # the command is one line
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ends_well(process: asyncio.subprocess.Process) -> None:
    """It ends with 0, and has closed nothing that was not its own."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        stdout, stderr = await process.communicate()
    assert (process.returncode, stdout) == (0, b""), stderr.decode()
    assert b"Traceback" not in stderr


def _rounds() -> list[ParameterSet]:
    """Signals for each of the processes that share them: 200 in the long form."""
    long = (pytest.mark.long, pytest.mark.timeout(900))
    lots = range(1, 9)
    return [
        pytest.param(0, 3, id="short"),
        *(pytest.param(seed, 25, id=f"lot {seed}", marks=long) for seed in lots),
    ]


@pytest.mark.parametrize(("seed", "times"), _rounds())
async def test_a_signal_in_the_midst_of_work_ends_it_in_order(
    broker: BrokerServer, tmp_path: Path, seed: int, times: int
) -> None:
    """Files are opened, read and closed in threads, and each call takes its time."""
    chance = random.Random(seed)
    paths = [session_path(tmp_path, f"s{number}") for number in range(8)]
    async with connected(broker) as adapter:
        for turn in range(times):
            async with slow_tailer(broker, tmp_path, seconds=0.02) as process:
                name = f"new{turn}"
                append(session_path(tmp_path, name), lines(turn))

                async def has_begun(name: str = name) -> bool:
                    return (await adapter.positions([name]))[0].offset > 0

                if chance.random() < STARTING_SHARE:
                    await has_said(process, b"following files")
                else:
                    await eventually(has_begun)
                for _ in range(chance.randrange(20)):
                    append(chance.choice(paths), lines(turn))
                    await asyncio.sleep(chance.random() * 0.01)
                chance.choice(paths).unlink(missing_ok=True)
                process.send_signal(signal.SIGTERM)
                # Whoever is in a hurry does not make it worse.
                await asyncio.sleep(chance.random() * 0.1)
                signal_again(process)
                await ends_well(process)


def signal_again(process: asyncio.subprocess.Process) -> None:
    """Send another SIGTERM, unless it has ended.

    Not by `process.send_signal`: that looks first whether the process has ended, which
    takes its exit code from asyncio; asyncio then says 255.
    """
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)


async def has_said(process: asyncio.subprocess.Process, text: bytes) -> None:
    """Wait until it has told this."""
    assert process.stderr is not None
    async with asyncio.timeout(PATIENCE_SECONDS):
        while text not in await process.stderr.readline():
            assert process.returncode is None


async def test_a_file_system_that_hangs_does_not_keep_it_from_ending(
    broker: BrokerServer, tmp_path: Path
) -> None:
    """Though Python would wait for a thread of its pools for as long as that hangs."""
    session_path(tmp_path, "hung").write_bytes(lines(1))
    async with slow_tailer(broker, tmp_path, hung="/hung") as process:
        await has_said(process, b"it hangs")
        process.send_signal(signal.SIGTERM)
        await ends_well(process)
