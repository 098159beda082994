"""Choosing how the records of a session are read, by looking at them in their order.

Pure. The choice after so many records follows from those records alone. It becomes
another one a bounded number of times.
"""

import zlib
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from tailcast_index.meaning.fields import Fields, getter, name_of, objects_getter
from tailcast_index.meaning.keys import Candidates, steps_in, times_in
from tailcast_index.meaning.names import ENVELOPES, EPOCH_KEYS
from tailcast_index.meaning.order import Line, Order
from tailcast_index.meaning.shapes import (
    envelopes_in,
    is_ambiguous,
    levels_in,
    named_in,
)
from tailcast_index.meaning.steps import Number, Steps
from tailcast_index.meaning.values import Choice, Path, Rules
from tailcast_streams.numbers import Step, read_step


# So often a choice may become another one; then it stays.
MAX_CHANGES: Final = 32
# So many records are surveyed, ...
FIRST_RECORDS: Final = 16
# ... then those that lack something or have more; and later one in so many of these.
CLOSE_RECORDS: Final = 256
CLOSE_EVERY: Final = 16

_ROOTS: Final = frozenset(path[0] for path in ENVELOPES)


class _State(msgspec.Struct, array_like=True):
    """What a chooser knows."""

    choice: Choice = Choice()
    records: int = 0
    changes: int = 0
    # Records that were not worth a survey since the last one that was.
    passed: int = 0
    steps: Candidates = msgspec.field(default_factory=Candidates)
    times: Candidates = msgspec.field(default_factory=Candidates)
    order: Order = msgspec.field(default_factory=Order)


# Sets in one order, so that what is the same is dumped as the same.
_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decode = msgspec.msgpack.Decoder(_State).decode


class Chooser:
    """The choice of one session, and what it was made from."""

    def __init__(self, rules: Rules) -> None:
        self._rules: Final = rules
        self._state = _State()
        self._prepare()

    @property
    def choice(self) -> Choice:
        """How the records that were looked at are read."""
        return self._state.choice

    def look(self, fields: Fields) -> bool:
        """Look at the next record.

        Returns:
            True if the choice became another one: then all records, from the first, are
            to be read anew by it. Those that this chooser has looked at already are not
            to be shown to it again.
        """
        state = self._state
        state.records += 1
        before = state.choice
        if state.changes == MAX_CHANGES:
            return False
        if _is_looked_at(state.records):
            if self._is_worth_a_survey(fields):
                self._survey(fields)
            else:
                state.passed += 1
        if state.choice.step is not None and not state.choice.is_interleaved:
            self._order(fields)
        is_other = state.choice is not before
        state.changes += is_other
        return is_other

    def explains(self, fields: Fields) -> bool:
        """Whether a step that falls at the next record is no beginning of another run.

        So it is if the epoch rose meanwhile, or if the record says that it is of
        another kind.
        """
        line = self._line(fields)[0]
        state = self._state
        if line is None or state.changes == MAX_CHANGES:
            return False
        return state.order.explains(state.choice, line)

    def may_pass(self, records: Sequence[Fields], steps: Sequence[int] | None) -> bool:
        """Whether it can be sure beforehand where the steps of the next records are.

        Args:
            records: they were read by columns.
            steps: the step of each, as it stands there; they never fall. None for
                records without one.
        """
        state = self._state
        if state.changes == MAX_CHANGES or state.choice.step is None or steps is None:
            return True
        epochs: Sequence[Number | None] = [None]
        if not self._beside(records[0]).keys().isdisjoint(EPOCH_KEYS):
            epochs = [self._epoch(fields, None)[0] for fields in records]
        lines = ((self._main(fields)[0], fields) for fields in records)
        return state.order.would_pass(steps, epochs, lines)

    def pass_all(self, records: Sequence[Fields], steps: Sequence[int] | None) -> int:
        """Look at records that may pass.

        Returns:
            How many there are before the one with which the choice became another, as
            `look` says it.
        """
        count = len(records)
        if self._state.changes == MAX_CHANGES:
            self._state.records += count
            return count
        done = 0
        if self._is_worth_a_survey(records[0]):
            first = self._state.records + 1
            for at in [at for at in range(count) if _is_looked_at(first + at)]:
                self._pass_by(steps and steps[done:at], at - done)
                if self.look(records[at]):
                    return at
                done = at + 1
        else:
            seen = self._state.records
            self._state.passed += sum(
                map(_is_looked_at, range(seen + 1, seen + count + 1))
            )
        self._pass_by(steps and steps[done:], count - done)
        return count

    def _pass_by(self, steps: Sequence[int] | None, count: int) -> None:
        self._state.records += count
        if steps and self._state.choice.step is not None:
            self._state.order.pass_all(steps)

    def dump(self) -> bytes:
        """Everything that it knows, for `load`: packed, some hundred bytes mostly."""
        return zlib.compress(_encode(self._state), 1)

    @classmethod
    def load(cls, rules: Rules, data: bytes) -> "Chooser":
        """The chooser that was dumped.

        Raises:
            ValueError: this is no dump of these rules' version.
        """
        chooser = cls(rules)
        try:
            chooser._state = _decode(zlib.decompress(data))
        except (zlib.error, msgspec.DecodeError) as error:
            raise ValueError("not the dump of a chooser") from error
        chooser._prepare()
        return chooser

    def _prepare(self) -> None:
        """What is looked up in each record, by the choice."""
        choice = self.choice
        self._steps = Steps(choice)
        self._time_at = getter(choice.time)
        self._lane_at = getter(choice.lane)
        # Whether a plain number under the key is the step, of the only run.
        self._is_plain = self._steps.is_plain and choice.lane is None
        step = choice.step or ()
        # The object that has the step.
        beside: Callable[[Fields], Any] = getter(step[:-1]) if step[1:] else _itself
        self._beside = beside
        self._epochs = [
            (path, getter(path))
            for key in EPOCH_KEYS
            if (path := (*step[:-1], key)) != step
        ]
        self._envelopes = [
            (path, objects_getter(path)) for path in reversed(choice.envelopes)
        ]
        self._roots = _ROOTS.difference(path[0] for path in choice.envelopes)
        self._better = {
            *_better(choice.step, self._rules.step_keys),
            *_better(choice.time, self._rules.time_keys),
        }

    def _is_worth_a_survey(self, fields: Fields) -> bool:
        keys = fields.keys()
        return (
            self._state.records <= FIRST_RECORDS
            or self._steps.find(fields) is None
            or self._time_at(fields) is None
            or not keys.isdisjoint(self._better)
            or not keys.isdisjoint(self._roots)
        )

    def _survey(self, fields: Fields) -> None:
        """Look for envelopes, and for what could be the step and the time."""
        state, rules, choice = self._state, self._rules, self.choice
        envelopes = tuple(sorted({*choice.envelopes, *envelopes_in(fields)}))
        levels = levels_in(fields, envelopes)
        for candidates, chosen in (
            (state.steps, choice.step),
            (state.times, choice.time),
        ):
            candidates.count_more(chosen, state.passed)
        state.passed = 0
        state.steps.survey(steps_in(levels, rules.step_keys))
        state.times.survey(times_in(levels, rules.time_keys))
        found = choice._replace(
            envelopes=envelopes,
            has_long_names=choice.has_long_names or is_ambiguous(levels, rules),
            step=state.steps.best(choice.step),
            time=state.times.best(choice.time),
            named=choice.named or named_in(levels, rules),
        )
        if (found.step, found.envelopes) != (choice.step, choice.envelopes):
            state.order = Order()
            found = found._replace(
                rounds=None, asides=(), lane=None, is_interleaved=False
            )
        if found != choice:
            self._choose(found)

    def _choose(self, choice: Choice) -> None:
        self._state.choice = choice
        self._prepare()

    def _order(self, fields: Fields) -> None:
        """Look at where the step is among those before it."""
        found: Any = self._steps.find(fields)
        if found.__class__ is int and self._is_plain:
            main, _ = self._main(fields)
            epoch, _ = self._epoch(fields, None)
            if self._state.order.passes(found, found, epoch, main, fields):
                return
        line, raw = self._line(fields)
        if line is not None and raw is not None:
            self._take(line, raw)

    def _line(self, fields: Fields) -> tuple[Line | None, Step | None]:
        """A record as it is looked at, with its step; None for one that has none."""
        raw = read_step(self._steps.find(fields))
        step = None if raw is None else self._steps.placed(fields, raw)
        if raw is None or step is None:
            return None, raw
        main, main_path = self._main(fields)
        epoch, epoch_path = self._epoch(fields, raw)
        lane = name_of(self._lane_at(fields))
        value = raw.value
        return Line(step, value, epoch, epoch_path, lane, main, main_path, fields), raw

    def _take(self, line: Line, raw: Step) -> None:
        """Take a line, which may say that the choice should be another one."""
        order = self._state.order
        if order.goes_on(line):
            return
        choice = order.after_fall(self.choice, line)
        if choice != self.choice:
            self._choose(choice)
            lane = name_of(self._lane_at(line.fields))
            order.begin_anew(lane, self._steps.placed(line.fields, raw))

    def _main(self, fields: Fields) -> tuple[Fields, Path]:
        """The innermost envelope that a record has, else the record."""
        for path, find in self._envelopes:
            if (inner := find(fields)) is not None:
                return inner, path
        return fields, ()

    def _epoch(self, fields: Fields, raw: Step | None) -> tuple[Number | None, Path]:
        """The epoch beside a step, or in its list; and where it is."""
        if raw is not None and raw.round is not None:
            return raw.round, self.choice.step or ()
        for path, find in self._epochs:
            found: Any = find(fields)
            if found.__class__ is float and not found.is_integer():
                # A part of an epoch is no count of them.
                continue
            if (outer := read_step(found)) is not None:
                return outer.value, path
        return None, ()


def _itself(fields: Fields) -> Fields:
    return fields


def _is_looked_at(record: int) -> bool:
    """Whether a record is, by its number, if it is worth a survey."""
    return record <= CLOSE_RECORDS or not record % CLOSE_EVERY


def _better(chosen: Path | None, keys: tuple[str, ...]) -> tuple[str, ...]:
    """The keys that would be chosen rather, if a record had one."""
    is_listed = chosen is not None and chosen[-1] in keys
    return keys[: keys.index(chosen[-1])] if chosen and is_listed else keys
