"""Takes up sessions: their indexes as they are stored, or begun anew."""

import asyncio
from collections.abc import Sequence

from tailcast_index.fold import Index
from tailcast_index.meaning import Rules
from tailcast_indexer.core.shelf import Held
from tailcast_indexer.core.verdicts import contradicts, is_gone
from tailcast_indexer.instruments import Instruments
from tailcast_streams.broker import SessionReader
from tailcast_streams.exceptions import KeySpoiled
from tailcast_streams.indexes import NO_INDEX, StoredIndex
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
            try:
                held = await self._load(session, stored, end)
            except KeySpoiled:
                self._instruments.foreign(session)
                await self._reader.indexes.discard(session)
                held, stored = None, NO_INDEX
            if held is not None:
                return held
            self._instruments.made_anew(session, "unfit")
        index = Index(
            session,
            incarnation=end.incarnation,
            rules=self._rules,
            stored_at=stored.at,
        )
        return Held(index, end.cursor)

    async def _load(
        self, session: str, stored: StoredIndex, end: StoredEnd
    ) -> Held | None:
        """The index that is stored; None if it does not fit. Raises BrokerError."""
        metrics = await self._reader.indexes.metrics(session, None)
        index = Index.load(session, stored, metrics, self._rules)
        if index is None or not await self._fits(index, end):
            return None
        return Held(index, end.cursor, metrics=len(metrics))

    async def _fits(self, index: Index, end: StoredEnd) -> bool:
        """Whether an index can go on, with its roll-ups, from where it is."""
        if contradicts(index, end):
            return False
        try:
            while index.missing:
                missing = index.missing
                index.give(await self._reader.indexes.chunks(index.session, missing))
        except ValueError:
            # Somebody deleted some.
            return False
        return True
