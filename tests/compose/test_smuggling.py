"""Requests that hide others, and headers that only a proxy may set, past real proxies.

What two servers could read in two ways is sent to HAProxy and nginx, as they are
deployed: what the gateway then hears is what these let through, and what they say.
"""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest
from websockets.asyncio.client import connect

from tailcast_gateway.connections import front
from tailcast_gateway.connections.core.heads import Head, read_head
from tests.brokers import BrokerServer
from tests.compose import http2
from tests.compose.balancers import BALANCERS, PASSWORD, USER
from tests.integration.gateway_rig import PATIENCE_SECONDS, Gateway, Rig, Watcher
from tests.integration.tokens import bearer, token
from tests.red_team.requests import UPGRADE
from tests.red_team.test_proxied import guarded
from tests.red_team.test_tokens import MINE


HEALTH: Final = "/readyz"
BASIC: Final = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
# Both proxies refuse that path: whoever gets it to the gateway has passed them by.
FORBIDDEN: Final = "/metrics"
HIDDEN: Final = (
    f"GET {FORBIDDEN} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-User: root\r\n\r\n"
)
CHUNK: Final = f"{len(HIDDEN):x}\r\n{HIDDEN}\r\n0\r\n\r\n"
CLAIMS: Final = {
    "X-Forwarded-User": "root",
    "X_Forwarded_User": "root",
    "X-Forwarded_User": "root",
    "X-Forwarded-Sessions": "*",
    "X-Forwarded-For": "203.0.113.9, 10.0.0.1",
    "X_Forwarded_For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
}


@dataclass
class Served:
    """A gateway behind a proxy."""

    gateway: Gateway
    # Which proxy, and its port.
    name: str
    port: int
    # What the gateway was asked, but for the proxy's own questions.
    heard: list[Head]

    @property
    def credentials(self) -> dict[str, str]:
        """What an honest client says of itself."""
        if self.name == "nginx":
            return {"authorization": f"Basic {BASIC}"}
        return bearer(token())

    async def is_as_before(self) -> None:
        """Honest clients get their own answers, and nothing came that should not."""
        headers = self.credentials
        url = f"http://127.0.0.1:{self.port}"
        async with httpx.AsyncClient(base_url=url, headers=headers) as client:
            for _ in range(3):
                answer = await client.get("/api/snapshot", params={"sessionId": MINE})
                assert answer.json()["sessionId"] == MINE
        self.check_heard()

    def check_heard(self) -> None:
        """All that reached the gateway is what the proxy lets through, and says."""
        user = [USER] if self.name == "nginx" else []
        assert self.heard
        for head in self.heard:
            headers = head.headers
            assert FORBIDDEN not in head.target
            assert headers.get_all("x-forwarded-user") == user
            assert headers.get_all("x-forwarded-sessions") == []
            assert headers.get_all("x-forwarded-for") == ["127.0.0.1"]
            assert headers.get_all("x-forwarded-proto") == ["http"]
            assert not [name for name, _ in headers.raw_items() if "_" in name]
        self.heard.clear()


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[Head]:
    """What the gateway is asked."""
    found: list[Head] = []

    def read(data: bytes, *, max_bytes: int) -> Head:
        head = read_head(data, max_bytes=max_bytes)
        if head.target != HEALTH:
            found.append(head)
        return head

    monkeypatch.setattr(front, "read_head", read)
    return found


@pytest.fixture(params=BALANCERS)
async def served(
    request: pytest.FixtureRequest,
    engine: None,
    brokers: Callable[[str], BrokerServer],
    heard: list[Head],
    tmp_path: Path,
) -> AsyncIterator[Served]:
    """A gateway that believes what a proxy says of who asks, or a token."""
    del engine
    rig = Rig(brokers("valkey").url)
    async with (
        rig.stack,
        guarded(rig, "jwt", "proxy") as gateway,
        BALANCERS[request.param](gateway.port, tmp_path) as port,
    ):
        yield Served(gateway, request.param, port, heard)


def asking(*lines: str, body: str = HIDDEN, first: str = "POST /api/series") -> bytes:
    """A request with these headers, and what comes behind it."""
    head = [f"{first} HTTP/1.1", "Host: localhost", f"Authorization: Basic {BASIC}"]
    return ("\r\n".join([*head, *lines, "", ""]) + body).encode()


SHAKING: Final = "GET /ws/telemetry"
LENGTH: Final = f"Content-Length: {len(HIDDEN)}"
CHUNKED: Final = "Transfer-Encoding: chunked"
ATTACKS: Final = {
    "CL.TE": asking(
        f"Content-Length: {5 + len(HIDDEN)}", CHUNKED, body=f"0\r\n\r\n{HIDDEN}"
    ),
    "TE.CL": asking(CHUNKED, "Content-Length: 4", body=CHUNK),
    "CL.CL": asking("Content-Length: 0", LENGTH),
    "CL in a list": asking(f"Content-Length: 0, {len(HIDDEN)}"),
    "TE.TE": asking(CHUNKED, "Transfer-Encoding: identity", body=CHUNK),
    "a blank in the name": asking("Transfer-Encoding : chunked", LENGTH),
    "a folded line": asking("X: y", f" {LENGTH}"),
    "a bare newline": asking(f"X: y\n{LENGTH}"),
    "a GET with a body": asking(LENGTH, first="GET /api/sessions"),
    "a handshake with a body": asking(*UPGRADE, LENGTH, first=SHAKING),
    "a handshake that is refused": asking(
        *(line.replace("Version: 13", "Version: 12") for line in UPGRADE),
        first=SHAKING,
    ),
    "a handshake elsewhere": asking(*UPGRADE, first="GET /api/sessions"),
    "another protocol": asking(
        "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
        "HTTP2-Settings: AAMAAABk",
        first="GET /api/sessions",
    ),
    "headers of the proxy": asking(
        *(f"{name}: {value}" for name, value in CLAIMS.items()),
        *(f"{name}: {value}" for name, value in CLAIMS.items()),
        first="GET /api/sessions", body="",
    ),
    "headers of the connection": asking(
        "Connection: close, X-Forwarded-For, X-Forwarded-User",
        first="GET /api/sessions", body="",
    ),
}  # fmt: skip  # a row each


async def test_nobody_s_request_is_another_s(served: Served) -> None:
    """Neither of the same connection nor of one that comes afterwards."""
    await served.is_as_before()
    for attack, sent in ATTACKS.items():
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                writer.write(sent)
                await reader.read(1)
                await served.is_as_before()
        except Exception as error:
            error.add_note(f"attack: {attack}")
            raise
        finally:
            writer.close()


HEAD: Final = [(":scheme", "http"), (":authority", "localhost")]
POST: Final = [
    (":method", "POST"),
    (":path", "/api/series"),
    *HEAD,
    ("authorization", f"Basic {BASIC}"),
]
GET: Final = [
    (":method", "GET"),
    (":path", "/api/sessions"),
    *HEAD,
    ("authorization", f"Basic {BASIC}"),
]
INJECTED: Final = "a\r\nX-Forwarded-User: root"
ATTACKS_2: Final[dict[str, tuple[list[tuple[str, str]], str]]] = {
    "a length that is too short": ([*POST, ("content-length", "0")], HIDDEN),
    "a length that is too long": ([*POST, ("content-length", "999")], HIDDEN),
    "chunks": ([*POST, ("transfer-encoding", "chunked")], f"0\r\n\r\n{HIDDEN}"),
    "a line more in a value": ([*GET, ("x", INJECTED)], ""),
    "a request more in a value": ([*GET, ("x", f"a\r\n\r\n{HIDDEN}")], ""),
    "a line more in a name": ([*GET, (f"x: {INJECTED}\r\ny", "z")], ""),
    "a line more in a path": (
        [(":method", "GET"), (":path", f"/api HTTP/1.1\r\nX: {INJECTED}"), *HEAD], ""
    ),
    "a line more in a method": (
        [(":method", f"GET {FORBIDDEN} HTTP/1.1\r\nX: a"), (":path", "/"), *HEAD], ""
    ),
    "a line more in a host": (
        [*GET[:2], (":scheme", "http"), (":authority", f"localhost\r\nX: {INJECTED}")],
        "",
    ),
    "two hosts": ([*GET, ("host", "evil.example")], ""),
    "another protocol": (
        [*GET, ("connection", "upgrade"), ("upgrade", "websocket")], ""
    ),
    "a WebSocket of a path that is none": (
        [(":method", "CONNECT"), (":protocol", "websocket"), (":path", FORBIDDEN),
         *HEAD, ("authorization", f"Basic {BASIC}")],
        "",
    ),
    "headers of the proxy": (
        [*GET, *((name.lower(), value) for name, value in CLAIMS.items())], ""
    ),
}  # fmt: skip  # a row each


async def test_what_comes_over_http_2_is_no_other_request(served: Served) -> None:
    """Where lengths, lines and names are other things than they become behind it."""
    credentials = list(served.credentials.items())
    honest = [(":method", "GET"), (":path", "/api/sessions"), *HEAD, *credentials]
    assert await http2.asked(served.port, honest) == 200
    for attack, (headers, body) in ATTACKS_2.items():
        try:
            await http2.asked(served.port, headers, body.encode())
            await served.is_as_before()
        except Exception as error:
            error.add_note(f"attack: {attack}")
            raise


async def test_who_says_to_be_another_is_not(served: Served) -> None:
    """By the header with which a proxy would say it, on a request and a handshake."""
    url = f"http://127.0.0.1:{served.port}"
    claims = {**CLAIMS, **served.credentials}
    async with httpx.AsyncClient(base_url=url) as client:
        for name, value in CLAIMS.items():
            answer = await client.get("/api/sessions", headers={name: value})
            assert answer.status_code == 401, name
        answer = await client.get("/api/sessions", headers=claims)
        assert answer.status_code == 200
    address = f"ws://127.0.0.1:{served.port}/ws/telemetry"
    async with connect(address, additional_headers=claims) as connection:
        watcher = Watcher(connection)
        assert await watcher.subscribe(sessionId=MINE, **{"from": "start"})
        assert len(await watcher.until_records(1)) >= 1
        (owner,) = served.gateway.replica.connections
        peer = owner._socket.remote_address
        assert peer is not None
        assert peer[0] == "127.0.0.1"
    served.check_heard()
