"""Files whose lines are not bare records, followed over the memory broker."""

# nothing else runs while the test writes

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import BEFORE_ALL
from tailcast_streams.session_state import SessionState
from tailcast_tailer.files import portions
from tests.tailer.harness import append, entries_of, records_of, texts
from tests.tailer.single import Clock, Single


TIME = "2026-11-25T12:00:00.123456789Z"


@pytest.fixture
def broker() -> MemoryBroker:
    """A broker of the test's own."""
    return MemoryBroker()


def docker(text: str) -> bytes:
    """A line as Docker writes it."""
    line = {"log": text, "stream": "stdout", "time": TIME}
    return json.dumps(line).encode() + b"\n"


def cri(text: str, tag: str = "F") -> bytes:
    """A line as a CRI engine writes it."""
    return f"{TIME} stdout {tag} {text}\n".encode()


def prefixed(text: str) -> bytes:
    """A line as Python's logging writes it."""
    return f"INFO:root:{text}\n".encode()


def docker_line(text: str) -> bytes:
    """A line as Docker writes it."""
    return docker(f"{text}\n")


WRITERS: dict[str, Callable[[str], bytes]] = {
    "docker": docker_line,
    "cri": cri,
    "prefix": prefixed,
}


async def stored_of(broker: MemoryBroker) -> SessionState:
    """The session as it is."""
    state = await broker.load("a")
    assert state is not None
    return state


@pytest.mark.parametrize("name", ["a.log", "a.jsonl"])
@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("restarts", [False, True])
async def test_records_are_read_out_of_what_is_around_them(
    broker: MemoryBroker, tmp_path: Path, name: str, writer: str, restarts: bool
) -> None:
    """One by one as they come, whoever reads on; their IDs are the file's."""
    path, clock = tmp_path / name, Clock()
    tailer = Single(broker, path, clock)
    ends = [0]
    for text in texts(*range(12)):
        append(path, WRITERS[writer](text.decode()))
        ends.append(path.stat().st_size)
        await tailer.settle()
        if restarts:
            tailer.follower.release()
            tailer = Single(broker, path, clock)
    assert await records_of(broker, "a") == texts(*range(12))
    assert [entry.id.offset for entry in await entries_of(broker, "a")] == ends
    assert (await stored_of(broker)).records == 12
    # Read again from the beginning they are the same.
    before = await entries_of(broker, "a")
    broker.wipe()
    tailer.follower.reload_state()
    await tailer.settle()
    assert await entries_of(broker, "a") == before


async def test_a_line_in_parts_is_awaited(broker: MemoryBroker, tmp_path: Path) -> None:
    """Over a restart too; what is awaited is named."""
    path, clock = tmp_path / "a.log", Clock()
    tailer = Single(broker, path, clock)
    [first, second] = texts(1, 2)
    part = cri(second[:9].decode(), "P")
    append(path, cri(first.decode()) + part)
    await tailer.settle()
    clock.now += 2
    await tailer.settle()
    assert await records_of(broker, "a") == [first]
    assert (await stored_of(broker)).partial_bytes == len(part)
    tailer.follower.release()
    tailer = Single(broker, path, clock)
    append(path, cri(second[9:].decode()))
    await tailer.settle()
    assert await records_of(broker, "a") == [first, second]
    assert (await entries_of(broker, "a"))[-1].id.offset == path.stat().st_size


async def test_a_last_part_may_be_whole(broker: MemoryBroker, tmp_path: Path) -> None:
    """A program that ends without a newline leaves a record all the same."""
    path, clock = tmp_path / "a.log", Clock()
    tailer = Single(broker, path, clock)
    [first, second] = texts(1, 2)
    append(path, docker(first.decode() + "\n") + docker(second.decode()))
    await tailer.settle()
    clock.now += 2
    await tailer.settle()
    assert await records_of(broker, "a") == [first, second]
    append(path, docker(first.decode() + "\n"))
    await tailer.settle()
    assert await records_of(broker, "a") == [first, second, first]


async def test_parts_that_are_too_many_are_not_awaited_for_ever(
    broker: MemoryBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are rejected, and what follows is read."""
    monkeypatch.setattr(portions, "READ_BYTES", 4_096)
    monkeypatch.setattr(portions, "LEAST_READ_BYTES", 1_024)
    monkeypatch.setattr(portions, "MAX_BATCH_LINES", 10)
    path = tmp_path / "a.log"
    tailer = Single(broker, path, Clock(), max_line_bytes=3_000)
    [first, second] = texts(1, 2)
    few = ['{"a":"', *["x" * 300] * 7, '"}']
    many = ['{"a":"', *["x"] * 200, '"}']
    append(path, cri(first.decode()))
    for text in (few, many):
        append(path, b"".join(cri(part, "P") for part in text[:-1]) + cri(text[-1]))
    append(path, cri(second.decode()))
    await tailer.settle()
    records = await records_of(broker, "a")
    assert records == [first, "".join(few).encode(), second]
    assert await broker.read_rejected("a", BEFORE_ALL, limit=9)


async def test_text_is_counted_with_the_session(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    """As much as there is, over restarts; nothing of it is rejected."""
    path, clock = tmp_path / "a.out", Clock()
    tailer = Single(broker, path, clock)
    for count, step in enumerate((1, 2, 3), 1):
        append(path, b"epoch\n" + texts(step)[0] + b"\n")
        await tailer.settle()
        assert (await stored_of(broker)).text == count
        assert tailer.metric("text_lines") == 1
        tailer.follower.release()
        tailer = Single(broker, path, clock)
    assert await broker.read_rejected("a", BEFORE_ALL, limit=9) == []
    assert await records_of(broker, "a") == texts(1, 2, 3)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
async def test_a_file_in_utf_16_is_named_so(
    broker: MemoryBroker, tmp_path: Path, encoding: str
) -> None:
    """At its first rejection, though half of its bytes are NULs."""
    path = tmp_path / "a.jsonl"
    tailer = Single(broker, path, Clock())
    path.write_bytes('{"step":1}\n{"step":2}\n'.encode(encoding))
    await tailer.settle()
    [first, *_] = await broker.read_rejected("a", BEFORE_ALL, limit=9)
    assert first.reason.endswith("the file is UTF-16")
