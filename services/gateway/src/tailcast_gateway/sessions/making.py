"""Makes an index of a short session here and now, by the code of the indexer.

For sessions of which no stored index can be used: the indexer has not come to them, or
does not run, or makes theirs anew. One that is too long to be read for an answer has
none. What was made is kept for a while, as it would be stored: the next answer reads on
from there.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tailcast_gateway.scheduling.fair_semaphore import FairSemaphore
from tailcast_index.fold import Index
from tailcast_index.meaning import Rules
from tailcast_streams.broker import SessionReader
from tailcast_streams.entries import Entry
from tailcast_streams.indexes import StoredIndex, WholeIndex
from tailcast_streams.position import BEFORE_ALL
from tailcast_streams.session_state import Head


# How many entries a session may have, some of which are no records; and how many are
# folded before others have their turn.
MADE_ENTRIES = 6_000
MADE_AT_A_TIME = 64
# How many entries are read at once, and how many bytes that should be.
MADE_PAGE_ENTRIES = 1_000
MADE_PAGE_BYTES = 1024 * 1024
# How many sessions are read at once.
MADE_AT_ONCE = 4
# How many bytes of what was made are kept, of the sessions that were asked for last,
# and how many each one takes besides its fields, about.
KEPT_BYTES = 16 * 1024 * 1024
_KEPT_EACH = 1024


@dataclass(frozen=True, slots=True)
class Made:
    """An index that was made here, and as it would be stored."""

    index: Index
    kept: WholeIndex


class Making:
    """Makes indexes; one for a replica."""

    def __init__(
        self, broker: SessionReader, *, rules: Rules, now_ms: Callable[[], int]
    ) -> None:
        self._broker = broker
        # How steps and times are named.
        self._rules = rules
        # Returns the time, Unix milliseconds, by which times are plausible.
        self._now_ms = now_ms
        self._turns = FairSemaphore(MADE_AT_ONCE)
        # What was made, that which was asked for last at the end; and its bytes.
        self._kept: OrderedDict[str, WholeIndex] = OrderedDict()
        self._kept_bytes = 0

    def kept(self, session: str) -> WholeIndex:
        """What was made of a session before; it may not fit it any more."""
        if (found := self._kept.get(session)) is None:
            return WholeIndex()
        self._kept.move_to_end(session)
        return found

    async def make(self, session: str, head: Head, *, most_bytes: int) -> Made | None:
        """The index of a session up to where its state goes. Raises BrokerError.

        Args:
            session: its name.
            head: what was read of it.
            most_bytes: how many bytes its records may have.

        Returns:
            None if it has more, or has become another one meanwhile.
        """
        state = head.state
        if state is None:
            return None
        index = Index(
            session, incarnation=state.position.incarnation, rules=self._rules
        )
        if state.position.last_id == BEFORE_ALL:
            return Made(index, WholeIndex())
        async with self._turns:
            entries = await self._entries(session, head, most_bytes)
            if not entries:
                return None
            now_ms = self._now_ms()
            for _ in fold_alone(index, entries, now_ms, state.written_ms):
                # Others have their turn.
                await asyncio.sleep(0)
        write = index.take_changes(is_resting=True)
        if write is None or index.cursor.id != state.position.last_id:
            return None
        made = WholeIndex(StoredIndex(write.at, write.fields), write.metrics)
        self._keep(session, made)
        return Made(index, made)

    def _keep(self, session: str, made: WholeIndex) -> None:
        """Keep it in place of what was made before, and drop what is too much."""
        self._kept_bytes += _size_of(made) - self._drop(session)
        self._kept[session] = made
        while self._kept_bytes > KEPT_BYTES:
            self._kept_bytes -= self._drop(next(iter(self._kept)))

    def _drop(self, session: str) -> int:
        """Drop what was kept of a session; returns its bytes."""
        dropped = self._kept.pop(session, None)
        return 0 if dropped is None else _size_of(dropped)

    async def _entries(
        self, session: str, head: Head, most_bytes: int
    ) -> list[Entry] | None:
        """All entries of a session; None if they are too many, or none are left."""
        assert head.state is not None  # noqa: S101  # the caller looked
        end = head.state.position.last_id
        found: list[Entry] = []
        size, after = 0, BEFORE_ALL
        if head.oldest is None or _least_bytes(head) > most_bytes:
            return None
        mean = max(1, _mean_bytes(head))
        limit = max(1, min(MADE_PAGE_ENTRIES, MADE_PAGE_BYTES // mean))
        while after < end:
            page = await self._broker.read_after(session, after, limit=limit)
            found += [one for one in page if one.id <= end]
            size += sum([len(one.record) for one in page])
            if not page or size > most_bytes or len(found) > MADE_ENTRIES:
                return None
            after = page[-1].id
        return found


def fold_alone(
    index: Index, entries: Sequence[Entry], now_ms: int, written_ms: int = 0
) -> Iterator[None]:
    """Fold entries by themselves, all anew whenever they are to be read otherwise.

    Returns after some each time, so that others can have their turn.

    Args:
        index: one without entries.
        entries: those at the stream's start, as far as it has them.
        now_ms: the time, Unix milliseconds.
        written_ms: when the file was written last; 0 if that is not known.
    """
    left = entries
    while left:
        some, left = left[:MADE_AT_A_TIME], left[MADE_AT_A_TIME:]
        index.fold(some, now_ms=now_ms, written_ms=written_ms)
        if index.stale is not None:
            index.restart(entries[0])
            left = [one for one in entries if one.id > index.reads_after]
        yield


def _size_of(kept: WholeIndex) -> int:
    """About how many bytes an index takes."""
    texts = [*kept.stored.fields.values(), *kept.metrics.values()]
    return _KEPT_EACH + sum(map(len, texts)) + sum(map(len, kept.metrics))


def _least_bytes(head: Head) -> int:
    """How many bytes there are at least, as far as that is known."""
    assert head.state is not None  # noqa: S101  # the caller looked
    assert head.oldest is not None  # noqa: S101  # the caller looked
    end, oldest = head.state.position.last_id, head.oldest.id
    start = oldest.offset if oldest.generation == end.generation else 0
    return end.offset - start


def _mean_bytes(head: Head) -> int:
    """The mean size of a record, as far as that is known."""
    assert head.state is not None  # noqa: S101  # the caller looked
    newest = 0 if head.newest is None else len(head.newest.record)
    return max(newest, head.state.size // max(1, head.state.records))
