"""Sessions that somebody waits for to be watched, in as few round trips as it takes.

What a client asks for is watched whether it is there or not; what only a hint has named
is looked up first. What never lives here: reading what is watched (`feed`).
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any

from tailcast_gateway.instruments import Instruments
from tailcast_gateway.sessions.broker_clock import BrokerClock
from tailcast_gateway.sessions.isolation import BROKER_AWAY, MAX_SESSIONS
from tailcast_gateway.sessions.watchers import Watchers
from tailcast_streams.broker import SessionReader
from tailcast_streams.exceptions import BrokerError
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.session_state import Head


class Openings:
    """Begins to watch sessions."""

    def __init__(
        self,
        broker: SessionReader,
        watchers: Watchers,
        *,
        mark: Callable[[str], None],
        hurry: Callable[[], None],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        clock: Callable[[], float],
        broker_clock: BrokerClock,
        instruments: Instruments,
    ) -> None:
        self._broker = broker
        self._watchers = watchers
        # Has a watched session read on.
        self._mark = mark
        # Has all sessions audited, at once.
        self._hurry = hurry
        self._spawn = spawn
        self._clock = clock
        self._broker_clock = broker_clock
        self._instruments = instruments
        # Takes what fails over one session.
        self._isolation = watchers.isolation
        # Sessions that somebody waits for to be watched.
        self._opening: dict[str, asyncio.Future[None]] = {}
        # Those of them that moved meanwhile.
        self._moved: set[str] = set()
        # Those of them that only a hint has named: it may be of another installation.
        self._hinted: set[str] = set()

    async def open(self, sessions: Iterable[str]) -> Mapping[str, Exception]:
        """Watch sessions; of those that cannot be, why. Raises BrokerError."""
        names = list(sessions)
        self._hinted.difference_update(names)
        return await self._open(names)

    async def _open(self, sessions: Iterable[str]) -> Mapping[str, Exception]:
        missing = [name for name in sessions if name not in self._watchers.watched]
        if not missing:
            return {}
        is_idle = not self._opening
        loop = asyncio.get_running_loop()
        waiting = [
            self._opening.setdefault(name, loop.create_future()) for name in missing
        ]
        if is_idle:
            self._spawn(self._open_all())
        # Whoever waits may give up; the others, and who opens, still want these.
        await asyncio.wait(waiting)
        errors = {
            name: error
            for name, future in zip(missing, waiting, strict=True)
            if isinstance(error := future.exception(), Exception)
        }
        for error in errors.values():
            if isinstance(error, BROKER_AWAY):
                raise error
        return errors

    def hear(self, session: str) -> None:
        """A hint names a session that is not watched."""
        if session in self._opening:
            self._moved.add(session)
        elif (
            session not in self._hinted
            and session != EMERGENCIES
            and self._watchers.is_wanted(session)
        ):
            self._adopt(session)

    async def _open_all(self) -> None:
        """Open what is asked for, in as few round trips as it takes."""
        while self._opening:
            names = list(self._opening)[:MAX_SESSIONS]
            try:
                if not self._broker_clock.is_known:
                    await self._broker_clock.read()
                heads = await self._isolation.each(
                    names, self._broker.heads, self._refuse
                )
            except Exception as error:  # noqa: BLE001  # who waits is told
                for name in names:
                    self._refuse(name, error)
                continue
            for name, head in heads.items():
                with self._isolation.over_session(name):
                    self._open_one(name, head)

    def _refuse(self, name: str, error: Exception) -> None:
        """A session cannot be watched; who waits for it is told."""
        self._hinted.discard(name)
        self._moved.discard(name)
        future = self._opening.pop(name)
        future.set_exception(error)
        # Whoever waited may have gone.
        future.exception()

    def _open_one(self, name: str, head: Head) -> None:
        is_hinted, has_moved = name in self._hinted, name in self._moved
        self._moved.discard(name)
        self._opening.pop(name).set_result(None)
        if head.state is None and is_hinted:
            # A name of another installation, unless it came while it was looked up.
            self._hinted.discard(name)
            self._instruments.hint_dropped("unknown")
            if has_moved:
                self._adopt(name)
            return
        watched = self._watchers.open(name, head)
        since_ms = 0 if head.state is None else head.state.aged_from_ms
        watched.active_at = self._clock() - self._broker_clock.age_seconds(since_ms)
        if is_hinted or has_moved:
            self._hinted.discard(name)
            self._mark(name)

    def _adopt(self, session: str) -> None:
        """Watch a session that a hint names, if there is one."""
        if len(self._hinted) >= MAX_SESSIONS:
            # So many at once are left to the audit.
            self._instruments.hint_dropped("many")
            return
        self._hinted.add(session)
        self._spawn(self._open_hinted(session))

    async def _open_hinted(self, session: str) -> None:
        try:
            await self._open([session])
        except BrokerError as error:
            self._instruments.broker_failed("watch", error)
            self._hurry()
        if session in self._watchers.watched:
            self._hinted.discard(session)
