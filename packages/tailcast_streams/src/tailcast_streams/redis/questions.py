"""What is asked for in one turn of the loop goes to the broker in one round trip.

It is only read, so whoever sends for others may be cancelled: they send again.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.typing import EncodableT

from tailcast_streams.exceptions import BrokerError
from tailcast_streams.redis.connection import PIPELINE_COMMANDS, ask


class _Question(NamedTuple):
    """What one caller asks, and where the replies go; None if nobody asked it."""

    commands: Sequence[Sequence[EncodableT]]
    replies: asyncio.Future[list[Any] | None]


class Questions:
    """Gathers questions over one client."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        # Those of this turn of the loop but the first, while others may join them.
        self._open: list[_Question] | None = None

    async def __call__(self, commands: Sequence[Sequence[EncodableT]]) -> list[Any]:
        """The replies to commands that change nothing, an error where one was refused.

        Raises:
            BrokerError: the broker is away, or refuses all.
        """
        while (others := self._open) is not None:
            future: asyncio.Future[list[Any] | None]
            future = asyncio.get_running_loop().create_future()
            others.append(_Question(commands, future))
            if len(others) >= PIPELINE_COMMANDS:
                self._open = None
            if (replies := await future) is not None:
                return replies
        return await self._ask_for_all(commands)

    async def _ask_for_all(self, first: Sequence[Sequence[EncodableT]]) -> list[Any]:
        others: list[_Question] = []
        self._open = others
        try:
            await asyncio.sleep(0)
            self._close(others)
            commands = [*first]
            for one in others:
                commands += one.commands
            replies = await ask(self._client, commands)
        except BrokerError as error:
            for one in others:
                if not one.replies.done():
                    one.replies.set_exception(error)
            raise
        else:
            at = len(first)
            for one in others:
                if not one.replies.done():
                    one.replies.set_result(replies[at : at + len(one.commands)])
                at += len(one.commands)
            return replies[: len(first)]
        finally:
            self._close(others)
            for one in others:
                if not one.replies.done():
                    one.replies.set_result(None)

    def _close(self, others: list[_Question]) -> None:
        if self._open is others:
            self._open = None
