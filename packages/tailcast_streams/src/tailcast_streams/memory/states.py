"""States, positions and ends of sessions, in memory: a part of `MemoryBroker`."""

from collections.abc import Sequence
from typing import Any

from tailcast_streams.memory.calls import MemoryCalls
from tailcast_streams.memory.stored import StoredStream
from tailcast_streams.position import BEFORE_ALL, Cursor
from tailcast_streams.session_state import (
    NOTHING_STORED,
    Head,
    Origin,
    SessionState,
    StoredEnd,
    StoredPosition,
)


_LEFT_OUT_OF_HEADS: dict[str, Any] = {
    "head_proof": "", "marker_proof": "", "past": "", "part": "", "part_start": 0,
    "taken_out_ms": 0,
}  # fmt: skip  # as `SessionState` without them


class MemoryStates(MemoryCalls):
    """Reads states, positions and ends of sessions."""

    async def load(self, session: str) -> SessionState | None:
        position = await self._position(session)
        if position == NOTHING_STORED:
            return None
        state = self._stored.states.get(session)
        if state is None:
            return SessionState(position=position)
        return state._replace(position=position)

    async def states(self, sessions: Sequence[str]) -> list[SessionState | None]:
        return [await self.load(session) for session in sessions]

    async def origins(self, sessions: Sequence[str]) -> list[Origin | None]:
        states = await self.states(sessions)
        return [None if one is None else _origin_of(one) for one in states]

    async def positions(self, sessions: Sequence[str]) -> list[StoredPosition]:
        return [await self._position(session) for session in sessions]

    async def ends(self, sessions: Sequence[str]) -> list[StoredEnd]:
        return [await self._end(session) for session in sessions]

    async def _end(self, session: str) -> StoredEnd:
        position = await self._position(session)
        state = self._stored.states.get(session)
        digest = 0 if state is None else state.last_digest
        return StoredEnd(
            position.incarnation,
            Cursor(position.last_id, digest),
            position.stream_last_id,
        )

    async def heads(self, sessions: Sequence[str]) -> list[Head]:
        heads: list[Head] = []
        for session in sessions:
            state = await self.load(session)
            if session not in self._stored.states:
                state = None
            if state is not None:
                position = state.position._replace(stream_last_id=BEFORE_ALL)
                state = state._replace(position=position, **_LEFT_OUT_OF_HEADS)
            entries = self._stored.streams.get(session, StoredStream()).entries
            heads.append(
                Head(
                    state,
                    entries[0] if entries else None,
                    entries[-1] if entries else None,
                )
            )
        return heads


def _origin_of(state: SessionState) -> Origin | None:
    if not state.position.incarnation:
        return None
    return Origin(
        state.path,
        state.owner,
        state.updated_ms,
        state.position.offset,
        state.head_proof,
        state.marker_proof,
        state.past,
    )
