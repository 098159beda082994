"""`/metrics`, `/healthz` and `/readyz`: the smallest HTTP server that Prometheus reads.

Knows no metric and decides nothing: functions that it is given supply the answers.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

from prometheus_client.exposition import CONTENT_TYPE_LATEST


# A request that takes longer, or whose head is larger, is dropped.
REQUEST_SECONDS = 5.0
REQUEST_BYTES = 8_192

UNAVAILABLE = "503 Service Unavailable"


class Answer(NamedTuple):
    """One response."""

    status: str
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


@asynccontextmanager
async def monitoring(
    exposition: Callable[[], bytes],
    *,
    host: str,
    port: int,
    why_not_ready: Callable[[], str],
    is_alive: Callable[[], bool] = lambda: True,
    build: Mapping[str, str] | None = None,
) -> AsyncGenerator[int]:
    """Serve while the context lasts; gives the port (of port 0: the one it got).

    Args:
        exposition: all metrics, in Prometheus' text form.
        why_not_ready: what is missing, in words for people; empty when ready.
        is_alive: whether all of it runs.
        build: what is running, as `/healthz` says it.
    """

    def life() -> Answer:
        status, word = ("200 OK", "alive") if is_alive() else (UNAVAILABLE, "not alive")
        body = json.dumps({"status": word, **(build or {})})
        return Answer(status, f"{body}\n".encode(), "application/json")

    def answer(path: str) -> Answer:
        if path == "/metrics":
            return Answer("200 OK", exposition(), CONTENT_TYPE_LATEST)
        if path == "/healthz":
            return life()
        if path == "/readyz":
            reason = why_not_ready()
            if reason:
                return Answer(UNAVAILABLE, f"{reason}\n".encode())
            return Answer("200 OK", b"ready\n")
        return Answer("404 Not Found", b"not found\n")

    async def converse(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(_response(head, answer))
                await writer.drain()
        except (TimeoutError, OSError, EOFError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(converse, host, port, limit=REQUEST_BYTES)
    async with server:
        yield server.sockets[0].getsockname()[1]


def _response(head: bytes, answer: Callable[[str], Answer]) -> bytes:
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    if len(words) != 3 or words[0] not in ("GET", "HEAD"):  # noqa: PLR2004  # by RFC 9112
        found = Answer("405 Method Not Allowed", b"GET only\n")
    else:
        found = answer(words[1].partition("?")[0])
    fields = (
        f"HTTP/1.1 {found.status}\r\nContent-Type: {found.content_type}\r\n"
        f"Content-Length: {len(found.body)}\r\nConnection: close\r\n\r\n"
    )
    return fields.encode() + (b"" if words[0] == "HEAD" else found.body)
