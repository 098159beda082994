"""Strangers who come in crowds: each address and each subject has its share.

What is at the limit is served; one more is told so, and there is room when one leaves.
"""

import asyncio
import json
from contextlib import AsyncExitStack

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tailcast_gateway.limits import Quotas
from tests.gateway.connections.rig import Rig as Server, raw_client, serving
from tests.integration.gateway_rig import PATIENCE_SECONDS, Rig, watching
from tests.integration.tokens import bearer, by_tokens, token
from tests.red_team.requests import UPGRADE, asked, request


def handshake(*headers: str) -> str:
    """A handshake with more headers."""
    return request("/ws", *UPGRADE, *headers, hosts=("localhost",))


def counted(server: Server, limit: str) -> float:
    """How much was beyond a limit."""
    start = f'tailcast_gateway_limited_total{{limit="{limit}"}} '
    lines = server.instruments.exposition().decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(start))


async def until_open(server: Server, count: int) -> None:
    """Until so many connections are open."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while server.edge.open != count:
            await asyncio.sleep(0)


async def test_one_address_has_so_many_connections() -> None:
    """Whatever they are for; the answer says that it is the address."""
    async with (
        serving(quotas=Quotas(connections_per_address=2)) as server,
        AsyncExitStack() as stack,
    ):
        await stack.enter_async_context(raw_client(server))
        async with raw_client(server):
            for text in (handshake(), request("/alive", hosts=("localhost",))):
                status, body = await asked(server.port, text)
                assert status == 429
                assert json.loads(body) == {
                    "code": "rate_limited",
                    "message": "too many connections from this address",
                }
                await until_open(server, 2)
            assert counted(server, "connections_per_address") == 2
        await until_open(server, 1)
        assert (await asked(server.port, request("/alive", hosts=("localhost",))))[
            0
        ] == 200
        assert counted(server, "connections_per_address") == 2


async def test_what_is_far_beyond_is_not_even_told() -> None:
    """One address cannot take all connections by saying nothing."""
    async with (
        serving(quotas=Quotas(connections_per_address=1)) as server,
        AsyncExitStack() as stack,
    ):
        for _ in range(65):
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            stack.callback(writer.close)
        await until_open(server, 65)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        stack.callback(writer.close)
        async with asyncio.timeout(PATIENCE_SECONDS):
            with pytest.raises((ConnectionError, AssertionError)):
                assert await reader.read()
        await until_open(server, 65)


async def test_behind_a_proxy_each_counts_for_themselves() -> None:
    """By what a trusted proxy says; addresses of one IPv6 network count together."""
    async with (
        serving(
            quotas=Quotas(connections_per_address=1), trusted_proxies=("127.0.0.1",)
        ) as server,
        AsyncExitStack() as stack,
    ):
        for address in ("192.0.2.1", "192.0.2.2", "2001:db8::1"):
            text = handshake(f"X-Forwarded-For: {address}")
            client = raw_client(server, handshake=text.encode())
            await stack.enter_async_context(client)
        for address in ("192.0.2.1", "2001:db8::2"):
            text = handshake(f"X-Forwarded-For: {address}")
            assert (await asked(server.port, text))[0] == 429


async def test_one_address_comes_so_often() -> None:
    """At once, and then as the rate says; the answer says when to come again."""
    quotas = Quotas(connection_rate=0.001, connection_burst=2)
    async with serving(quotas=quotas) as server:
        text = request("/alive", hosts=("localhost",))
        assert [(await asked(server.port, text))[0] for _ in range(2)] == [200, 200]
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"http://127.0.0.1:{server.port}/alive")
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1
        assert counted(server, "connection_rate") == 1


@pytest.mark.one_broker
async def test_one_subject_has_so_many_connections(rig: Rig) -> None:
    """WebSockets and event streams, whenever it is said who it is."""
    quotas = Quotas(connections_per_subject=1)
    async with rig.serving(authenticating=by_tokens, quotas=quotas) as gateway:
        headers = bearer(token())
        async with watching(gateway, additional_headers=headers):
            with pytest.raises(InvalidStatus) as refused:
                await connect(gateway.ws_url, additional_headers=headers)
            assert refused.value.response.status_code == 429
            assert int(refused.value.response.headers["retry-after"]) >= 5

            async with httpx.AsyncClient(trust_env=False, headers=headers) as client:
                url = f"{gateway.url}/sse/telemetry?sessionId=a"
                answer = await client.get(url)
            assert "rate_limited" in answer.text
            assert "retry: " in answer.text

            async with connect(gateway.ws_url) as late:
                await late.send(json.dumps({"type": "auth", "token": token()}))
                await late.wait_closed()
                assert late.close_code == 4029

            other = bearer(token(sub="bob"))
            async with watching(gateway, additional_headers=other):
                pass
        async with asyncio.timeout(PATIENCE_SECONDS):
            while gateway.replica._subjects.is_full("ann"):
                await asyncio.sleep(0.01)
        async with watching(gateway, additional_headers=headers):
            pass
        text = gateway.replica.instruments.exposition().decode()
        name = 'tailcast_gateway_limited_total{limit="connections_per_subject"}'
        assert f"{name} 3.0" in text


@pytest.mark.one_broker
async def test_a_token_may_allow_fewer_connections(rig: Rig) -> None:
    """Its subject has no more with it; with another one it may have what all may."""
    quotas = Quotas(connections_per_subject=3)
    async with rig.serving(authenticating=by_tokens, quotas=quotas) as gateway:
        few, many = token(conn=2), token(conn=1_000)
        async with (
            watching(gateway, additional_headers=bearer(few)),
            watching(gateway, additional_headers=bearer(few)) as watcher,
        ):
            with pytest.raises(InvalidStatus) as refused:
                await connect(gateway.ws_url, additional_headers=bearer(few))
            assert refused.value.response.status_code == 429
            async with connect(gateway.ws_url) as late:
                await late.send(json.dumps({"type": "auth", "token": few}))
                await late.wait_closed()
                assert late.close_code == 4029
            # To renew is to come in addition to nobody.
            await watcher.send(type="auth", token=few)
            await watcher.until("authenticated")
            async with watching(gateway, additional_headers=bearer(many)):
                with pytest.raises(InvalidStatus) as refused:
                    await connect(gateway.ws_url, additional_headers=bearer(many))
                assert refused.value.response.status_code == 429
        text = gateway.replica.instruments.exposition().decode()
        for limit, count in (("of_token", 2), ("per_subject", 1)):
            name = f'tailcast_gateway_limited_total{{limit="connections_{limit}"}}'
            assert f"{name} {count}.0" in text


@pytest.mark.one_broker
async def test_nobody_is_let_in_while_memory_is_scarce(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is there goes on; others come when there is more."""
    async with rig.serving() as gateway:
        memory = gateway.replica.memory

        def have_at_most(size: int | None) -> None:
            # It is read once in a while, and kept in between.
            monkeypatch.setattr(memory, "_bound", lambda: size)
            monkeypatch.setattr(memory, "_most", size)
            memory.look()

        async with watching(gateway) as watcher:
            await watcher.subscribe(sessionId="a")
            have_at_most(1)
            with pytest.raises(InvalidStatus) as refused:
                await connect(gateway.ws_url)
            assert refused.value.response.status_code == 503
            assert int(refused.value.response.headers["retry-after"]) >= 5
            await rig.writer("a").append({"step": 1})
            assert await watcher.until_records(1) == [{"step": 1}]
            have_at_most(None)
            async with watching(gateway):
                pass
        text = gateway.replica.instruments.exposition().decode()
        assert 'tailcast_gateway_limited_total{limit="memory"} 1.0' in text
