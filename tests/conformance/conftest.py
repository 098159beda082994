"""Every adapter of the broker's ports, for the one suite that runs over all of them."""

import uuid
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import aclosing
from functools import cache
from typing import Any, cast

import pytest

from tailcast_streams.broker import SessionReader, SessionWriter
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.redis.broker import RedisBroker
from tests.accounts import add_account, denials, documented_rule
from tests.brokers import BrokerServer
from tests.conftest import BrokerFactory


Adapter = MemoryBroker | RedisBroker


# Those that the documentation has a rule for.
SERVICES = ("tailer", "indexer", "gateway")
# What two services ask and is not the same a moment later.
CHANGING = {"now_ms"}


class Accounts:
    """One adapter over an account of each service: each asks what its service does.

    What two services ask is asked of both, and must be answered alike.
    """

    def __init__(
        self, tailer: RedisBroker, indexer: RedisBroker, gateway: RedisBroker
    ) -> None:
        self._tailer = tailer
        self._gateway = gateway
        self.clients = gateway.clients
        self.indexers = ReadByBoth(
            indexer.indexers, gateway.indexers, read=(), read_by_gateways={"present"}
        )
        self.indexes = ReadByBoth(
            indexer.indexes,
            gateway.indexes,
            read={"ats", "load", "metrics", "chunks", "some"},
            read_by_gateways={"place_before"},
        )
        self.descriptions = ReadByBoth(
            tailer.descriptions,
            gateway.descriptions,
            read={"load"},
            read_by_gateways={"edit"},
        )
        self.emergencies = ReadByBoth(
            indexer.emergencies,
            gateway.emergencies,
            read=(),
            read_by_gateways={
                "acknowledge",
                "load",
                "records",
                "take_back",
                "versions",
            },
        )
        self.claims = ReadByBoth(tailer.claims, gateway.claims, read={"read"})
        self.sources = ReadByBoth(
            tailer.sources,
            gateway.sources,
            read={"overview"},
            read_by_gateways={"overviews", "read"},
        )

    def __getattr__(self, name: str) -> Any:
        if not hasattr(SessionWriter, name):
            return getattr(self._gateway, name)
        if not hasattr(SessionReader, name):
            return getattr(self._tailer, name)
        return of_both(self._tailer, self._gateway, name)


class ReadByBoth:
    """What one service writes, and both it and gateways read."""

    def __init__(
        self,
        writer: Any,
        gateway: Any,
        *,
        read: Collection[str],
        read_by_gateways: Collection[str] = (),
    ) -> None:
        self._writer = writer
        self._gateway = gateway
        self._read = read
        self._read_by_gateways = read_by_gateways

    def __getattr__(self, name: str) -> Any:
        if name in self._read_by_gateways:
            return getattr(self._gateway, name)
        if name not in self._read:
            return getattr(self._writer, name)
        return of_both(self._writer, self._gateway, name)


def of_both(writer: Any, gateway: Any, name: str) -> Any:
    """A call that is made with either account."""

    async def ask_both(*arguments: Any, **named: Any) -> Any:
        first = await getattr(writer, name)(*arguments, **named)
        second = await getattr(gateway, name)(*arguments, **named)
        assert first == second or name in CHANGING
        return second

    return ask_both


@pytest.fixture(scope="session")
def servers(brokers: BrokerFactory) -> Callable[[str], BrokerServer]:
    """The running broker of a kind, one for all tests."""
    return cache(brokers)


@pytest.fixture(
    params=["memory", "valkey", "redis", "valkey accounts", "redis accounts"]
)
async def adapter(
    request: pytest.FixtureRequest, servers: Callable[[str], BrokerServer]
) -> AsyncIterator[Adapter]:
    """An adapter over an empty broker (a prefix of its own)."""
    if request.param == "memory":
        yield MemoryBroker()
        return
    kind, _, are_accounts = request.param.partition(" ")
    prefix = uuid.uuid4().hex
    if not are_accounts:
        async with aclosing(
            RedisBroker(servers(kind).url, key_prefix=prefix)
        ) as broker:
            yield broker
        return
    server = servers(kind)
    names = {one: f"{one}-{prefix}" for one in SERVICES}
    urls = [
        add_account(server, name, documented_rule(one).replace("telemetry", prefix))
        for one, name in names.items()
    ]
    tailer, indexer, gateway = (RedisBroker(url, key_prefix=prefix) for url in urls)
    async with aclosing(tailer), aclosing(indexer), aclosing(gateway):
        yield cast(RedisBroker, Accounts(tailer, indexer, gateway))
    assert [denials(server, name) for name in names.values()] == [[], [], []]
