"""Files, their tailer, and a broker whose answers come when told."""

import asyncio
import json
from typing import Any

from tailcast_streams.entries import Kind, NewEntry
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import digest
from tailcast_streams.session_state import NOTHING_STORED, Appended, Batch


SESSIONS = ("a", "b")
# What every line takes in its file, bytes.
WIDTH = 52
BEGINNING = "1-0-00000000"
READS = (
    "read_after",
    "read_many_after",
    "read_before",
    "find",
    "heads",
    "positions",
    "ends",
    "sessions",
    "snapshot",
    "snapshots",
)


class HeldBroker:
    """Reads happen, and their answers arrive, only when the test lets them."""

    def __init__(self, memory: MemoryBroker) -> None:
        self.memory = memory
        # Reads that wait to be made, or for their answer to arrive.
        self.gates: list[asyncio.Future[None]] = []

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.memory, name)
        if name not in READS:
            return call

        async def held(*args: Any, **kwargs: Any) -> Any:
            await self._gate()
            answer = await call(*args, **kwargs)
            await self._gate()
            return answer

        return held

    async def _gate(self) -> None:
        gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.gates.append(gate)
        await gate

    def release(self, at: int) -> None:
        """Let one read go on."""
        if self.gates:
            gate = self.gates.pop(at % len(self.gates))
            if not gate.done():
                gate.set_result(None)


class File:
    """A session's file; all lines of all its lives have the same length."""

    def __init__(self, session: str) -> None:
        self.session = session
        # How often it was written anew.
        self.life = 0
        self.lines: list[bytes] = []
        # The life that a generation of an incarnation is of.
        self.lives: dict[tuple[str, int], int] = {}
        self.incarnations = 0
        # The tailer saw this file before: what it finds then is no backlog.
        self.is_known = False

    def write(self, count: int) -> None:
        """Append lines; every fourth is an emergency."""
        for _ in range(count):
            number = len(self.lines)
            name = "emergency" if number % 4 == 3 else "otherwise"
            line: dict[str, Any] = {
                "n": f"{number:04}",
                "life": f"{self.life:03}",
                "even": int(number % 2 == 0),
                name: {},
            }
            self.lines.append(json.dumps(line, separators=(",", ":")).encode())

    def replace(self, count: int) -> None:
        """Another file under the same name."""
        self.life += 1
        self.lines = []
        self.write(count)


async def tail(broker: MemoryBroker, file: File, count: int) -> None:
    """What the tailer does in one turn: up to so many lines, by compare and append."""
    state = await broker.load(file.session)
    fields: dict[str, str | int | float | bytes] = {}
    expected = NOTHING_STORED if state is None else state.position
    incarnation, generation = expected.incarnation, expected.generation
    entries: list[NewEntry] = []
    offset = expected.offset
    if state is None:
        file.incarnations += 1
        incarnation, generation, offset = f"i{file.incarnations}", 1, 0
        entries.append(NewEntry(0, Kind.MARKER, b""))
        fields["backlog_end"] = size(file.lines)
    elif file.lives[incarnation, generation] != file.life:
        generation, offset = generation + 1, 0
        details = {"reason": "truncated", "complete": "1", "step": "0"}
        entries.append(NewEntry(0, Kind.MARKER, b"", details))
    file.lives[incarnation, generation] = file.life
    start = offset // WIDTH
    for number, line in enumerate(file.lines[start : start + count], start):
        kind = Kind.EMERGENCY if b"emergency" in line else Kind.RECORD
        assert len(line) < WIDTH
        entries.append(NewEntry((number + 1) * WIDTH, kind, line))
    if not entries:
        return
    end = entries[-1].offset
    last = entries[-1].record
    fields |= {"size": size(file.lines), "last_digest": cursor_digest(last)}
    if state is None:
        fields["birth"] = str(await broker.bear(file.session, activity_ms=1_000))
    batch = Batch(
        session=file.session,
        expected=expected,
        incarnation=incarnation,
        generation=generation,
        offset=end,
        entries=entries,
        fields=fields,
    )
    assert await broker.append(batch) is Appended.DONE
    await broker.touch({file.session: 1_000})


def size(lines: list[bytes]) -> int:
    """The file's length: every line takes as many bytes."""
    return WIDTH * len(lines)


def cursor_digest(record: bytes) -> int:
    """The digest of the last entry, as the state has it."""
    return digest(record)
