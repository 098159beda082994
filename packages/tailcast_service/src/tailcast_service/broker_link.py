"""Whether the broker answers: tasks wait here while it does not.

Asks it something again and again, as each service has to anyway. When any call fails,
all wait until that succeeds again. Retries back off with jitter, so that many services
do not come back at once.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

from tailcast_service.broker_news import BrokerNews
from tailcast_service.pauses import until_tick, wait_or_timeout


__all__ = ["BrokerLink"]

# Between attempts while the broker is away: first, and at most, seconds.
RETRY_SECONDS = (0.05, 2.0)


class BrokerLink:
    """Lets tasks wait while the broker does not answer."""

    def __init__(
        self,
        ask: Callable[[], Awaitable[None]],
        *,
        errors: type[Exception],
        failed: Callable[..., None],
        seconds: float,
        news: BrokerNews,
        on_back: Callable[[], None],
    ) -> None:
        """Prepare.

        Args:
            ask: asks the broker.
            errors: what it raises if that fails.
            failed: is called with that; it calls `lost` or `hurry`.
            seconds: from one time to the next while all is well.
            news: is told that the broker answers.
            on_back: is called when it answers after it did not.
        """
        self._ask = ask
        self._errors = errors
        self._failed = failed
        self._seconds = seconds
        self._news = news
        self._on_back = on_back
        # Set while the broker answers.
        self._is_up = asyncio.Event()
        # Set when a call failed, so that the next attempt is at once.
        self._was_lost = asyncio.Event()

    @property
    def is_up(self) -> bool:
        """Whether the latest that is known of the broker is that it answers."""
        return self._is_up.is_set()

    def lost(self) -> None:
        """A call failed that would fail for every task."""
        self._is_up.clear()
        self._was_lost.set()

    def hurry(self) -> None:
        """Ask again at once."""
        self._was_lost.set()

    async def wait_until_up(self) -> None:
        """Wait while the broker is away."""
        await self._is_up.wait()

    async def run(self) -> None:
        """Ask until cancelled."""
        retry_seconds = RETRY_SECONDS[0]
        while True:
            self._was_lost.clear()
            try:
                await self._ask()
            except self._errors as error:
                self._failed(error)
                await asyncio.sleep(retry_seconds * random.uniform(0.5, 1.0))  # noqa: S311  # jitter
                retry_seconds = min(RETRY_SECONDS[1], retry_seconds * 2)
                continue
            retry_seconds = RETRY_SECONDS[0]
            if not self._is_up.is_set():
                self._is_up.set()
                self._news.answers()
                self._on_back()
            seconds = until_tick(asyncio.get_running_loop().time(), self._seconds)
            await wait_or_timeout(self._was_lost, seconds)
