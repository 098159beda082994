"""Grants while a client is connected: they begin, are renewed, and end."""

import asyncio
import contextlib
import gc
import json
import time
import weakref
from contextlib import suppress
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tailcast_gateway.http import export
from tailcast_gateway.limits import Quotas
from tests.integration.gateway_rig import (
    PATIENCE_SECONDS,
    Gateway,
    Rig,
    Watcher,
    numbered,
    watching,
)
from tests.integration.tokens import bearer, by_tokens, hasten, token


# So long ago that it is over, and so little that clocks may differ by it.
JUST_OVER = -20.0


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is refused is refused at once."""
    hasten(monkeypatch)


@pytest.fixture
async def guarded(rig: Rig) -> Any:
    """A gateway whose clients say who they are."""
    async with rig.serving(authenticating=by_tokens) as gateway:
        yield gateway


def by(text: str) -> dict[str, Any]:
    """How a client that has a token from the beginning connects."""
    return {"additional_headers": bearer(text)}


async def closed_with(watcher: Watcher) -> tuple[dict[str, Any], int | None]:
    """The last message of a connection that is closed, and its code."""
    last: dict[str, Any] = {}
    async with asyncio.timeout(PATIENCE_SECONDS):
        with suppress(ConnectionClosed):
            async for data in watcher.connection:
                last = json.loads(data)
    return last, watcher.connection.close_code


async def test_a_connection_ends_with_its_token(guarded: Gateway) -> None:
    """It is told, and when to come with another one."""
    async with watching(guarded, **by(token(seconds=JUST_OVER))) as watcher:
        told, code = await closed_with(watcher)
    assert (told["code"], told["close"], code) == ("token_expired", 4001, 4001)
    assert told["retryAfterMs"] > 0


async def test_a_connection_ends_before_its_token(guarded: Gateway) -> None:
    """If the token says so; it is told before, as of a token that ends."""
    now = time.time()
    async with watching(guarded, **by(token(expireAt=now + 59.0))) as watcher:
        told = await watcher.until("expiring")
        assert told["expiresAt"] == int((now + 59.0) * 1_000)
    async with watching(guarded, **by(token(expireAt=now + JUST_OVER))) as watcher:
        told, code = await closed_with(watcher)
    assert (told["code"], code) == ("token_expired", 4001)


async def test_a_connection_goes_on_after_its_token(guarded: Gateway) -> None:
    """If the token says so: nothing is told of an end that is not there yet."""
    renewed = token(seconds=JUST_OVER, expireAt=time.time() + 59.0)
    async with watching(guarded, **by(renewed)) as watcher:
        await watcher.until("expiring")
        await watcher.subscribe(sessionId="a")


async def test_a_new_token_that_ends_sooner(guarded: Gateway) -> None:
    """Its end counts, and not that of the one before."""
    async with watching(guarded, **by(token())) as watcher:
        await watcher.send(type="auth", token=token(seconds=JUST_OVER))
        await watcher.until("authenticated")
        _, code = await closed_with(watcher)
    assert code == 4001


async def test_nothing_stays_of_connections_that_have_left(guarded: Gateway) -> None:
    """However long their tokens would have counted.

    What was done last may still be named by what waits for the next, so one may stay.
    """
    left: list[weakref.ref[object]] = []
    for _ in range(5):
        async with watching(guarded, **by(token())) as watcher:
            await watcher.subscribe(sessionId="a")
            left += map(weakref.ref, guarded.replica.connections)
    assert len(left) >= 5
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len({one() for one in left} - {None}) > 1:
                await asyncio.sleep(0.01)
                gc.collect()
    stay = {one() for one in left} - {None}
    assert len(stay) <= 1, [gc.get_referrers(one) for one in stay]


async def test_who_does_not_say_who_it_is(rig: Rig) -> None:
    """It has a while for that."""
    async with (
        rig.serving(authenticating=by_tokens, auth_timeout=0.0) as gateway,
        watching(gateway) as watcher,
    ):
        told, code = await closed_with(watcher)
    assert (told["code"], code) == ("not_authenticated", 4401)


async def test_an_event_stream_ends_with_its_token(guarded: Gateway, rig: Rig) -> None:
    """With an event that says why."""
    await rig.writer("a").append(*numbered(0, 1))
    headers = bearer(token(seconds=JUST_OVER))
    async with httpx.AsyncClient(headers=headers, timeout=PATIENCE_SECONDS) as client:
        answer = await client.get(f"{guarded.url}/sse/telemetry?sessionId=a")
    assert answer.status_code == 200
    assert "token_expired" in answer.text


async def test_lines_end_with_their_token(
    guarded: Gateway, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By abort: nobody takes a part for the whole."""
    monkeypatch.setattr(export, "PAGE_RECORDS", 1)
    await rig.writer("a").append(*numbered(0, 3))
    headers = bearer(token(seconds=JUST_OVER)) | {"accept": "application/x-ndjson"}
    async with httpx.AsyncClient(headers=headers, timeout=PATIENCE_SECONDS) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(f"{guarded.url}/api/records?sessionId=a")


async def test_a_grant_is_renewed_between_two_messages(
    guarded: Gateway, rig: Rig
) -> None:
    """No record is lost or comes twice, however often; the new end counts."""
    writer = rig.writer("a")
    await writer.append(*numbered(0, 5))
    async with watching(guarded, **by(token(seconds=59.0))) as watcher:
        await watcher.until("expiring")
        await watcher.subscribe(sessionId="a", **{"from": "start"})
        for start in range(5, 25, 5):
            await watcher.send(type="auth", token=token(), id=start)
            await writer.append(*numbered(start, start + 5))
            await watcher.until("authenticated", id=start)
        assert await watcher.until_records(25) == numbered(0, 25)


async def test_another_subject_s_token_renews_nothing(guarded: Gateway) -> None:
    """The grant stays as it was."""
    async with watching(guarded, **by(token("a"))) as watcher:
        await watcher.send(type="auth", token=token(sub="bob"), id=1)
        assert (await watcher.next())["code"] == "not_authorized"
        await watcher.send(type="auth", token="x", id=2)
        assert (await watcher.next())["code"] == "not_authenticated"
        await watcher.send(type="subscribe", sessionId="b", id=3)
        assert (await watcher.next())["code"] == "not_authorized"
        await watcher.subscribe(sessionId="a")


async def test_what_a_new_grant_allows_and_what_not(guarded: Gateway, rig: Rig) -> None:
    """Sessions of the subscription end and begin; others go on where they are."""
    kept, gone, new = (rig.writer(name) for name in ("kept", "gone", "new"))
    for writer in (kept, gone, new):
        await writer.append(*numbered(0, 1))
    async with watching(guarded, **by(token("kept", "gone"))) as watcher:
        await watcher.subscribe()
        await kept.append(*numbered(1, 2))
        await watcher.until_records(1)
        await watcher.send(type="auth", token=token("kept", "new"))
        assert (await watcher.next())["sessionId"] == "gone"
        await watcher.until("authenticated")
        await gone.append({"step": -1})
        await kept.append(*numbered(2, 3))
        await new.append({"step": 7})
        found = await watcher.until_records(3)
    assert sorted(one["step"] for one in found) == [1, 2, 7]


async def test_a_name_that_is_not_allowed_among_others(
    guarded: Gateway, rig: Rig
) -> None:
    """It is told, the others are subscribed, and another grant begins it."""
    async with watching(guarded, **by(token("a"))) as watcher:
        await watcher.subscribe(sessionIds=["a", "b"])
        refused = await watcher.until("error")
        assert refused["code"] == "not_authorized"
        assert "b" in refused["message"]
        await watcher.send(type="auth", token=token("a", "b"))
        await watcher.until("authenticated")
        await rig.writer("b").append(*numbered(0, 1))
        assert await watcher.until_records(1) == numbered(0, 1)


async def test_names_of_clients_are_apart_by_subject(
    guarded: Gateway, rig: Rig
) -> None:
    """The same name of another subject takes nothing over and resumes nothing."""
    await rig.writer("a").append(*numbered(0, 2))
    async with watching(guarded, **by(token())) as ann:
        await ann.subscribe(sessionId="a", clientId="me")
        async with watching(guarded, **by(token(sub="bob"))) as bob:
            answer = await bob.subscribe(
                sessionId="a", clientId="me", **{"from": "resume"}
            )
            assert answer["recovered"] is False
        await ann.send(type="heartbeat", id=1)
        await ann.until("heartbeat", id=1)


async def test_exports_of_one_subject_are_few(rig: Rig) -> None:
    """One more than it may have is asked to come again; another subject's is begun."""
    big = [{"step": step, "text": "x" * 10_000} for step in range(1_000)]
    for start in range(0, 1_000, 100):
        await rig.writer("a").append(*big[start : start + 100])
    async with (
        rig.serving(
            authenticating=by_tokens,
            quotas=Quotas(exports=3, exports_per_subject=1),
        ) as gateway,
        httpx.AsyncClient(
            base_url=gateway.url, headers={"accept": "application/x-ndjson"}
        ) as client,
    ):
        url = "/api/records?sessionId=a"
        ann, bob = bearer(token()), bearer(token(sub="bob"))
        async with client.stream("GET", url, headers=ann) as running:
            assert running.status_code == 200
            more = await client.get(url, headers=ann)
            assert (more.status_code, more.json()["code"]) == (429, "rate_limited")
            async with client.stream("GET", url, headers=bob) as other:
                assert other.status_code == 200
