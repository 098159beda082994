"""Kept emergencies in this process's memory, as a part of `MemoryBroker`.

It does in Python what `keep_emergencies.lua` does in Redis; one suite tests both.
"""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from tailcast_streams.emergencies import (
    MAX_KEPT,
    MAX_KEPT_OF_SESSION,
    MAX_RECORD_BYTES,
    Acknowledgement,
    EmergencyWrite,
    KeptEmergency,
    KeptHistory,
    Life,
    severity_of,
)
from tailcast_streams.position import Cursor


# By session, and by the place in it.
Member = tuple[str, Cursor]


@dataclass(slots=True)
class StoredEmergencies:
    """All that is kept."""

    known: dict[Member, KeptEmergency] = field(
        default_factory=dict[Member, KeptEmergency]
    )
    records: dict[Member, bytes] = field(default_factory=dict[Member, bytes])
    lives: dict[str, Life] = field(default_factory=dict[str, Life])
    acknowledged: dict[str, Acknowledgement] = field(
        default_factory=dict[str, Acknowledgement]
    )
    versions: tuple[str, str] = ("", "")


class MemoryEmergencies:
    """`Emergencies` in memory."""

    def __init__(
        self,
        stored: Callable[[], StoredEmergencies],
        *,
        reachable: Callable[[], Awaitable[None]],
        now_ms: Callable[[], int],
    ) -> None:
        # Returns what is stored now, since the broker may forget.
        self._stored = stored
        self._reachable = reachable
        self._now_ms = now_ms

    async def keep(self, writes: Sequence[EmergencyWrite]) -> int:
        await self._reachable()
        return sum(map(self._keep, writes))

    def _keep(self, write: EmergencyWrite) -> int:
        stored, session = self._stored(), write.session
        life = stored.lives.get(session)
        is_other = life is not None and life.incarnation != write.incarnation
        if is_other and write.incarnation and not write.begins:
            return 0
        before = (dict(stored.known), dict(stored.lives))
        if is_other:
            self._drop([member for member in stored.known if member[0] == session])
        new_life = Life(write.incarnation, tuple(write.cuts))
        if not write.incarnation:
            stored.lives.pop(session, None)
        elif life is None or is_other or _last_cut(new_life) >= _last_cut(life):
            stored.lives[session] = new_life
        for one in write.found:
            member = (session, one.cursor)
            known = stored.known.get(member)
            time_ms = one.time_ms
            if time_ms is None:
                time_ms = one.found_ms if known is None else known.time_ms
            stored.known[member] = KeptEmergency(
                session,
                one.cursor,
                write.incarnation,
                one.step,
                time_ms,
                severity_of(one.record),
            )
            if len(one.record) <= MAX_RECORD_BYTES:
                stored.records[member] = one.record
        own = sorted(member for member in stored.known if member[0] == session)
        first = own[: max(0, len(own) - MAX_KEPT_OF_SESSION)]
        self._drop(first)
        by_time = sorted(
            stored.known, key=lambda member: (stored.known[member].time_ms, member)
        )
        oldest = by_time[: max(0, len(by_time) - MAX_KEPT)]
        self._drop(oldest)
        if before != (stored.known, stored.lives):
            stored.versions = (secrets.token_hex(8), stored.versions[1])
        return len(first) + len(oldest)

    def _drop(self, members: Sequence[Member]) -> None:
        for member in members:
            self._stored().known.pop(member, None)
            self._stored().records.pop(member, None)

    async def forget(self, session: str) -> None:
        await self.keep([EmergencyWrite(session=session, incarnation="")])

    async def are_spoiled(self) -> bool:
        await self._reachable()
        return False

    async def discard(self) -> None:
        await self._reachable()
        stored = self._stored()
        stored.known, stored.records, stored.lives = {}, {}, {}
        stored.versions = ("", stored.versions[1])

    async def versions(self) -> tuple[str, str]:
        await self._reachable()
        return self._stored().versions

    async def load(self) -> KeptHistory:
        await self._reachable()
        stored = self._stored()
        return KeptHistory(
            versions=stored.versions,
            kept=list(stored.known.values()),
            lives=dict(stored.lives),
            acknowledged=dict(stored.acknowledged),
        )

    async def records(self, kept: Sequence[KeptEmergency]) -> list[bytes | None]:
        await self._reachable()
        records = self._stored().records
        return [records.get((one.session, one.cursor)) for one in kept]

    async def acknowledge(self, id: str, who: str, note: str) -> Acknowledgement:
        await self._reachable()
        stored = self._stored()
        if id not in stored.acknowledged:
            stored.acknowledged[id] = Acknowledgement(who, note, self._now_ms())
            self._note_change()
        return stored.acknowledged[id]

    async def take_back(self, ids: Sequence[str]) -> None:
        await self._reachable()
        for id in ids:
            self._stored().acknowledged.pop(id, None)
        self._note_change()

    def _note_change(self) -> None:
        stored = self._stored()
        stored.versions = (stored.versions[0], secrets.token_hex(8))


def _last_cut(life: Life) -> int:
    return life.cuts[-1][0] if life.cuts else 0
