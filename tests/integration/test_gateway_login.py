"""Browsers sign in with a token, and stay so by a cookie that others cannot use."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tailcast_gateway.http import authentication
from tailcast_gateway.http.authentication import Authentication, Busy
from tailcast_gateway.http.core.tokens import Rules, SharedSecrets, only
from tailcast_gateway.instruments import Instruments
from tailcast_gateway.replica import Replica
from tailcast_gateway.views.grant import EVERYTHING_GRANTED
from tests.integration.gateway_rig import PATIENCE_SECONDS, Gateway, Rig, watching
from tests.integration.tokens import KEY, hasten, token


SHARED: Final = "a-shared-token-of-thirty-two-characters"
OTHER: Final = "another-shared-token-of-many-characters"


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is refused is refused at once."""
    hasten(monkeypatch)


def by(secrets: str = SHARED) -> Any:
    """Let in who has one of these tokens, or a JWT."""

    def authenticating(replica: Replica) -> Authentication:
        return Authentication(
            modes=("token", "jwt"),
            secrets=SharedSecrets(secrets),
            find_key=only(KEY),
            rules=Rules(),
            now=replica.now,
            instruments=replica.instruments,
        )

    return authenticating


@pytest.fixture
async def guarded(rig: Rig) -> AsyncIterator[Gateway]:
    """A gateway in which browsers sign in."""
    async with rig.serving(authenticating=by()) as gateway:
        yield gateway


def browser(gateway: Gateway) -> httpx.AsyncClient:
    """A browser on the gateway's page; it keeps cookies."""
    headers = {"origin": gateway.url, "sec-fetch-site": "same-origin"}
    return httpx.AsyncClient(
        base_url=gateway.url, headers=headers, timeout=PATIENCE_SECONDS
    )


async def sign_in(client: httpx.AsyncClient, text: str = SHARED) -> httpx.Response:
    """What the page sends."""
    return await client.post("/login", json={"token": text})


async def test_a_browser_signs_in_and_out(guarded: Gateway) -> None:
    """It is sent to the page for that, reads then, and does not after signing out."""
    async with browser(guarded) as client:
        sent = await client.get("/")
        assert (sent.status_code, sent.headers["location"]) == (303, "login")
        page = await client.get("/login")
        assert "script-src 'self' 'sha256-" in page.headers["content-security-policy"]
        assert (await client.get("/api/sessions")).status_code == 401
        answer = await sign_in(client)
        assert answer.status_code == 204
        assert SHARED not in answer.headers["set-cookie"]
        assert (await client.get("/")).status_code == 200
        assert (await client.get("/api/sessions")).status_code == 200
        assert (await client.post("/logout")).status_code == 204
        assert (await client.get("/api/sessions")).status_code == 401


async def test_a_stream_by_the_cookie(guarded: Gateway) -> None:
    """A handshake of our own page has it; of another origin it does not count."""
    async with browser(guarded) as client:
        await sign_in(client)
        cookie = {"cookie": f"tailcast={client.cookies['tailcast']}"}
    async with watching(
        guarded, origin=guarded.url, additional_headers=cookie
    ) as watcher:
        await watcher.subscribe()
        await watcher.send(type="auth", token=SHARED)
        await watcher.until("authenticated")
    async with watching(
        guarded, origin="http://localhost:1", additional_headers=cookie
    ) as watcher:
        await watcher.send(type="subscribe")
        assert (await watcher.next())["code"] == "not_authenticated"
    with pytest.raises(InvalidStatus):
        async with watching(
            guarded, origin="http://evil.example", additional_headers=cookie
        ):
            pass


async def test_a_cookie_of_another_site(guarded: Gateway) -> None:
    """Whatever a browser sends along, pages of others read and change nothing."""
    async with browser(guarded) as client:
        await sign_in(client)
        link = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
        for headers, status in (
            ({"sec-fetch-site": "cross-site"}, 403),
            ({"sec-fetch-site": "same-site"}, 403),
            ({"sec-fetch-site": "cross-site", **link}, 401),
            ({"origin": "http://localhost:1"}, 401),
        ):
            request = client.build_request("GET", "/api/sessions", headers=headers)
            if "origin" not in headers:
                del request.headers["origin"]
            assert (await client.send(request)).status_code == status, headers
        evil = {"origin": "http://evil.example"}
        for path in ("/login", "/logout"):
            answer = await client.post(path, json={"token": SHARED}, headers=evil)
            assert (answer.status_code, answer.json()["code"]) == (
                403,
                "origin_not_allowed",
            )
            assert "set-cookie" not in answer.headers


async def test_a_jwt_in_a_browser(guarded: Gateway) -> None:
    """What it allows, as long as it does; one that is too long is refused in words."""
    async with browser(guarded) as client:
        answer = await sign_in(client, token("a", seconds=600.0))
        assert answer.status_code == 204
        assert 500 < int(answer.headers["set-cookie"].split("Max-Age=")[1][:3]) <= 600
        assert (await client.get("/api/sources")).status_code == 403
        long = token(*(f"{number:0100}" for number in range(40)))
        assert (await sign_in(client, long)).json()["code"] == "too_large"


async def test_what_is_no_sign_in(guarded: Gateway) -> None:
    """A wrong token, no JSON, and a cookie that nobody gave."""
    async with browser(guarded) as client:
        assert (await sign_in(client, OTHER)).status_code == 401
        assert (await client.post("/login", json={"token": 5})).status_code == 400
        assert (await client.post("/login", data={"token": SHARED})).status_code == 415
        client.cookies["tailcast"] = SHARED
        assert (await client.get("/api/sessions")).status_code == 401
        assert (await client.get("/")).status_code == 303


async def test_a_shared_token_that_is_changed(rig: Rig) -> None:
    """Browsers stay signed in while both count, and not when theirs is gone."""
    async with rig.serving(authenticating=by()) as gateway, browser(gateway) as client:
        await sign_in(client)
        cookie = client.cookies["tailcast"]
    for secrets, status in ((f"{OTHER},{SHARED}", 200), (OTHER, 401)):
        async with (
            rig.serving(authenticating=by(secrets)) as gateway,
            browser(gateway) as client,
        ):
            client.cookies["tailcast"] = cookie
            assert (await client.get("/api/sessions")).status_code == status


async def test_many_who_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many wait for their refusal; further ones are told to come later."""
    monkeypatch.setattr(authentication, "REFUSED_SECONDS", (3_600.0, 3_600.0))
    monkeypatch.setattr(authentication, "MAX_GUESSES", 1)
    guarding = Authentication(
        modes=("token",),
        secrets=SharedSecrets(SHARED),
        now=time.time,
        instruments=Instruments(),
    )
    first = asyncio.create_task(guarding.grant_for(OTHER, "peer", "id"))
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await guarding.grant_for(OTHER, "peer", "id")
    assert await guarding.grant_for(SHARED, "peer", "id") == EVERYTHING_GRANTED
    first.cancel()
