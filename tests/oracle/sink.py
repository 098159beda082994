"""A broker as one tailer sees it: away, slow, full, read-only; or its reply is lost."""

import asyncio
from typing import Any

from tailcast_streams.exceptions import (
    BrokerError,
    BrokerFull,
    BrokerUnavailable,
    BrokerUnwilling,
)


# What needs memory, and what else changes something.
_GROWING = {
    "append", "append_all", "bear", "touch", "add_document", "hold_presence",
    "note_begun", "claim", "publish", "settle_installation",
}  # fmt: skip  # one glance
_WRITING = _GROWING | {
    "discard",
    "take_out",
    "trim",
    "unlist",
    "forget",
    "withdraw",
    "settle",
}


class Faults:
    """What is wrong between a tailer and its broker."""

    def __init__(self) -> None:
        self.is_away = False
        self.is_full = False
        self.is_read_only = False
        # How long each call takes, before its effect and after it.
        self.call_seconds = 0.0
        # How many of the next replies to appends are lost.
        self.lost_replies = 0
        # Nothing comes back any more: the tailer was killed.
        self.is_cut = False

    def clear(self) -> None:
        """All is well, but for a tailer that was killed."""
        self.is_away = self.is_full = self.is_read_only = False
        self.call_seconds, self.lost_replies = 0.0, 0

    async def before(self, name: str) -> None:
        """A call begins. Raises BrokerError."""
        await self._pass()
        if self.is_away:
            raise BrokerUnavailable("it is away")
        if self.is_read_only and name in _WRITING:
            raise BrokerUnwilling("READONLY it is a replica", code="READONLY")
        if self.is_full and name in _GROWING:
            raise BrokerFull("OOM it is full", code="OOM")

    async def after(self, name: str) -> None:
        """It had its effect. Raises BrokerError."""
        await self._pass()
        if self.lost_replies and name in ("append", "append_all"):
            self.lost_replies -= 1
            raise BrokerUnavailable("the reply is lost")

    async def _pass(self) -> None:
        if self.is_cut:
            await asyncio.Event().wait()
        if self.call_seconds:
            await asyncio.sleep(self.call_seconds)


class Sink:
    """The ports of a broker, with faults."""

    def __init__(self, broker: Any, faults: Faults) -> None:
        self._broker = broker
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._broker, name)
        if not callable(found):
            # Another port, of which the broker has several.
            return Sink(found, self._faults)
        method: Any = found

        async def call(*args: Any, **kwargs: Any) -> Any:
            await self._faults.before(name)
            result = await method(*args, **kwargs)
            await self._faults.after(name)
            return result

        return call


__all__ = ["BrokerError", "Faults", "Sink"]
