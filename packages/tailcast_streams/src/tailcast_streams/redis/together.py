"""Calls that are made in one turn of the loop go to the broker in one round trip.

A pipeline for many costs little more than a call for one. Who is alone goes as it
always did; a script that the broker has forgotten is loaded by its own call.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from redis import exceptions as redis_errors
from redis.asyncio import Redis
from redis.typing import EncodableT

from tailcast_streams.exceptions import BrokerUnavailable
from tailcast_streams.redis.connection import PIPELINE_COMMANDS, Command, exchange
from tailcast_streams.redis.errors import translate, translated_errors


# Runs what it stands for without the others.
Alone = Callable[[], Awaitable[Any]]


class _Call(NamedTuple):
    """What one caller wants, and where its answer goes."""

    commands: Sequence[Sequence[EncodableT]]
    alone: Alone
    answer: asyncio.Future[Any]


class Together:
    """Gathers calls over one client."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        # Those of this turn of the loop, while others may join them.
        self._open: list[_Call] | None = None

    async def __call__(
        self, commands: Sequence[Sequence[EncodableT]], alone: Alone
    ) -> Any:
        """The answer to the last of some commands, which are run in order.

        Args:
            alone: the same, for a caller without company. Raises BrokerError.
        """
        call = _Call(commands, alone, asyncio.get_running_loop().create_future())
        if self._open is not None:
            self._open.append(call)
            if len(self._open) >= PIPELINE_COMMANDS:
                self._open = None
            return await call.answer
        calls = self._open = [call]
        try:
            await asyncio.sleep(0)
            if self._open is calls:
                self._open = None
            if len(calls) == 1:
                return await alone()
            await self._run(calls)
            return await call.answer
        finally:
            if self._open is calls:
                self._open = None
            _end(calls[1:])

    async def _run(self, calls: Sequence[_Call]) -> None:
        """Send them all, and hand each its answer."""
        commands: list[Command] = [
            (tuple(one), {}) for call in calls for one in call.commands
        ]
        try:
            with translated_errors():
                replies = await exchange(self._client, commands)
        except Exception as error:  # noqa: BLE001  # it is that of every caller
            for call in calls:
                _fail(call, error)
            return
        at = 0
        for call in calls:
            await self._answer(call, replies[at : at + len(call.commands)])
            at += len(call.commands)

    async def _answer(self, call: _Call, replies: Sequence[Any]) -> None:
        if call.answer.done():
            return
        error = next((one for one in replies if isinstance(one, Exception)), None)
        try:
            if isinstance(error, redis_errors.NoScriptError):
                call.answer.set_result(await call.alone())
            elif error is not None:
                _fail(call, translate(error))
            else:
                call.answer.set_result(replies[-1])
        except Exception as failed:  # noqa: BLE001  # the caller's, not the leader's
            _fail(call, failed)


def _fail(call: _Call, error: Exception) -> None:
    if not call.answer.done():
        call.answer.set_exception(error)


def _end(calls: Sequence[_Call]) -> None:
    """Whoever sent them was cancelled: whether they were carried out is not known."""
    for call in calls:
        if not call.answer.done():
            call.answer.set_exception(BrokerUnavailable("the call was given up"))
