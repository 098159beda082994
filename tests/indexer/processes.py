"""Indexers as processes of their own, as an operator starts them."""

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


# The program `tailcast-indexer`.
COMMAND = (
    *(sys.executable, "-P", "-c"),
    "from tailcast_indexer.main import main; main()",
)


@asynccontextmanager
async def indexer(url: str, **settings: str) -> AsyncGenerator[Process]:
    """An indexer process; its settings by their names without `TAILCAST_`."""
    inherited = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith("TAILCAST_")
    }
    ours = {f"TAILCAST_{name.upper()}": text for name, text in settings.items()}
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        env={**inherited, "TAILCAST_REDIS_URL": url, **ours},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    reading = asyncio.create_task(_read(process))
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await reading


async def end(process: Process) -> int:
    """End it as an operator does; its exit code."""
    process.terminate()
    return await process.wait()


async def _read(process: Process) -> None:
    """Keep its log from filling the pipe."""
    assert process.stderr is not None
    while await process.stderr.read(65_536):
        pass
