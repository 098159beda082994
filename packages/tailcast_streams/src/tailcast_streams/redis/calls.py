"""What all calls of the broker share: keys, connections, scripts, round trips.

The calls themselves are in the other parts; `core.replies` reads their answers.
"""

from collections.abc import Sequence
from typing import Any, cast

from redis import exceptions as redis_errors
from redis.commands.core import AsyncScript
from redis.typing import EncodableT

from tailcast_streams.entries import Entry
from tailcast_streams.keys import Keys
from tailcast_streams.redis.connection import ask, connect, script
from tailcast_streams.redis.core.replies import entries_of
from tailcast_streams.redis.errors import raise_refused, translated_errors
from tailcast_streams.redis.installation import RedisInstallation
from tailcast_streams.redis.own_line import OwnLine
from tailcast_streams.redis.questions import Questions
from tailcast_streams.redis.together import Together


class RedisCalls:
    """Holds the connections; each part of `RedisBroker` adds calls to it."""

    def __init__(self, url: str, *, key_prefix: str = "telemetry") -> None:
        """Make the connections, which connect at their first command.

        Raises:
            BrokerRefused: this version does not understand the URL.
        """
        self._keys = Keys(key_prefix)
        # Runs the commands, over a bounded pool.
        self._redis = connect(url)
        # Each of its connections listens as long as its iterator is used.
        self._listener = connect(url, waits_for_messages=True)
        # What each record takes: a gateway's feed reads over this connection, a tailer
        # appends.
        self._line = OwnLine(self._listener)
        self._installation = RedisInstallation(self._redis, self._keys)
        # What many may do at once leaves in one round trip, and what they ask for.
        self._together = Together(self._redis)
        self._questions = Questions(self._redis)
        # redis-py's own callbacks would make a dictionary of every entry.
        for command in ("XRANGE", "XREVRANGE"):
            self._redis.response_callbacks[command] = cast(Any, _entries_reply)
        self._position = self._script("last_id", "position")
        self._state = self._script("last_id", "state")

    async def aclose(self) -> None:
        """Close all connections."""
        await self._line.aclose()
        await self._redis.aclose()
        await self._listener.aclose()

    def _script(self, *parts: str) -> AsyncScript:
        return self._redis.register_script(script(*parts))

    def _of(self, question: AsyncScript, session: str) -> Sequence[EncodableT]:
        """The command that asks one of the two of a session."""
        stream, state = self._keys.stream(session), self._keys.state(session)
        return ("EVALSHA", question.sha, 2, stream, state)

    async def _ask(self, commands: Sequence[Sequence[EncodableT]]) -> list[Any]:
        """Run commands together, and again if the broker had forgotten a script."""
        replies = await ask(self._redis, commands)
        if any(isinstance(reply, redis_errors.NoScriptError) for reply in replies):
            with translated_errors():
                for one in (self._position, self._state):
                    await self._redis.script_load(one.script)
            replies = await ask(self._redis, commands)
        raise_refused(replies)
        return replies

    async def _said(self, text: str) -> tuple[str, str]:
        """The channel, and a text with the tag that it needs there."""
        return self._keys.feed, await self._installation.known_tag() + text


def _entries_reply(response: Any, **_options: Any) -> list[Entry]:
    return entries_of(response)
