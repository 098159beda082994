"""Finds a place by step or time: bisection over the offsets of one generation.

The search finds a place where the value passes the target: the value before it is below
the target, and the value after it is at or above it. If values only rise, this is the
first record at or above the target. If they fall back (a run was continued in the same
file from an earlier step), it is one of several such places.

The search bisects offsets, not entries: a probe reads the entries after an offset. It
passes up to `WALK_ENTRIES` entries without a value, and then tries a place further on.
If it finds only such stretches, delivery begins too early rather than too late.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import msgspec

from tailcast_gateway.protocol.breaks import is_record
from tailcast_gateway.sessions.core.verdicts import NoValues, Resume, Trimmed, Verdict
from tailcast_gateway.views.subscription import AtStep, AtTime
from tailcast_streams.broker import SessionReader
from tailcast_streams.entries import Entry
from tailcast_streams.position import NOTHING, Cursor, EntryID
from tailcast_streams.record import read_progress
from tailcast_streams.session_state import Head


# How many entries a probe reads first; nearly always the first of them has a value.
PROBE_ENTRIES = 8
# How many entries without a value a probe passes before it gives up.
WALK_ENTRIES = 1_024
# How many places a probe tries, each beyond a stretch without values.
LEAPS = 6

Target: TypeAlias = AtStep | AtTime


class _Found(NamedTuple):
    entry: Entry
    value: float


class Search:
    """Searches for steps and times by the configured keys."""

    def __init__(
        self,
        broker: SessionReader,
        *,
        step_keys: Sequence[str],
        time_keys: Sequence[str],
    ) -> None:
        self._broker = broker
        self._step_keys = step_keys
        self._time_keys = time_keys

    async def find(self, session: str, target: Target, head: Head) -> Verdict:
        """Find where delivery begins. Raises BrokerError.

        The verdict is `Trimmed` if the earliest stored record is beyond the target and
        records before it were trimmed. It is the head if no record is at or after the
        target.
        """
        if head.cursor is None or head.state is None:
            return Resume(NOTHING, is_proved=True)
        wanted = _wanted(target)
        last = await self._last(session, target, head)
        if last is None and _has_none(target, head):
            return NoValues("steps" if isinstance(target, AtStep) else "times")
        if last is not None and last.value < wanted:
            return Resume(head.cursor, is_proved=True)
        start = EntryID(head.state.position.generation, head.state.generation_start)
        first = (await self._walk(session, target, start))[0]
        if first is not None and first.value >= wanted:
            return await self._begin(session, first, wanted, head)
        low = Cursor(start, 0) if first is None else first.entry.cursor
        place = await self._bisect(session, target, low, last, head.cursor)
        return Resume(place, is_proved=True)

    async def _bisect(
        self,
        session: str,
        target: Target,
        low: Cursor,
        high: _Found | None,
        end: Cursor,
    ) -> Cursor:
        """The place between a value below the target and one that is not."""
        wanted = _wanted(target)
        # Between it and `high` nothing is left to search ...
        bound = end.id.offset if high is None else high.entry.id.offset
        # ... unless there is a stretch without values and no value was found after it.
        is_certain = True
        while bound - low.id.offset > 1:
            middle = EntryID(low.id.generation, (low.id.offset + bound) // 2)
            probe, is_next = await self._probe(session, target, middle, bound)
            if probe is not None and probe.value < wanted:
                low = probe.entry.cursor
            elif probe is not None and (high is None or probe.entry.id < high.entry.id):
                high, is_certain = probe, True
                bound = middle.offset if is_next else probe.entry.id.offset
            else:
                bound = middle.offset
                is_certain = is_certain and is_next
        if high is None:
            return end
        return await self._place_before(session, high.entry) if is_certain else low

    async def _probe(
        self, session: str, target: Target, after: EntryID, bound: int
    ) -> tuple[_Found | None, bool]:
        """A value between a place and the bound, and whether it is the next one."""
        at = after
        for leap in range(LEAPS):
            found, is_end = await self._walk(session, target, at)
            if found is not None or is_end:
                return found, leap == 0
            at = EntryID(at.generation, (at.offset + bound) // 2)
        return None, False

    async def _walk(
        self, session: str, target: Target, after: EntryID
    ) -> tuple[_Found | None, bool]:
        """The first value after a place, and whether the generation has none there."""
        walked, limit = 0, PROBE_ENTRIES
        while walked < WALK_ENTRIES:
            entries = await self._broker.read_after(session, after, limit=limit)
            own = [one for one in entries if one.id.generation == after.generation]
            if (found := self._first_value(own, target)) is not None:
                return found, False
            if len(own) < limit:
                return None, True
            walked += limit
            after, limit = own[-1].id, limit * 2
        return None, False

    async def _last(self, session: str, target: Target, head: Head) -> _Found | None:
        """The latest value of the current generation, if it is near the end."""
        assert head.state is not None  # noqa: S101  # asked only with a state
        generation = head.state.position.generation
        walked, limit = 0, PROBE_ENTRIES
        before: EntryID | None = None
        while walked < WALK_ENTRIES:
            entries = await self._broker.read_before(session, before, limit=limit)
            own = [entry for entry in entries if entry.id.generation == generation]
            if (found := self._first_value(own, target)) is not None:
                return found
            if len(own) < limit:
                return None
            walked += limit
            before, limit = own[-1].id, limit * 2
        return None

    async def _begin(
        self, session: str, first: _Found, wanted: float, head: Head
    ) -> Resume | Trimmed:
        """The verdict if the earliest stored value is not below the target."""
        assert head.state is not None  # noqa: S101  # asked only with a state
        state, oldest = head.state, head.oldest
        start = EntryID(state.position.generation, state.generation_start)
        if oldest is not None and oldest.previous > start and first.value > wanted:
            return Trimmed(Cursor(oldest.previous, 0), since=Cursor(start, 0))
        place = await self._place_before(session, first.entry)
        return Resume(place, is_proved=True)

    async def _place_before(self, session: str, entry: Entry) -> Cursor:
        """The cursor directly before an entry."""
        before = await self._broker.read_before(session, entry.id, limit=1)
        if before and before[0].id == entry.previous:
            return before[0].cursor
        return Cursor(entry.previous, 0)

    def _first_value(self, entries: Sequence[Entry], target: Target) -> _Found | None:
        for entry in entries:
            if (value := self._value(entry, target)) is not None:
                return _Found(entry, value)
        return None

    def _value(self, entry: Entry, target: Target) -> float | None:
        if not is_record(entry):
            return None
        try:
            progress = read_progress(
                entry.record, step_keys=self._step_keys, time_keys=self._time_keys
            )
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            # The entry is not from a tailer: somebody wrote it by hand.
            return None
        return progress.step if isinstance(target, AtStep) else progress.time_ms


def _wanted(target: Target) -> float:
    return target.step if isinstance(target, AtStep) else target.time_ms


def _has_none(target: Target, head: Head) -> bool:
    """Whether the session has no such value, by the tailer's state."""
    assert head.state is not None  # noqa: S101  # asked only with a state
    state = head.state
    is_step = isinstance(target, AtStep)
    return (state.last_step if is_step else state.last_time_ms) is None
