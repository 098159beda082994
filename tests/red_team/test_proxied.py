"""What a proxy says of who asks counts if a trusted one says it, and once."""

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tailcast_gateway.http.authentication import Authentication
from tailcast_gateway.http.core.modes import Mode
from tailcast_gateway.http.core.proxied import ProxyHeaders
from tailcast_gateway.http.core.tokens import Rules, only
from tailcast_gateway.replica import Replica
from tests.integration.gateway_rig import Gateway, Rig, numbered, watching
from tests.integration.tokens import KEY, bearer, hasten, token
from tests.red_team.requests import UPGRADE, asked, request
from tests.red_team.test_tokens import MINE, ROUTES, SECRET_WORD, placed


USER: Final = "X-Forwarded-User"
SESSIONS: Final = "X-Forwarded-Sessions"
HERE: Final = ("127.0.0.1", "::1")


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is refused is refused at once."""
    hasten(monkeypatch)


@asynccontextmanager
async def guarded(
    rig: Rig,
    *modes: Mode,
    trusted: Sequence[str] = HERE,
    default_sessions: tuple[str, ...] | None = None,
) -> AsyncGenerator[Gateway]:
    """A gateway behind proxies, with a session that only some may read."""

    def by_proxy(replica: Replica) -> Authentication:
        return Authentication(
            modes=modes,
            find_key=only(KEY) if "jwt" in modes else None,
            rules=Rules(),
            proxied=ProxyHeaders(USER, SESSIONS, default_sessions),
            now=replica.now,
            instruments=replica.instruments,
        )

    await rig.writer(MINE).append(
        {"step": 1, "telemetry": {"phi": 0.5}, "note": SECRET_WORD},
        {"step": 2, "emergency": {"reason": SECRET_WORD}},
    )
    async with rig.serving(authenticating=by_proxy, trusted_proxies=trusted) as gateway:
        yield gateway


async def statuses(gateway: Gateway, *headers: str) -> tuple[int, int]:
    """How a request and a handshake with these headers are answered."""
    text = request("/api/sessions", *headers, hosts=("localhost",))
    shaken = request("/ws/telemetry", *UPGRADE, *headers, hosts=("localhost",))
    asking, _ = await asked(gateway.port, text)
    shaking, _ = await asked(gateway.port, shaken)
    return asking, shaking


async def test_routes_by_what_a_proxy_says(rig: Rig) -> None:
    """Each as by a token: with nobody, with a foreigner, and with who may read it."""
    states = {
        "none": {},
        "foreign": {USER: "ann", SESSIONS: "other/*"},
        "right": {USER: "ann", SESSIONS: "other/*, mine/*"},
    }
    async with guarded(rig, "jwt", "proxy") as gateway:
        for (method, route), (path, body, expected) in ROUTES.items():
            address = await placed(gateway, path)
            for state, headers in states.items():
                kind = {"content-type": "application/json"} if body else {}
                async with (
                    httpx.AsyncClient(headers=headers | kind) as client,
                    client.stream(
                        method, f"{gateway.url}{address}", content=body or None
                    ) as response,
                ):
                    found = (method, route, state)
                    assert response.status_code == expected[state], found


async def test_where_only_a_proxy_says_who_asks(rig: Rig) -> None:
    """Without its word there is nothing, not even a page that asks for a token."""
    async with guarded(rig, "proxy") as gateway:
        async with httpx.AsyncClient(base_url=gateway.url) as client:
            for path in ("/", "/api/sessions"):
                answer = await client.get(path, headers=bearer(token()))
                assert answer.status_code == 401
                assert "through a proxy" in answer.json()["message"]
            assert (await client.get("/healthz")).status_code == 200
            page = await client.get("/", headers={USER: "ann"})
            assert page.status_code == 200
        with pytest.raises(InvalidStatus) as refused:
            await connect(gateway.ws_url)
        assert refused.value.response.status_code == 401
        headers = {USER: "ann", SESSIONS: "other/*"}
        async with watching(gateway, additional_headers=headers) as watcher:
            await watcher.send(type="subscribe", sessionId=MINE, id=1)
            assert (await watcher.next())["code"] == "not_authorized"
            await rig.writer("other/a").append(*numbered(0, 2))
            await watcher.send(type="sessions", id=2)
            listed = await watcher.until("sessions", id=2)
        assert [one["sessionId"] for one in listed["sessions"]] == ["other/a"]
        assert SECRET_WORD not in json.dumps(listed)


async def test_nobody_else_is_believed(rig: Rig) -> None:
    """Whoever reaches the gateway without the proxy can write what a proxy does."""
    async with guarded(rig, "proxy", trusted=("10.0.0.1",)) as gateway:
        for headers in (
            (f"{USER}: ann",),
            (f"{USER}: ann", "X-Forwarded-For: 10.0.0.1"),
            ("Forwarded: for=10.0.0.1", f"{USER}: ann"),
        ):
            assert await statuses(gateway, *headers) == (401, 401)


@pytest.mark.parametrize(
    "headers",
    [
        (f"{USER}: ann", f"{USER}: root"),
        (f"{USER}: ann", f"{USER}: ann"),
        (f"{USER}: ann", "X_Forwarded_User: root"),
        ("X-Forwarded_User: root",),
        (f"{USER}: ann", f"{SESSIONS}: a", f"{SESSIONS}: *"),
        (f"{USER}: ann", "x_forwarded_sessions: *"),
        (f"{USER}: {'a' * 257}",),
        (f"{USER}: ann", f"{SESSIONS}: {','.join('a' * 300)}"),
    ],
)
async def test_a_header_beside_that_of_the_proxy(
    rig: Rig, headers: Sequence[str]
) -> None:
    """Who asked the proxy may have sent it along: then none of them counts."""
    async with guarded(rig, "proxy") as gateway:
        assert await statuses(gateway, *headers) == (400, 400)
        assert await statuses(gateway, f"{USER}: ann") == (200, 101)


@pytest.mark.parametrize(
    ("sessions", "expected"),
    [(None, ["mine/a"]), ("", []), ("*", ["mine/a"]), ("other/*,mine/?", ["mine/a"])],
)
async def test_sessions_that_a_proxy_names(
    rig: Rig, sessions: str | None, expected: list[str]
) -> None:
    """An empty list is none; without the header it is what the settings say."""
    headers: dict[str, Any] = {USER: "ann"}
    if sessions is not None:
        headers[SESSIONS] = sessions
    async with (
        guarded(rig, "proxy", default_sessions=("mine/*",)) as gateway,
        httpx.AsyncClient(base_url=gateway.url, headers=headers) as client,
    ):
        listed = (await client.get("/api/sessions")).json()["sessions"]
    assert [one["sessionId"] for one in listed] == expected


async def test_the_word_of_a_proxy_comes_before_a_token(rig: Rig) -> None:
    """A token may be the proxy's own, as of whom it signed in."""
    async with guarded(rig, "jwt", "proxy") as gateway:
        foreign = {USER: "ann", SESSIONS: "other/*"}
        async with httpx.AsyncClient(base_url=gateway.url) as client:
            path = f"/api/sessions/{MINE}"
            both = await client.get(path, headers=foreign | bearer(token("mine/*")))
            alone = await client.get(path, headers=bearer(token("mine/*")))
    assert (both.status_code, alone.status_code) == (404, 200)
