"""States, positions and ends of sessions over Redis or Valkey: part of `RedisBroker`.

Many sessions are read in few round trips, each of bounded size.
"""

from collections.abc import AsyncIterator, Sequence

from tailcast_streams.exceptions import KeySpoiled
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.redis.calls import RedisCalls
from tailcast_streams.redis.connection import PIPELINE_COMMANDS, ask
from tailcast_streams.redis.core.replies import (
    HEAD_FIELDS,
    ORIGIN_FIELDS,
    end_of,
    head_state_of,
    origin_of,
    position_of,
    stored_state_of,
)
from tailcast_streams.redis.errors import SPOILED, own_reply, raise_refused
from tailcast_streams.session_state import (
    SPOILED_STATE,
    Head,
    Origin,
    SessionState,
    StoredEnd,
    StoredPosition,
)


# How many whole states one pipeline reads: each has what is known of a hundred files.
WHOLE_STATES = 100


class RedisStates(RedisCalls):
    """Reads states, positions and ends of sessions."""

    async def load(self, session: str) -> SessionState | None:
        return (await self.states([session]))[0]

    async def states(self, sessions: Sequence[str]) -> list[SessionState | None]:
        found: list[SessionState | None] = []
        for start in range(0, len(sessions), WHOLE_STATES):
            some = sessions[start : start + WHOLE_STATES]
            replies = await self._ask([self._of(self._state, one) for one in some])
            found += map(stored_state_of, replies)
        return found

    async def origins(self, sessions: Sequence[str]) -> list[Origin | None]:
        found: list[Origin | None] = []
        for start in range(0, len(sessions), PIPELINE_COMMANDS):
            some = sessions[start : start + PIPELINE_COMMANDS]
            states = map(self._keys.state, some)
            asked = [("HMGET", state, *ORIGIN_FIELDS) for state in states]
            replies = map(own_reply, await ask(self._redis, asked))
            found += [None if reply is None else origin_of(reply) for reply in replies]
        return found

    async def positions(self, sessions: Sequence[str]) -> list[StoredPosition]:
        return [position_of(reply) async for reply in self._positions(sessions)]

    async def ends(self, sessions: Sequence[str]) -> list[StoredEnd]:
        return [end_of(reply) async for reply in self._positions(sessions)]

    async def _positions(self, sessions: Sequence[str]) -> AsyncIterator[list[bytes]]:
        for start in range(0, len(sessions), PIPELINE_COMMANDS):
            some = sessions[start : start + PIPELINE_COMMANDS]
            asked = [self._of(self._position, session) for session in some]
            for reply in await self._ask(asked):
                yield reply

    async def heads(self, sessions: Sequence[str]) -> list[Head]:
        heads: list[Head] = []
        for start in range(0, len(sessions), PIPELINE_COMMANDS):
            heads += await self._heads(sessions[start : start + PIPELINE_COMMANDS])
        return heads

    async def _heads(self, sessions: Sequence[str]) -> list[Head]:
        asked: list[Sequence[str]] = []
        for session in sessions:
            stream = self._keys.stream(session)
            asked += [
                ("HMGET", self._keys.state(session), *HEAD_FIELDS),
                ("XRANGE", stream, "-", "+", "COUNT", "1"),
                ("XREVRANGE", stream, "+", "-", "COUNT", "1"),
            ]
        replies = await self._questions(asked)
        heads: list[Head] = []
        for at in range(0, len(replies), 3):
            some = replies[at : at + 3]
            if sessions[at // 3] == EMERGENCIES:
                # Every client has these: until they are made anew there are none.
                some = [own_reply(reply) or () for reply in some]
            raise_refused(some)
            values, oldest, newest = some
            state = head_state_of(values)
            if state is not None and state.position.last_id == SPOILED_STATE:
                text = f"{SPOILED} the state of {sessions[at // 3]} cannot be read"
                raise KeySpoiled(text, code=SPOILED)
            heads.append(
                Head(
                    state, oldest[0] if oldest else None, newest[0] if newest else None
                )
            )
        return heads
