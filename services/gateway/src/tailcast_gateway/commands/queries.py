"""Answers to queries, which change nothing: pages of history, sessions, snapshots.

An answer is sent one message at a time, whenever the socket accepts more. So a client
that asks for much and reads slowly costs the memory of one page. Its live records go on
meanwhile.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias, assert_never

from msgspec import UNSET

from tailcast_gateway.commands.core.parts import history_page, lists, snapshot_within
from tailcast_gateway.commands.core.plan import cursor_of, wanted_sessions
from tailcast_gateway.delivery.core.channel import Client
from tailcast_gateway.limits import Quotas
from tailcast_gateway.protocol.answers import Message, with_id
from tailcast_gateway.protocol.client_messages import History, Sessions, Snapshot
from tailcast_gateway.scheduling.time_limit import time_limit
from tailcast_gateway.sessions.core.pages import Page
from tailcast_gateway.sessions.granted import Granted, NotAllowed
from tailcast_gateway.sessions.reads import PAGE_BYTES
from tailcast_gateway.sessions.stored import BROKER_SECONDS
from tailcast_gateway.views.grant import Grant


Query: TypeAlias = History | Sessions | Snapshot
# Waits until the client's socket accepts more; False if it is closed.
Writable = Callable[[], Awaitable[bool]]


class Queries:
    """Answers queries; all connections share one."""

    def __init__(self, *, granted: Callable[[Grant], Granted], quotas: Quotas) -> None:
        # Returns what a grant allows of the stored sessions.
        self._granted = granted
        self._quotas = quotas

    async def answer(self, client: Client, message: Query, writable: Writable) -> None:
        """Answer one query.

        Raises:
            InvalidMessage: the message asks for something impossible.
            NotAllowed: it names a session that the client may not read.
            BrokerError, TimeoutError: the broker is away, or refuses.
        """
        match message:
            case History():
                await self._history(client, message, writable)
            case Sessions():
                await self._sessions(client, message, writable)
            case Snapshot():
                await self._snapshots(client, message, writable)
            case _:
                assert_never(message)

    async def _history(
        self, client: Client, message: History, writable: Writable
    ) -> None:
        """Answer with one page of records."""
        async with time_limit(BROKER_SECONDS):
            max_bytes = min(PAGE_BYTES, client.wire.limits.several)
            page = await self._page(self._allowed(client), message, max_bytes)
        if not await writable():
            return
        frame = history_page(client.wire, message, page)
        client.socket.write(frame)

    async def _page(self, allowed: Granted, message: History, max_bytes: int) -> Page:
        session, limit = message.session_id, message.limit
        if message.after is not None:
            cursor = cursor_of(message.after, message.id)
            return await allowed.after(
                session, cursor, limit=limit, max_bytes=max_bytes
            )
        before = message.before
        place = None if before is None else cursor_of(before, message.id)
        return await allowed.before(session, place, limit=limit, max_bytes=max_bytes)

    async def _sessions(
        self, client: Client, message: Sessions, writable: Writable
    ) -> None:
        """Answer with the list of sessions, the latest first."""
        allowed = self._allowed(client)
        active = await allowed.latest()
        async for found, is_last in allowed.described(active):
            if not await self._send(client, message, found, is_last, writable):
                return

    async def _snapshots(
        self, client: Client, message: Snapshot, writable: Writable
    ) -> None:
        """Answer with the latest values: one session in a message, several in lists."""
        around: Message = {"type": "snapshot", **with_id(message.id)}
        only = None if message.metrics is UNSET else message.metrics
        allowed = self._allowed(client)
        if message.session_id is not None and message.session_ids is None:
            if not allowed.grant.allows(message.session_id):
                raise NotAllowed
            state = await allowed.snapshot(message.session_id, only)
            if await writable():
                whole = allowed.shown(message.session_id, state)
                client.send({**around, **snapshot_within(client.wire, around, whole)})
            return
        wanted = wanted_sessions(message, allowed.grant, self._quotas)
        names = [name for name in await allowed.latest() if wanted.matches(name)]
        names = [*dict.fromkeys([*wanted.literals(), *names])]
        async for states, is_last in allowed.snapshots(names, only):
            shown = [
                snapshot_within(client.wire, around, allowed.shown(name, state))
                for name, state in states.items()
            ]
            if not await self._send(client, message, shown, is_last, writable):
                return

    def _allowed(self, client: Client) -> Granted:
        return self._granted(client.grant)

    async def _send(
        self,
        client: Client,
        message: Query,
        found: Sequence[Mapping[str, object]],
        is_last: bool,  # passed on, never a literal
        writable: Writable,
    ) -> bool:
        """Send part of an answer in bounded messages; False if the client has left."""
        is_list = isinstance(message, Sessions)
        kind, name = ("sessions",) * 2 if is_list else ("snapshot", "snapshots")
        fields: Message = {"type": kind, **with_id(message.id)}
        for part in lists(client.wire, fields, name, found, is_last=is_last):
            if not await writable():
                return False
            client.send(part)
        return True
