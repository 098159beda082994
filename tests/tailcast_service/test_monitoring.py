"""What the tailer says over HTTP."""

import asyncio
from contextlib import suppress

import pytest

from tailcast_service.build import VERSION
from tailcast_service.monitoring import monitoring
from tailcast_streams.entries import NewRejection
from tailcast_tailer.instruments import Instruments


async def ask(port: int, request: bytes) -> bytes:
    """Send a request; everything that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    ("request_line", "status", "body"),
    [
        (
            b"GET /healthz HTTP/1.1",
            b"200 OK",
            b'{"status": "alive", "version": "1.2.3"}\n',
        ),
        (b"GET /readyz HTTP/1.1", b"503 Service Unavailable", b"not yet\n"),
        (b"GET /metrics HTTP/1.1", b"200 OK", f'version="{VERSION}"}} 1.0\n'.encode()),
        (
            b"GET /metrics?x=1 HTTP/1.1",
            b"200 OK",
            b"tailer_records_total 0.0\n",
        ),
        (b"HEAD /healthz HTTP/1.1", b"200 OK", b"\r\n\r\n"),
        (b"GET / HTTP/1.1", b"404 Not Found", b"not found\n"),
        (b"POST /metrics HTTP/1.1", b"405 Method Not Allowed", b"GET only\n"),
        (b"nonsense", b"405 Method Not Allowed", b"GET only\n"),
    ],
)
async def test_answers(request_line: bytes, status: bytes, body: bytes) -> None:
    """Alive, ready or why not, metrics; nothing else."""
    server = monitoring(
        Instruments().exposition,
        host="127.0.0.1",
        port=0,
        why_not_ready=lambda: "not yet",
        build={"version": "1.2.3"},
    )
    async with server as port:
        answer = await ask(port, request_line + b"\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 " + status + b"\r\n")
    assert body in answer


async def test_ready_without_a_reason() -> None:
    """200 when nothing is missing."""
    server = monitoring(
        Instruments().exposition, host="127.0.0.1", port=0, why_not_ready=lambda: ""
    )
    async with server as port:
        answer = await ask(port, b"GET /readyz HTTP/1.1\r\n\r\n")
    assert answer.endswith(b"ready\n")


async def test_what_ends_is_not_alive() -> None:
    """Whoever looks after it starts it anew."""
    server = monitoring(
        Instruments().exposition,
        host="127.0.0.1",
        port=0,
        why_not_ready=lambda: "it is ending",
        is_alive=lambda: False,
    )
    async with server as port:
        answer = await ask(port, b"GET /healthz HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 503 ")


async def test_endless_request_is_dropped() -> None:
    """Its head is bounded."""
    server = monitoring(
        Instruments().exposition, host="127.0.0.1", port=0, why_not_ready=lambda: ""
    )
    async with server as port:
        with suppress(ConnectionResetError):
            assert await ask(port, b"GET " + b"x" * 20_000) == b""


def test_flood_of_rejections_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Counted each, told once a minute and session."""
    now = 0.0
    instruments = Instruments(clock=lambda: now)
    for _ in range(100):
        instruments.lines_rejected("a", [NewRejection(10, "not JSON", 5, b"")])
    now = 61.0
    instruments.lines_rejected("a", [NewRejection(10, "not JSON", 5, b"")])
    assert capsys.readouterr().out.count("lines rejected") == 2
    metrics = {one.name: one for one in instruments.registry.collect()}
    assert metrics["tailcast_tailer_rejections"].samples[0].value == 101
