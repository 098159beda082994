"""Begins to watch sessions that clients want, in as few round trips as possible.

A session that a client names is watched even if it does not exist yet. A session that
only a hint names is looked up first. `feed` reads the sessions that are watched.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from itertools import islice
from typing import Any

from tailcast_gateway.instruments import Instruments
from tailcast_gateway.limits import (
    UNBORN_SESSIONS,
    WATCHED_SESSIONS,
    Limit,
    Quotas,
)
from tailcast_gateway.sessions.broker_clock import BrokerClock
from tailcast_gateway.sessions.isolation import BROKER_AWAY, MAX_SESSIONS
from tailcast_gateway.sessions.watchers import Watchers
from tailcast_streams.broker import SessionReader
from tailcast_streams.exceptions import BrokerError
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.session_state import Head


# How many are read in one round trip; then others have their turn.
OPENED_AT_ONCE = 128


class TooManyWatched(Exception):  # it is what clients ask for
    """This replica watches as many sessions as it may; the text is for the client."""

    def __init__(self, limit: Limit, text: str) -> None:
        super().__init__(text)
        self.limit = limit


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
        quotas: Quotas,
        instruments: Instruments,
    ) -> None:
        self._broker = broker
        self._watchers = watchers
        # Lets a watched session be read.
        self._mark = mark
        # Lets all sessions be audited now.
        self._hurry = hurry
        self._spawn = spawn
        self._clock = clock
        self._broker_clock = broker_clock
        self._quotas = quotas
        self._instruments = instruments
        # Confines failures to one session.
        self._isolation = watchers.isolation
        # The sessions that are being opened, with the future that their clients await.
        self._opening: dict[str, asyncio.Future[None]] = {}
        # The sessions that got entries while they were being opened.
        self._moved: set[str] = set()
        # The sessions that only a hint has named; it may be of another installation.
        self._hinted: set[str] = set()
        # Watched sessions that did not exist when they were opened; some may by now.
        self._unborn: set[str] = set()

    async def open(self, sessions: Iterable[str]) -> Mapping[str, Exception]:
        """Watch sessions that a client wants; returns why some cannot be.

        Raises:
            TooManyWatched: there would be more than there may be.
            BrokerError: the broker is away, or refuses.
        """
        names = list(sessions)
        self._check_room(names)
        return await self.adopt(names)

    async def adopt(self, sessions: Iterable[str]) -> Mapping[str, Exception]:
        """Watch sessions that exist, however many these are; else like `open`.

        Clients have asked for them by patterns before they came. If such a session were
        not watched, nobody would be told of it.
        """
        names = list(sessions)
        self._hinted.difference_update(names)
        return await self._open(names)

    def _check_room(self, sessions: Iterable[str]) -> None:
        watched, opening = self._watchers.watched, self._opening
        new = {name for name in sessions if name not in watched and name not in opening}
        new.discard(EMERGENCIES)
        taken = len(watched) + len(opening)
        taken -= EMERGENCIES in watched or EMERGENCIES in opening
        most = self._quotas.watched_sessions
        if new and taken + len(new) > most:
            text = f"More than {most:,} sessions are watched here"
            raise TooManyWatched(WATCHED_SESSIONS, text)

    def _check_unborn(self) -> None:
        most = self._quotas.unborn_sessions
        if len(self._unborn) < most:
            return
        watched = self._watchers.watched
        self._unborn = {
            name
            for name in self._unborn
            if (one := watched.get(name)) is not None and one.is_awaited
        }
        if len(self._unborn) >= most:
            text = f"More than {most:,} sessions that do not exist are watched here"
            raise TooManyWatched(UNBORN_SESSIONS, text)

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
        # A caller may be cancelled here; the futures are still needed by others.
        await asyncio.wait(waiting)
        errors = {
            name: error
            for name, future in zip(missing, waiting, strict=True)
            if isinstance(error := future.exception(), Exception)
        }
        for error in errors.values():
            if isinstance(error, (*BROKER_AWAY, TooManyWatched)):
                raise error
        return errors

    def hear(self, session: str) -> None:
        """Handle a hint for a session that is not watched."""
        if session in self._opening:
            self._moved.add(session)
        elif (
            session not in self._hinted
            and session != EMERGENCIES
            and self._watchers.is_wanted(session)
        ):
            self._adopt(session)

    async def _open_all(self) -> None:
        """Open all sessions that are asked for."""
        while self._opening:
            names = [*islice(self._opening, OPENED_AT_ONCE)]
            try:
                if not self._broker_clock.is_known:
                    await self._broker_clock.read()
                heads = await self._isolation.each(
                    names, self._broker.heads, self._refuse_one
                )
            except Exception as error:  # noqa: BLE001  # the callers raise it
                for name in names:
                    self._refuse(name, error)
                continue
            if EMERGENCIES in names:
                # All clients want it. If it is spoiled, the feed finds that out.
                heads.setdefault(EMERGENCIES, Head(None, None, None))
            for name, head in heads.items():
                with self._isolation.over_session(name):
                    self._open_one(name, head)

    def _refuse_one(self, name: str, error: Exception) -> None:
        if name != EMERGENCIES:
            self._refuse(name, error)

    def _refuse(self, name: str, error: Exception) -> None:
        """Let `open` report that a session cannot be watched."""
        self._hinted.discard(name)
        self._moved.discard(name)
        future = self._opening.pop(name)
        future.set_exception(error)
        # Mark the exception as retrieved: all callers may have been cancelled.
        future.exception()

    def _open_one(self, name: str, head: Head) -> None:
        is_hinted, has_moved = name in self._hinted, name in self._moved
        if head.state is None and not is_hinted and name != EMERGENCIES:
            try:
                self._check_unborn()
            except TooManyWatched as error:
                self._refuse(name, error)
                return
            self._unborn.add(name)
        self._moved.discard(name)
        self._opening.pop(name).set_result(None)
        if head.state is None and is_hinted:
            # The session is of another installation, unless it was created just now.
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
        """Watch a session that a hint names, if it exists."""
        if len(self._hinted) >= MAX_SESSIONS:
            # The audit finds the others.
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
