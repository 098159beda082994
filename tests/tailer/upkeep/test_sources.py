"""What became of files is kept in the broker, whatever becomes of that."""

import os
import threading
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tailcast_streams.exceptions import BrokerFull, BrokerRefused
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.sources import Overview, Source, SourceState
from tailcast_tailer.upkeep import sources
from tailcast_tailer.upkeep.sources import SourcesUpkeep
from tests.tailer.harness import (
    append,
    eventually,
    lines,
    running,
    session_path,
    texts,
    wait_for_records,
)


OWNER = "host:test"
FOLLOWED = SourceState.FOLLOWED


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Publish more often than people need."""
    monkeypatch.setattr(sources, "PUBLISH_SECONDS", 0.01)
    monkeypatch.setattr(sources, "OVERVIEW_SECONDS", 0.05)


@pytest.fixture
def broker() -> MemoryBroker:
    """One that can forget, and refuse."""
    return MemoryBroker()


async def overview_in(broker: MemoryBroker) -> Overview | None:
    """What a tailer said last of all its paths."""
    return next(iter(await broker.sources.overviews()), None)


async def until_told(broker: MemoryBroker, *expected: Source) -> Overview:
    """Wait until this is what is kept, and nothing else."""

    async def is_told() -> bool:
        return await broker.sources.read(OWNER, limit=100) == list(expected)

    await eventually(is_told)
    overview = await overview_in(broker)
    assert overview is not None
    return overview


def source(path: Path) -> Source:
    """A file that is followed."""
    return Source(str(path), FOLLOWED, path.stem)


async def test_each_file_is_told(broker: MemoryBroker, tmp_path: Path) -> None:
    """When it comes; and what was looked at, with the numbers."""
    a, b = session_path(tmp_path, "a"), session_path(tmp_path, "b")
    append(a, lines(1))
    async with running(broker, tmp_path):
        await until_told(broker, source(a))
        append(b, lines(1))
        overview = await until_told(broker, source(a), source(b))
    assert overview.counts[FOLLOWED] == overview.listed == 2
    assert overview.looked_ms > 0
    telemetry, emergency = overview.roots
    assert telemetry.path == str(tmp_path / "telemetry")
    assert (telemetry.files, telemetry.reason) == (2, "")
    assert (emergency.files, emergency.reason) == (0, "")


async def test_what_is_not_followed_says_why(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """A name that is no UTF-8 is shown escaped."""
    path = session_path(tmp_path, "a").parent / os.fsdecode(b"caf\xe9.jsonl")
    append(path, lines(1))
    async with running(broker, tmp_path):

        async def is_told() -> bool:
            return bool(await broker.sources.read(OWNER, limit=100))

        await eventually(is_told)
        (told,) = await broker.sources.read(OWNER, limit=100)
    assert told.path.endswith(r"/caf\xe9.jsonl")


async def test_nothing_to_follow_is_told_with_what_mends_it(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """Once in the log too, and in the broker as long as it is so."""
    with capture_logs() as logs:
        async with running(broker, tmp_path / "absent"):

            async def is_told() -> bool:
                told = await overview_in(broker)
                return told is not None and told.looked_ms > 0

            await eventually(is_told)
            overview = await overview_in(broker)
            assert overview is not None
            root = overview.roots[0]
            assert root.reason == "No such file or directory"
            assert root.mend
    told = [one for one in logs if one["event"] == "nothing is followed there"]
    assert [one["path"] for one in told] == [root.path]


@pytest.mark.parametrize("what", ["wiped", "rolled back", "written by another"])
async def test_what_the_broker_forgot_is_told_again(
    broker: MemoryBroker, tmp_path: Path, what: str
) -> None:
    """All of it, though nothing changed."""
    a, b = session_path(tmp_path, "a"), session_path(tmp_path, "b")
    append(a, lines(1))
    async with running(broker, tmp_path):
        await until_told(broker, source(a))
        before = broker.checkpoint()
        append(b, lines(1))
        await until_told(broker, source(a), source(b))
        if what == "wiped":
            broker.wipe()
        elif what == "rolled back":
            broker.roll_back(before)
        else:
            other = Source("/gone", FOLLOWED, "gone")
            await broker.sources.publish(Overview(OWNER, {}), {other.path: other})
        await until_told(broker, source(a), source(b))


async def test_what_is_written_over_between_two_looks_is_told_again(
    broker: MemoryBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the next thing that is told is written over it."""
    a, b, publish = session_path(tmp_path, "a"), session_path(tmp_path, "b"), None

    async def writes_first(
        overview: Overview, changed: dict[str, Source | None]
    ) -> Overview | None:
        monkeypatch.setattr(broker.sources, "publish", publish)
        await broker.sources.forget(OWNER)
        return await broker.sources.publish(overview, changed)

    append(a, lines(1))
    async with running(broker, tmp_path):
        await until_told(broker, source(a))
        publish = broker.sources.publish
        monkeypatch.setattr(broker.sources, "publish", writes_first)
        append(b, lines(1))
        await until_told(broker, source(a), source(b))


async def test_what_an_earlier_tailer_said_is_forgotten(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """Files that are gone since are nobody's."""
    gone = Source("/gone", FOLLOWED, "gone")
    await broker.sources.publish(Overview(OWNER, {FOLLOWED: 1}, 1), {gone.path: gone})
    a = session_path(tmp_path, "a")
    append(a, lines(1))
    async with running(broker, tmp_path):
        await until_told(broker, source(a))


async def test_a_listing_that_ends_while_it_is_told_is_told_afterwards(
    broker: MemoryBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is said of roots that were not gone through when it was written."""
    append(session_path(tmp_path, "a"), lines(1))
    publish, upkeep = broker.sources.publish, SourcesUpkeep.listed
    tailers: list[SourcesUpkeep] = []

    async def listed_meanwhile(
        overview: Overview, changed: dict[str, Source | None]
    ) -> Overview | None:
        before = await publish(overview, changed)
        for one in tailers:
            upkeep(one)
        return before

    def remembered(self: SourcesUpkeep) -> None:
        tailers.append(self)

    monkeypatch.setattr(SourcesUpkeep, "listed", remembered)
    monkeypatch.setattr(broker.sources, "publish", listed_meanwhile)
    with capture_logs() as logs:
        async with running(broker, tmp_path):

            async def is_logged() -> bool:
                return any(one["event"] == "files that are there" for one in logs)

            await eventually(is_logged)
    assert not [one for one in logs if one["event"] == "nothing is followed there"]


async def test_what_could_not_be_written_is_written_later(
    broker: MemoryBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was wrong, and wherever it broke off."""
    a, publish, fails = session_path(tmp_path, "a"), broker.sources.publish, True

    async def breaks_off(
        overview: Overview, changed: dict[str, Source | None]
    ) -> Overview | None:
        if fails:
            raise BrokerFull
        return await publish(overview, changed)

    append(a, lines(1))
    async with running(broker, tmp_path) as tailer:
        await until_told(broker, source(a))
        monkeypatch.setattr(broker.sources, "publish", breaks_off)
        b = session_path(tmp_path, "b")
        append(b, lines(1))
        await wait_for_records(broker, "b", texts(1))

        async def is_full() -> bool:
            return tailer.instruments.broker.is_full

        await eventually(is_full)
        fails = False
        await until_told(broker, source(a), source(b))


async def test_an_account_without_the_permission_loses_only_this(
    broker: MemoryBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines are streamed, and the tailer is ready; the log says what is missing."""

    async def refused(*_: object) -> None:
        raise BrokerRefused("NOPERM: its account lacks a permission", code="NOPERM")

    monkeypatch.setattr(broker.sources, "publish", refused)
    append(session_path(tmp_path, "a"), lines(1))
    with capture_logs() as logs:
        async with running(broker, tmp_path) as tailer:
            await wait_for_records(broker, "a", texts(1))

            async def is_logged() -> bool:
                return any(one.get("what") == "sources" for one in logs)

            await eventually(is_logged)
            assert tailer.why_not_ready() == ""


async def test_a_place_that_does_not_answer_is_told(
    broker: MemoryBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And holds up neither what is told of others nor the end."""
    hangs = threading.Event()
    monkeypatch.setattr(sources, "PLACES_SECONDS", 0.01)

    def hang(path: str) -> str:
        if path.endswith("telemetry"):
            hangs.wait()
        return ""

    monkeypatch.setattr(sources, "why_unseen", hang)
    try:
        async with running(broker, tmp_path):

            async def is_told() -> bool:
                told = await overview_in(broker)
                return told is not None and told.roots[0].reason == sources.NO_ANSWER

            await eventually(is_told)
            hangs.set()

            async def is_told_back() -> bool:
                told = await overview_in(broker)
                return told is not None and told.roots[0].reason != sources.NO_ANSWER

            await eventually(is_told_back)
    finally:
        hangs.set()
