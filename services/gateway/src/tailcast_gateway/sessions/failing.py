"""Sessions over which work failed: they are not read until they have been reset.

A session that fails again and again is reset after longer and longer pauses, so that it
does not cost work without end. If the failure lasts, its clients are told. `isolation`
catches the failures, and `feed` reads the other sessions.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

from tailcast_gateway.protocol.client_messages import (
    SESSION_UNAVAILABLE,
    error_message,
)
from tailcast_gateway.sessions.isolation import unavailable_text
from tailcast_gateway.sessions.watchers import Watchers
from tailcast_streams.broker import SessionReader
from tailcast_streams.exceptions import BrokerUnavailable


# The first pause before a session is reset, and the longest one.
FIRST_DELAY_SECONDS = 0.25
LAST_DELAY_SECONDS = 30.0
# A session that has not failed for this many seconds has recovered.
RECOVERED_SECONDS = 60.0
# After this many failures in a row the clients of a session are told, once.
TOLD_AFTER = 3


class Failing:
    """The sessions of a replica that have failed."""

    def __init__(
        self,
        broker: SessionReader,
        watchers: Watchers,
        *,
        mark: Callable[[str], None],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        clock: Callable[[], float],
    ) -> None:
        self._broker = broker
        self._watchers = watchers
        # Lets a session be read.
        self._mark = mark
        self._spawn = spawn
        self._clock = clock
        # The sessions that wait for their reset.
        self._waiting: set[str] = set()
        # By session: how often in a row it has failed, and when it last did.
        self._failures: dict[str, tuple[int, float]] = {}

    def __contains__(self, session: str) -> bool:
        return session in self._waiting

    def note(self, session: str) -> None:
        """Note that work over a session failed; it is reset after a pause."""
        if session not in self._waiting and session in self._watchers.watched:
            self._waiting.add(session)
            self._spawn(self._begin_anew(session, self._count(session)))

    def forget(self, session: str) -> None:
        """Forget a session that no client watches any more."""
        self._failures.pop(session, None)

    def _count(self, session: str) -> int:
        now = self._clock()
        times, at = self._failures.get(session, (0, now))
        times = 1 if now - at > RECOVERED_SECONDS + LAST_DELAY_SECONDS else times + 1
        self._failures[session] = times, now
        return times

    async def _begin_anew(self, session: str, times: int) -> None:
        try:
            while session in self._watchers.watched:
                if times == TOLD_AFTER:
                    self._tell(session)
                await asyncio.sleep(delay_seconds(times, random.random()))  # noqa: S311  # jitter
                if await self._is_begun(session):
                    return
                times = self._count(session)
        finally:
            self._waiting.discard(session)
            self._mark(session)

    async def _is_begun(self, session: str) -> bool:
        """Reset the session to its head; returns False if that fails too."""
        watched = self._watchers.watched.get(session)
        if watched is None:
            return True
        with self._watchers.isolation.over_session(session):
            try:
                head = (await self._broker.heads([session]))[0]
            except BrokerUnavailable:
                return False
            if self._watchers.watched.get(session) is watched:
                self._watchers.reset(watched, head)
            return True
        return False

    def _tell(self, session: str) -> None:
        text = unavailable_text(session)
        self._watchers.tell(
            session, error_message(SESSION_UNAVAILABLE, text, session=session)
        )


def delay_seconds(times: int, chance: float) -> float:
    """How long to wait after `times` failures; `chance`, in [0, 1), spreads it."""
    longest = min(FIRST_DELAY_SECONDS * 2.0 ** min(times - 1, 16), LAST_DELAY_SECONDS)
    return longest * (0.5 + chance / 2)
