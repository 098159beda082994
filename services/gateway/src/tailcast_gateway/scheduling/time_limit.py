"""Limits how long work may take, apart from how long it waits for its turns.

What is asked while many compute takes longer, and is answered all the same. What the
broker does not answer in time is given up.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, nullcontext
from typing import Protocol

from tailcast_gateway.scheduling.turns import current_turns


# How long work may wait for its turns in all, seconds.
WAIT_SECONDS = 30.0


class WaitedTooLong(TimeoutError):
    """Work has waited too long for its turns."""

    def __init__(self) -> None:
        text = f"others are served: it has waited {WAIT_SECONDS:.0f} s for its turn"
        super().__init__(text)


class Timeout(Protocol):
    """What ends a block, as asyncio's does."""

    def when(self) -> float | None:
        """When it does; None for never."""

    def expired(self) -> bool:
        """Whether it has."""
        ...

    def reschedule(self, when: float | None) -> None:
        """End it at another time."""


class TimeLimit:
    """The limit of a block."""

    def __init__(
        self, seconds: float, timeout: Timeout, *, clock: Callable[[], float]
    ) -> None:
        self._timeout = timeout
        # Returns the time, monotonic seconds.
        self._clock = clock
        # How long it may still take, and how long it may wait for turns.
        self._left = {False: seconds, True: WAIT_SECONDS}
        # Which of the two it does, and since when.
        self.is_standing = False
        self._since = self._clock()

    def stand(self) -> None:
        """Note that it waits for a turn."""
        self._change(is_standing=True)

    def go_on(self) -> None:
        """Note that it has its turn."""
        self._change(is_standing=False)

    def lift(self) -> None:
        """Let the rest take as long as it takes."""
        self._timeout.reschedule(None)

    def _change(self, *, is_standing: bool) -> None:
        if self._timeout.when() is None or self._timeout.expired():
            return
        now = self._clock()
        self._left[self.is_standing] -= now - self._since
        self.is_standing, self._since = is_standing, now
        self._timeout.reschedule(now + self._left[is_standing])


@asynccontextmanager
async def time_limit(seconds: float) -> AsyncGenerator[TimeLimit]:
    """Limit the time of a block. It raises TimeoutError, or WaitedTooLong."""
    turns = current_turns()
    timeout = asyncio.timeout(seconds)
    limit = TimeLimit(seconds, timeout, clock=asyncio.get_running_loop().time)
    try:
        async with timeout:
            with nullcontext() if turns is None else turns.followed_by(limit):
                yield limit
    except TimeoutError:
        if timeout.expired() and limit.is_standing:
            raise WaitedTooLong from None
        raise
