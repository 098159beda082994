"""Answers that wait for their turns, as others have theirs."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest

from tailcast_gateway.replica import Replica
from tailcast_gateway.scheduling import time_limit
from tests.integration.gateway_rig import PATIENCE_SECONDS, Rig, numbered, watching


# Pages are read in turns with any broker alike.
pytestmark = pytest.mark.one_broker


@asynccontextmanager
async def all_pages_taken(replica: Replica) -> AsyncGenerator[None]:
    """As many pages are read as may be."""
    pages = replica.reads._page_turns
    async with pages, pages:
        yield


async def test_who_waits_too_long_for_its_turn_is_told_so(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By another code than if the broker were away; what is live goes on."""
    await rig.writer("a").append(*numbered(0, 3))
    monkeypatch.setattr(time_limit, "WAIT_SECONDS", 0.0)
    async with (
        rig.serving() as gateway,
        httpx.AsyncClient(base_url=gateway.url, timeout=PATIENCE_SECONDS) as client,
        watching(gateway) as watcher,
    ):
        async with all_pages_taken(gateway.replica):
            answer = await client.get("/api/sessions/a/records")
            assert answer.status_code == 503
            assert answer.json() == {
                "code": "overloaded",
                "message": "others are served: it has waited 0 s for its turn",
            }
            assert int(answer.headers["retry-after"]) > 0
            await watcher.send(type="history", sessionId="a", limit=2)
            error = await watcher.until("error")
            assert error["code"] == "unavailable"
            assert error["message"].startswith("Not in time: others are served")
            assert error["retryAfterMs"] > 0
        answer = await client.get("/api/sessions/a/records")
        assert answer.status_code == 200
