"""What sessions' records mean: the index as far as it goes, and the entries behind it.

The index is read first and the session second, so the session is never behind it. The
entries between the two are folded here, by the code that the indexer uses. If there are
too many, what the index says is told with the place up to which it is true; and of a
session that has no index that fits one is made here if that is short, and kept for a
while. Else nothing is known of what its records mean, and that is told.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tailcast_gateway.sessions.core.descriptions import Described, read_description
from tailcast_gateway.sessions.core.runs import Known, ListedRun, SeenRun, active_ms
from tailcast_gateway.sessions.core.told import (
    SHOWN_METRICS,
    SeenSession,
    ShownRecords,
    end_of,
    shown_metrics,
)
from tailcast_gateway.sessions.making import Making
from tailcast_gateway.views.projection import Projection
from tailcast_gateway.views.reading import Reading
from tailcast_index.fold import (
    CHOICE_FIELD,
    NEWS_FIELDS,
    Index,
    News,
    count_metrics,
    read_news,
)
from tailcast_index.meaning import Choice, Rules
from tailcast_streams.broker import SessionReader
from tailcast_streams.entries import Entry
from tailcast_streams.indexes import StoredIndex, WholeIndex
from tailcast_streams.position import BEFORE_ALL, EntryID
from tailcast_streams.session_state import Head, SessionState


# How much may be behind the indexes of sessions that are read together: bytes of each
# one's file, and of all of them, and entries of each.
TAIL_BYTES = 1024 * 1024
TAILS_BYTES = 4 * 1024 * 1024
TAIL_ENTRIES = 1_000
# How long sessions without an index may be, bytes, so that theirs is made here: one
# whose snapshot is asked for, and in a list each one and all that are read together.
MADE_BYTES = 4 * 1024 * 1024
EACH_MADE_BYTES = 256 * 1024
ALL_MADE_BYTES = 1024 * 1024
# How many of the last entries are read to find the latest record among them.
LAST_ENTRIES = 16


@dataclass(frozen=True, slots=True)
class _Read:
    """An index, stored or not."""

    index: Index
    # The same as it is stored, or would be.
    stored: StoredIndex
    # Whether it was made here.
    is_made: bool


class Indexed:
    """Reads sessions with the figures of their indexes."""

    def __init__(
        self,
        broker: SessionReader,
        *,
        rules: Rules,
        now_ms: Callable[[], int],
        broker_now_ms: Callable[[], int],
    ) -> None:
        self._broker = broker
        # How steps and times are named.
        self._rules = rules
        # Returns the time, Unix milliseconds, by which times are plausible.
        self._now_ms = now_ms
        # The same by the broker's clock, by which runs are active.
        self._broker_now_ms = broker_now_ms
        self._making = Making(broker, rules=rules, now_ms=now_ms)

    async def heads(self, sessions: Sequence[str]) -> list[ListedRun]:
        """Sessions for a list. Raises BrokerError."""
        whole, described = await self._load(sessions)
        heads = await self._broker.heads(sessions)
        found = await self._read(sessions, whole, heads)
        now_ms = self._broker_now_ms()
        return [
            ListedRun(
                head, _known(found.get(name), head.state, described[name], now_ms)
            )
            for name, head in zip(sessions, heads, strict=True)
        ]

    async def snapshots(
        self, sessions: Sequence[str], only: Sequence[str] | None = None
    ) -> list[SeenRun | None]:
        """Sessions with all that a snapshot shows. Raises BrokerError.

        A session that has no state has no snapshot.

        Args:
            sessions: their names.
            only: the metrics that are shown; None for the first ones.
        """
        whole, described = await self._load(sessions, only)
        heads = await self._broker.heads(sessions)
        found = await self._read(sessions, whole, heads, only)
        return await asyncio.gather(
            *(
                self._snapshot(
                    name,
                    head,
                    found.get(name),
                    described[name],
                    only=only,
                )
                for name, head in zip(sessions, heads, strict=True)
            )
        )

    async def _load(
        self, sessions: Sequence[str], names: Sequence[str] | None = ()
    ) -> tuple[list[WholeIndex], dict[str, Described]]:
        """The indexes, and what is said of sessions besides their records."""
        whole, descriptions = await asyncio.gather(
            self._broker.indexes.whole(sessions, names),
            self._broker.descriptions.load(sessions),
        )
        described = map(read_description, descriptions)
        return whole, dict(zip(sessions, described, strict=True))

    async def news(self, sessions: Sequence[str]) -> list[News | None]:
        """What indexes say that those who watch are told. Raises BrokerError."""
        stored = await self._broker.indexes.some(sessions, NEWS_FIELDS)
        return [read_news(one) for one in stored]

    async def choice(self, session: str) -> Choice | None:
        """How its records are read; None without an index. Raises BrokerError."""
        (stored,) = await self._broker.indexes.some([session], (CHOICE_FIELD,))
        news = read_news(stored)
        return None if news is None else news.choice

    async def _snapshot(
        self,
        session: str,
        head: Head,
        read: _Read | None,
        described: Described,
        *,
        only: Sequence[str] | None,
    ) -> SeenRun | None:
        state = head.state
        if state is None:
            return None
        known = _known(read, state, described, self._broker_now_ms())
        metrics = [] if read is None else read.index.metrics()
        all_metrics = 0 if read is None else count_metrics(read.stored)
        all_metrics = max(all_metrics, len(metrics))
        unknown: Sequence[str] = ()
        if only is not None:
            by_name = {one.name: one for one in metrics}
            unknown = [name for name in dict.fromkeys(only) if name not in by_name]
            metrics = [by_name[name] for name in dict.fromkeys(only) if name in by_name]
        left_out = max(0, all_metrics - min(len(metrics), SHOWN_METRICS))
        if len(metrics) > SHOWN_METRICS:
            # Others have their turn.
            await asyncio.sleep(0)
        if known.summary is not None:
            left_out += len(known.summary.left_out.names)
        wanted = ShownRecords(head, None if known.indexed_to else known.summary)
        latest = await self._latest(session, state, wanted)
        if only is not None and latest:
            latest = self._projected(latest, only, read)
        snapshot = SeenSession(
            state=state,
            cursor=end_of(state),
            metrics=shown_metrics(metrics),
            metrics_left_out=left_out,
            latest=latest,
            latest_emergency=await self._record(session, wanted.emergency),
            latest_emergency_id=wanted.emergency_id,
            unknown=unknown,
        )
        return SeenRun(snapshot, known)

    def _projected(
        self, record: bytes, metrics: Sequence[str], read: _Read | None
    ) -> bytes:
        """A record with these metrics alone, its step and its time."""
        rules, reading = self._rules, None
        if read is not None:
            reading = Reading(rules, read.index.choice, now_ms=self._now_ms)
        projection = Projection.of(
            metrics, step_keys=rules.step_keys, time_keys=rules.time_keys
        )
        return projection.project(record, reading)

    async def _latest(
        self, session: str, state: SessionState, wanted: ShownRecords
    ) -> bytes:
        latest = wanted.latest
        if latest is not None:
            return await self._record(session, latest)
        generation, offset = state.position.last_id
        behind = EntryID(generation, offset + 1)
        read = self._broker.read_before
        return wanted.latest_of(await read(session, behind, limit=LAST_ENTRIES))

    async def _record(self, session: str, wanted: bytes | EntryID) -> bytes:
        """A record, or that of an entry; b"" if it is not there."""
        if isinstance(wanted, bytes):
            return wanted
        if wanted == BEFORE_ALL:
            return b""
        entry = await self._broker.find(session, wanted)
        return b"" if entry is None else entry.record

    async def _read(
        self,
        sessions: Sequence[str],
        whole: Sequence[WholeIndex],
        heads: Sequence[Head],
        only: Sequence[str] | None = (),
    ) -> dict[str, _Read]:
        """The indexes of sessions, as far as they can be had."""
        states = {
            name: (one, head.state)
            for name, one, head in zip(sessions, whole, heads, strict=True)
            if head.state is not None
        }
        known = {
            name: read
            for name, (one, state) in states.items()
            if (read := self._known_before(name, one, state, only)) is not None
        }
        await self._follow(
            {name: (known[name].index, states[name][1]) for name in known}
        )
        lacking = {
            name: head
            for name, head in zip(sessions, heads, strict=True)
            if name in states
            and (name not in known or _is_lacking(known[name], states[name][1]))
        }
        made = await self._make(lacking)
        for name in lacking:
            if name in made:
                known[name] = made[name]
            elif name in known:
                self._take_back(known, name, *states[name], only)
        return known

    def _take_back(
        self,
        known: dict[str, _Read],
        name: str,
        kept: WholeIndex,
        state: SessionState,
        only: Sequence[str] | None,
    ) -> None:
        """Have an index without what is behind it, which is to be read otherwise."""
        again = self._known_before(name, kept, state, only)
        assert again is not None  # noqa: S101  # it was there before
        if _is_of_before(again, state):
            # Whether anything of it is left is told by what is behind it.
            del known[name]
        else:
            known[name] = again

    def _known_before(
        self,
        name: str,
        kept: WholeIndex,
        state: SessionState,
        only: Sequence[str] | None,
    ) -> _Read | None:
        """A session's stored index, else that which was made here; None without."""
        index = self._view(name, kept, state, only)
        is_made = index is None
        if is_made:
            # It has all metrics: nobody else folds what has come since.
            kept = self._making.kept(name)
            index = self._view(name, kept, state, None)
        if index is None:
            return None
        return _Read(index, kept.stored, is_made)

    async def _follow(self, known: Mapping[str, tuple[Index, SessionState]]) -> None:
        """Fold the entries behind indexes, if they are few."""
        behind: dict[str, EntryID] = {}
        left = TAILS_BYTES
        for name, (index, state) in known.items():
            at = index.cursor.id
            size = bytes_behind(at, state.position.last_id)
            if 0 < size <= min(left, TAIL_BYTES):
                left -= size
                behind[name] = at
        tails: Mapping[str, Sequence[Entry]] = {}
        if behind:
            tails = await self._broker.read_many_after(behind, limit=TAIL_ENTRIES)
        for name, (index, state) in known.items():
            end = state.position.last_id
            tail = [one for one in tails.get(name, ()) if one.id <= end]
            index.fold(tail, now_ms=self._now_ms(), written_ms=state.written_ms)

    async def _make(self, heads: Mapping[str, Head]) -> dict[str, _Read]:
        """Indexes that are made here, of those sessions that are short."""
        each, left = EACH_MADE_BYTES, ALL_MADE_BYTES
        if len(heads) == 1:
            each = left = MADE_BYTES
        sizes: dict[str, int] = {}
        for name, head in heads.items():
            size = 0 if head.state is None else head.state.position.last_id.offset
            if size <= min(left, each):
                left -= size
                sizes[name] = size
        made = await asyncio.gather(
            *(self._making.make(name, heads[name], most_bytes=each) for name in sizes)
        )
        found = zip(sizes, made, strict=True)
        return {
            name: _Read(one.index, one.kept.stored, is_made=True)
            for name, one in found
            if one is not None
        }

    def _view(
        self,
        name: str,
        kept: WholeIndex,
        state: SessionState,
        only: Sequence[str] | None,
    ) -> Index | None:
        """An index as it is stored; None if it does not fit the session."""
        stored, metrics = kept
        if only is not None:
            metrics = {one: metrics[one] for one in only if one in metrics}
        position = state.position
        end = position.last_id
        index = Index.view(name, stored, metrics, self._rules, names=only, end=end)
        return fitting(index, position.incarnation, end)


def _known(
    read: _Read | None, state: SessionState | None, described: Described, now_ms: int
) -> Known:
    """What is known of a session that is in this state, at a time of the broker's."""
    if read is None or state is None:
        return Known(None, described)
    index = read.index
    summary = index.summary(
        now_ms,
        activity_ms=active_ms(state),
        total_steps=described.total_steps(index.choice),
    )
    is_whole = index.cursor.id == state.position.last_id
    to = None if is_whole else index.cursor
    return Known(summary, described, to, knows_arrivals=not read.is_made)


def _is_lacking(read: _Read, state: SessionState) -> bool:
    """Whether another index is to be made if it can be."""
    if read.index.stale is not None or _is_of_before(read, state):
        return True
    return read.is_made and read.index.cursor.id != state.position.last_id


def _is_of_before(read: _Read, state: SessionState) -> bool:
    """Whether an index ends before the present generation."""
    return read.index.cursor.id.generation < state.position.generation


def fitting(index: Index | None, incarnation: str, end: EntryID) -> Index | None:
    """An index, if it is of this stream, and the file has what it tells, mostly.

    A generation that has begun behind it may have cut some: that is known once it was
    folded.
    """
    if index is None:
        return None
    is_fitting = (
        index.stale is None
        and index.incarnation == incarnation
        and index.cursor.id <= end
    )
    return index if is_fitting else None


def bytes_behind(at: EntryID, end: EntryID) -> int:
    """How many bytes are behind an entry, at least."""
    return end.offset - (at.offset if at.generation == end.generation else 0)
