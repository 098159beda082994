"""Descriptions in this process's memory, as a part of `MemoryBroker`."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from tailcast_streams.descriptions import EDITED, Description


class MemoryDescriptions:
    """`Descriptions` in memory."""

    def __init__(
        self,
        stored: Callable[[], dict[str, Description]],
        *,
        incarnation_of: Callable[[str], str],
        reachable: Callable[[], Awaitable[None]],
        wake: Callable[[str], None],
    ) -> None:
        # Returns what is stored now, since the broker may forget.
        self._stored = stored
        # Returns the incarnation of a session, "" if there is none.
        self._incarnation_of = incarnation_of
        self._reachable = reachable
        # Sends a text to all listeners.
        self._wake = wake

    async def load(self, sessions: Sequence[str]) -> list[Description]:
        await self._reachable()
        return [self._stored().get(session, Description()) for session in sessions]

    async def tell(
        self, session: str, incarnation: str, told: Mapping[str, bytes]
    ) -> bool:
        await self._reachable()
        if self._incarnation_of(session) != incarnation:
            return False
        known = self._stored().get(session, Description())
        self._stored()[session] = known._replace(told=dict(told))
        return True

    async def edit(self, session: str, edits: Mapping[str, bytes]) -> bool:
        await self._reachable()
        if not self._incarnation_of(session):
            return False
        known = self._stored().get(session, Description())
        changed = {**known.edits, **edits}
        kept = {name: value for name, value in changed.items() if value}
        self._stored()[session] = known._replace(edits=kept)
        self._wake(f"{EDITED}{session}")
        return True
