"""How many sessions the broker keeps: which may begin, and which one goes for it.

A session that begins beyond the bound takes the place of the coldest one, of which the
broker keeps nothing: the file is the truth. Once that is written again its session
begins anew, and its lines have the IDs that they had. What was written within a minute
never goes, nor what is of another tailer that is there. If none can go, the file is
refused.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from tailcast_streams.broker import SessionWriter
from tailcast_streams.session_state import SessionState
from tailcast_tailer.appending.retention import Retention
from tailcast_tailer.instruments import Instruments


# What was written within this time is being written.
HOT_SECONDS = 60.0
# How long what is left of a session that was taken out tells readers what is gone.
TOLD_SECONDS = 600
# How long tags and notes of such a session wait for it.
EDITS_SECONDS = 30 * 86_400
# Beyond the bound so many go at once, of a bound of so many: each look costs the same.
AT_ONCE_SHARE = 1_000
MOST_AT_ONCE = 100
# Sessions that are looked at in one round trip.
PAGE_SESSIONS = 100
# How long a count of all sessions holds: other tailers begin some too.
COUNTED_SECONDS = 1.0
# Until a file that is being written is tried again after it was refused.
REFUSED_SECONDS = 10.0


class TooManySessions(Exception):
    """The broker keeps as many sessions as it may, and none can go for this one."""

    def __init__(self, most: int, *, is_colder: bool) -> None:
        why = (
            "all of them moved later" if is_colder else "all of them are being written"
        )
        super().__init__(f"the broker keeps {most} sessions, and {why}")
        # Whether it has to wait until its file is written, or another session is gone.
        self.is_colder = is_colder


class KeptFile(Protocol):
    """A file of this tailer, for its session."""

    @property
    def path(self) -> str:
        """Where it is."""
        ...

    @property
    def appended_at(self) -> float | None:
        """When something of it was last appended here, steady seconds."""
        ...

    @property
    def bytes_behind(self) -> int:
        """How much of it is not in the broker."""
        ...

    def taken_out(self) -> None:
        """Its session is not kept any more."""
        ...


class SessionBound:
    """Keeps the broker's sessions to a number, as far as one tailer can."""

    def __init__(
        self,
        writer: SessionWriter,
        *,
        most: int,
        owner: str,
        retention: Retention,
        instruments: Instruments,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
    ) -> None:
        self._writer = writer
        self._most = most
        self._owner = owner
        self._retention = retention
        self._instruments = instruments
        self._clock = clock
        self._wall_clock = wall_clock
        # The files of this tailer, by session.
        self.followed: dict[str, KeptFile] = {}
        # How many sessions may begin by the latest count, and when that was.
        self._room = 0
        self._counted_at = -COUNTED_SECONDS
        # Sessions that begin and may not be listed yet.
        self._beginning = 0
        # Those that were refused, with the time when their files were written last.
        self.refused: dict[str, int] = {}
        # Held while room is made.
        self._makes_room = asyncio.Lock()

    @asynccontextmanager
    async def room_for(self, session: str, *, activity_ms: int) -> AsyncGenerator[None]:
        """Room for a session, while it is being listed.

        Raises:
            TooManySessions: there is none.
            BrokerError: it was not found out.
        """
        if not self._takes_counted_place():
            async with self._makes_room:
                await self._make_room(session, activity_ms)
        if self.refused.pop(session, None) is not None:
            self._instruments.session_let_in(session)
        self._beginning += 1
        try:
            yield
        finally:
            self._beginning -= 1

    async def reduce(self) -> int:
        """Take out what is too much. Raises BrokerError.

        Returns how many sessions may begin.
        """
        async with self._makes_room:
            await self._count()
            # Those that begin have their places, and may be counted already.
            too_many = -self._room - self._beginning
            if too_many > 0:
                await self._take_out(too_many, before_ms=self._now_ms())
            return max(0, self._room)

    def _takes_counted_place(self) -> bool:
        is_old = self._clock() - self._counted_at > COUNTED_SECONDS
        return not is_old and self._takes_place()

    def _takes_place(self) -> bool:
        if self._room <= 0:
            return False
        self._room -= 1
        return True

    async def _make_room(self, session: str, activity_ms: int) -> None:
        if self._takes_counted_place():
            return
        await self._count()
        if self._takes_place() or await self._writer.activity([session]):
            # (One that is listed has its place.)
            return
        at_once = max(1, min(MOST_AT_ONCE, self._most // AT_ONCE_SHARE))
        await self._take_out(at_once - self._room, before_ms=activity_ms)
        # However long that took: others went for it.
        if not self._takes_place():
            self.refused[session] = activity_ms
            self._instruments.session_refused(session)
            is_hot = self._now_ms() - activity_ms < HOT_SECONDS * 1_000
            raise TooManySessions(self._most, is_colder=not is_hot)

    async def _count(self) -> None:
        self._counted_at = self._clock()
        count = await self._writer.count_sessions()
        self._room = self._most - count - self._beginning

    async def _take_out(self, wanted: int, *, before_ms: int) -> None:
        """Take out the coldest sessions, none of them active at this time or later."""
        now_ms = min(self._now_ms(), await self._writer.now_ms())
        until_ms = min(before_ms - 1, now_ms - int(HOT_SECONDS * 1_000))
        passed_over = 0
        while wanted > 0 and until_ms >= 0:
            listed = await self._writer.coldest_sessions(
                min(wanted, PAGE_SESSIONS), start=passed_over, active_until_ms=until_ms
            )
            if not listed:
                return
            states = await self._writer.states(list(listed))
            for name, state in zip(listed, states, strict=True):
                if await self._is_out(name, state, now_ms):
                    wanted -= 1
                    self._room += 1
                else:
                    passed_over += 1

    async def _is_out(self, name: str, state: SessionState | None, now_ms: int) -> bool:
        """Take a session out, if it may be; whether it is listed no more."""
        if state is None and name in self.followed:
            # It begins, and is listed before it has an entry.
            return False
        if state is None or state.taken_out_ms:
            # Or another tailer just did: it is not listed any more in any case.
            await self._writer.unlist(name)
            return True
        if state.position.is_diverged or not await self._is_cold(name, state, now_ms):
            return False
        if not await self._writer.take_out(
            name,
            state.position,
            at_ms=now_ms,
            told_seconds=TOLD_SECONDS,
            edits_seconds=EDITS_SECONDS,
        ):
            return False
        self._retention.forget(name)
        if (followed := self.followed.get(name)) is not None:
            followed.taken_out()
        self._instruments.session_taken_out(name)
        return True

    async def _is_cold(self, name: str, state: SessionState, now_ms: int) -> bool:
        """Whether nobody writes it, and no other tailer that is there has it."""
        followed = self.followed.get(name)
        if followed is not None:
            at = followed.appended_at
            is_young = at is not None and self._clock() - at < HOT_SECONDS
            if is_young or followed.bytes_behind:
                return False
        appended_ms = max(state.updated_ms, state.appended_ms)
        if now_ms - appended_ms < HOT_SECONDS * 1_000:
            return False
        owner = state.owner
        return owner in ("", self._owner) or not await self._writer.is_present(owner)

    def _now_ms(self) -> int:
        return int(self._wall_clock() * 1_000)
