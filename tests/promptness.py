"""Servers and clients as tests have them: what they do once for many, they do once.

uvicorn looks ten times a second whether it is over, and waits a tenth of a second for
what is open: each test with a server would take that long to end. And httpx reads all
authorities' certificates for each client, also for one that will speak to this machine,
and looks for a library that is not there with each request. FastAPI looks through the
signatures of all endpoints for each application, and there is one for each gateway.
redis-py reads its own version from a file for each connection.
"""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from types import ModuleType
from typing import Any

from fastapi import routing
from fastapi.dependencies import utils as dependencies
from fastapi.dependencies.models import Dependant
from httpx._transports import default as transports
from redis import utils as redis_utils
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


def look_for_loops_once() -> None:
    """Let clients not look with each request on which library's loop they are."""
    sys.modules["sniffio"] = None  # type: ignore[assignment]  # it cannot be imported


def read_versions_once() -> None:
    """Let all connections to brokers know what wrote their first greeting."""
    name = "get_lib_version"
    put(redis_utils, name, cache(getattr(redis_utils, name)))


def read_endpoints_once() -> None:
    """Let the applications of this process share what FastAPI reads of an endpoint."""
    get_dependant = dependencies.get_dependant
    get_returned = dependencies.get_typed_return_annotation
    dependants: dict[tuple[str, str, str], Dependant] = {}
    returned: dict[tuple[str, str], Any] = {}

    # Each application has functions of its own, with signatures that are the same.
    def name_of(call: Callable[..., Any]) -> tuple[str, str]:
        return call.__module__, call.__qualname__

    def read_once(*, path: str, call: Callable[..., Any], **more: Any) -> Dependant:
        which = path, *name_of(call)
        if which not in dependants:
            dependants[which] = get_dependant(path=path, call=call, **more)
        known = dependants[which]
        return replace(known, call=call, dependencies=[*known.dependencies])

    def read_returned_once(call: Callable[..., Any]) -> object:
        which = name_of(call)
        if which not in returned:
            returned[which] = get_returned(call)
        return returned[which]

    for module in (routing, dependencies):
        put(module, "get_dependant", read_once)
    put(routing, "get_typed_return_annotation", read_returned_once)


def put(module: ModuleType | type, name: str, value: object) -> None:
    """Let a module or a class have another value of this name from now on."""
    setattr(module, name, value)
