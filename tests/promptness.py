"""Servers and clients as tests have them: what they do once for many, they do once.

uvicorn looks ten times a second whether it is over, and waits a tenth of a second for
what is open: each test with a server would take that long to end. And httpx reads all
authorities' certificates for each client, also for one that will speak to this machine.
"""

import asyncio
from functools import cache
from types import ModuleType

from httpx._transports import default as transports
from uvicorn import server


TIMES = 10


def end_servers_promptly() -> None:
    """Let the servers of this process sleep for a tenth of what they would."""

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / TIMES)

    prompt = ModuleType(asyncio.__name__)
    for name, value in {**vars(asyncio), "sleep": sleep}.items():
        setattr(prompt, name, value)
    put(server, "asyncio", prompt)


def read_certificates_once() -> None:
    """Let all clients of this process have one context of TLS."""
    name = "create_ssl_context"
    put(transports, name, cache(getattr(transports, name)))


def put(module: ModuleType, name: str, value: object) -> None:
    """Let a module have another value of this name, for as long as the process runs."""
    setattr(module, name, value)
