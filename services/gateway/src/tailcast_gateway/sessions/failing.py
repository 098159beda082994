"""Sessions over which work failed: not read until they have been begun anew.

A session that fails again soon is begun anew later each time, so that none is worked on
without end, and its clients are told when it lasts. What never lives here: why it
failed (`isolation`), and how others are read (`feed`).
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

from tailcast_gateway.protocol.client_messages import FAILED, error_message
from tailcast_gateway.sessions.watchers import Watchers
from tailcast_streams.broker import SessionReader
from tailcast_streams.exceptions import BrokerUnavailable


# Until a session is begun anew: the first time, and at most.
FIRST_DELAY_SECONDS = 0.25
LAST_DELAY_SECONDS = 30.0
# One that has not failed for so long has recovered.
RECOVERED_SECONDS = 60.0
# Failures in a row after which its clients are told, once.
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
        # Has a session read on.
        self._mark = mark
        self._spawn = spawn
        self._clock = clock
        # Those that wait to be begun anew.
        self._waiting: set[str] = set()
        # How often in a row each watched one has failed, and when it last did.
        self._failures: dict[str, tuple[int, float]] = {}

    def __contains__(self, session: str) -> bool:
        return session in self._waiting

    def note(self, session: str) -> None:
        """Work over a session has failed: begin it anew, not at once."""
        if session not in self._waiting and session in self._watchers.watched:
            self._waiting.add(session)
            self._spawn(self._begin_anew(session, self._count(session)))

    def forget(self, session: str) -> None:
        """Nobody watches it any more."""
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
        """Begin it anew at its head; false if that fails too."""
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
        text = f"{session} cannot be read now; it is tried again"
        self._watchers.tell(session, error_message(FAILED, text))


def delay_seconds(times: int, chance: float) -> float:
    """How long to wait after so many failures; `chance`, in [0, 1), spreads it."""
    longest = min(FIRST_DELAY_SECONDS * 2.0 ** min(times - 1, 16), LAST_DELAY_SECONDS)
    return longest * (0.5 + chance / 2)
