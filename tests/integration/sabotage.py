"""Services whose tasks end when they are told to: see `sabotaged`."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx

from tests.tailer.harness import eventually


# What uvicorn and the runner of the loop have: they have no names.
UNNAMED = "Task-"


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
        sys.executable, "-m", "tests.integration.sabotaged", service, *words,
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
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

        async def is_so() -> bool:
            try:
                return (await client.get(path)).is_success is is_fine
            except httpx.TransportError:
                return not is_fine

        await eventually(is_so)
