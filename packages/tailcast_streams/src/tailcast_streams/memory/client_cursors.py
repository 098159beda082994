"""Client cursors in this process's memory, as a part of `MemoryBroker`.

It does in Python what the two scripts do in Redis; the conformance suite tests both.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from tailcast_streams.births import Birth
from tailcast_streams.client_cursors import (
    EXPIRY_SECONDS,
    MAX_SESSIONS,
    Kept,
    Save,
    Saved,
    Takeover,
    takeover_note,
)
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import Cursor


@dataclass(slots=True)
class StoredClient:
    """The stored values of one client."""

    # The number of the latest hold, and the number of its latest save.
    hold: int = 0
    save: int = 0
    at: Birth | None = None
    is_partial: bool = False
    starts: int = 0
    cursors: dict[str, Cursor] = field(default_factory=dict[str, Cursor])
    # When it is forgotten, monotonic seconds.
    expires_at: float = 0.0


class MemoryClientCursors:
    """`ClientCursors` in memory."""

    def __init__(
        self,
        stored: Callable[[], dict[str, StoredClient]],
        *,
        reachable: Callable[[], Awaitable[None]],
        wake: Callable[[str], None],
    ) -> None:
        # Returns what is stored now, since the broker may forget.
        self._stored = stored
        # The broker's first step of a call, and its channel.
        self._reachable = reachable
        self._wake = wake

    async def take(self, client: str, taker: str) -> Kept:
        await self._reachable()
        stored = self._client(client)
        stored.hold = max(stored.hold + 1, time.time_ns() // 1_000)
        stored.save = 0
        stored.expires_at = time.monotonic() + EXPIRY_SECONDS
        self._wake(takeover_note(Takeover(client, stored.hold, taker)))
        return Kept(
            stored.hold,
            dict(stored.cursors),
            stored.at,
            stored.is_partial,
            stored.starts,
        )

    async def save(self, saves: Sequence[Save]) -> list[Saved]:
        await self._reachable()
        return [self._save(one) for one in saves]

    def _save(self, one: Save) -> Saved:
        stored = self._client(one.client)
        if stored.hold > one.hold:
            return Saved.REFUSED
        is_same = stored.hold == one.hold
        if is_same and stored.save >= one.number:
            return Saved.KEPT
        if one.forgets:
            stored.cursors, stored.at, stored.is_partial = {}, None, False
            stored.starts = 0
        stored.hold, stored.save = one.hold, one.number
        stored.cursors |= one.cursors
        if one.at is not None:
            stored.at = one.at
        if one.starts is not None:
            stored.starts = one.starts
        sessions = [name for name in stored.cursors if name != EMERGENCIES]
        for session in sessions[: max(0, len(sessions) - MAX_SESSIONS)]:
            stored.is_partial = True
            del stored.cursors[session]
        stored.expires_at = time.monotonic() + EXPIRY_SECONDS
        return Saved.KEPT if is_same else Saved.ANEW

    def _client(self, client: str) -> StoredClient:
        """The stored values of a client; new ones if there are none."""
        clients = self._stored()
        stored = clients.get(client)
        if stored is None or stored.expires_at < time.monotonic():
            stored = clients[client] = StoredClient()
        return stored
