"""A broker that answers, and refuses: told as such, by everybody who hears it."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

import httpx
import pytest

from tailcast_gateway.sessions import feed, probe
from tailcast_streams.redis.broker import RedisBroker
from tests.accounts import add_account
from tests.brokers import BrokerServer
from tests.integration.gateway_rig import Gateway, Writer, serving, watching
from tests.tailer.harness import eventually


ALL = "~* &* +@all"


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks come soon."""
    monkeypatch.setattr(feed, "CANARY_SECONDS", 0.1)
    monkeypatch.setattr(probe, "PROBE_SECONDS", 0.1)


@asynccontextmanager
async def served(url: str) -> AsyncGenerator[Gateway]:
    """A gateway over a broker's URL."""
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(aclosing(RedisBroker(url)))
        yield await stack.enter_async_context(serving(broker))


async def until_unready(gateway: Gateway, reason: str) -> None:
    """Until `/readyz` says why."""
    async with httpx.AsyncClient(base_url=gateway.url) as client:

        async def is_told() -> bool:
            answer = await client.get("/readyz")
            return answer.status_code == 503 and reason in answer.json()["reason"]

        await eventually(is_told)


async def answer_of(gateway: Gateway, **fields: object) -> dict[str, object]:
    """What a `subscribe` that cannot be is answered."""
    async with watching(gateway) as watcher:
        await watcher.send(type="subscribe", sessionId="a", **fields)
        return await watcher.until("error")


def failures(gateway: Gateway, error: str, code: str) -> bool:
    """Whether the metrics count this one."""
    labels = f'tailcast_gateway_broker_errors_total{{code="{code}",error="{error}"}}'
    return labels in gateway.replica.instruments.exposition().decode()


@pytest.mark.parametrize("command", ["hmget", "xrange", "zrangebyscore"])
async def test_an_account_that_may_not_read_makes_the_gateway_unready(
    own_broker: BrokerServer, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Though its canary comes back; the log, the client and the metrics have it."""
    url = add_account(own_broker, "gateway", f"{ALL} -{command}")
    async with served(url) as gateway:
        await until_unready(gateway, "the broker refuses: ")
        await until_unready(gateway, "docs/operations.md has the rule")
        if command != "zrangebyscore":
            error = await answer_of(gateway)
            assert error["code"] == "unavailable"
            assert "The broker refuses this" in str(error["message"])
        assert failures(gateway, "BrokerRefused", "NOPERM")
    assert capsys.readouterr().out.count("broker refused") == 1


@pytest.mark.parametrize("what", ["publish", "subscribe"])
async def test_an_account_without_the_channel_says_so(
    own_broker: BrokerServer, what: str
) -> None:
    """Not that the broker does not answer."""
    url = add_account(own_broker, "gateway", f"{ALL} -{what}")
    async with served(url) as gateway:
        await until_unready(gateway, "NOPERM")


@pytest.mark.parametrize("command", ["time", "evalsha"])
async def test_a_client_that_cannot_be_kept_hears_that_it_is_refused(
    own_broker: BrokerServer, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Others are served, so that the gateway is ready: the log says it."""
    url = add_account(own_broker, "gateway", f"{ALL} -{command}")
    async with aclosing(RedisBroker(own_broker.url)) as broker, served(url) as gateway:
        await Writer(broker, "a").append({"step": 1})
        await gateway.until_ready()

        error = await answer_of(gateway, clientId="me")

        assert error["code"] == "unavailable"
        assert "refuses" in str(error["message"])
        assert "retryAfterMs" in error
        async with watching(gateway) as watcher:
            await watcher.subscribe(sessionId="a", **{"from": "start"})
            await watcher.until_records(1)
    assert "broker refused" in capsys.readouterr().out


async def test_a_replica_is_told_to_be_one(
    own_broker: BrokerServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """It reads, and keeps nobody."""
    async with served(own_broker.url) as gateway:
        await gateway.until_ready()
        with own_broker.client() as client:
            client.execute_command("REPLICAOF", "127.0.0.1", "1")

        error = await answer_of(gateway, clientId="me")

        assert "READONLY" in str(error["message"])
    assert "this is a replica: give the URL of its master" in capsys.readouterr().out


async def test_what_is_given_back_is_served_again(own_broker: BrokerServer) -> None:
    """Nobody has to restart anything."""
    url = add_account(own_broker, "gateway", f"{ALL} -xrange")
    async with served(url) as gateway:
        await until_unready(gateway, "NOPERM")
        with own_broker.client() as client:
            client.execute_command("ACL", "SETUSER", "gateway", "+xrange")
        await gateway.until_ready()
