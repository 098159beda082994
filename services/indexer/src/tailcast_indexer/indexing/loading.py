"""Takes up sessions: their indexes as they are stored, or begun anew."""

import asyncio
from collections.abc import Sequence

from tailcast_index.fold import Index
from tailcast_index.meaning import Rules
from tailcast_indexer.core.shelf import Held
from tailcast_indexer.core.verdicts import contradicts, is_gone
from tailcast_indexer.instruments import Instruments
from tailcast_streams.broker import SessionReader
from tailcast_streams.indexes import StoredIndex
from tailcast_streams.session_state import StoredEnd


class Loading:
    """Reads what is stored of indexes."""

    def __init__(
        self, reader: SessionReader, *, rules: Rules, instruments: Instruments
    ) -> None:
        """`rules` says how steps and times are named."""
        self._reader = reader
        self._rules = rules
        self._instruments = instruments

    async def take_up(self, sessions: Sequence[str]) -> dict[str, Held]:
        """The indexes of sessions, without those that are gone. Raises BrokerError."""
        stored = await self._reader.indexes.load(sessions)
        ends = await self._reader.ends(sessions)
        made = await asyncio.gather(*map(self._take_up_one, sessions, stored, ends))
        return {
            session: held
            for session, held in zip(sessions, made, strict=True)
            if held is not None
        }

    async def _take_up_one(
        self, session: str, stored: StoredIndex, end: StoredEnd
    ) -> Held | None:
        if is_gone(end):
            await self._reader.emergencies.forget(session)
            if stored.at:
                await self._reader.indexes.discard(session)
                self._instruments.orphan_discarded(session)
            return None
        if not end.incarnation:
            # The state is missing: it comes back with another one, or the session goes.
            return None
        if stored.at:
            metrics = await self._reader.indexes.metrics(session, None)
            index = Index.load(session, stored, metrics, self._rules)
            if index is not None and await self._fits(index, end):
                return Held(index, end.cursor, metrics=len(metrics))
            self._instruments.made_anew(session, "unfit")
        index = Index(
            session,
            incarnation=end.incarnation,
            rules=self._rules,
            stored_at=stored.at,
        )
        return Held(index, end.cursor)

    async def _fits(self, index: Index, end: StoredEnd) -> bool:
        """Whether an index can go on, with its roll-ups, from where it is."""
        if contradicts(index, end):
            return False
        if not index.missing:
            return True
        chunks = await self._reader.indexes.chunks(index.session, index.missing)
        try:
            index.give(chunks)
        except ValueError:
            # Somebody deleted some.
            return False
        return True
