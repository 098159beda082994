"""What clients ask that changes nothing: pages of history, sessions, snapshots.

Answers go out as the socket takes them, one message at a time, so that whoever asks for
much and reads slowly costs one page. The live flow goes on meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TypeAlias, TypeVar

from gateway.catalog import ANSWER_BYTES, describe, parts, snapshot
from gateway.channel import Client
from gateway.client_session import cursor_of, wanted_sessions
from gateway.history import History as Pages
from gateway.marks import shown
from gateway.messages import (
    History,
    MessageID,
    Sessions,
    Snapshot,
)
from gateway.pages import Page
from gateway.replay import PAGE_BYTES, Replay
from telemetry_stream.broker import SessionReader


# Sessions whose state is read in one go.
SESSIONS_AT_ONCE = 64

# A broker that does not answer for so long is away.
BROKER_SECONDS = 5.0

Inquiry: TypeAlias = History | Sessions | Snapshot
_T = TypeVar("_T")
# Waits until the client's socket takes more; false if it never will.
Writable = Callable[[], Awaitable[bool]]


class Inquiries:
    """Answers inquiries; one for all connections."""

    def __init__(
        self,
        *,
        broker: SessionReader,
        replay: Replay,
        pages: Pages,
        wall_clock_ms: Callable[[], int],
    ) -> None:
        self._broker = broker
        self._replay = replay
        self._pages = pages
        self._wall_clock_ms = wall_clock_ms

    async def answer(
        self, client: Client, message: Inquiry, writable: Writable
    ) -> None:
        """Answer one. Raises InvalidMessage, BrokerError, TimeoutError."""
        if isinstance(message, History):
            await self._history(client, message, writable)
        elif isinstance(message, Sessions):
            await self._sessions(client, message, writable)
        else:
            await self._snapshots(client, message, writable)

    async def _history(
        self, client: Client, message: History, writable: Writable
    ) -> None:
        """One page."""
        async with asyncio.timeout(BROKER_SECONDS):
            page = await self._page(message)
        if not await writable():
            return
        wire = client.wire
        frame = wire.with_records(
            wire.start({"type": "history", "sessionId": message.session_id}),
            [entry.record for entry in page.records],
            {
                "prev": str(shown(page.prev)),
                "cursor": str(shown(page.cursor)),
                "more": page.more,
                **page.told,
                **_id(message.id),
            },
        )
        client.socket.write(frame)

    async def _page(self, message: History) -> Page:
        session, limit = message.session_id, message.limit
        if message.after is not None:
            cursor = cursor_of(message.after, message.id)
            return await self._pages.after(
                session, cursor, limit=limit, max_bytes=PAGE_BYTES
            )
        before = message.before
        place = None if before is None else cursor_of(before, message.id)
        return await self._pages.before(
            session, place, limit=limit, max_bytes=PAGE_BYTES
        )

    async def _sessions(
        self, client: Client, message: Sessions, writable: Writable
    ) -> None:
        """What there is, the latest first."""
        active = await self._active()
        latest = sorted(active, key=lambda name: -active[name])
        read = self._broker.heads
        async for some, heads, is_last in self._read("heads", latest, read):
            now_ms = self._wall_clock_ms()
            found = [
                describe(name, head, active_ms=active[name], now_ms=now_ms)
                for name, head in zip(some, heads, strict=True)
            ]
            start = {"type": "sessions"}
            if not await self._send(client, message, start, found, is_last, writable):
                return

    async def _snapshots(
        self, client: Client, message: Snapshot, writable: Writable
    ) -> None:
        """The latest values: of one session as a message of its own, else in lists."""
        wanted = wanted_sessions(message)
        if message.session_id is not None and message.session_ids is None:
            async with asyncio.timeout(BROKER_SECONDS):
                state = await self._broker.snapshot(message.session_id)
            if await writable():
                now_ms = self._wall_clock_ms()
                fields = snapshot(message.session_id, state, now_ms=now_ms)
                client.send({"type": "snapshot", **fields, **_id(message.id)})
            return
        active = await self._active()
        names = [name for name in active if wanted.matches(name)]
        names = [*dict.fromkeys([*wanted.literals(), *names])]
        read = self._broker.snapshots
        async for some, states, is_last in self._read("snapshots", names, read):
            now_ms = self._wall_clock_ms()
            found = [
                snapshot(name, state, now_ms=now_ms)
                for name, state in zip(some, states, strict=True)
            ]
            start = {"type": "snapshot"}
            if not await self._send(client, message, start, found, is_last, writable):
                return

    async def _active(self) -> dict[str, int]:
        async with asyncio.timeout(BROKER_SECONDS):
            return await self._replay.share("sessions", self._broker.sessions)

    async def _read(
        self,
        what: str,
        names: Sequence[str],
        read: Callable[[Sequence[str]], Awaitable[list[_T]]],
    ) -> AsyncIterator[tuple[Sequence[str], list[_T], bool]]:
        """Read of many sessions, some at a time, and whether these are the last."""
        for start in range(0, max(1, len(names)), SESSIONS_AT_ONCE):
            some = tuple(names[start : start + SESSIONS_AT_ONCE])
            async with asyncio.timeout(BROKER_SECONDS):
                found = await self._replay.share((what, some), partial(read, some))
            yield some, found, start + SESSIONS_AT_ONCE >= len(names)

    async def _send(
        self,
        client: Client,
        message: Inquiry,
        start: Mapping[str, object],
        found: Sequence[Mapping[str, object]],
        is_last: bool,  # passed on, never a literal
        writable: Writable,
    ) -> bool:
        """Send a part of an answer as messages of bounded size; false if it is over."""
        name = "sessions" if isinstance(message, Sessions) else "snapshots"
        for part, more in parts(found, max_bytes=ANSWER_BYTES):
            if not await writable():
                return False
            fields = {**start, name: part, "more": more or not is_last}
            client.send({**fields, **_id(message.id)})
        return True


def _id(id: MessageID) -> dict[str, object]:
    return {} if id is None else {"id": id}
