"""Client cursors over Redis or Valkey, as a part of `RedisBroker`.

It makes the arguments of the two scripts, which make the decisions.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, cast

from redis import exceptions as redis_errors
from redis.asyncio import Redis
from redis.typing import EncodableT

from tailcast_streams.births import Birth
from tailcast_streams.client_cursors import (
    EXPIRY_SECONDS,
    MAX_SESSIONS,
    UNPROVEN_SECONDS,
    ClientBounds,
    Kept,
    MadeRoom,
    Save,
    Saved,
    ignore_room,
)
from tailcast_streams.exceptions import InvalidPosition, KeySpoiled, TooManyClients
from tailcast_streams.keys import EMERGENCIES, Keys
from tailcast_streams.position import Cursor
from tailcast_streams.redis.connection import PIPELINE_COMMANDS, script
from tailcast_streams.redis.errors import translate, translated_errors
from tailcast_streams.redis.together import Together


class RedisClientCursors:
    """`ClientCursors` over a broker's connections."""

    def __init__(
        self,
        redis: Redis,
        keys: Keys,
        said: Callable[[str], Awaitable[tuple[str, str]]],
        together: Together,
    ) -> None:
        self._redis = redis
        self._keys = keys
        # Returns the broker's channel, and a text with the tag that it needs there.
        self._said = said
        # Many may come at once.
        self._together = together
        self.bounds = ClientBounds()
        self.on_made_room: Callable[[MadeRoom], None] = ignore_room
        self._take = redis.register_script(script("refusal", "clients", "take_client"))
        self._save = redis.register_script(script("refusal", "clients", "save_client"))

    async def take(self, client: str, taker: str) -> Kept:
        channel, tag = await self._said("")
        arguments = [
            channel,
            tag,
            client,
            taker,
            str(EXPIRY_SECONDS),
            str(UNPROVEN_SECONDS),
            str(self.bounds.clients),
            str(self.bounds.bytes_of_all),
        ]
        keys = self._keys_of(client)
        command: tuple[EncodableT, ...]
        command = ("EVALSHA", self._take.sha, len(keys), *keys, *arguments)

        async def alone() -> object:
            with translated_errors():
                return await self._take(keys, arguments)

        answer = await self._together([command], alone)
        dropped, *kept = cast(list[bytes], answer)
        self._tell(MadeRoom(int(dropped), 0))
        if not kept[0]:
            raise TooManyClients
        return _kept(kept)

    async def save(self, saves: Sequence[Save]) -> list[Saved]:
        answers: list[Saved] = []
        for start in range(0, len(saves), PIPELINE_COMMANDS):
            some = saves[start : start + PIPELINE_COMMANDS]
            with translated_errors():
                replies = await self._run(some)
                if any(isinstance(one, redis_errors.NoScriptError) for one in replies):
                    # Send all of them again: a save that was done is not repeated.
                    await self._redis.script_load(self._save.script)
                    replies = await self._run(some)
            answers += map(self._saved, replies)
        return answers

    async def _run(self, saves: Sequence[Save]) -> list[Any]:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for one in saves:
                keys = self._keys_of(one.client)
                pipeline.evalsha(
                    self._save.sha, len(keys), *keys, *_arguments(one, self.bounds)
                )
            return await pipeline.execute(raise_on_error=False)

    def _saved(self, reply: Any) -> Saved:
        """The result of one save; raises BrokerError if it would concern all saves."""
        if not isinstance(reply, Exception):
            saved, clients, sessions = reply
            self._tell(MadeRoom(clients, sessions))
            return Saved(saved.decode())
        error = translate(reply)
        # If somebody spoiled the key of one client, all others must still be saved.
        if not isinstance(error, KeySpoiled):
            raise error from reply
        return Saved.FAILED

    def _tell(self, made: MadeRoom) -> None:
        if any(made):
            self.on_made_room(made)

    def _keys_of(self, client: str) -> list[str]:
        return [self._keys.client(client), *self._keys.of_clients()]


def _arguments(one: Save, bounds: ClientBounds) -> list[str]:
    at = "" if one.at is None else str(one.at)
    arguments = [
        str(one.hold),
        str(one.number),
        at,
        str(int(one.forgets)),
        str(int(one.proves)),
        str(EXPIRY_SECONDS),
        str(UNPROVEN_SECONDS),
        str(MAX_SESSIONS),
        str(bounds.bytes_of_one),
        str(bounds.clients),
        str(bounds.bytes_of_all),
    ]
    if one.starts is not None:
        arguments += ("!starts", str(one.starts))
    for session, cursor in one.cursors.items():
        arguments += (session, str(cursor))
    return arguments


def _kept(answer: Sequence[bytes]) -> Kept:
    """Read the answer of `take_client.lua`; invalid cursors are left out."""
    hold, *fields = answer
    cursors: dict[str, Cursor] = {}
    at: Birth | None = None
    is_partial, starts = False, 0
    for name, value in zip(fields[::2], fields[1::2], strict=True):
        field, text = name.decode(errors="replace"), value.decode(errors="replace")
        if field == "!at":
            at = Birth.parse(text)
        elif field == "!partial":
            is_partial = True
        elif field == "!starts":
            starts = int(text) if text.isascii() and text.isdigit() else 0
        elif field == EMERGENCIES or not field.startswith("!"):
            with suppress(InvalidPosition):
                cursors[field] = Cursor.parse(text)
    return Kept(int(hold), cursors, at, is_partial, starts)
