"""States, positions and ends of sessions over Redis or Valkey: part of `RedisBroker`.

Many sessions are read in few round trips, each of bounded size.
"""

from collections.abc import AsyncIterator, Sequence

from tailcast_streams.redis.calls import RedisCalls
from tailcast_streams.redis.connection import PIPELINE_COMMANDS
from tailcast_streams.redis.core.replies import (
    HEAD_FIELDS,
    ORIGIN_FIELDS,
    end_of,
    head_state_of,
    origin_of,
    position_of,
    state_of,
)
from tailcast_streams.session_state import (
    NOTHING_STORED,
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
            async with self._pipeline() as pipeline:
                for session in sessions[start : start + WHOLE_STATES]:
                    self._ask_position(pipeline, session)
                    pipeline.hgetall(self._keys.state(session))
                replies = await self._execute(pipeline)
            for position, fields in zip(replies[::2], replies[1::2], strict=True):
                stored = position_of(position)
                is_known = stored != NOTHING_STORED
                found.append(state_of(fields, stored) if is_known else None)
        return found

    async def origins(self, sessions: Sequence[str]) -> list[Origin | None]:
        found: list[Origin | None] = []
        for start in range(0, len(sessions), PIPELINE_COMMANDS):
            async with self._pipeline() as pipeline:
                for session in sessions[start : start + PIPELINE_COMMANDS]:
                    pipeline.hmget(self._keys.state(session), ORIGIN_FIELDS)
                found += map(origin_of, await self._execute(pipeline))
        return found

    async def positions(self, sessions: Sequence[str]) -> list[StoredPosition]:
        return [position_of(reply) async for reply in self._positions(sessions)]

    async def ends(self, sessions: Sequence[str]) -> list[StoredEnd]:
        return [end_of(reply) async for reply in self._positions(sessions)]

    async def _positions(self, sessions: Sequence[str]) -> AsyncIterator[list[bytes]]:
        for start in range(0, len(sessions), PIPELINE_COMMANDS):
            async with self._pipeline() as pipeline:
                for session in sessions[start : start + PIPELINE_COMMANDS]:
                    self._ask_position(pipeline, session)
                replies = await self._execute(pipeline)
            for reply in replies:
                yield reply

    async def heads(self, sessions: Sequence[str]) -> list[Head]:
        heads: list[Head] = []
        for start in range(0, len(sessions), PIPELINE_COMMANDS):
            heads += await self._heads(sessions[start : start + PIPELINE_COMMANDS])
        return heads

    async def _heads(self, sessions: Sequence[str]) -> list[Head]:
        async with self._pipeline() as pipeline:
            for session in sessions:
                stream = self._keys.stream(session)
                pipeline.hmget(self._keys.state(session), HEAD_FIELDS)
                pipeline.xrange(stream, count=1)
                pipeline.xrevrange(stream, count=1)
            replies = await self._execute(pipeline)
        heads: list[Head] = []
        for at in range(0, len(replies), 3):
            values, oldest, newest = replies[at : at + 3]
            state = head_state_of(values)
            heads.append(
                Head(
                    state, oldest[0] if oldest else None, newest[0] if newest else None
                )
            )
        return heads
