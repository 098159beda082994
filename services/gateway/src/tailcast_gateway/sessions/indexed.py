"""What sessions' records mean: the index as far as it goes, and the entries behind it.

The index is read first and the session second, so the session is never behind it. The
entries between the two are folded here, by the code that the indexer uses. A session
keeps the figures of its state if it has no index that fits, if too much is behind it,
or if what is behind it is to be read otherwise.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import msgspec

from tailcast_gateway.sessions.core.descriptions import Described, read_description
from tailcast_gateway.sessions.core.runs import Known, ListedRun, SeenRun, active_ms
from tailcast_index.fold import (
    NEWS_FIELDS,
    Index,
    Metric,
    News,
    Summary,
    read_news,
)
from tailcast_index.meaning import Rules
from tailcast_streams.broker import SessionReader
from tailcast_streams.indexes import StoredIndex
from tailcast_streams.position import EntryID
from tailcast_streams.session_state import SessionState, Snapshot


# How much may be behind the index of a session, and behind those of all sessions that
# are read together: bytes of their files, and entries of each.
TAIL_BYTES = 1024 * 1024
TAILS_BYTES = 4 * 1024 * 1024
TAIL_ENTRIES = 1_000
# How many metrics a snapshot shows, in the order in which they first came.
SHOWN_METRICS = 1_000

_S = TypeVar("_S", SessionState, Snapshot)


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

    async def snapshots(self, sessions: Sequence[str]) -> list[SeenRun | None]:
        """Sessions with all that a snapshot shows. Raises BrokerError."""
        stored, described = await self._load(sessions)
        names = [name for name, one in zip(sessions, stored, strict=True) if one.at]
        metrics = await asyncio.gather(
            *(self._broker.indexes.metrics(name, None) for name in names)
        )
        known = dict(zip(names, metrics, strict=True))
        found = await self._broker.snapshots(sessions)
        ends = {
            name: (one.incarnation, one.cursor.id)
            for name, one in zip(sessions, found, strict=True)
            if one is not None and one.cursor is not None
        }
        by_name = dict(zip(sessions, stored, strict=True))
        indexes = await self._folded(by_name, known, ends)
        shown: list[SeenRun | None] = []
        for name, one in zip(sessions, found, strict=True):
            index = indexes.get(name)
            if one is None or index is None:
                known_so = Known(None, described[name])
                shown.append(None if one is None else SeenRun(one, known_so))
                continue
            metrics_of = index.metrics()
            if len(metrics_of) > SHOWN_METRICS:
                # Others have their turn.
                await asyncio.sleep(0)
            summary = self._summary(index, one, described[name])
            left_out = max(0, len(metrics_of) - SHOWN_METRICS)
            left_out += len(summary.left_out.names)
            with_steps = _with_spans(one, summary)
            text = _text(metrics_of[:SHOWN_METRICS])
            whole = replace(with_steps, metrics=text, metrics_left_out=left_out)
            shown.append(SeenRun(whole, Known(summary, described[name])))
        return shown

    async def heads(self, sessions: Sequence[str]) -> list[ListedRun]:
        """Sessions for a list. Raises BrokerError."""
        stored, described = await self._load(sessions)
        found = await self._broker.heads(sessions)
        ends = {
            name: (one.state.position.incarnation, one.state.position.last_id)
            for name, one in zip(sessions, found, strict=True)
            if one.state is not None
        }
        by_name = dict(zip(sessions, stored, strict=True))
        indexes = await self._folded(by_name, {}, ends)
        listed: list[ListedRun] = []
        for name, one in zip(sessions, found, strict=True):
            summary, head = None, one
            if one.state is not None and name in indexes:
                summary = self._summary(indexes[name], one.state, described[name])
                head = one._replace(state=_with_spans(one.state, summary))
            listed.append(ListedRun(head, Known(summary, described[name])))
        return listed

    async def _load(
        self, sessions: Sequence[str]
    ) -> tuple[list[StoredIndex], dict[str, Described]]:
        """The indexes, and what is said of sessions besides their records."""
        stored, descriptions = await asyncio.gather(
            self._broker.indexes.load(sessions),
            self._broker.descriptions.load(sessions),
        )
        described = map(read_description, descriptions)
        return stored, dict(zip(sessions, described, strict=True))

    def _summary(
        self, index: Index, state: SessionState | Snapshot, described: Described
    ) -> Summary:
        """What an index says of a session that is in this state."""
        return index.summary(
            self._broker_now_ms(),
            activity_ms=active_ms(state),
            total_steps=described.total_steps(index.choice),
        )

    async def news(self, sessions: Sequence[str]) -> list[News | None]:
        """What indexes say that those who watch are told. Raises BrokerError."""
        stored = await self._broker.indexes.some(sessions, NEWS_FIELDS)
        return [read_news(one) for one in stored]

    async def _folded(
        self,
        stored: Mapping[str, StoredIndex],
        metrics: Mapping[str, Mapping[str, bytes]],
        ends: Mapping[str, tuple[str, EntryID]],
    ) -> dict[str, Index]:
        """The indexes that fit, each with the entries up to its session's end."""
        fitting: dict[str, Index] = {}
        behind: dict[str, EntryID] = {}
        left = TAILS_BYTES
        for name, (incarnation, end) in ends.items():
            index = Index.view(name, stored[name], metrics.get(name, {}), self._rules)
            if index is None or not fits(index, incarnation, end):
                continue
            size = end.offset - index.cursor.id.offset
            if size > min(left, TAIL_BYTES):
                continue
            left -= size
            fitting[name] = index
            if size:
                behind[name] = index.cursor.id
        if behind:
            tails = await self._broker.read_many_after(behind, limit=TAIL_ENTRIES)
            for name in behind:
                end = ends[name][1]
                tail = [one for one in tails.get(name, ()) if one.id <= end]
                index = fitting[name]
                index.fold(tail, now_ms=self._now_ms())
                if index.stale is not None or index.cursor.id != end:
                    del fitting[name]
        return fitting


def fits(index: Index, incarnation: str, end: EntryID) -> bool:
    """Whether an index is of this stream and of its present generation."""
    at = index.cursor.id
    return (
        index.stale is None
        and index.incarnation == incarnation
        and at.generation == end.generation
        and at <= end
    )


def _with_spans(state: _S, summary: Summary) -> _S:
    return replace(
        state,
        first_step=summary.steps.first,
        last_step=summary.steps.highest,
        first_time_ms=_whole(summary.times.first),
        last_time_ms=_whole(summary.times.highest),
    )


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _text(metrics: Sequence[Metric]) -> bytes:
    """The statistics as clients get them, a JSON object."""
    return msgspec.json.encode(
        {
            one.name: {
                "last": one.last,
                "min": one.min,
                "max": one.max,
                "mean": one.mean,
                "count": one.count,
                "nonfinite": one.nonfinite,
            }
            for one in metrics
        }
    )
