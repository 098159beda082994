"""What it means that a step falls, by the records before it.

Pure. A step falls where lines of evaluation have a counter of their own, where one
begins anew with each epoch, where a file holds several runs; and where a run fell back
to a checkpoint, which is nothing to be chosen here.
"""

from collections.abc import Iterator, Sequence
from itertools import starmap
from operator import sub
from typing import Final, NamedTuple

import msgspec

from tailcast_index.meaning.fields import Fields, as_point, name_of
from tailcast_index.meaning.names import LANE_KEYS, MODE_KEYS
from tailcast_index.meaning.steps import Number
from tailcast_index.meaning.values import Aside, Choice, Path, Rounds


# So many records say which fields all lines of training have.
TYPICAL_RECORDS: Final = 256
# Names that are known of a session; beyond them, none is new.
MAX_KNOWN: Final = 1_024
MAX_KNOWN_LANES: Final = 1_024
# So many falls, and more than one in so many records, and runs are mixed.
MIXED_FALLS: Final = 8
MIXED_RECORDS: Final = 50
# A counter that begins anew is at most the half of where it was, ...
_ANEW: Final = 2
# ... and a line that leaps is beyond two of the longest strides until then.
_LEAP: Final = 2

_TELLING: Final = (*LANE_KEYS, *MODE_KEYS)
_NO_KIND: Final = frozenset(_TELLING).isdisjoint


class Line(NamedTuple):
    """What is looked at in a record that has a step."""

    # The run's step, and what stands under the key.
    step: Number
    raw: Number
    epoch: Number | None
    # Where the epoch is.
    epoch_path: Path
    # Which run it belongs to.
    lane: str
    # The object that has its metrics: the record or an envelope; and where that is.
    main: Fields
    main_path: Path
    # The record.
    fields: Fields

    def first(self, key: str) -> tuple[Path, object]:
        """The value of a field in `main`, else at the top; and where it is."""
        if key in self.main:
            return (*self.main_path, key), self.main[key]
        return (key,), self.fields.get(key)

    @property
    def kinds(self) -> dict[str, str]:
        """What tells its kind, and its run: of the fields that can, those it has."""
        found = {key: name_of(self.first(key)[1]) for key in _TELLING}
        return {key: name for key, name in found.items() if name}


class Order(msgspec.Struct, array_like=True):
    """What was seen of the order of a session's records."""

    # Records that have a step, and how often it fell without another reason.
    records: int = 0
    falls: int = 0
    # The last step of each lane; the longest stride between two, and the last one.
    last: dict[str, Number] = {}
    longest: Number = 0
    stride: Number = 0
    # The fields and kinds that lines in order had; the fields that the first ones all
    # had.
    known: set[str] = set()
    typical: set[str] | None = None
    # The first epoch, and that of the last line; the most steps in it.
    first_epoch: Number | None = None
    epoch: Number | None = None
    most: Number = 0
    # What tells the last line from those before it, and epoch and most steps there.
    fresh: list[Aside] = []
    epoch_before: Number | None = None
    most_before: Number = 0
    # What told the kind and the run of the last line; "" for what only others had.
    kinds: dict[str, str] = {}

    def passes(
        self,
        step: Number,
        raw: Number,
        epoch: Number | None,
        main: Fields,
        fields: Fields,
    ) -> bool:
        """Take the next line if there is nothing to be learnt from it: most of them.

        The parameters are what `Line` has; this is for lines without a lane.
        """
        last = self.last.get("", step)
        if (
            step < last
            or epoch != self.epoch
            or not self._is_usual(main, fields)
            or (self.kinds and self._is_other_kind(main, fields))
        ):
            return False
        self.longest = max(self.longest, self.stride)
        self.records += 1
        self.stride = step - last
        self.last[""] = step
        self.epoch_before, self.most_before = epoch, self.most
        self.most = max(self.most, raw)
        return True

    def pass_all(self, steps: Sequence[int]) -> None:
        """Take lines as `passes` does, which are all as the last one."""
        last = self.last.get("", steps[0])
        strides = [*map(sub, steps, (last, *steps))]
        self.longest = max((self.longest, self.stride, *strides[:-1]))
        self.records += len(steps)
        self.stride = strides[-1]
        self.last[""] = steps[-1]
        self.epoch_before = self.epoch
        self.most_before = max((self.most, *steps[:-1]))
        self.most = max(self.most_before, steps[-1])

    def would_pass(
        self,
        steps: Sequence[int],
        epochs: Sequence[Number | None],
        lines: Iterator[tuple[Fields, Fields]],
    ) -> bool:
        """Whether `pass_all` may be called for lines that have the same fields.

        Args:
            steps: of each; they never fall.
            epochs: what epochs there are.
            lines: `main` and `fields` of each.
        """
        main, fields = next(lines)
        return (
            steps[0] >= self.last.get("", steps[0])
            and all(epoch == self.epoch for epoch in epochs)
            and self._is_usual(main, fields)
            and not (self.kinds and self._is_other_kind(main, fields))
            and not (self.kinds and any(starmap(self._is_other_kind, lines)))
        )

    def _is_usual(self, main: Fields, fields: Fields) -> bool:
        """Whether a line has only fields that are known, and what may tell its kind."""
        return (
            self.records >= TYPICAL_RECORDS
            and not self.fresh
            and (main.keys() <= self.known or len(self.known) >= MAX_KNOWN)
            and (main is fields or bool(self.kinds) or _NO_KIND(fields))
        )

    def _is_other_kind(self, main: Fields, fields: Fields) -> bool:
        return any(
            name != name_of(main.get(key, fields.get(key)))
            for key, name in self.kinds.items()
        )

    def goes_on(self, line: Line) -> bool:
        """Take the next line if it is in order; False if its step falls."""
        last = self.last.get(line.lane)
        if last is not None and line.step < last:
            return False
        self._learn(line)
        if last is not None:
            self.longest = max(self.longest, self.stride)
            self.stride = line.step - last
        self._settle(line)
        return True

    def _settle(self, line: Line) -> None:
        """Take the line as the last one."""
        self.records += 1
        if len(self.last) == MAX_KNOWN_LANES and line.lane not in self.last:
            self.last = {}
        self.last[line.lane] = line.step
        self.epoch_before, self.most_before = self.epoch, self.most
        if line.epoch != self.epoch:
            self.epoch, self.most = line.epoch, line.raw
            if self.first_epoch is None:
                self.first_epoch = line.epoch
        elif line.raw > self.most:
            self.most = line.raw
        if self.kinds or not all(map(_NO_KIND, (line.main, line.fields))):
            self.kinds = {**dict.fromkeys(self.kinds, ""), **line.kinds}

    def _learn(self, line: Line) -> None:
        """Learn what lines in order look like."""
        keys = line.main.keys()
        if self.fresh:
            self.fresh = []
        if keys <= self.known and not any(self._new_modes(line)):
            if self.records >= TYPICAL_RECORDS:
                return
        elif self.typical is not None:
            self.fresh = self._marks(line)
        self.typical = {*keys} if self.typical is None else self.typical & keys
        if len(self.known) < MAX_KNOWN:
            # What is beside an envelope is not new either in a line that has none.
            self.known |= keys | line.fields.keys()
            self.known |= {_kind(mode) for mode in self._new_modes(line)}

    def _new_modes(self, line: Line) -> Iterator[Aside]:
        for key in MODE_KEYS:
            path, text = line.first(key)
            if isinstance(text, str):
                mode = Aside(path, text)
                if _kind(mode) not in self.known:
                    yield mode

    def _marks(self, line: Line) -> list[Aside]:
        """What tells a line from those before it, the best first; at most two.

        A field does if it is new, and others that all lines had are missing.
        """
        marks = [*self._new_modes(line)]
        is_other = self.typical is not None and not self.typical <= line.main.keys()
        if is_other and len(self.known) < MAX_KNOWN:
            marks += [
                Aside((*line.main_path, key))
                for key, value in line.main.items()
                if key not in self.known and as_point(value) is not None
            ][:1]
        return marks

    def after_fall(self, choice: Choice, line: Line) -> Choice:
        """The choice after a line whose step falls; it is taken."""
        other = self._explained(choice, line)
        if other == choice:
            self.falls += 1
            if self.falls >= MIXED_FALLS and self.falls * MIXED_RECORDS > self.records:
                other = choice._replace(is_interleaved=True)
        self.stride = 0
        self.fresh = []
        self._settle(line)
        return other

    def explains(self, choice: Choice, line: Line) -> bool:
        """Whether a step may fall at a line though the same run goes on there.

        That it has other fields than those before says nothing: another run may.
        """
        last = self.last.get(line.lane)
        if last is None or line.step >= last:
            return False
        other = self._explained(choice, line)
        named = [one for one in other.asides[len(choice.asides) :] if one.text]
        return other.rounds != choice.rounds or bool(named)

    def begin_anew(self, lane: str, step: Number | None) -> None:
        """Forget the steps, which are counted otherwise from now on."""
        self.last = {} if step is None else {lane: step}
        self.longest = self.stride = self.falls = 0

    def _explained(self, choice: Choice, line: Line) -> Choice:
        """The choice by which the step does not fall; the same if there is none."""
        if marks := self._marks(line):
            return choice._replace(asides=(*choice.asides, marks[0]))
        if choice.lane is not None:
            return choice
        leapt = self._after_leap(choice, line)
        if leapt is not None:
            return leapt
        rounds = self._rounds(choice, line, self.epoch, self.most)
        if rounds is not None:
            return choice._replace(rounds=rounds)
        return choice._replace(lane=self._lane(line))

    def _after_leap(self, choice: Choice, line: Line) -> Choice | None:
        """The choice if only the last line is to blame, which leapt; else None."""
        if not self.fresh or self.stride <= _LEAP * self.longest:
            return None
        aside = choice._replace(asides=(*choice.asides, self.fresh[0]))
        if line.step >= self.last[line.lane] - self.stride:
            return aside
        rounds = self._rounds(choice, line, self.epoch_before, self.most_before)
        return None if rounds is None else aside._replace(rounds=rounds)

    def _rounds(
        self, choice: Choice, line: Line, epoch: Number | None, most: Number
    ) -> Rounds | None:
        """How steps are counted if they begin anew as the epoch rises."""
        if not isinstance(line.epoch, int) or not isinstance(epoch, int):
            return None
        if line.epoch <= epoch or line.raw * _ANEW > most:
            return None
        first = self.first_epoch
        if choice.rounds is not None:
            first, most = choice.rounds.first, max(choice.rounds.length, most)
        return None if first is None else Rounds(line.epoch_path, first, most)

    def _lane(self, line: Line) -> Path | None:
        """What changed where the step fell."""
        kinds = line.kinds
        for key in LANE_KEYS:
            now, before = kinds.get(key), self.kinds.get(key)
            if now and before and now != before:
                return line.first(key)[0]
        return None


def _kind(mode: Aside) -> str:
    return f"{mode.path[-1]}={mode.text}"
