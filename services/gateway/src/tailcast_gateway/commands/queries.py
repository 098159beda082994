"""What clients ask that changes nothing: pages of history, sessions, snapshots.

Answers go out as the socket takes them, one message at a time, so that whoever asks for
much and reads slowly costs one page. The live flow goes on meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TypeAlias, TypeVar

from tailcast_gateway.commands.core.parts import history_page, lists, snapshot_within
from tailcast_gateway.commands.core.plan import cursor_of, wanted_sessions
from tailcast_gateway.delivery.core.channel import Client
from tailcast_gateway.protocol.answers import Message, with_id
from tailcast_gateway.protocol.client_messages import History, Sessions, Snapshot
from tailcast_gateway.sessions.broker_clock import BrokerClock
from tailcast_gateway.sessions.core.catalogue import describe, snapshot
from tailcast_gateway.sessions.core.pages import Page
from tailcast_gateway.sessions.history import History as Pages
from tailcast_gateway.sessions.reads import PAGE_BYTES, Replay
from tailcast_streams.broker import SessionReader


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
        broker_clock: BrokerClock,
        owners_of: Callable[[str], Sequence[str]],
    ) -> None:
        self._broker = broker
        self._replay = replay
        self._pages = pages
        self._broker_clock = broker_clock
        # The tailers that contest a session, if it is contested.
        self._owners_of = owners_of

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
            max_bytes = min(PAGE_BYTES, client.wire.limits.several)
            page = await self._page(message, max_bytes)
        if not await writable():
            return
        frame = history_page(client.wire, message, page)
        client.socket.write(frame)

    async def _page(self, message: History, max_bytes: int) -> Page:
        session, limit = message.session_id, message.limit
        if message.after is not None:
            cursor = cursor_of(message.after, message.id)
            return await self._pages.after(
                session, cursor, limit=limit, max_bytes=max_bytes
            )
        before = message.before
        place = None if before is None else cursor_of(before, message.id)
        return await self._pages.before(
            session, place, limit=limit, max_bytes=max_bytes
        )

    async def _sessions(
        self, client: Client, message: Sessions, writable: Writable
    ) -> None:
        """What there is, the latest first."""
        active = await self._active()
        latest = sorted(active, key=lambda name: -active[name])
        read = self._broker.heads
        async for some, heads, is_last in self._read("heads", latest, read):
            now_ms = self._broker_clock.now_ms()
            found = [
                describe(
                    name,
                    head,
                    active_ms=active[name],
                    now_ms=now_ms,
                    owners=self._owners_of(name),
                )
                for name, head in zip(some, heads, strict=True)
            ]
            if not await self._send(client, message, found, is_last, writable):
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
                now_ms = self._broker_clock.now_ms()
                fields: Message = {"type": "snapshot", **with_id(message.id)}
                name = message.session_id
                owners = self._owners_of(name)
                whole = snapshot(name, state, now_ms=now_ms, owners=owners)
                told = snapshot_within(client.wire, fields, whole)
                client.send({**fields, **told})
            return
        active = await self._active()
        names = [name for name in active if wanted.matches(name)]
        names = [*dict.fromkeys([*wanted.literals(), *names])]
        read = self._broker.snapshots
        async for some, states, is_last in self._read("snapshots", names, read):
            now_ms = self._broker_clock.now_ms()
            around: Message = {"type": "snapshot", **with_id(message.id)}
            shown = [
                snapshot_within(
                    client.wire,
                    around,
                    snapshot(name, state, now_ms=now_ms, owners=self._owners_of(name)),
                )
                for name, state in zip(some, states, strict=True)
            ]
            if not await self._send(client, message, shown, is_last, writable):
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
        found: Sequence[Mapping[str, object]],
        is_last: bool,  # passed on, never a literal
        writable: Writable,
    ) -> bool:
        """Send a part of an answer as messages of bounded size; false if it is over."""
        is_list = isinstance(message, Sessions)
        kind, name = ("sessions",) * 2 if is_list else ("snapshot", "snapshots")
        fields: Message = {"type": kind, **with_id(message.id)}
        for part in lists(client.wire, fields, name, found, is_last=is_last):
            if not await writable():
                return False
            client.send(part)
        return True
