"""All services under the accounts that operators are told to give them."""

# ruff: noqa: ASYNC240  # nothing else runs while the test writes

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from functools import partial
from pathlib import Path

import pytest

from tailcast_streams.redis.broker import RedisBroker
from tests.accounts import add_account, denials, documented_rule
from tests.brokers import BrokerServer
from tests.indexer.rig import running as indexing, until_indexed
from tests.integration.gateway_rig import Gateway, serving, watching
from tests.tailer.harness import append, eventually, lines, running, session_path


SERVICES = ("tailer", "indexer", "gateway")


@pytest.fixture
async def adapters(own_broker: BrokerServer) -> AsyncIterator[list[RedisBroker]]:
    """One for each service, with its account."""
    async with AsyncExitStack() as stack:
        made: list[RedisBroker] = []
        for service in SERVICES:
            url = add_account(own_broker, service, documented_rule(service))
            made.append(await stack.enter_async_context(aclosing(RedisBroker(url))))
        yield made


async def _follows_and_resumes(gateway: Gateway, path: Path, document: Path) -> None:
    """A named client has everything, and goes on where it was."""
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a", clientId="me", **{"from": "start"})
        await watcher.until_records(2)
        document.write_text('{"reason":"nan"}')
        await watcher.until("emergency")
        await watcher.send(type="history", sessionId="a", limit=1)
        await watcher.until("history")
        await watcher.send(type="snapshot", sessionId="a")
        await watcher.until("snapshot")
    append(path, lines(3))
    async with watching(gateway) as watcher:
        await watcher.subscribe(sessionId="a", clientId="me", **{"from": "resume"})
        await watcher.until_records(1)


async def test_each_service_does_all_it_does_under_its_documented_account(
    own_broker: BrokerServer, adapters: list[RedisBroker], tmp_path: Path
) -> None:
    """Nothing is refused: records, rejections, documents, rewrites, names, ends."""
    writer, indexer, reader = adapters
    path = session_path(tmp_path, "a")
    path.write_bytes(lines(1, 2) + b"[]\n")
    document = tmp_path / "emergency" / "e.json"
    document.parent.mkdir()
    async with (
        running(writer, tmp_path, audit_interval=0.1, retention_bytes=1_000),
        indexing(indexer),
    ):
        async with serving(reader) as gateway:
            await gateway.until_ready()
            await _follows_and_resumes(gateway, path, document)
        # Written anew, and more than is kept.
        path.write_bytes(lines(5))

        async def is_rewritten() -> bool:
            return (await writer.positions(["a"]))[0].generation == 2

        await eventually(is_rewritten)
        append(path, lines(*range(500)))
        await eventually(partial(_is_read, writer, path))
        await until_indexed(writer, "a")
    path.unlink()
    # An empty directory might be one that is not mounted.
    session_path(tmp_path, "b").write_bytes(lines(1))
    async with running(writer, tmp_path, session_ttl=0.5):

        async def is_gone() -> bool:
            return "a" not in await writer.sessions()

        await eventually(is_gone)
    assert [denials(own_broker, one) for one in SERVICES] == [[]] * 3


async def _is_read(writer: RedisBroker, path: Path) -> bool:
    return (await writer.positions(["a"]))[0].offset == path.stat().st_size
