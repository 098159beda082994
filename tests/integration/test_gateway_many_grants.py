"""Tokens and keys change under way, for many clients at once, and no record is lost."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.brokers import BrokerServer, free_port
from tests.integration.gateway_process import running, until_ready
from tests.integration.gateway_rig import PATIENCE_SECONDS, Rig
from tests.integration.light_client import LightClient, allow_many_files
from tests.integration.test_gateway_crowd import SESSIONS, WAVE, Flow
from tests.integration.tokens import SECRET, bearer, token
from tests.issuer import issuing, jwk_of


# All of them have one address.
ROOMY: Final = {"max_connections_per_address": "3000", "connection_burst": "5000"}
# What is missing is soon looked for, and what does not count soon refused.
HASTY: Final = """
from tailcast_gateway.http import authentication, key_set
authentication.REFUSED_SECONDS = (0.0, 0.0)
key_set.MISSING_KEY_SECONDS = 0.1
"""
# What all tokens of the issuer say.
ISSUED: Final = {"iss": "https://issuer.example", "aud": "runs"}
OLD: Final = "the-old-token-of-32-characters-or-more"
NEW: Final = "the-new-token-of-32-characters-or-more"


def made(number: int, token: str) -> LightClient:
    """A client of one of the sessions."""
    session = SESSIONS[number % len(SESSIONS)]
    return LightClient({"sessionId": session}, (session,), token=token)


async def connect(clients: Sequence[LightClient], port: int) -> None:
    """Connect them, some at a time."""
    for start in range(0, len(clients), WAVE):
        wave = clients[start : start + WAVE]
        await asyncio.gather(*(client.connect(port) for client in wave))


async def check(clients: Sequence[LightClient], flow: Flow) -> None:
    """Each has had all records, each of them once."""
    await flow.append()
    await asyncio.gather(*(client.until(flow.count) for client in clients))
    for client in clients:
        assert client.steps == dict.fromkeys(client.sessions, flow.count)
        client.close()


async def status_of(port: int, token: str) -> int:
    """How a request with a token is answered."""
    async with httpx.AsyncClient(headers=bearer(token)) as client:
        answer = await client.get(f"http://localhost:{port}/api/sessions")
    return answer.status_code


@pytest.mark.parametrize(
    "count",
    # A thousand handshakes are half a minute on a small machine.
    [200, pytest.param(1_000, marks=pytest.mark.long)],
)
async def test_many_tokens_are_renewed_and_end_together(
    own_brokers: Callable[[str], BrokerServer], count: int
) -> None:
    """All of them go on, and then all are closed, and told to come back apart."""
    allow_many_files()
    rig, port = Rig(own_brokers("valkey").url), free_port()

    def tokens(**more: Any) -> list[str]:
        return [token(sub=f"user {number}", **more) for number in range(count)]

    clients = [made(number, text) for number, text in enumerate(tokens())]
    settings = {"key_prefix": rig.prefix, "jwt_key": SECRET, **ROOMY}
    async with rig.stack, running(rig.url, port, **settings):
        flow = Flow(rig)
        await flow.append()
        await until_ready(port)
        async with flow.going():
            await connect(clients, port)
            # The last of these ends in the second in which all have been taken.
            for ends_at in (time.time() + 1_800, time.time()):
                for client, text in zip(clients, tokens(exp=ends_at), strict=True):
                    client.renew(text)
                for client in clients:
                    await client.is_renewed.wait()
                    client.check()
                await flow.goes_on()
            for client in clients:
                await client.is_lost.wait()
                client.check()
            assert {client.close_code for client in clients} == {4001}
            assert {client.farewell["code"] for client in clients} == {"token_expired"}
            delays = [client.farewell["retryAfterMs"] for client in clients]
            assert max(delays) - min(delays) > 5_000
            for start in range(0, max(delays), 500):
                together = [one for one in delays if start <= one < start + 1_000]
                assert len(together) < 0.4 * count

            async def come_back(client: LightClient, text: str) -> None:
                await asyncio.sleep(client.farewell["retryAfterMs"] / 1_000)
                client.token = text
                await client.connect(port)

            await asyncio.gather(*map(come_back, clients, tokens()))
        await check(clients, flow)


async def test_a_shared_token_is_changed_over_restarts(
    own_brokers: Callable[[str], BrokerServer],
) -> None:
    """Both count for a while, in which everybody gets the new one."""
    rig, port = Rig(own_brokers("valkey").url), free_port()
    clients = [made(number, OLD) for number in range(30)]
    async with rig.stack:
        flow = Flow(rig)
        await flow.append()
        async with flow.going():
            for in_force in ([OLD], [OLD, NEW], [NEW]):
                settings = {"auth_token": ",".join(in_force), "before": HASTY}
                async with running(
                    rig.url, port, key_prefix=rig.prefix, **settings
                ) as process:
                    await until_ready(port)
                    for one in (OLD, NEW):
                        expected = 200 if one in in_force else 401
                        assert await status_of(port, one) == expected
                    for number, client in enumerate(clients):
                        client.token = in_force[number % len(in_force)]
                    await connect(clients, port)
                    await flow.goes_on()
                    process.kill()
                    for client in clients:
                        await client.is_lost.wait()
        settings = {"auth_token": NEW, "key_prefix": rig.prefix}
        async with running(rig.url, port, **settings):
            await until_ready(port)
            for client in clients:
                client.token = NEW
            await connect(clients, port)
            await check(clients, flow)


async def test_an_issuer_changes_its_keys_and_goes_away(
    own_brokers: Callable[[str], BrokerServer],
) -> None:
    """New keys count soon, old ones no more; those read last outlive the issuer."""
    rig, port, metrics = Rig(own_brokers("valkey").url), free_port(), free_port()
    keys = {kid: ec.generate_private_key(ec.SECP256R1()) for kid in ("1", "2", "3")}
    now = time.time()

    def issued(kid: str) -> str:
        said = {"sub": kid, "iat": now, "exp": now + 3_600, **ISSUED}
        return jwt.encode(said, keys[kid], algorithm="ES256", headers={"kid": kid})

    async def until(kid: str, status: int) -> None:
        """Until tokens of a key are answered so, while one is asked for in vain."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await status_of(port, issued(kid)) != status:
                await status_of(port, issued("3"))

    async def until_away() -> None:
        """Until the keys could not be read."""
        counted = "tailcast_gateway_issuer_errors_total 0.0"
        async with (
            httpx.AsyncClient(base_url=f"http://localhost:{metrics}") as client,
            asyncio.timeout(PATIENCE_SECONDS),
        ):
            while counted in (await client.get("/metrics")).text:
                await status_of(port, issued("3"))

    clients = [made(number, issued(kid)) for number, kid in enumerate("122")]
    with issuing() as issuer:
        settings = {
            "key_prefix": rig.prefix, "jwt_jwks_url": issuer.url,
            "jwt_issuer": ISSUED["iss"], "jwt_audience": ISSUED["aud"],
            "metrics_port": str(metrics), "before": HASTY,
        }  # fmt: skip  # one glance

        def tell(*kids: str) -> None:
            issuer.body = {"keys": [jwk_of(keys[kid], kid) for kid in kids]}

        tell("1")
        async with rig.stack, running(rig.url, port, **settings):
            flow = Flow(rig)
            await flow.append()
            await until_ready(port)
            async with flow.going():
                await until("1", 200)
                await clients[0].connect(port)
                assert await status_of(port, issued("2")) == 401
                tell("1", "2")
                await until("2", 200)
                assert await status_of(port, issued("1")) == 200
                await clients[1].connect(port)
                tell("2")
                await until("1", 401)
                issuer.stop()
                await until_away()
                await clients[2].connect(port)
                await flow.goes_on()
            # Who was let in by the key that is gone stays as long as its token says.
            await check(clients, flow)
