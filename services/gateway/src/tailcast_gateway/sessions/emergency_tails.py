"""Emergencies that no indexer has read yet: what is behind the indexes of sessions.

While indexers are there these are the last second of sessions that move. While none is,
it is all that came since; so much of it is read that an answer does not take long, and
the answer counts the sessions of which more is left.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from tailcast_gateway.sessions.core.emergency_list import Tail
from tailcast_gateway.sessions.indexed import bytes_behind, fitting
from tailcast_gateway.sessions.isolation import SessionIsolation
from tailcast_gateway.sessions.making import fold_alone
from tailcast_index.fold import Index
from tailcast_index.fold.stored import parse_at
from tailcast_index.meaning import Rules
from tailcast_streams.broker import SessionReader
from tailcast_streams.entries import Entry
from tailcast_streams.exceptions import InvalidPosition
from tailcast_streams.indexes import StoredIndex
from tailcast_streams.position import BEFORE_ALL, NOTHING, Cursor, EntryID
from tailcast_streams.session_state import StoredEnd


# How many sessions are compared at once, before others have their turn, and how many
# entries of each are read at once.
COMPARED: Final = 200
READ_ENTRIES: Final = 1_000
# How much is read of one session, and of all for one answer, bytes of their files, and
# in how many round trips.
LOOKED_BYTES: Final = 2 * 1024 * 1024
ALL_LOOKED_BYTES: Final = 4 * 1024 * 1024
MAX_ROUND_TRIPS: Final = 64
# For how long a session is compared again each time after it has moved: its place in
# the list may be written a little later than its entries.
UNSETTLED_MS: Final = 60_000


class _Behind(NamedTuple):
    """A session that is not indexed up to its end."""

    # The last entry that is indexed.
    after: EntryID
    end: StoredEnd


class Tails(NamedTuple):
    """What is behind the indexes."""

    by_session: Mapping[str, Tail]
    # How many sessions have more behind their index than was read.
    behind: int


class EmergencyTails:
    """Reads what no indexer has read; all methods may raise BrokerError."""

    def __init__(
        self,
        broker: SessionReader,
        *,
        isolation: SessionIsolation,
        rules: Rules,
        now_ms: Callable[[], int],
    ) -> None:
        self._broker = broker
        # Confines failures to one session.
        self._isolation = isolation
        # How steps and times are named.
        self._rules = rules
        # Returns the time, Unix milliseconds, by which times are plausible.
        self._now_ms = now_ms
        # The sessions that were found to be indexed, with when they moved last.
        self._settled: dict[str, int] = {}

    async def of_all(self, active: Mapping[str, int], *, now_ms: int) -> Tails:
        """What is behind the indexes of all sessions.

        Args:
            active: when each session moved last, Unix milliseconds.
            now_ms: the time, by the clock that said so.
        """
        names = [
            name for name, moved in active.items() if self._settled.get(name) != moved
        ]
        behind = await self._behind(names)
        self._settled = {
            name: moved
            for name, moved in active.items()
            if name not in behind and now_ms - moved > UNSETTLED_MS
        }
        return await self._read(behind)

    async def of(self, names: Sequence[str]) -> Tails:
        """What is behind the indexes of some sessions."""
        return await self._read(await self._behind(names))

    async def _behind(self, names: Sequence[str]) -> dict[str, _Behind]:
        """The sessions that are not indexed up to their end."""
        behind: dict[str, _Behind] = {}
        for start in range(0, len(names), COMPARED):
            some = names[start : start + COMPARED]
            ats = await self._broker.indexes.ats(some)
            ends = await self._broker.ends(some)
            for name, at, end in zip(some, ats, ends, strict=True):
                place = _place(at, end)
                if end.is_spoiled:
                    # Nothing of it can be read, and that is counted.
                    behind[name] = _Behind(BEFORE_ALL, end)
                elif end.incarnation and place != end.cursor:
                    behind[name] = _Behind(place.id, end)
        return behind

    async def _read(self, behind: Mapping[str, _Behind]) -> Tails:
        sound = {name: one for name, one in behind.items() if not one.end.is_spoiled}
        chosen = _within(sound, ALL_LOOKED_BYTES)
        places = {name: one.after for name, one in chosen.items()}
        entries: dict[str, list[Entry]] = {name: [] for name in chosen}
        for _ in range(MAX_ROUND_TRIPS):
            if not places:
                break
            pages = await self._pages(places)
            for name, after in list(places.items()):
                if (page := pages.get(name)) is None:
                    # It cannot be read.
                    del places[name], chosen[name]
                    continue
                entries[name] += page
                places[name] = page[-1].id if page else after
                end = behind[name].end.cursor.id
                if len(page) < READ_ENTRIES or places[name] >= end:
                    del places[name]
        names = list(chosen)
        stored = await self._broker.indexes.load(names)
        tails: dict[str, Tail] = {}
        for name, index in zip(names, stored, strict=True):
            with self._isolation.over_session(name):
                tails[name] = self._tail(name, index, behind[name].end, entries[name])
        return Tails(tails, len(behind) - len(chosen) + len(places))

    async def _pages(
        self, places: Mapping[str, EntryID]
    ) -> Mapping[str, Sequence[Entry]]:
        """What follows on places, without the sessions that cannot be read."""

        async def read(names: Sequence[str]) -> list[Sequence[Entry]]:
            some = {name: places[name] for name in names}
            found = await self._broker.read_many_after(some, limit=READ_ENTRIES)
            return [found.get(name, ()) for name in names]

        return await self._isolation.each(list(places), read)

    def _tail(
        self,
        session: str,
        stored: StoredIndex,
        end: StoredEnd,
        entries: Sequence[Entry],
    ) -> Tail:
        """The emergencies among entries, with their steps and times."""
        index = Index.view(session, stored, {}, self._rules)
        index = fitting(index, end.incarnation, end.cursor.id)
        found = None
        if index is not None:
            # The index may have gone on since its place was read.
            rest = [entry for entry in entries if entry.id > index.cursor.id]
            index.fold(rest, now_ms=self._now_ms())
            found = None if index.stale is not None else index.take_found()
        if index is None or found is None:
            index = self._read_alone(session, end.incarnation, entries)
            found = index.take_found()
        return Tail(incarnation=end.incarnation, found=found, cuts=index.cuts)

    def _read_alone(
        self, session: str, incarnation: str, entries: Sequence[Entry]
    ) -> Index:
        """An index of entries that are read by themselves."""
        index = Index(session, incarnation=incarnation, rules=self._rules)
        for _ in fold_alone(index, entries, self._now_ms()):
            pass
        return index


def _place(at: str, end: StoredEnd) -> Cursor:
    """Up to where an index of the same stream goes; `NOTHING` without one."""
    try:
        incarnation, cursor, _ = parse_at(at)
    except (ValueError, InvalidPosition):
        return NOTHING
    is_of_it = incarnation == end.incarnation and cursor.id <= end.cursor.id
    return cursor if is_of_it else NOTHING


def _within(behind: Mapping[str, _Behind], most: int) -> dict[str, _Behind]:
    """Those of which no more than so many bytes are read, all together."""
    chosen: dict[str, _Behind] = {}
    for name, (after, end) in behind.items():
        size = bytes_behind(after, end.cursor.id)
        if size <= min(LOOKED_BYTES, most):
            most -= size
            chosen[name] = behind[name]
    return chosen
