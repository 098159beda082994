"""A broker without memory for more (`maxmemory` reached, `noeviction`)."""

# ruff: noqa: ASYNC240  # nothing else runs while the test writes

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from tailcast_service.monitoring import monitoring
from tailcast_streams.redis.broker import RedisBroker
from tailcast_tailer.app import Tailer
from tests.brokers import BrokerServer
from tests.tailcast_service.test_monitoring import ask
from tests.tailer.harness import (
    append,
    entries_of,
    eventually,
    lines,
    running,
    session_path,
    texts,
    wait_for_records,
)


FULL = "the broker is full"


@pytest.fixture
async def adapter(own_broker: BrokerServer) -> AsyncIterator[RedisBroker]:
    """An adapter to a broker of the test's own."""
    made = RedisBroker(own_broker.url)
    yield made
    await made.aclose()


def is_full(server: BrokerServer, *, spare_bytes: int = -512 * 1024) -> None:
    """Leave the broker so much memory beyond, or below, what it uses.

    What it uses falls a little when a connection rests or ends.
    """
    with server.client() as client:
        used = client.info("memory")["used_memory"]
        client.config_set("maxmemory", used + spare_bytes)


def has_room(server: BrokerServer) -> None:
    """Let it have all the memory that there is."""
    with server.client() as client:
        client.config_set("maxmemory", 0)


def metric(tailer: Tailer, name: str) -> float:
    """The sum of a metric's samples."""
    metrics = {one.name: one for one in tailer.instruments.registry.collect()}
    samples = metrics[f"tailcast_tailer_{name}"].samples
    return sum(one.value for one in samples if not one.name.endswith("_created"))


def says(tailer: Tailer, reason: str) -> Callable[[], Awaitable[bool]]:
    """Whether `/readyz` gives this reason."""

    async def is_so() -> bool:
        return tailer.why_not_ready() == reason

    return is_so


async def test_b2_a_full_broker_is_told_and_waited_for(
    own_broker: BrokerServer, adapter: RedisBroker, tmp_path: Path
) -> None:
    """Full of what is not ours: `/readyz`, a gauge, a counter; then it goes on."""
    path = session_path(tmp_path, "a")
    path.write_bytes(lines(1))
    async with running(adapter, tmp_path) as tailer:
        await wait_for_records(adapter, "a", texts(1))
        await eventually(says(tailer, ""))
        before = metric(tailer, "records")
        is_full(own_broker)
        append(path, lines(2))
        await eventually(says(tailer, FULL))
        assert metric(tailer, "broker_full") == 1
        assert metric(tailer, "full_refusals") >= 1
        assert metric(tailer, "broker_up") == 1
        server = monitoring(
            tailer.instruments.exposition,
            host="127.0.0.1",
            port=0,
            why_not_ready=tailer.why_not_ready,
        )
        async with server as port:
            answer = await ask(port, b"GET /readyz HTTP/1.1\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert answer.endswith(FULL.encode() + b"\n")

        has_room(own_broker)

        await eventually(says(tailer, ""))
        await eventually(lambda: _has_offset(adapter, "a", path))
        # Appended, and once. (Room that somebody began to make while it was full may be
        # taken from this very stream, as its only one; clients are told that.)
        await eventually(lambda: _has_appended(tailer, before + 1))
        assert metric(tailer, "broker_full") == 0


async def _has_appended(tailer: Tailer, records: float) -> bool:
    return metric(tailer, "records") == records


async def _has_offset(adapter: RedisBroker, session: str, path: Path) -> bool:
    return (await adapter.positions([session]))[0].offset == path.stat().st_size


async def test_b2_full_of_sessions_whose_files_are_gone(
    own_broker: BrokerServer, adapter: RedisBroker, tmp_path: Path
) -> None:
    """Full before the tailer begins: it makes room, the coldest sessions' first."""
    for age, name in ((900, "cold"), (300, "warm")):
        path = session_path(tmp_path, name)
        path.write_bytes(lines(*range(6_000), text="x" * 300))
        changed = path.stat().st_mtime - age
        os.utime(path, (changed, changed))
    async with running(adapter, tmp_path, audit_interval=0.1):
        for name in ("cold", "warm"):
            path = session_path(tmp_path, name)
            await eventually(partial(_has_offset, adapter, name, path))
            path.unlink()

        async def are_listed() -> bool:
            return len(await adapter.sessions()) == 2

        await eventually(are_listed)
    is_full(own_broker, spare_bytes=-300_000)
    path = session_path(tmp_path, "new")
    path.write_bytes(lines(1, 2, 3))
    async with running(adapter, tmp_path) as tailer:
        await wait_for_records(adapter, "new", texts(1, 2, 3))
        await eventually(says(tailer, ""))
        assert metric(tailer, "trimmed_bytes") > 0
    kept = {name: len(await entries_of(adapter, name)) for name in ("cold", "warm")}
    assert kept["cold"] < 6_001
    assert kept["warm"] == 6_001
    assert not any(one.is_diverged for one in await adapter.positions(list(kept)))


async def test_b2_a_document_comes_once_there_is_room(
    own_broker: BrokerServer, adapter: RedisBroker, tmp_path: Path
) -> None:
    """It is offered again, now and then, and the tailer goes on meanwhile."""
    directory = tmp_path / "emergency"
    directory.mkdir()
    async with running(adapter, tmp_path) as tailer:
        await eventually(says(tailer, ""))
        is_full(own_broker)
        (directory / "e.json").write_text('{"reason":"nan"}')
        await eventually(says(tailer, FULL))
        refused = metric(tailer, "full_refusals")

        has_room(own_broker)

        async def is_there() -> bool:
            return len(await entries_of(adapter, "!emergencies")) == 1

        await eventually(is_there)
        await eventually(says(tailer, ""))
        assert refused < 10
