"""A client that cannot be changed gets what its address asks for."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import connect

from tests.integration.gateway_rig import Gateway, Rig, Watcher, numbered


# What an address says does not depend on the broker.
pytestmark = pytest.mark.one_broker


@asynccontextmanager
async def classic(gateway: Gateway, query: str) -> AsyncGenerator[Watcher]:
    """A client that knows nothing but `subscribe`."""
    async with connect(f"{gateway.ws_url}?{query}", max_size=None) as connection:
        yield Watcher(connection)


async def test_its_address_alone_loses_nothing(rig: Rig) -> None:
    """Over restarts of gateways: what was written meanwhile comes."""
    writer, had = rig.writer("a"), list[int]()
    for step in range(0, 9, 3):
        async with (
            rig.serving() as gateway,
            classic(gateway, "clientId=me&from=resume") as client,
        ):
            await client.send(type="subscribe")
            await client.until("positions")
            await writer.append(*numbered(step, step + 1))
            while step not in had:
                message = await client.until("telemetry")
                had += [record["step"] for record in message["data"]]
        await writer.append(*numbered(step + 1, step + 3))
    async with (
        rig.serving() as gateway,
        classic(gateway, "clientId=me&from=resume") as client,
    ):
        await client.send(type="subscribe")
        while 8 not in had:
            message = await client.until("telemetry")
            had += [record["step"] for record in message["data"]]
    # (What was not confirmed by a pong in time comes again.)
    assert sorted(set(had)) == list(range(9))


async def test_what_it_may_ask_for(rig: Rig) -> None:
    """One session, from where, which metrics; each `subscribe` may say otherwise."""
    await rig.writer("a").append(*numbered(0, 3))
    await rig.writer("b").append(*numbered(0, 3))
    async with rig.serving() as gateway:
        query = "sessionId=a&from=last:1&metrics=none"
        async with classic(gateway, query) as client:
            assert (await client.subscribe())["sessionId"] == "a"
            assert (await client.until("telemetry"))["data"] == [{"step": 2}]
            await client.subscribe(sessionId="b", metrics=["telemetry"])
            message = await client.until("telemetry")
            assert (message["sessionId"], message["data"]) == ("b", numbered(2, 3))


async def test_what_is_not_understood_is_said(rig: Rig) -> None:
    """In one line; the client is served all the same."""
    async with rig.serving() as gateway:
        query = f"clientId={'x' * 300}&from=resume&maxMessage=3&v=1"
        async with classic(gateway, query) as client:
            said = await client.next()
            assert (said["type"], said["code"]) == ("error", "invalid_message")
            for name in ("clientId", "from", "maxMessage", "v: unknown"):
                assert name in said["message"]
            await client.subscribe()
            await rig.writer("a").append({"step": 1})
            await client.until("telemetry")


async def test_a_session_that_is_not_there_is_no_silence(rig: Rig) -> None:
    """The answer says so, and what it may have meant; it comes when it begins."""
    await rig.writer("session_20261126").append({"step": 1})
    async with rig.serving() as gateway, classic(gateway, "") as client:
        said = await client.subscribe(sessionId="20261126")
        assert (said["exists"], said["similar"]) == (False, ["session_20261126"])
        await rig.writer("20261126").append({"step": 2})
        assert (await client.until("telemetry"))["data"] == [{"step": 2}]
        assert "exists" not in await client.subscribe(sessionId="20261126")
