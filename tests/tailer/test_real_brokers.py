"""The tailer as a process and in this one, against real brokers that fail."""

# the test waits for what it started

import asyncio
import random
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tailcast_streams.keys import Keys
from tailcast_streams.redis.broker import RedisBroker
from tailcast_tailer.appending import appender
from tailcast_tailer.upkeep.presence import WITHDRAWN_SECONDS
from tests.brokers import BrokerServer
from tests.patience import PATIENCE_SECONDS
from tests.tailer.harness import (
    append,
    check_chain,
    entries_of,
    eventually,
    line,
    lines,
    records_of,
    running,
    session_path,
    texts,
    wait_for_records,
)


PROGRAM = """
import sys
from tailcast_service.start import begin
begin()
from tailcast_tailer.app import run
from tailcast_tailer.settings import TailerSettings
run(TailerSettings.load(redis_url=sys.argv[1], log_dir=sys.argv[2], log_level="error"))
"""


@asynccontextmanager
async def connected(server: BrokerServer) -> AsyncGenerator[RedisBroker]:
    """A broker of our own on the server."""
    broker = RedisBroker(server.url)
    try:
        yield broker
    finally:
        await broker.aclose()


def start(server: BrokerServer, log_dir: Path) -> "subprocess.Popen[bytes]":
    """The service as a process."""
    return subprocess.Popen([sys.executable, "-c", PROGRAM, server.url, str(log_dir)])


@contextmanager
def process(
    server: BrokerServer, log_dir: Path
) -> Generator["subprocess.Popen[bytes]"]:
    """The service as a process that ends, however, with the context."""
    started = start(server, log_dir)
    try:
        yield started
    finally:
        started.send_signal(signal.SIGCONT)
        started.kill()
        started.wait()


async def test_killed_at_random_points_each_line_is_there_once(
    own_broker: BrokerServer, tmp_path: Path
) -> None:
    """G21: killed again and again while lines are written: each is there once."""
    path = session_path(tmp_path, "a")
    chance = random.Random(11)
    count = 0
    async with connected(own_broker) as broker:
        for _ in range(3):
            with process(own_broker, tmp_path):
                before = count

                async def has_begun(before: int = before) -> bool:
                    positions = await broker.positions(["a"])
                    return positions[0].offset > len(lines(*range(before)))

                append(path, line(count)[:4])
                append(path, line(count)[4:] + lines(*range(count + 1, count + 3_000)))
                count += 3_000
                await eventually(has_begun)
                await asyncio.sleep(chance.random() * 0.05)
        with process(own_broker, tmp_path):
            await wait_for_records(broker, "a", texts(*range(count)))
        snapshot = await broker.load("a")
        assert snapshot is not None
        # Counted once each, too.
        assert snapshot.records == count


async def test_sigterm_ends_it_in_order(
    own_broker: BrokerServer, tmp_path: Path
) -> None:
    """Within seconds, with 0, and another may take over at once."""
    session_path(tmp_path, "a").write_bytes(lines(1))
    async with connected(own_broker) as broker:
        with process(own_broker, tmp_path) as tailer:
            await wait_for_records(broker, "a", texts(1))
            tailer.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(tailer.wait, PATIENCE_SECONDS) == 0
        state = await broker.load("a")
        assert state is not None
    with own_broker.client() as client:
        # A moment is left, which the tailer may end within; -2: not even that.
        left_ms = client.pttl(Keys("telemetry").presence(state.owner))
    assert left_ms == -2 or 0 <= left_ms <= 1_000 * WITHDRAWN_SECONDS


async def test_sigterm_in_the_midst_of_work(
    own_broker: BrokerServer, tmp_path: Path
) -> None:
    """It ends as promptly while batches fly."""
    async with connected(own_broker) as broker:
        for name in "abcdefghi":
            path = session_path(tmp_path, name)
            path.write_bytes(lines(*range(100_000)))
            with process(own_broker, tmp_path) as tailer:

                async def has_begun(name: str = name) -> bool:
                    return (await broker.positions([name]))[0].offset > 0

                await eventually(has_begun)
                tailer.send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(tailer.wait, PATIENCE_SECONDS) == 0
            if (await broker.positions([name]))[0].offset < path.stat().st_size:
                return
            # On a busy machine it may be through with it before we are heard.
    pytest.fail("it was never in the midst of its work")


async def test_broker_that_comes_late_is_waited_for(
    own_broker: BrokerServer, tmp_path: Path
) -> None:
    """P5: away at the start, or for a while: nothing that the file has is lost."""
    path = session_path(tmp_path, "a")
    path.write_bytes(lines(1))
    own_broker.stop()
    async with connected(own_broker) as broker, running(broker, tmp_path) as tailer:
        await eventually(_says(tailer, "the broker cannot be reached"))
        own_broker.start()
        await wait_for_records(broker, "a", texts(1))
        own_broker.kill()
        append(path, lines(2))
        await eventually(_says(tailer, "the broker cannot be reached"))
        own_broker.start()
        await wait_for_records(broker, "a", texts(1, 2))
        await eventually(_says(tailer, ""))


def _says(tailer: Any, reason: str) -> Any:
    async def is_so() -> bool:
        return bool(tailer.why_not_ready() == reason)

    return is_so


async def test_a2_wiped_broker_is_filled_again_with_the_same_ids(
    own_broker: BrokerServer, tmp_path: Path
) -> None:
    """C11: all sessions, idle ones too, their list and the emergency documents."""
    for name in ("a", "deep/er/b"):
        session_path(tmp_path, name).write_bytes(lines(1, 2, 3) + b"[]\n")
    document = tmp_path / "emergency" / "e.json"
    document.parent.mkdir()
    document.write_text('{"a":\n1}')
    async with (
        connected(own_broker) as broker,
        running(broker, tmp_path, audit_interval=0.5),
    ):
        names = ("a", "deep/er/b", "!emergencies")

        async def is_filled() -> bool:
            held = [len(await entries_of(broker, name)) for name in names]
            return held == [4, 4, 1] and len(await broker.sessions()) == 2

        await eventually(is_filled)
        before = [await entries_of(broker, name) for name in names]
        await asyncio.to_thread(own_broker.wipe)
        await eventually(is_filled)
        assert [await entries_of(broker, name) for name in names] == before


@pytest.mark.parametrize("lost", ["state", "stream", "all keys", "foreign entry"])
async def test_a3_keys_touched_by_hand_are_mended(
    own_broker: BrokerServer, tmp_path: Path, lost: str
) -> None:
    """The audit finds it, although nothing is appended."""
    session_path(tmp_path, "a").write_bytes(lines(1, 2, 3))
    async with (
        connected(own_broker) as broker,
        running(broker, tmp_path, audit_interval=0.1),
    ):
        before = await wait_for_records(broker, "a", texts(1, 2, 3))
        state = await broker.load("a")
        assert state is not None
        with own_broker.client() as client:
            if lost == "foreign entry":
                client.xadd("telemetry:{a}:stream", {"r": "{}"}, id="7-7")
            elif lost == "all keys":
                client.flushall()
            else:
                client.delete(f"telemetry:{{a}}:{lost}")

        async def is_new() -> bool:
            found = await broker.load("a")
            return (
                found is not None
                and found.position.incarnation not in ("", state.position.incarnation)
                and await records_of(broker, "a") == texts(1, 2, 3)
            )

        await eventually(is_new)
        assert await entries_of(broker, "a") == before


async def test_two_tailers_and_one_asleep(
    own_broker: BrokerServer, tmp_path: Path
) -> None:
    """SIGSTOP in the middle, SIGCONT after the other went on: each record once."""
    path = session_path(tmp_path, "a")
    count = 0
    async with connected(own_broker) as broker:
        with process(own_broker, tmp_path) as one, process(own_broker, tmp_path) as two:
            for sleeper in (one, two, one):
                append(path, lines(*range(count, count + 2_000)))
                sleeper.send_signal(signal.SIGSTOP)
                append(path, lines(*range(count + 2_000, count + 3_000)))
                count += 3_000
                await wait_for_records(broker, "a", texts(*range(count)))
                sleeper.send_signal(signal.SIGCONT)
                append(path, lines(count))
                count += 1
                await wait_for_records(broker, "a", texts(*range(count)))


async def test_b2_full_broker_loses_nothing(
    own_broker: BrokerServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`noeviction` and too little memory: older entries go, the last line arrives."""
    monkeypatch.setattr(appender, "FULL_WAIT_SECONDS", (0.01, 0.05))
    path = session_path(tmp_path, "a")
    count = 8_000
    with own_broker.client() as client:
        used = client.info("memory")["used_memory"]
        client.config_set("maxmemory", used + 1_500_000)
    path.write_bytes(lines(*range(count), text="x" * 300))
    async with connected(own_broker) as broker, running(broker, tmp_path):

        async def is_done() -> bool:
            state = await broker.load("a")
            return state is not None and state.records == count

        await eventually(is_done)
        entries = await entries_of(broker, "a")
    check_chain(entries)
    assert entries[-1].record == texts(count - 1, text="x" * 300)[0]


async def test_huge_line_in_bounded_memory(
    own_broker: BrokerServer, tmp_path: Path
) -> None:
    """A hundred megabytes without a newline cost nothing but reading them."""
    path = session_path(tmp_path, "a")
    with path.open("wb") as file:
        file.write(lines(1) + b'{"x":"')
        for _ in range(100):
            file.write(b"y" * 1_000_000)
        file.write(b'"}\n' + lines(2))
    async with connected(own_broker) as broker:
        with process(own_broker, tmp_path) as tailer:
            await wait_for_records(broker, "a", texts(1, 2))
            if sys.platform == "linux":
                assert _peak_mebibytes(tailer.pid) < 150


def _peak_mebibytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    peak = next(one for one in status.splitlines() if one.startswith("VmHWM"))
    return int(peak.split()[1]) // 1_024


async def test_binary_junk_disturbs_nobody(
    own_broker: BrokerServer, tmp_path: Path
) -> None:
    """A file of random bytes is rejected line by line, within bounds."""
    session_path(tmp_path, "junk").write_bytes(
        random.Random(1).randbytes(2_000_000) + b"\n"
    )
    session_path(tmp_path, "good").write_bytes(lines(1, 2))
    async with connected(own_broker) as broker, running(broker, tmp_path):
        await wait_for_records(broker, "good", texts(1, 2))

        async def is_through() -> bool:
            state = await broker.load("junk")
            return state is not None and state.position.offset == 2_000_001

        await eventually(is_through)
        state = await broker.load("junk")
        assert state is not None
        assert state.rejected > 5_000
        with own_broker.client() as client:
            assert client.xlen("telemetry:{junk}:rejected") < 1_200


async def test_start_at_end_reads_what_came_while_no_tailer_looked(
    own_broker: BrokerServer, tmp_path: Path
) -> None:
    """What was there first is left out; a file that came since is new, and whole."""
    session_path(tmp_path, "old").write_bytes(lines(1, 2))
    session_path(tmp_path, "half").write_bytes(line(1)[:5])
    other = tmp_path / "telemetry" / "other.ndjson"
    other.write_bytes(lines(1))
    async with connected(own_broker) as broker:
        async with running(broker, tmp_path, starts_at_end=True) as tailer:

            async def is_noted() -> bool:
                return await broker._redis.exists("telemetry:begun") == 1

            await eventually(is_noted)
            await wait_for_records(broker, "old", [])
            del tailer
        session_path(tmp_path, "new").write_bytes(lines(3, 4))
        session_path(tmp_path, "half").write_bytes(lines(1, 2))
        append(session_path(tmp_path, "old"), lines(5))
        async with running(broker, tmp_path, starts_at_end=True):
            await wait_for_records(broker, "new", texts(3, 4))
            await wait_for_records(broker, "half", texts(1, 2))
            await wait_for_records(broker, "old", texts(5))
        # Who looks at other files than before sees those for the first time.
        options: dict[str, Any] = {"telemetry_patterns": ["telemetry/*.ndjson"]}
        async with running(broker, tmp_path, starts_at_end=True, **options):

            async def is_left_out() -> bool:
                return len(await entries_of(broker, "other")) == 2

            await eventually(is_left_out)
            append(other, lines(2))
            await wait_for_records(broker, "other", texts(2))


async def test_start_at_end_where_nothing_was_there(
    own_broker: BrokerServer, tmp_path: Path
) -> None:
    """An empty directory was looked at too."""
    (tmp_path / "telemetry").mkdir()
    async with connected(own_broker) as broker:

        async def is_noted() -> bool:
            return await broker._redis.exists("telemetry:begun") == 1

        async with running(broker, tmp_path, starts_at_end=True):
            await eventually(is_noted)
        session_path(tmp_path, "new").write_bytes(lines(3, 4))
        async with running(broker, tmp_path, starts_at_end=True):
            await wait_for_records(broker, "new", texts(3, 4))
