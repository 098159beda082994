"""Servers and clients as tests have them: what they do once for many, they do once.

uvicorn looks ten times a second whether it is over, and waits a tenth of a second for
what is open: each test with a server would take that long to end. And httpx reads all
authorities' certificates for each client, also for one that will speak to this machine.
FastAPI looks through the signatures of all endpoints for each application, and there is
one for each gateway.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from types import ModuleType
from typing import Any

from fastapi import routing
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_dependant
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


def read_endpoints_once() -> None:
    """Let the applications of this process share what FastAPI reads of an endpoint."""
    known: dict[tuple[str, str, str], Dependant] = {}

    def read_once(*, path: str, call: Callable[..., Any], **more: Any) -> Dependant:
        # Each application has functions of its own, with signatures that are the same.
        which = path, call.__module__, call.__qualname__
        if which not in known:
            known[which] = get_dependant(path=path, call=call, **more)
        return replace(
            known[which], call=call, dependencies=[*known[which].dependencies]
        )

    put(routing, "get_dependant", read_once)


def put(module: ModuleType | type, name: str, value: object) -> None:
    """Let a module or a class have another value of this name from now on."""
    setattr(module, name, value)
