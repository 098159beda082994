"""A world for the gateway: files, a tailer, a broker whose answers come when told.

The test says who goes next; the clients' own rules say whether what they were given is
right: every record once, in order, or a gap or rewind that says why not.
"""

import asyncio
import json
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar, cast

from tailcast_gateway.delivery import catch_up
from tailcast_gateway.protocol.client_messages import parse
from tailcast_gateway.replica import GatewayBroker, Replica
from tailcast_gateway.sessions import feed, reads
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.notification import format_moved
from tailcast_streams.position import EntryID
from tests.integration.gateway_rig import be_patient
from tests.properties.gateway_shapes import (
    PLAIN,
    SHAPES,
    ParsedQuery,
    Request,
    any_request,
    lines_before,
    plain_request,
)
from tests.properties.gateway_sources import (
    BEGINNING,
    SESSIONS,
    WIDTH,
    File,
    HeldBroker,
    tail,
)
from tests.properties.gateway_watcher import Watcher


T = TypeVar("T")


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
        # Times that something was forgotten, trimmed or written anew.
        self.upsets = 0
        self.replica = Replica(
            cast(GatewayBroker, self.broker),
            window_bytes=1_200,
            step_keys=("n",),
            time_keys=(),
            clock=lambda: self.now,
            wall_clock_ms=lambda: 1_000,
        )
        self.watchers = [Watcher(self), Watcher(self, is_msgpack=True)]
        self.tasks: set[asyncio.Task[Any]] = set()
        self.failures = Failures()
        # What clients found wrong with what they were given.
        self.wrong: list[AssertionError] = []
        logging.getLogger("tailcast_gateway.replica").handlers[:] = [self.failures]
        self.audit: asyncio.Task[Any] | None = None

    def start(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run something as a task; what fails in it fails the test."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self.tasks.add(task)
        return task

    async def settle(self) -> None:
        """Let everything run that does not wait for the broker."""
        loop: Any = asyncio.get_running_loop()
        # Mostly a turn or two; what tries again without end gets so many.
        for _ in range(25):
            await asyncio.sleep(0)
            if not loop._ready:
                break
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
        self.upsets += 1
        file = self.files[SESSIONS[at % 2]]
        file.replace(count)

    async def hint(self, at: int, _: int) -> None:
        """A notification arrives."""
        self.replica.feed.notified(format_moved(SESSIONS[at % 2], 0))

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
            self.audit = self.start(self.replica.feed.audit.audit())

    async def trim(self, at: int, count: int) -> None:
        """Retention cuts."""
        self.upsets += 1
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
        self.upsets += 1
        if self.checkpoint is not None:
            self.memory.roll_back(self.checkpoint[0])
            self.replica.feed.audit.hurry()

    async def forget_all(self, _at: int, _count: int) -> None:
        """The broker comes back with nothing."""
        self.upsets += 1
        self.memory.wipe()
        self.checkpoint = None

    async def pause(self, at: int, _: int) -> None:
        """A socket takes no more."""
        self.watchers[at % 2].paused = True

    async def resume(self, at: int, _: int) -> None:
        """A socket takes bytes again."""
        watcher = self.watchers[at % 2]
        watcher.paused = False
        watcher.answer()
        if watcher.client.behind or watcher.client.announcements:
            self.replica.catch_up.wake(watcher.client)

    async def subscribe(self, at: int, how: int) -> None:
        """A client subscribes, in one way or another."""
        await self._send(self.watchers[at % 2], plain_request(how))

    async def view(self, at: int, how: int) -> None:
        """A client subscribes in any way."""
        watcher = self.watchers[at % 2]
        known = {session: watcher.known_cursors(session) for session in SESSIONS}
        await self._send(watcher, any_request(how, known))

    async def page(self, at: int, how: int) -> None:
        """A client asks for a page of history, whatever it is subscribed to."""
        watcher = self.watchers[at % 2]
        if watcher.page is not None:
            return
        session = SESSIONS[how % 2]
        known = [BEGINNING, *watcher.known_cursors(session)]
        message: dict[str, Any] = {"sessionId": session, "limit": 1 + how // 2 % 5}
        direction = ("before", "after", None)[how // 16 % 3]
        if direction is not None:
            message[direction] = known[how % len(known)]
        watcher.page = message
        parsed = parse(json.dumps({"type": "history", **message}).encode())

        async def writable() -> bool:
            return True

        asking = self.replica.commands.query(watcher.client, parsed, writable)  # type: ignore[arg-type]  # what was sent
        watcher.asking = self.start(asking)

    async def come_back(self, at: int, how: int) -> None:
        """Reconnect and resume from the cursors that it holds."""
        old = self.watchers[at % 2]
        if (new := self._reconnected(at % 2)) is None:
            return
        held = {
            session: cursor
            for session, cursor in old.cursors.items()
            if session in old.wanted and cursor not in (None, "?")
        }
        about = set(held) or {"a"}
        message: dict[str, Any] = {"sessionIds": sorted(about), "cursors": held}
        if len(held) == 1 and how % 2:
            (session, cursor), *_ = held.items()
            message = {"sessionId": session, "from": {"cursor": cursor}}
        # A reduced replay is had as far as its last point.
        shape = old.shapes.get(min(about), PLAIN)
        await self._send(new, Request({**message, **shape.fields()}, about, shape))

    async def resume_by_name(self, at: int, how: int) -> None:
        """Reconnect under the client's name and go on where the server kept it."""
        old = self.watchers[at % 2]
        if (new := self._reconnected(at % 2)) is None:
            return
        if old.client.name is not None and not self.upsets:
            new.held = {
                session: (cursor, old.shapes[session])
                for session, cursor in old.cursors.items()
                if session in old.wanted and cursor not in (None, "?")
            }
        shape = SHAPES[how % len(SHAPES)]
        message = {"sessionIds": ["a", "b"], "clientId": f"client {at % 2}"}
        message |= {"from": "resume", "ack": "manual", **shape.fields()}
        await self._send(new, Request(message, set(SESSIONS), shape))

    async def acknowledge(self, at: int, how: int) -> None:
        """A client that has a name says what it has received."""
        watcher = self.watchers[at % 2]
        session = SESSIONS[how % 2]
        cursors = watcher.known_cursors(session, of=("telemetry", "emergency"))
        if watcher.client.name is None or not cursors or session not in watcher.wanted:
            return
        message = {"type": "ack", "sessionId": session, "cursor": cursors[-1]}
        parsed = parse(json.dumps(message).encode())
        self.start(self.replica.commands.acknowledge(watcher.client, parsed))  # type: ignore[arg-type]  # what was sent

    async def save(self, _at: int, _how: int) -> None:
        """What clients have received is kept."""
        await self.replica.saver.save_waiting()

    def _reconnected(self, at: int) -> Watcher | None:
        """The same client on a new connection; None while it waits for an answer."""
        old = self.watchers[at]
        if old.busy is not None and not old.busy.done():
            return None
        self.replica.hub.leave(old.client)
        self.replica.holders.leave(old.client)
        new = self.watchers[at] = Watcher(self, is_msgpack=old.is_msgpack)
        new.cursors, new.last, new.told = old.cursors, old.last, old.told
        return new

    async def unsubscribe(self, at: int, how: int) -> None:
        """A client wants nothing more, or one session less."""
        watcher = self.watchers[at % 2]
        if watcher.busy is not None and not watcher.busy.done():
            return
        fields: dict[str, Any] = (
            {} if how % 2 else {"sessionId": SESSIONS[how // 2 % 2]}
        )
        message = parse(json.dumps({"type": "unsubscribe", **fields}).encode())
        self.replica.commands.unsubscribe(watcher.client, message)  # type: ignore[arg-type]  # what was sent

    async def _send(self, watcher: Watcher, request: Request) -> None:
        if watcher.busy is not None and not watcher.busy.done():
            return
        message, about, shape = request
        parsed = parse(json.dumps({"type": "subscribe", **message}).encode())
        heads = await self.memory.heads(SESSIONS)
        stored = {
            session: (head.newest.id.generation, head.newest.id.offset // WIDTH)
            for session, head in zip(SESSIONS, heads, strict=True)
            if head.newest is not None
        }
        wanted = about | (watcher.wanted if message.get("add") else set[str]())
        watcher.asked = ParsedQuery(message, about, wanted, shape, stored)

        async def subscribe() -> None:
            commands = self.replica.commands
            if not commands.subscribe_at_once(watcher.client, parsed):  # type: ignore[arg-type]  # what was sent
                await commands.subscribe(watcher.client, parsed)  # type: ignore[arg-type]  # as above
            # Where delivery begins is kept at once.
            await self.replica.saver.save_waiting()

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
                self._check_end(
                    watcher, session, BEGINNING if head is None else str(head)
                )

    def _check_end(self, watcher: Watcher, session: str, head: str) -> None:
        """A client has everything, but for what its form holds back."""
        mine = watcher.cursors.get(session)
        mine = BEGINNING if mine in ("?", None) else str(mine)
        shape = watcher.shapes[session]
        context = (session, mine, head, watcher.log, watcher.client.followers)
        assert not watcher.client.followers.get(session) or head == BEGINNING, context
        if shape.even is None:
            assert mine == head, context
        else:
            skipped = (lines_before(mine), lines_before(head))
            assert shape.may_skip(*skipped, is_sampled=False), context

    async def run(self, script: list[tuple[str, int, int]]) -> None:
        """Play a script."""
        replica = self.replica
        # Hints, audits and pings are the script's.
        async with replica.running({"feed read": replica.feed.keep_reading}):
            for action, at, count in script:
                await getattr(self, action)(at, count)
                await self.settle()
            await self.finish()
            assert replica.why_over is None, replica.why_over


def without_pauses(monkeypatch: Any) -> None:
    """Nothing waits for time, and bounds are so small that all of them are met."""
    monkeypatch.setattr(catch_up, "CATCH_UP_RETRY_SECONDS", 0.0)
    monkeypatch.setattr(feed, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(feed, "MAX_ENTRIES", 4)
    monkeypatch.setattr(reads, "MAX_PAGE_ENTRIES", 3)
    be_patient(monkeypatch)
