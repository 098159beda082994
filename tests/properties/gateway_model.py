"""A world for the gateway: files, a tailer, a broker whose answers come when told.

The test says who goes next; the clients' own rules say whether what they were given is
right: every record once, in order, or a gap or rewind that says why not.
"""

import asyncio
import json
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar, cast

from gateway import catch_up, feed, replay
from gateway.channel import Client
from gateway.messages import parse
from gateway.replica import Replica
from telemetry_stream.broker import (
    NOTHING_STORED,
    Appended,
    Batch,
    Kind,
    NewEntry,
    SessionReader,
)
from telemetry_stream.broker_memory import MemoryBroker
from telemetry_stream.position import Cursor, EntryID, digest


T = TypeVar("T")

SESSIONS = ("a", "b")
# What every line takes in its file, bytes.
WIDTH = 48
BEGINNING = "1-0-00000000"
READS = (
    "read_after",
    "read_many_after",
    "read_before",
    "find",
    "heads",
    "positions",
    "sessions",
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


class Watcher:
    """A client with its own memory of what it was given, checked as it comes."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.paused = False
        self.client = Client(self)
        # Session by its cursor, as the protocol has clients keep it.
        self.cursors: dict[str, str | None] = {}
        # Session by the last record had, None where the next may be any.
        self.last: dict[str, tuple[int, int] | None] = {}
        # Sessions whose file was told to be another one, or to have a gap.
        self.told: dict[str, str] = {}
        self.wanted: set[str] = set()
        # What the last `subscribe` was about.
        self.asked: set[str] = set()
        self.log: list[dict[str, Any]] = []
        self.busy: asyncio.Task[None] | None = None

    def write(self, frames: bytes) -> None:
        """Take frames as a browser would."""
        for payload in payloads(frames):
            message = json.loads(payload)
            self.log.append(message)
            try:
                getattr(self, f"on_{message['type']}")(message)
            except AssertionError as error:
                self.world.wrong.append(error)

    def on_subscribed(self, message: dict[str, Any]) -> None:
        """Where one session begins."""
        session = message.get("sessionId")
        # A gap or rewind follows, which moves the cursor by itself.
        is_told = message.get("recovered") is False
        if session is not None and not is_told:
            self._placed(session, message["cursor"])

    def _placed(self, session: str, cursor: str | None) -> None:
        if cursor != self.cursors.get(session):
            if not self.told.get(session):
                self.last[session] = None
            self.cursors[session] = cursor

    def on_positions(self, message: dict[str, Any]) -> None:
        """Where several begin."""
        for session in self.asked:
            if session not in message["cursors"]:
                # Its place is being looked up: the first frame tells it.
                self.cursors[session] = "?"
                self.last[session] = None
        for session, cursor in message["cursors"].items():
            if session in self.world.files:
                self._placed(session, cursor)

    def on_unsubscribed(self, message: dict[str, Any]) -> None:
        """Nothing comes any more; what comes after it is another beginning."""
        del message
        self.last.clear()

    def on_error(self, message: dict[str, Any]) -> None:
        """No script asks for what cannot be."""
        raise AssertionError(message)

    def on_caught_up(self, message: dict[str, Any]) -> None:
        """Replay, or history, is over."""
        session = message["sessionId"]
        if session not in self.world.files:
            return
        if message["cursor"] is not None and message["cursor"] != self.cursors.get(
            session
        ):
            # History has passed by; only for one that has had nothing.
            assert self.last.get(session) is None, self.log
        self.cursors[session] = message["cursor"]

    def on_gap(self, message: dict[str, Any]) -> None:
        """Only what was trimmed may be missing."""
        session = message["sessionId"]
        place = Cursor.parse(message["from"]).id
        assert Cursor.parse(message["to"]).id > place, self.log
        assert self.world.trimmed.get(session), self.log
        self._follows(session, message["from"])
        self.cursors[session] = message["to"]
        self.told[session] = "gap"

    def on_heartbeat(self, message: dict[str, Any]) -> None:
        """The same place has another cursor."""
        self.cursors.update(message["cursors"])

    def on_rewind(self, message: dict[str, Any]) -> None:
        """The file is another one."""
        session = message["sessionId"]
        self.cursors[session] = message["cursor"]
        before = self.told.get(session)
        self.told[session] = "gap, rewind" if before == "gap" else "rewind"

    def on_emergency(self, message: dict[str, Any]) -> None:
        """In its place, or early and moving nothing."""
        if message.get("early"):
            assert "cursor" not in message
            return
        self._had(message, [message["data"]])

    def on_telemetry(self, message: dict[str, Any]) -> None:
        """Records in their place."""
        self._had(message, message["data"])

    def _had(self, message: dict[str, Any], data: list[dict[str, Any]]) -> None:
        session = message["sessionId"]
        assert session in self.wanted, (session, self.wanted, self.log)
        self._follows(session, message["prev"])
        for record in data:
            now = (int(record["life"]), int(record["n"]))
            self._check(session, self.last.get(session), now)
            self.last[session] = now
            self.told[session] = ""
        self.cursors[session] = message["cursor"]

    def _follows(self, session: str, prev: str) -> None:
        mine = self.cursors.get(session)
        if mine == "?":
            return
        mine = "1-0-00000000" if mine is None else mine
        assert prev == mine or (Cursor.parse(prev).id == Cursor.parse(mine).id), (
            prev,
            mine,
            self.log,
        )

    def _check(
        self, session: str, last: tuple[int, int] | None, now: tuple[int, int]
    ) -> None:
        told = self.told.get(session, "")
        if last is None:
            return
        if not told:
            assert now == (last[0], last[1] + 1), (last, now, self.log)
        elif told == "gap":
            # What was trimmed cannot prove that it was of the same file.
            assert now[0] > last[0] or now[1] > last[1], (last, now, self.log)
        elif told == "rewind":
            assert now[0] > last[0], (last, now, self.log)
            assert now[1] == 0, (last, now, self.log)
        else:
            assert now[0] > last[0], (last, now, self.log)


def payloads(frames: bytes) -> list[bytes]:
    """The payloads of whole, unmasked text frames."""
    found: list[bytes] = []
    at = 0
    while at < len(frames):
        assert frames[at] == 0x81
        length = frames[at + 1]
        at += 2
        if length == 126:
            length = int.from_bytes(frames[at : at + 2], "big")
            at += 2
        elif length == 127:
            length = int.from_bytes(frames[at : at + 8], "big")
            at += 8
        found.append(frames[at : at + length])
        at += length
    return found


class Failures(logging.Handler):
    """Keeps what the replica logged: no task may fail."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.records.append(self.format(record))


class World:
    """Everything, and what may happen to it."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.memory = MemoryBroker()
        self.broker = HeldBroker(self.memory)
        self.files = {name: File(name) for name in SESSIONS}
        # Sessions of which something was trimmed.
        self.trimmed: dict[str, bool] = {}
        self.checkpoint: tuple[Any, dict[str, Any]] | None = None
        self.replica = Replica(
            cast(SessionReader, self.broker),
            window_bytes=1_200,
            clock=lambda: self.now,
            wall_clock_ms=lambda: 1_000,
        )
        self.watchers = [Watcher(self), Watcher(self)]
        self.tasks: set[asyncio.Task[Any]] = set()
        self.failures = Failures()
        # What clients found wrong with what they were given.
        self.wrong: list[AssertionError] = []
        logging.getLogger("gateway.replica").handlers[:] = [self.failures]
        self.audit: asyncio.Task[Any] | None = None

    def start(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run something as a task; what fails in it fails the test."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self.tasks.add(task)
        return task

    async def settle(self) -> None:
        """Let everything run that does not wait for the broker."""
        for _ in range(25):
            await asyncio.sleep(0)
        if self.wrong:
            raise self.wrong[0]
        for task in [task for task in self.tasks if task.done()]:
            self.tasks.discard(task)
            if not task.cancelled():
                task.result()

    # What may happen.

    async def append(self, at: int, count: int) -> None:
        """The job writes and the tailer reads."""
        file = self.files[SESSIONS[at % 2]]
        file.write(count % 5 + 1)
        await tail(self.memory, file, 4)

    async def tail(self, at: int, count: int) -> None:
        """The tailer goes on."""
        await tail(self.memory, self.files[SESSIONS[at % 2]], count + 1)

    async def rewrite(self, at: int, count: int) -> None:
        """The file is written anew."""
        file = self.files[SESSIONS[at % 2]]
        file.replace(count)

    async def hint(self, at: int, _: int) -> None:
        """A notification arrives."""
        self.replica.feed.notified(SESSIONS[at % 2])

    async def release(self, at: int, count: int) -> None:
        """Reads go on, or their answers arrive."""
        for _ in range(count + 1):
            self.broker.release(at)
            await self.settle()

    async def pump(self, _at: int, _count: int) -> None:
        """Nothing is held for a while."""
        for _ in range(60):
            if not self.broker.gates:
                return
            await self.release(0, 0)

    async def news(self, at: int, count: int) -> None:
        """As it usually goes: a line, its notification, and it is read."""
        await self.append(at, count)
        await self.hint(at, count)
        await self.pump(at, count)

    async def anew(self, at: int, count: int) -> None:
        """The broker forgets everything; the tailer reads some of it again."""
        await self.forget_all(at, count)
        await self.tail(at, count)

    async def other_file(self, at: int, count: int) -> None:
        """The broker forgets everything and meanwhile the file is another one."""
        file = self.files[SESSIONS[at % 2]]
        file.replace(len(file.lines) + count - 3)
        await self.anew(at, count)

    async def audit_now(self, _at: int, _count: int) -> None:
        """An audit begins."""
        if self.audit is None or self.audit.done():
            self.audit = self.start(self.replica.feed.audit())

    async def trim(self, at: int, count: int) -> None:
        """Retention cuts."""
        session = SESSIONS[at % 2]
        head = (await self.memory.heads([session]))[0]
        if head.newest is None or head.oldest is None:
            return
        id = head.newest.id
        before = EntryID(id.generation, max(0, id.offset - WIDTH * count + 1))
        if before > head.oldest.id:
            self.trimmed[session] = True
            await self.memory.trim(session, before)

    async def remember(self, _at: int, _count: int) -> None:
        """What the broker has on disk."""
        lives = {name: dict(file.lives) for name, file in self.files.items()}
        self.checkpoint = (self.memory.checkpoint(), lives)

    async def forget_tail(self, _at: int, _count: int) -> None:
        """The broker comes back with what it had on disk."""
        if self.checkpoint is not None:
            self.memory.roll_back(self.checkpoint[0])
            self.replica.feed._audit_due.set()

    async def forget_all(self, _at: int, _count: int) -> None:
        """The broker comes back with nothing."""
        self.memory.wipe()
        self.checkpoint = None

    async def pause(self, at: int, _: int) -> None:
        """A socket takes no more."""
        self.watchers[at % 2].paused = True

    async def resume(self, at: int, _: int) -> None:
        """A socket takes bytes again."""
        watcher = self.watchers[at % 2]
        watcher.paused = False
        if watcher.client.behind or watcher.client.announcements:
            self.replica.catch_up.wake(watcher.client)

    async def subscribe(self, at: int, how: int) -> None:
        """A client subscribes, in one way or another."""
        watcher = self.watchers[at % 2]
        session = SESSIONS[how % 2]
        message: dict[str, Any] = {"type": "subscribe", "id": how}
        choice = how % 8
        wanted = {session}
        if choice in (0, 1):
            message["sessionId"] = session
        elif choice in (2, 3):
            message |= {"sessionId": session, "from": "start"}
        elif choice == 4:
            message |= {"sessionIds": ["a", "b"], "replay": 2}
            wanted = {"a", "b"}
        elif choice == 5:
            message |= {"sessionId": session, "replay": 3, "add": True}
            wanted = watcher.wanted | wanted
        elif choice == 6:
            wanted = {"a", "b"}
        else:
            message |= {"sessionIds": ["?"], "from": "start"}
            wanted = {"a", "b"}
        self._send(watcher, message, wanted)

    async def come_back(self, at: int, how: int) -> None:
        """Reconnect and resume from the cursors that it holds."""
        old = self.watchers[at % 2]
        if old.busy is not None and not old.busy.done():
            return
        self.replica.hub.leave(old.client)
        new = self.watchers[at % 2] = Watcher(self)
        new.cursors, new.last, new.told = old.cursors, old.last, old.told
        held = {
            session: cursor
            for session, cursor in old.cursors.items()
            if session in old.wanted and cursor not in (None, "?")
        }
        if len(held) == 1 and how % 2:
            (session, cursor), *_ = held.items()
            message = {"sessionId": session, "from": {"cursor": cursor}}
        else:
            message = {"sessionIds": sorted(held) or ["a"], "cursors": held}
        self._send(new, {"type": "subscribe", **message}, set(held) or {"a"})

    async def unsubscribe(self, at: int, _: int) -> None:
        """A client wants nothing more."""
        watcher = self.watchers[at % 2]
        if watcher.busy is not None and not watcher.busy.done():
            return
        message = parse(b'{"type":"unsubscribe"}')
        self.replica.commands.unsubscribe(watcher.client, message)  # type: ignore[arg-type]  # what was sent
        watcher.wanted = set()

    def _send(
        self, watcher: Watcher, message: dict[str, Any], wanted: set[str]
    ) -> None:
        if watcher.busy is not None and not watcher.busy.done():
            return
        parsed = parse(json.dumps(message).encode())

        async def subscribe() -> None:
            # What comes before the answer may still be of the old subscription.
            watcher.wanted = watcher.wanted | wanted
            watcher.asked = {"a", "b"} & wanted if "add" not in message else set()
            await self.replica.commands.subscribe(watcher.client, parsed)  # type: ignore[arg-type]  # what was sent
            watcher.wanted = wanted

        watcher.busy = self.start(subscribe())

    async def finish(self) -> None:
        """Let everything come to rest: then everybody has everything."""
        for at, _ in enumerate(self.watchers):
            await self.resume(at, 0)
        for turn in range(60):
            self.now += 10
            for file in self.files.values():
                if file.lines or file.incarnations:
                    await tail(self.memory, file, 100)
            if turn % 3 == 0:
                await self.audit_now(0, 0)
            while self.broker.gates:
                await self.release(0, 0)
            await self.settle()
        assert not self.failures.records
        for watcher in self.watchers:
            for session in watcher.wanted:
                head = (await self.memory.heads([session]))[0].cursor
                mine = watcher.cursors.get(session)
                mine = BEGINNING if mine in ("?", None) else mine
                assert mine == (BEGINNING if head is None else str(head)), (
                    session,
                    mine,
                    str(head),
                    watcher.log,
                    watcher.client.followers,
                )

    async def run(self, script: list[tuple[str, int, int]]) -> None:
        """Play a script."""
        async with self.replica.running_by_hand():
            for action, at, count in script:
                await getattr(self, action)(at, count)
                await self.settle()
            await self.finish()


def without_pauses(monkeypatch: Any) -> None:
    """Nothing waits for time, and bounds are so small that all of them are met."""
    monkeypatch.setattr(catch_up, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(feed, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(feed, "MAX_ENTRIES", 4)
    monkeypatch.setattr(replay, "MAX_PAGE_ENTRIES", 3)
