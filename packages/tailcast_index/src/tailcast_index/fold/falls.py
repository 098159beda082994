"""Where a run fell back: it was continued from a checkpoint, and appends to its file.

Steps mostly rise. A record with a lower step than the one before it may be of another
kind, as an evaluation that counts for itself; and after it the run may be where it was.
Only if records of the same kind go on from the lower step, the run fell back there.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, TypeAlias
from zlib import crc32

from tailcast_streams.position import EntryID


_Values: TypeAlias = Sequence[tuple[str, Any]]
_Kind: TypeAlias = frozenset[int]

# How many fall-backs are kept, the latest ones.
MAX_REWINDS = 100
# How many runs of one file are told apart, those that moved last.
MAX_LANES = 64
# A record's kind is told by so many of its metrics; of their names it has 20 bits each.
_KIND_METRICS: Final = 16
_NAME_BITS: Final = 0xFFFFF


class Rewind(NamedTuple):
    """A fall-back, at the first record that came after it."""

    id: EntryID
    # The step of that record, and the last one before it that was in order.
    step: float
    before: float
    # The run of a file that has several of them; "" else.
    lane: str = ""
    # How many records there were before it, and its time, None if it has none.
    records: int = 0
    time_ms: int | None = None


class _Lane:
    """Where one run is."""

    __slots__ = ("at", "fallen", "kind", "kind_before")

    def __init__(
        self, at: float, kind: "_Values | _Kind", before: "_Values | _Kind"
    ) -> None:
        # The last step that was in order.
        self.at = at
        # The kinds of its record and of the one before, which may be an evaluation's:
        # their values, until somebody asks.
        self.kind = kind
        self.kind_before = before
        # The fall-back that perhaps was, and the latest step since.
        self.fallen: tuple[Rewind, float] | None = None


class Falls:
    """The runs of a session, and where they fell back."""

    def __init__(self) -> None:
        # The runs by their lanes, the one that moved last at the end.
        self._lanes: dict[str, _Lane] = {}
        self._last_lane = ""
        # How many fall-backs there were, and the latest of them.
        self.count = 0
        self.rewinds: deque[Rewind] = deque(maxlen=MAX_REWINDS)

    @property
    def at(self) -> float | None:
        """Where the run is that moved last; None before the first step."""
        run = self._lanes.get(self._last_lane)
        return None if run is None else run.at

    def note(
        self,
        id: EntryID,
        step: float,
        lane: str,
        values: _Values,
        records: int = 0,
        time_ms: int | None = None,
    ) -> Rewind | None:
        """Note a record with a step; returns the fall-back that it shows, if any.

        Args:
            id: its entry.
            step: its step.
            lane: its run, "" if the session has one.
            values: its metrics.
            records: how many records there are before it.
            time_ms: its time.
        """
        run = self._lanes.get(lane)
        if run is None or lane != self._last_lane:
            run = self._turn_to(lane, run, step, values)
        if step >= run.at:
            run.at = step
            run.kind_before, run.kind = run.kind, values
            run.fallen = None
            return None
        fallen = Rewind(id, step, run.at, lane, records, time_ms)
        return self._fell(run, fallen, values)

    def may_rise(self, step: float) -> bool:
        """Whether `rise` may be called for steps from this one on."""
        run = self._lanes.get("")
        return run is not None and not self._last_lane and step >= run.at

    def rise(self, steps: Sequence[float], names: Sequence[str]) -> None:
        """Note records of the only run, with these metrics, whose steps do not fall."""
        run = self._lanes[""]
        values = [(name, None) for name in names[:_KIND_METRICS]]
        run.at = steps[-1]
        run.kind_before = run.kind if len(steps) == 1 else values
        run.kind = values
        run.fallen = None

    def _turn_to(
        self, lane: str, run: _Lane | None, step: float, values: _Values
    ) -> _Lane:
        self._last_lane = lane
        self._lanes.pop(lane, None)
        run = self._lanes[lane] = run or _Lane(step, values, values)
        if len(self._lanes) > MAX_LANES:
            del self._lanes[next(iter(self._lanes))]
        return run

    def _fell(self, run: _Lane, now: Rewind, values: _Values) -> Rewind | None:
        kind, step = _kind(values), now.step
        run.kind, run.kind_before = _kind(run.kind), _kind(run.kind_before)
        if not (_is_same(run.kind, kind) or _is_same(run.kind_before, kind)):
            return None
        if run.fallen is None or step < run.fallen[1]:
            run.fallen = now, step
            return None
        rewind, latest = run.fallen
        if step == latest:
            return None
        run.at, run.fallen = step, None
        run.kind_before, run.kind = run.kind, kind
        self.count += 1
        self.rewinds.append(rewind)
        return rewind

    def cut(self, to: EntryID, step: float | None) -> None:
        """Forget what was behind an entry; runs are told anew from there.

        Args:
            to: the last record that is left.
            step: the last one that a record up to there has.
        """
        left = [one for one in self.rewinds if one.id < to]
        self.count -= len(self.rewinds) - len(left)
        self.rewinds = deque(left, MAX_REWINDS)
        run = self._lanes.get("")
        self._lanes, self._last_lane = {}, ""
        if run is not None and step is not None:
            run.at, run.fallen = step, None
            self._lanes[""] = run

    def dump(self) -> list[Any]:
        """Where the runs are: what `load` goes on from, with the kinds."""
        return [
            [lane, run.at, *(run.fallen or ())] for lane, run in self._lanes.items()
        ]

    def dump_kinds(self) -> list[Any]:
        """The kinds of the runs' last two records each, which seldom change."""
        return [
            [sorted(_kind(run.kind)), sorted(_kind(run.kind_before))]
            for run in self._lanes.values()
        ]

    @classmethod
    def load(
        cls,
        lanes: Sequence[Any],
        kinds: Sequence[Any],
        count: int,
        rewinds: Sequence[Rewind],
    ) -> "Falls":
        """Go on from what was stored. Raises ValueError."""
        falls = cls()
        falls.count = count
        falls.rewinds.extend(rewinds)
        for (lane, at, *fallen), both in zip(lanes, kinds, strict=True):
            run = falls._lanes[lane] = _Lane(at, *map(frozenset[int], both))
            if fallen:
                (id, *rest), latest = fallen
                run.fallen = Rewind(EntryID(*id), *rest), latest
            falls._last_lane = lane
        return falls


def _kind(values: _Values | _Kind) -> _Kind:
    """What stands for the names of a record's first metrics."""
    if isinstance(values, frozenset):
        return values
    return frozenset(
        crc32(name.encode(errors="replace")) & _NAME_BITS
        for name, _ in values[:_KIND_METRICS]
    )


def _is_same(kind: _Kind, other: _Kind) -> bool:
    """Whether at least half of the other's metrics are among those of the one."""
    if not other:
        return not kind
    return 2 * len(kind & other) >= len(other)
