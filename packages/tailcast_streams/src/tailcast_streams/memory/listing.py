"""The lists of sessions and tailers, in memory: a part of `MemoryBroker`."""

import secrets
import time
from collections.abc import Mapping, Sequence

from tailcast_streams.births import Birth
from tailcast_streams.memory.calls import MemoryCalls


class MemoryListing(MemoryCalls):
    """The list of sessions, their births, and the presence of tailers."""

    async def bear(self, session: str, *, activity_ms: int) -> Birth:
        await self.touch({session: activity_ms})
        last = self._stored.births
        number = max(last.number + 1, time.time_ns() // 1_000)
        born = Birth(last.counter or secrets.token_hex(4), number)
        self._stored.births = born
        return born

    async def mend_shared(self) -> list[str]:
        await self._reachable()
        # Nobody else can write here.
        return []

    async def births(self) -> Birth:
        await self._reachable()
        return self._stored.births

    async def touch(self, activity_ms: Mapping[str, int]) -> None:
        await self._reachable()
        for session, time_ms in activity_ms.items():
            known = self._stored.activity_ms.get(session, 0)
            self._stored.activity_ms[session] = max(known, time_ms)

    async def sessions(
        self, *, active_since_ms: int = 0, active_until_ms: int | None = None
    ) -> dict[str, int]:
        await self._reachable()
        return {
            session: time_ms
            for session, time_ms in self._stored.activity_ms.items()
            if active_since_ms <= time_ms
            and (active_until_ms is None or time_ms <= active_until_ms)
        }

    async def latest_sessions(
        self, limit: int, *, active_until_ms: int | None = None
    ) -> dict[str, int]:
        listed = await self.sessions(active_until_ms=active_until_ms)
        times = sorted(listed.values(), reverse=True)[:limit]
        return {name: at_ms for name, at_ms in listed.items() if at_ms >= times[-1]}

    async def coldest_sessions(
        self, limit: int, *, start: int = 0, active_until_ms: int
    ) -> dict[str, int]:
        listed = await self.sessions(active_until_ms=active_until_ms)
        coldest = sorted(listed.items(), key=lambda item: (item[1], item[0]))
        return dict(coldest[start : start + limit])

    async def count_sessions(self) -> int:
        return len(await self.sessions())

    async def activity(self, sessions: Sequence[str]) -> dict[str, int]:
        listed = await self.sessions()
        return {name: listed[name] for name in sessions if name in listed}

    async def unlist(self, session: str) -> None:
        await self._reachable()
        self._stored.activity_ms.pop(session, None)

    async def hold_presence(
        self, owner: str, *, seconds: float, awake_seconds: float | None = None
    ) -> None:
        await self._reachable()
        now = time.monotonic()
        self._stored.presence[owner] = now + seconds
        self._stored.awake.pop(owner, None)
        if awake_seconds is not None:
            self._stored.awake[owner] = now + awake_seconds

    async def is_present(self, owner: str) -> bool:
        await self._reachable()
        return self._stored.presence.get(owner, 0.0) > time.monotonic()

    async def present(self, owners: Sequence[str]) -> set[str]:
        return {owner for owner in owners if await self.is_present(owner)}

    async def awake(self, owners: Sequence[str]) -> set[str]:
        here = await self.present(owners)
        now = time.monotonic()
        return {one for one in here if self._stored.awake.get(one, now + 1) > now}

    async def has_begun(self, tailer: str) -> bool:
        await self._reachable()
        return tailer in self._stored.begun

    async def note_begun(self, tailer: str) -> None:
        await self._reachable()
        self._stored.begun.add(tailer)
