"""Whether the broker answers, and whether it knows that this tailer lives.

Holds the owner's presence key, which is also the probe: when any call fails, all tasks
wait here until the key can be set again. A full broker does answer, so no task waits
for it here; but the key cannot be set until there is room.
"""

import asyncio
from collections.abc import Awaitable, Callable

from tailcast_service.broker_link import BrokerLink
from tailcast_streams.broker import SessionWriter
from tailcast_streams.exceptions import (
    BrokerError,
    BrokerFull,
    BrokerRefused,
    BrokerUnwilling,
)
from tailcast_tailer.instruments import Instruments


# Another tailer may take over the files of one that gave no sign for so long.
PRESENCE_SECONDS = 15.0
# Clients are told of one that gave none for so long: it may be frozen.
AWAKE_SECONDS = 3.5
REFRESH_SECONDS = 1.5
# What is left of a presence when its tailer ends in order.
WITHDRAWN_SECONDS = 0.1


class Presence:
    """Keeps the presence key, and lets tasks wait while the broker does not answer."""

    def __init__(
        self,
        writer: SessionWriter,
        *,
        owner: str,
        instruments: Instruments,
        make_room: Callable[[], Awaitable[None]],
        on_back: Callable[[], None],
    ) -> None:
        """Prepare; `make_room` trims what can be spared when the broker is full.

        `on_back` is called when the broker may have lost something: it answers again
        after it did not, or a key was made anew.
        """
        self._on_back = on_back
        self._writer = writer
        self._make_room = make_room
        self._owner = owner
        self._instruments = instruments
        self._link = BrokerLink(
            self._hold,
            errors=BrokerError,
            failed=self._take,
            seconds=REFRESH_SECONDS,
            news=instruments.broker,
            on_back=on_back,
        )

    @property
    def is_up(self) -> bool:
        """Whether the latest that is known of the broker is that it answers."""
        return self._link.is_up

    def lost(self, error: BrokerError, what: str) -> None:
        """A call failed; `what` is the path or the task that made it."""
        is_of_all = not isinstance(error, BrokerRefused)
        if is_of_all or isinstance(error, BrokerUnwilling):
            self._take(error)
        else:
            # Perhaps this alone; the next attempt to set the key tells if it is all.
            self._instruments.broker.refused(error, what)

    def _take(self, error: BrokerError) -> None:
        """A call failed that would fail for every file."""
        if isinstance(error, BrokerFull):
            self._instruments.broker.full()
            # The next attempt to set the key makes room.
            self._link.hurry()
            return
        self._instruments.broker.lost(error)
        self._link.lost()

    async def wait_until_up(self) -> None:
        """Wait while the broker is away."""
        await self._link.wait_until_up()

    async def run(self) -> None:
        """Keep the presence until cancelled."""
        await self._link.run()

    async def _hold(self) -> None:
        """Set the key; a full broker is given some of its memory back instead."""
        try:
            await self._writer.hold_presence(
                self._owner, seconds=PRESENCE_SECONDS, awake_seconds=AWAKE_SECONDS
            )
            # A broker that was emptied, or restored, may have another one, or none.
            await self._writer.settle_installation()
            await self._mend()
        except BrokerFull:
            self._instruments.broker.full()
            await self._make_room()
        else:
            self._instruments.broker.has_room()

    async def _mend(self) -> None:
        """Have what all sessions share made anew, where another program wrote it."""
        try:
            spoiled = await self._writer.mend_shared()
        except BrokerRefused as error:
            self._instruments.broker.refused(error, "keys of no session", matters=False)
            return
        for key in spoiled:
            self._instruments.key_mended(key)
            self._on_back()

    async def withdraw(self) -> None:
        """Let the presence expire, so that another tailer may take over at once."""
        try:
            async with asyncio.timeout(1.0):
                await self._writer.hold_presence(self._owner, seconds=WITHDRAWN_SECONDS)
        except (BrokerError, TimeoutError):
            return
