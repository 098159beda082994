"""Pages of other origins read what the gateway answers if they may connect (CORS)."""

from collections.abc import Mapping

import httpx
import pytest

from tailcast_gateway.http.responses import ORIGIN_NOT_ALLOWED
from tests.integration.gateway_rig import Rig
from tests.integration.tokens import bearer, by_tokens, hasten, token


BOARD = "https://board.example"
PATHS = ("/api/sessions", "/api/snapshot?sessionId=none", "/sse/telemetry?sessionId=a")
ASKING = {
    "origin": BOARD,
    "access-control-request-method": "PATCH",
    "access-control-request-headers": "authorization,content-type",
}


async def headers_of(
    client: httpx.AsyncClient, method: str, path: str, **more: str
) -> tuple[int, Mapping[str, str]]:
    """The status and the headers of an answer, whose body may have no end."""
    async with client.stream(method, path, headers=more) as answer:
        return answer.status_code, answer.headers


def varies(headers: Mapping[str, str]) -> bool:
    """Whether a cache keeps the answers to different origins apart."""
    return "origin" in headers.get("vary", "").lower()


async def test_an_origin_that_may_connect_reads_all_alike(rig: Rig) -> None:
    """Errors too; never with credentials, and never all origins."""
    async with (
        rig.serving(allowed_origins=(BOARD,)) as gateway,
        httpx.AsyncClient(base_url=gateway.url) as client,
    ):
        for path in (*PATHS, "/api/nowhere", "/api/sessions?unknown=1"):
            _, headers = await headers_of(client, "GET", path, origin=BOARD)
            assert headers["access-control-allow-origin"] == BOARD, path
            assert "access-control-allow-credentials" not in headers
            assert varies(headers), path


async def test_any_other_origin_is_refused_alike(rig: Rig) -> None:
    """As its WebSockets are; what has no origin is no page elsewhere."""
    async with (
        rig.serving(allowed_origins=(BOARD,)) as gateway,
        httpx.AsyncClient(base_url=gateway.url) as client,
    ):
        for path in PATHS:
            for origin in ("https://evil.example", "null", f"{BOARD}.evil.example"):
                status, headers = await headers_of(client, "GET", path, origin=origin)
                assert status == 403, (path, origin)
                assert "access-control-allow-origin" not in headers
                assert varies(headers)
            _, headers = await headers_of(client, "GET", path)
            assert "access-control-allow-origin" not in headers
            assert varies(headers)
        refused = await client.get(PATHS[0], headers={"origin": "https://evil.example"})
        assert refused.json()["code"] == ORIGIN_NOT_ALLOWED
        asked = ASKING | {"origin": "https://evil.example"}
        status, _ = await headers_of(client, "OPTIONS", PATHS[0], **asked)
        assert status == 403
        # Nothing of a session is at other paths, and links from anywhere lead to them.
        page = await client.get("/", headers={"origin": "https://evil.example"})
        assert page.status_code == 200


async def test_a_browser_that_asks_first_is_answered(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a token, which it only sends afterwards."""
    hasten(monkeypatch)
    async with (
        rig.serving(allowed_origins=(BOARD,), authenticating=by_tokens) as gateway,
        httpx.AsyncClient(base_url=gateway.url) as client,
    ):
        for path in PATHS:
            status, headers = await headers_of(client, "OPTIONS", path, **ASKING)
            assert status == 204
            assert headers["access-control-allow-origin"] == BOARD
            assert "PATCH" in headers["access-control-allow-methods"]
            assert "authorization" in headers["access-control-allow-headers"].lower()
            assert "access-control-allow-credentials" not in headers
        status, headers = await headers_of(client, "GET", PATHS[0], origin=BOARD)
        assert status == 401
        assert headers["access-control-allow-origin"] == BOARD
        shown = {"origin": BOARD} | bearer(token())
        status, _ = await headers_of(client, "GET", PATHS[0], **shown)
        assert status == 200
        # Not asked by a browser: as any method that a path has not.
        status, _ = await headers_of(client, "OPTIONS", PATHS[0], **bearer(token()))
        assert status == 405


async def test_what_another_page_takes_in_is_refused(rig: Rig) -> None:
    """Whatever it is; who follows a link is answered, and so is the page itself."""
    embedded = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    followed = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    own = embedded | {"sec-fetch-site": "same-origin"}
    async with (
        rig.serving(allowed_origins=(BOARD,)) as gateway,
        httpx.AsyncClient(base_url=gateway.url) as client,
    ):
        for path in PATHS:
            status, _ = await headers_of(client, "GET", path, **embedded)
            assert status == 403, path
            for more in (followed, own):
                status, _ = await headers_of(client, "GET", path, **more)
                assert status != 403, path
    async with (
        rig.serving(allowed_origins=("*",)) as gateway,
        httpx.AsyncClient(base_url=gateway.url) as client,
    ):
        assert (await client.get(PATHS[0], headers=embedded)).status_code == 200


async def test_no_answer_is_anything_to_another_page(rig: Rig) -> None:
    """Neither a script nor a frame, whether there is something or not."""
    async with (
        rig.serving() as gateway,
        httpx.AsyncClient(base_url=gateway.url) as client,
    ):
        telling = ("/", "/docs", "/login", *PATHS)
        for path in ("/healthz", "/nowhere", *telling):
            for more in ({}, {"host": "evil.example"}):
                _, headers = await headers_of(client, "GET", path, **more)
                assert headers["x-content-type-options"] == "nosniff", path
                assert headers["cross-origin-resource-policy"] == "same-origin", path
                if path in telling and not more:
                    policy = headers["content-security-policy"]
                    assert "frame-ancestors 'none'" in policy, path
