"""Client cursors in this process's memory, as a part of `MemoryBroker`.

It does in Python what the two scripts do in Redis; the conformance suite tests both.
"""

import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tailcast_streams.births import Birth
from tailcast_streams.client_cursors import (
    EXPIRY_SECONDS,
    MAX_SESSIONS,
    UNPROVEN_SECONDS,
    ClientBounds,
    Kept,
    MadeRoom,
    Save,
    Saved,
    Takeover,
    ignore_room,
    takeover_note,
)
from tailcast_streams.exceptions import TooManyClients
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
    # Whether it has ever confirmed a position.
    is_proven: bool = False
    # Bytes of its name and its positions.
    size: int = 0
    # When it was last used, and when it is forgotten, monotonic seconds.
    used_at: float = 0.0
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
        self.bounds = ClientBounds()
        self.on_made_room: Callable[[MadeRoom], None] = ignore_room

    async def take(self, client: str, taker: str) -> Kept:
        await self._reachable()
        self._forget_expired()
        if client not in self._stored():
            before = time.monotonic() - UNPROVEN_SECONDS
            dropped, has_room = self._make_room(client, len(client), before)
            self._tell(MadeRoom(dropped, 0))
            if not has_room:
                raise TooManyClients
        stored = self._client(client)
        stored.hold = max(stored.hold + 1, time.time_ns() // 1_000)
        stored.save = 0
        _note_use(client, stored)
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
        self._forget_expired()
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
        sessions = self._shorten(stored)
        stored.is_proven = stored.is_proven or one.proves
        size = len(one.client) + _positions_size(stored.cursors)
        dropped, _ = self._make_room(one.client, size, math.inf)
        _note_use(one.client, stored)
        self._tell(MadeRoom(dropped, sessions))
        return Saved.KEPT if is_same else Saved.ANEW

    def _shorten(self, stored: StoredClient) -> int:
        """Drop sessions of a client that has too many; returns how many."""
        sessions = [name for name in stored.cursors if name != EMERGENCIES]
        size, dropped = _positions_size(stored.cursors), 0
        for session in sessions:
            is_small = size <= self.bounds.bytes_of_one
            if is_small and len(sessions) - dropped <= MAX_SESSIONS:
                break
            stored.is_partial = True
            size -= _positions_size({session: stored.cursors.pop(session)})
            dropped += 1
        return dropped

    def _make_room(self, client: str, size: int, before: float) -> tuple[int, bool]:
        """Drop others until a client has room: how many went, and whether it has.

        Proven ones go only if they were last used before that time.
        """
        clients = self._stored()
        others = {name: one for name, one in clients.items() if name != client}
        coldest = sorted(
            (one.is_proven, one.used_at, name)
            for name, one in others.items()
            if not one.is_proven or one.used_at < before
        )
        total = size + sum(one.size for one in others.values())
        most, most_bytes = self.bounds.clients, self.bounds.bytes_of_all
        dropped = 0
        while len(others) >= most or total > most_bytes:
            if dropped == len(coldest):
                return dropped, False
            *_, name = coldest[dropped]
            total -= others.pop(name).size
            del clients[name]
            dropped += 1
        return dropped, True

    def _tell(self, made: MadeRoom) -> None:
        if any(made):
            self.on_made_room(made)

    def _forget_expired(self) -> None:
        clients, now = self._stored(), time.monotonic()
        for name in [name for name, one in clients.items() if one.expires_at < now]:
            del clients[name]

    def _client(self, client: str) -> StoredClient:
        """The stored values of a client; new ones if there are none."""
        return self._stored().setdefault(client, StoredClient())


def _positions_size(cursors: Mapping[str, Cursor]) -> int:
    """Bytes of positions."""
    return sum(len(name.encode()) + len(str(at)) for name, at in cursors.items())


def _note_use(client: str, stored: StoredClient) -> None:
    seconds = EXPIRY_SECONDS if stored.is_proven else UNPROVEN_SECONDS
    stored.size = len(client) + _positions_size(stored.cursors)
    stored.used_at = time.monotonic()
    stored.expires_at = stored.used_at + seconds
