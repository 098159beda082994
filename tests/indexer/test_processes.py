"""Indexers that are killed, stopped and doubled, brokers that forget, real files.

At the end the stored index is the fold over the stream, whatever happened.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import httpx
import pytest

from tailcast_indexer.main import NICENESS
from tailcast_streams.redis.broker import RedisBroker
from tests.brokers import BrokerServer, free_port
from tests.indexer.processes import COMMAND, end, indexer
from tests.indexer.rig import append, check, records, until_indexed
from tests.tailer.harness import (
    append as append_to_file,
    eventually,
    running as tailing,
    session_path,
    wait_for_records,
)


pytestmark = pytest.mark.one_broker


@pytest.fixture
async def broker(own_broker: BrokerServer) -> AsyncIterator[RedisBroker]:
    """An adapter over a broker that the test may break."""
    async with aclosing(RedisBroker(own_broker.url)) as adapter:
        yield adapter


async def test_one_that_is_killed_again_and_again_loses_nothing(
    broker: RedisBroker, own_broker: BrokerServer
) -> None:
    """In the midst of its work; the next one goes on from what is stored."""
    # So many that some are the next one's at once: the dead share them for a while.
    names = [f"run_{number}" for number in range(12)]
    for start in range(0, 300, 100):
        before = await broker.indexes.ats(names)
        for name in names:
            await append(broker, name, records(start, 100))

        async def has_moved(before: list[str] = before) -> bool:
            return await broker.indexes.ats(names) != before

        async with indexer(own_broker.url) as process:
            await eventually(has_moved)
            process.kill()
    # That others take over when the names of the dead expire is told below.
    for one in await broker.indexers.present():
        await broker.indexers.withdraw(one.name)
    async with indexer(own_broker.url) as process:
        # The one before may have written all: that says nothing of this one.
        await eventually(lambda: are_there(broker, 1))
        await until_indexed(broker, *names)
        assert await end(process) == 0
    for name in names:
        await check(broker, name)


async def test_one_that_was_stopped_for_long_does_no_harm(
    broker: RedisBroker, own_broker: BrokerServer
) -> None:
    """Another one takes its sessions; when it wakes up, its first write is refused."""
    async with indexer(own_broker.url) as sleeper:
        await append(broker, "s", records(0, 100))
        await until_indexed(broker, "s")
        await append(broker, "s", records(100, 100))
        sleeper.send_signal(signal.SIGSTOP)
        async with indexer(own_broker.url):
            for start in range(200, 1_000, 100):
                await append(broker, "s", records(start, 100))
            await until_indexed(broker, "s")
            stored = await check(broker, "s")
            sleeper.send_signal(signal.SIGCONT)
            await eventually(lambda: are_there(broker, 2))
            # The same, but for what the passing of time alone has changed.
            assert (await check(broker, "s")).at == stored.at
            await append(broker, "s", records(1_000, 100))
            await append(broker, "t", records(0, 100))
            await until_indexed(broker, "s", "t")
        await append(broker, "s", records(1_100, 100))
        await until_indexed(broker, "s", "t")
    await check(broker, "s")
    await check(broker, "t")


async def are_there(broker: RedisBroker, indexers: int) -> bool:
    """Whether so many indexers are there."""
    return len(await broker.indexers.present()) == indexers


async def test_two_share_the_sessions_until_one_is_killed(
    broker: RedisBroker, own_broker: BrokerServer
) -> None:
    """The other one takes over within seconds."""
    names = [f"run_{number}" for number in range(12)]
    async with indexer(own_broker.url) as first, indexer(own_broker.url):
        await eventually(lambda: are_there(broker, 2))
        for name in names:
            await append(broker, name, records(0, 100))
        await until_indexed(broker, *names)
        first.kill()
        for name in names:
            await append(broker, name, records(100, 100))
        await until_indexed(broker, *names)
    for name in names:
        await check(broker, name)


async def test_a_broker_that_forgot_is_followed(
    broker: RedisBroker, own_broker: BrokerServer, tmp_path: Path
) -> None:
    """Its last second, then all: the tailer reads the files again."""
    path = session_path(tmp_path, "s")
    lines = [line + b"\n" for line in records(0, 2_000)]
    async with tailing(broker, tmp_path, audit_interval=0.1), indexer(own_broker.url):

        async def follow(to: int, start: int) -> None:
            append_to_file(path, b"".join(lines[start:to]))
            whole = [line.rstrip() for line in lines[:to]]
            await wait_for_records(broker, "s", whole)
            await until_indexed(broker, "s")
            await check(broker, "s")

        await follow(500, 0)
        append_to_file(path, b"".join(lines[500:700]))
        await asyncio.to_thread(own_broker.kill)
        await asyncio.to_thread(own_broker.start)
        await follow(1_000, 700)
        await asyncio.to_thread(own_broker.wipe)
        await follow(1_500, 1_000)
        with own_broker.client() as client:
            client.flushall()
        await follow(2_000, 1_500)
        # The file begins anew, with a front that is kept.
        path.write_bytes(b"".join([*lines[:100], *lines[900:1_000]]))

        async def is_rewritten() -> bool:
            return (await broker.positions(["s"]))[0].offset == path.stat().st_size

        await eventually(is_rewritten)
        await until_indexed(broker, "s")
        await check(broker, "s")


async def test_it_says_how_it_is(own_broker: BrokerServer) -> None:
    """Alive, ready, its metrics; and ends with 0."""
    port = free_port()
    async with (
        indexer(own_broker.url, metrics_port=str(port)) as process,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):

        async def is_ready() -> bool:
            try:
                return (await client.get("/readyz")).text == "ready\n"
            except httpx.TransportError:
                return False

        await eventually(is_ready)
        assert (await client.get("/healthz")).json()["status"] == "alive"
        assert "tailcast_indexer_lag_seconds 0.0" in (await client.get("/metrics")).text
        os.kill(process.pid, signal.SIGINT)
        assert await process.wait() == 0


@pytest.mark.parametrize("has_session", [False, True])
async def test_it_gives_way(own_broker: BrokerServer, *, has_session: bool) -> None:
    """To whatever else computes, alone or as `up` starts it."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        env={**os.environ, "TAILCAST_REDIS_URL": own_broker.url},
        start_new_session=has_session,
    )
    try:

        async def is_nicer() -> bool:
            return os.getpriority(os.PRIO_PROCESS, process.pid) == before + NICENESS

        await eventually(is_nicer)
        async with aclosing(RedisBroker(own_broker.url)) as adapter:
            await eventually(lambda: are_there(adapter, 1))
        if has_session:
            assert of_session(process.pid) in ("", f" nice {NICENESS}")
    finally:
        process.kill()
        await process.wait()


def of_session(pid: int) -> str:
    """What Linux says of the session that a process leads; "" where it has none."""
    shared = Path(f"/proc/{pid}/autogroup")
    text = shared.read_text() if shared.exists() else ""
    return text[text.find(" nice ") :].rstrip() if text else ""


async def test_it_waits_for_a_broker_that_is_away(own_broker: BrokerServer) -> None:
    """At its start, and whenever."""
    own_broker.stop()
    port = free_port()
    async with (
        indexer(own_broker.url, metrics_port=str(port)),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):

        async def says(text: str) -> bool:
            try:
                return text in (await client.get("/readyz")).text
            except httpx.TransportError:
                return False

        await eventually(lambda: says("the broker cannot be reached"))
        await asyncio.to_thread(own_broker.start)
        await eventually(lambda: says("ready\n"))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"redis_url": "http://here"}, "not a broker URL"),
        ({"metrics_port": "70000"}, "TAILCAST_METRICS_PORT=70000"),
        ({"step_kyes": "x"}, "TAILCAST_STEP_KEYS"),
    ],
)
async def test_wrong_settings_are_told_in_one_line(
    settings: dict[str, str], words: str
) -> None:
    """And end it with 1 or 2."""
    ours = {f"TAILCAST_{name.upper()}": text for name, text in settings.items()}
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        env={**os.environ, "TAILCAST_REDIS_URL": "redis://127.0.0.1:1", **ours},
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert process.returncode in (1, 2)
    assert words in said.decode().splitlines()[-1]
