"""What stands beside the records is told to the broker, while files are followed."""

import asyncio
import json
import os
import threading
import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tailcast_streams.descriptions import Description
from tailcast_streams.exceptions import BrokerRefused
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.session_state import Appended, Batch
from tailcast_streams.sources import SourceState
from tailcast_tailer.files import beside as files
from tailcast_tailer.files.beside import Beside, Directory
from tailcast_tailer.files.file_system import CannotBeSeen, Glimpse, glimpse
from tailcast_tailer.upkeep import beside
from tests.tailer.harness import (
    append,
    eventually,
    lines,
    records_of,
    running,
    session_path,
    texts,
    wait_for_records,
)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look more often than people need."""
    for name in ("TICK_SECONDS", "NEW_SECONDS", "ACTIVE_SECONDS", "IDLE_SECONDS"):
        monkeypatch.setattr(beside, name, 0.01)


@pytest.fixture
def broker() -> MemoryBroker:
    """One that can forget, and refuse."""
    return MemoryBroker()


async def until_told(
    broker: MemoryBroker, expected: Mapping[str, bytes], session: str = "a"
) -> None:
    """Wait until this is told of a session, and nothing else."""

    async def is_told() -> bool:
        (found,) = await broker.descriptions.load([session])
        return found.told == expected

    await eventually(is_told)


async def test_a_header_is_told_and_is_no_record(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """Nor is it rejected; other files have none."""
    append(session_path(tmp_path, "a"), b'# {"run":"x"}\n' + lines(1, 2))
    append(session_path(tmp_path, "b"), lines(1))
    async with running(broker, tmp_path):
        await wait_for_records(broker, "a", texts(1, 2))
        await until_told(broker, {"header": b'{"run":"x"}'})
        append(session_path(tmp_path, "c"), b'# {"run"')
        append(session_path(tmp_path, "c"), b':"y"}\n' + lines(1))
        await until_told(broker, {"header": b'{"run":"y"}'}, "c")
        await until_told(broker, {}, "b")
    state = await broker.load("a")
    assert state is not None
    assert (state.records, state.rejected) == (2, 0)


class Held(MemoryBroker):
    """A broker that takes its time for one session."""

    def __init__(self, order: list[str]) -> None:
        super().__init__()
        self._order = order
        self.may_append = asyncio.Event()

    async def append(self, batch: Batch) -> Appended:
        if batch.session == "late":
            await self.may_append.wait()
        self._order.append(batch.session)
        return await super().append(batch)


async def test_lines_that_are_there_go_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is looked at beside them until all files had a turn."""
    order: list[str] = []
    broker, look = Held(order), Directory.look

    def note(self: Directory, files: Mapping[str, Glimpse]) -> Beside:
        order.append("beside")
        return look(self, files)

    monkeypatch.setattr(Directory, "look", note)
    append(session_path(tmp_path, "a"), b'# {"run":"x"}\n' + lines(1))
    append(session_path(tmp_path, "late"), lines(1))
    async with running(broker, tmp_path):
        await wait_for_records(broker, "a", texts(1))
        broker.may_append.set()
        await until_told(broker, {"header": b'{"run":"x"}'})
    assert order[:3] == ["a", "late", "beside"]


async def test_documents_beside_a_file_are_told_as_they_change(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """Those of its directory, and one of its own; and that they went."""
    path = session_path(tmp_path, "a")
    append(path, lines(1))
    own, config = path.with_name("a.meta.json"), path.with_name("config.json")
    async with running(broker, tmp_path):
        await wait_for_records(broker, "a", texts(1))
        config.write_text('{"lr": 1}')
        await until_told(broker, {"file:config.json": b'{"lr":1}'})
        own.write_text('{"name": "x"}')
        config.write_text('{"lr": 2}\n')
        told = {"file:a.meta.json": b'{"name":"x"}', "file:config.json": b'{"lr":2}'}
        await until_told(broker, told)
        own.unlink()
        await until_told(broker, {"file:config.json": b'{"lr":2}'})
        config.unlink()
        await until_told(broker, {})
        assert await records_of(broker, "a") == texts(1)


async def test_documents_of_a_run_in_numbered_files(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """Those of its folder; or beside its first file, if it is called by that."""
    first = session_path(tmp_path, "a")
    folder = first.with_name("run")
    goes_on = first.with_name("a.jsonl.parts")
    for one in (folder, goes_on):
        one.mkdir(parents=True)
    append(first, b'# {"run":"x"}\n' + lines(1))
    append(folder / "000000.jsonl", lines(1))
    (folder / "config.json").write_text('{"lr": 1}')
    own = first.with_name("a.meta.json")
    own.write_text('{"name": "x"}')
    async with running(broker, tmp_path):
        await wait_for_records(broker, "run", texts(1))
        await until_told(broker, {"file:config.json": b'{"lr":1}'}, "run")
        append(folder / "000001.jsonl", lines(2))
        append(goes_on / "00000001.jsonl", lines(2))
        await wait_for_records(broker, "a", texts(1, 2))
        (folder / "config.json").write_text('{"lr": 2}')
        await until_told(broker, {"file:config.json": b'{"lr":2}'}, "run")
        header = {"header": b'{"run":"x"}'}
        await until_told(broker, header | {"file:a.meta.json": b'{"name":"x"}'})
        own.write_text('{"name": "y"}')
        await until_told(broker, header | {"file:a.meta.json": b'{"name":"y"}'})


async def test_what_cannot_be_told_is_named(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """With the session, and among the sources until it can."""
    path = session_path(tmp_path, "a")
    config = path.with_name("config.json")
    config.write_text("[1]")
    append(path, lines(1))

    async def is_named() -> bool:
        (found,) = await broker.descriptions.load(["a"])
        refused = await broker.sources.read(
            "host:test", states=[SourceState.REFUSED], limit=10
        )
        reasons = [(one.path, one.reason) for one in refused]
        left_out = json.loads(found.told.get("left_out", b"{}"))
        why = left_out.get("config.json", "")
        return bool(why) and reasons == [(str(config), why)]

    async def is_named_no_more() -> bool:
        return not await broker.sources.read(
            "host:test", states=[SourceState.REFUSED], limit=10
        )

    async with running(broker, tmp_path) as tailer:
        await eventually(is_named)
        assert all(one.mend for one in tailer.register.sources.values() if one.reason)
        config.write_text("{}")
        await until_told(broker, {"file:config.json": b"{}"})
        await eventually(is_named_no_more)


async def test_in_a_directory_whose_files_are_judged_by_what_they_hold(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """A document is no run, and nobody is asked to mend that; what is none is named."""
    append(tmp_path / "a.jsonl", lines(1))
    (tmp_path / "a.meta.json").write_text('{"step":1}')
    (tmp_path / "config.json").write_text("[1]")

    async def are_told() -> bool:
        sources = await broker.sources.read("host:test", limit=10)
        told = {Path(one.path).name: (one.state, bool(one.mend)) for one in sources}
        return told == {
            "a.jsonl": (SourceState.FOLLOWED, False),
            "a.meta.json": (SourceState.LEFT_OUT, False),
            "config.json": (SourceState.REFUSED, True),
        }

    with capture_logs() as logs:
        async with running(broker, tmp_path, paths=[str(tmp_path)]):
            await eventually(are_told)
            append(tmp_path / "b.jsonl", lines(1))
            await until_told(
                broker,
                {"left_out": b'{"config.json":"not a JSON object"}'},
                session="b",
            )
    told = [one for one in logs if one.get("path", "").endswith("config.json")]
    assert len(told) <= 2


async def test_it_is_told_again_to_a_broker_that_forgot(
    broker: MemoryBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it, or only this; what people said stays."""
    monkeypatch.setattr(beside, "COMPARE_SECONDS", 0.05)
    path = session_path(tmp_path, "a")
    path.with_name("args.json").write_text('{"lr": 1}')
    append(path, lines(1))
    told = {"file:args.json": b'{"lr":1}'}
    async with running(broker, tmp_path, audit_interval=0.05):
        await until_told(broker, told)
        broker.wipe()
        await wait_for_records(broker, "a", texts(1))
        await until_told(broker, told)
        await broker.descriptions.edit("a", {"notes": b"x"})
        state = await broker.load("a")
        assert state is not None
        await broker.descriptions.tell("a", state.position.incarnation, {})
        await until_told(broker, told)
        assert await broker.descriptions.load(["a"]) == [
            Description(told, {"notes": b"x"})
        ]


async def test_another_tailer_of_the_same_file_tells_nothing_again(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """Nor does the next one; one that has not appended leaves it to who has."""
    path = session_path(tmp_path, "a")
    path.with_name("config.json").write_text('{"lr": 1}')
    append(path, lines(1))
    async with running(broker, tmp_path):
        await until_told(broker, {"file:config.json": b'{"lr":1}'})
    with capture_logs() as logs:
        async with running(broker, tmp_path) as tailer:
            append(session_path(tmp_path, "b"), lines(1))
            await until_told(broker, {"file:config.json": b'{"lr":1}'}, "b")
            assert tailer.instruments is not None
    told = [one for one in logs if one["event"] == "beside the records"]
    assert [one["session"] for one in told] == ["b"]


async def test_files_that_move_and_go(broker: MemoryBroker, tmp_path: Path) -> None:
    """A renamed one is looked for where it is; one that is gone is left alone."""
    path = session_path(tmp_path, "a")
    append(path, b'# {"run":"x"}\n' + lines(1))
    append(session_path(tmp_path, "b"), lines(1))
    told = {"header": b'{"run":"x"}'}
    async with running(broker, tmp_path):
        await until_told(broker, told)
        path.unlink()
        append(session_path(tmp_path, "b"), lines(2))
        await wait_for_records(broker, "b", texts(1, 2))
        await until_told(broker, told)


async def test_a_device_that_does_not_answer_for_a_while(
    broker: MemoryBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is asked once, and what it showed is told when it does."""
    monkeypatch.setattr(beside, "BESIDE_SECONDS", 0.01)
    asked, may_answer, look = count(), threading.Event(), Directory.look

    def hang(self: Directory, files: Mapping[str, Glimpse]) -> Beside:
        next(asked)
        may_answer.wait(30)
        return look(self, files)

    monkeypatch.setattr(Directory, "look", hang)
    append(session_path(tmp_path, "a"), b'# {"run":"x"}\n' + lines(1))
    async with running(broker, tmp_path):
        await wait_for_records(broker, "a", texts(1))
        append(session_path(tmp_path, "a"), lines(2))
        await wait_for_records(broker, "a", texts(1, 2))
        assert next(asked) <= 1
        may_answer.set()
        await until_told(broker, {"header": b'{"run":"x"}'})


async def test_a_broker_that_refuses_it_streams_lines(
    broker: MemoryBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account without the permission."""

    async def refuse(*_arguments: object) -> bool:
        raise BrokerRefused("NOPERM", code="NOPERM")

    monkeypatch.setattr(broker.descriptions, "tell", refuse)
    path = session_path(tmp_path, "a")
    path.with_name("config.json").write_text("{}")
    append(path, lines(1))
    with capture_logs() as logs:
        async with running(broker, tmp_path):
            await wait_for_records(broker, "a", texts(1))

            async def is_logged() -> bool:
                return any(one.get("what") == "descriptions" for one in logs)

            await eventually(is_logged)
            append(path, lines(2))
            await wait_for_records(broker, "a", texts(1, 2))


# One directory, as threads look at it.


def told_by(directory: Directory, path: Path) -> Mapping[str, bytes]:
    """What it tells of a file."""
    return directory.look(seen(path)).told.get(str(path), {})


def seen(path: Path) -> dict[str, Glimpse]:
    """A file as who follows it has seen it."""
    return {str(path): glimpse(str(path))}


def test_what_has_not_changed_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither names, nor documents, nor headers."""
    path, config = tmp_path / "a.jsonl", tmp_path / "config.json"
    path.write_bytes(b'# {"run":"x"}\n{"step":1}\n')
    config.write_text('{"lr":1}')
    long_ago = time.time() - 100
    os.utime(tmp_path, (long_ago, long_ago))
    directory = Directory(str(tmp_path))
    told = {"header": b'{"run":"x"}', "file:config.json": b'{"lr":1}'}
    assert told_by(directory, path) == told
    for name in ("read_regular", "open_regular"):
        monkeypatch.delattr(files, name)
    monkeypatch.setattr(os, "scandir", None)
    append(path, b'{"step":2}\n')
    assert told_by(directory, path) == told


def test_what_cannot_be_seen(tmp_path: Path) -> None:
    """A document that is a directory or went; a file, and a directory that went."""
    path, config = tmp_path / "a.jsonl", tmp_path / "config.json"
    path.write_bytes(b"\n")
    config.mkdir()
    (tmp_path / "args.json").symlink_to(tmp_path / "nothing")
    directory = Directory(str(tmp_path))
    before = seen(path)
    assert directory.look(before).unreadable.keys() == {str(config)}
    path.write_bytes(b'# {"run":"y"}\n' + lines(1))
    config.rmdir()
    assert told_by(directory, path) == {"header": b'{"run":"y"}'}
    path.unlink()
    assert directory.look(before).told == {}
    gone = Directory(str(tmp_path / "nothing"))
    with pytest.raises(CannotBeSeen):
        gone.look({})
    assert files.look_at_all([(gone, {}), (directory, {})])[0] is None
