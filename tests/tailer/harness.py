"""A tailer on a directory of its own, a broker, and an oracle for what it should do."""

import asyncio
import json
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

from tailcast_streams.broker import SessionReader, SessionWriter
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.position import BEFORE_ALL, EntryID
from tailcast_streams.sources import SourceState
from tailcast_tailer.app import Tailer
from tailcast_tailer.options import Options
from tests.patience import PATIENCE_SECONDS as PATIENCE_SECONDS


# Between two looks at whether something is so.
FIRST_PAUSE, LAST_PAUSE = 0.005, 0.1
# What a tailer is given beside its options.
CLOCKS = ("clock", "wall_clock")


class Broker(SessionWriter, SessionReader, Protocol):
    """Both ports, as every adapter has them."""


@asynccontextmanager
async def running(
    broker: Broker, log_dir: Path, owner: str = "host:test", **options: Any
) -> AsyncGenerator[Tailer]:
    """A tailer that runs while the context lasts, impatient enough for tests."""
    clocks = {name: options.pop(name) for name in CLOCKS if name in options}
    tailer = Tailer(
        broker,
        Options(log_dir=str(log_dir), poll_interval=0.01, name=owner, **options),
        **clocks,
    )
    task = asyncio.create_task(tailer.run())
    try:
        yield tailer
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled() or task.exception() is None, task.exception()


async def eventually(
    is_so: Callable[[], Awaitable[bool]], *, seconds: float = PATIENCE_SECONDS
) -> None:
    """Wait until something is so; what does not come at once is looked for less."""
    pause = FIRST_PAUSE
    async with asyncio.timeout(seconds):
        while not await is_so():
            await asyncio.sleep(pause)
            pause = min(LAST_PAUSE, 1.2 * pause)


async def entries_of(
    broker: SessionReader, session: str, after: EntryID = BEFORE_ALL
) -> list[Entry]:
    """Everything that a stream has, or what it has behind an entry."""
    entries: list[Entry] = []
    while page := await broker.read_after(session, after, limit=1_000):
        entries += page
        after = page[-1].id
    return entries


async def records_of(broker: SessionReader, session: str) -> list[bytes]:
    """The records of a stream, in order."""
    return [entry.record for entry in await entries_of(broker, session) if entry.record]


async def wait_for_records(
    broker: SessionReader, session: str, expected: list[bytes]
) -> list[Entry]:
    """Wait until a stream has these records; its entries, their chain checked."""
    seen: list[Entry] = []

    async def has_them() -> bool:
        # While it grows and is too short, what was seen of it is not read again.
        news = await entries_of(broker, session, seen[-1].id if seen else BEFORE_ALL)
        seen.extend(news)
        if news and sum(bool(one.record) for one in seen) < len(expected):
            return False
        return await records_of(broker, session) == expected

    try:
        await eventually(has_them)
    except TimeoutError:
        assert await records_of(broker, session) == expected
    entries = await entries_of(broker, session)
    check_chain(entries)
    return entries


def check_chain(entries: list[Entry]) -> None:
    """Each entry names the one before it, and IDs rise strictly."""
    for one, other in pairwise(entries):
        assert other.previous == one.id
        assert one.id < other.id


def valid_lines(data: bytes) -> list[tuple[int, bytes]]:
    """The oracle: offset and text of each JSON object that a whole line is, or has."""
    found: list[tuple[int, bytes]] = []
    start = 0
    for line in data.split(b"\n")[:-1]:
        end = start + len(line) + 1
        try:
            value = json.loads(line)
        except ValueError:
            objects = _objects_in(line.decode("latin-1"))
            is_header = start == 0 and line.startswith((b"#", b"//"))
            for begin, behind in [] if is_header else objects:
                is_last = not line[behind:].strip()
                offset = end if is_last else start + behind
                found.append((offset, line[begin:behind]))
        else:
            if isinstance(value, dict):
                found.append((end, line.strip()))
        start = end
    return found


def rested_lines(data: bytes) -> list[tuple[int, bytes]]:
    """As `valid_lines`, once it has rested: the last one may be without its newline."""
    start = data.rfind(b"\n") + 1
    newline = b"\n"
    if data[:start].endswith(b"\r\n") and not data.endswith(b"\r"):
        newline = b"\r\n"
    last = valid_lines(data[start:] + newline)
    is_whole = _dense(b"".join(text for _, text in last)) == _dense(data[start:])
    return valid_lines(data + newline) if last and is_whole else valid_lines(data)


def _dense(text: bytes) -> bytes:
    return b"".join(text.split())


def _objects_in(line: str) -> list[tuple[int, int]]:
    """Where whole objects are in a broken line: at its front, or behind a piece."""
    front = _objects_from(line, 0)
    at = front[-1][1] if front else 0
    for place in range(at, len(line)):
        piece = line[at:place].strip()
        quotes = piece.replace('\\"', "").count('"')
        is_value = piece[:1] in ("{", "[", '"') and piece[-1] in ":,["
        if piece and not (is_value and quotes % 2 == 0):
            behind = _objects_from(line, place)
            if behind and not line[behind[-1][1] :].strip():
                return front + behind
    return front


def _objects_from(line: str, at: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    while (at := len(line) - len(line[at:].lstrip())) < len(line):
        try:
            value, end = json.JSONDecoder().raw_decode(line, at)
        except ValueError:
            break
        if not isinstance(value, dict) or line[end:].lstrip()[:1] in (*",]}:",):
            break
        found.append((at, end))
        at = end
    return found


def followed(entries: list[Entry], until: int) -> list[tuple[int, bytes]]:
    """What a client has that obeyed every rewind up to a generation."""
    held: list[tuple[int, bytes]] = []
    for entry in entries:
        if entry.id.generation > until:
            break
        if entry.kind is Kind.MARKER:
            held = [one for one in held if one[0] <= entry.id.offset]
        elif entry.record:
            held.append((entry.id.offset, entry.record))
    return held


def generation_of(entries: list[Entry], generation: int) -> list[Entry]:
    """The entries of one generation, its marker first."""
    return [entry for entry in entries if entry.id.generation == generation]


def line(step: int, **more: Any) -> bytes:
    """A record's line."""
    return json.dumps({"step": step, "loss": 0.5, **more}).encode() + b"\n"


def lines(*steps: int, **more: Any) -> bytes:
    """Several records' lines."""
    return b"".join(line(step, **more) for step in steps)


def texts(*steps: int, **more: Any) -> list[bytes]:
    """Several records, as they are stored."""
    return [line(step, **more).strip() for step in steps]


def session_path(log_dir: Path, session: str) -> Path:
    """Where a session's file is, its directory made."""
    path = log_dir / "telemetry" / f"{session}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def append(path: Path, data: bytes) -> None:
    """Append as a writer does that opens the file each time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(data)


def let_rest(*paths: Path) -> None:
    """Have files look as if nobody had written them for a minute."""
    at_rest = time.time() - 60
    for path in paths:
        os.utime(path, (at_rest, at_rest))


__all__ = ["EntryID", "Kind"]


async def state_of(broker: SessionWriter) -> dict[str, object]:
    """Parts of the state."""
    state = await broker.load("a")
    assert state is not None
    return {
        "generation": state.position.generation,
        "offset": state.position.offset,
        "backlog_end": state.backlog_end,
        "start": state.generation_start,
        "records": state.records,
        "rejected": state.rejected,
        "owner": state.owner,
    }


def sources_of(tailer: Tailer) -> dict[str, SourceState]:
    """What became of each path, by its name."""
    register = tailer.register
    return {Path(path).name: one.state for path, one in register.sources.items()}
