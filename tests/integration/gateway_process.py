"""A gateway as a process of its own, as an operator starts it."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx

from tests.integration.gateway_rig import PATIENCE_SECONDS


# The program `tailcast-gateway`.
CODE = "from tailcast_gateway.main import main; main()"


@asynccontextmanager
async def running(
    url: str, port: int, *, before: str = "", **settings: str
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A gateway process; its settings by their names without `TAILCAST_`.

    `before` is carried out in it before it begins: no user has such a setting.
    """
    environment = {
        "PYTHONPATH": ":".join(entry for entry in sys.path if entry),
        "TAILCAST_REDIS_URL": url,
        "TAILCAST_PORT": str(port),
        "TAILCAST_DRAIN_SECONDS": "1s",
        # Nobody reads its log before it has ended.
        "TAILCAST_LOG_LEVEL": "error",
        **{f"TAILCAST_{name.upper()}": value for name, value in settings.items()},
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        f"{before}\n{CODE}",
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def until_ready(port: int) -> None:
    """Until it is fit for traffic."""
    async with (
        httpx.AsyncClient(base_url=f"http://localhost:{port}") as client,
        asyncio.timeout(PATIENCE_SECONDS),
    ):
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await client.get("/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.05)
