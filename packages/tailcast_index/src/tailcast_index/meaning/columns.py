"""Reading records that are alike by columns: one look at each field, not at each value.

Pure, and the hot path of the indexer in bulk. Records are alike if they have the same
fields in the same order, in objects too. What is said of them here is what `Reader`
says of each alone; where that would take a closer look at one, nothing is said.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias, cast

from tailcast_index.meaning.fields import Fields, as_point
from tailcast_index.meaning.metrics import EARLIEST_SECONDS, NULL, Metrics
from tailcast_index.meaning.names import NEVER_INSIDE
from tailcast_index.meaning.steps import PLAIN_STEP, Steps
from tailcast_index.meaning.totals import Totals
from tailcast_index.meaning.values import Choice, Path, Point, Rules
from tailcast_streams.times import DAY_MS, is_date, read_times_ms


# The values of one field in some records.
Column: TypeAlias = Sequence[Any]

# How many shapes of records are known at once; beyond it, all are learnt anew.
MAX_SHAPES: Final = 256
# Larger numbers are read alone: the sum of a bucket of them may be beyond a double.
_LARGEST: Final = 1e300
_NUMBERS: Final = frozenset((int, float))
_WHOLE: Final[frozenset[type]] = frozenset((int,))
_OBJECTS: Final[frozenset[type]] = frozenset((dict,))
_TOLD_APART: Final = frozenset((bool, list, str))


class AlikeRecords(NamedTuple):
    """What some records say that are alike, and that follow each other."""

    # How many records there are.
    records: int
    # The step and the time of each; None if none has one.
    steps: Sequence[int] | None
    times_ms: Sequence[int] | None
    # How many steps the run will have, by the last record that says it.
    total_steps: int | None
    # The metrics, each of which all of them have as a number, none of them very large:
    # the same tuple for all records of a shape. With their values, the least and the
    # greatest of them.
    names: tuple[str, ...]
    values: Sequence[Column]
    lows: Sequence[int | float]
    highs: Sequence[int | float]

    def followed_by(self, other: "AlikeRecords") -> "AlikeRecords":
        """These and others that have the same metrics, without what else they say."""
        pairs = zip(self.values, other.values, strict=True)
        return self._replace(
            records=self.records + other.records,
            values=[(*one, *more) for one, more in pairs],
            lows=[*map(min, self.lows, other.lows)],
            highs=[*map(max, self.highs, other.highs)],
        )

    def only(self, names: Collection[str]) -> "AlikeRecords":
        """The same with these metrics alone."""
        kept = [at for at, name in enumerate(self.names) if name in names]
        return self._replace(
            names=tuple([self.names[at] for at in kept]),
            values=[self.values[at] for at in kept],
            lows=[self.lows[at] for at in kept],
            highs=[self.highs[at] for at in kept],
        )

    def points(self) -> Iterator[Point]:
        """What each of them says, for who wants them one by one."""
        nothing = [None] * self.records
        steps, times = self.steps or nothing, self.times_ms or nothing
        rows = zip(*self.values, strict=True) if self.names else [()] * self.records
        for step, time_ms, row in zip(steps, times, rows, strict=True):
            yield Point(step, time_ms, None, list(zip(self.names, row, strict=True)))


class _Object(NamedTuple):
    """What the fields of an object are, in records of one shape: by their places."""

    keys: tuple[str, ...]
    # Objects; None for one of which nothing counts.
    inner: Sequence[tuple[int, "_Object | None"]]
    # Those that are metrics, with their place among all metrics; those of them that are
    # none if they are as large as times.
    metrics: Sequence[tuple[int, int]]
    small: Sequence[int]
    # Those that would be metrics if they were numbers.
    texts: Sequence[int]
    # All others.
    others: Sequence[int]
    # The step and the time.
    wanted: Sequence[tuple[int, Path]]


class _Shape(NamedTuple):
    """How records of one shape are read."""

    top: _Object
    names: tuple[str, ...]
    # Where step and time are; None if such a record has none.
    step: Path | None
    time: Path | None
    # Whether one may say how many steps the run will have.
    may_have_total: bool


class ColumnReader:
    """Reads records of one session that are alike."""

    def __init__(self, rules: Rules, choice: Choice) -> None:
        self._choice = choice
        self._metrics = Metrics(rules, choice)
        self._totals = Totals(choice)
        # Where steps and times might be, if they were never found.
        self._step_keys = frozenset(rules.step_keys)
        self._time_keys = frozenset(rules.time_keys)
        # Whether each record says by its own fields what it says.
        self._is_plain = (
            Steps(choice).is_plain
            and choice.named is None
            and choice.lane is None
            and not choice.is_interleaved
        )
        self._shapes: dict[Any, _Shape | None] = {}

    def read(self, records: Sequence[Fields], *, now_ms: int) -> AlikeRecords | None:
        """What records say that have the same fields at the top.

        Args:
            records: at least one.
            now_ms: as for `Reader`.

        Returns:
            None if they are to be read one by one.
        """
        shape = self._shape_of(records[0]) if self._is_plain else None
        if shape is None:
            return None
        gathered = _Gathered(len(shape.names))
        if not gathered.take(records, shape.top):
            return None
        steps = times = None
        if shape.step is not None:
            steps = gathered.found[shape.step]
            if not _are_steps(steps):
                return None
        if shape.time is not None:
            times = _times(gathered.found[shape.time], now_ms + DAY_MS)
            if times is None:
                return None
        total = None
        if shape.may_have_total:
            said = (self._totals.find(record) for record in reversed(records))
            total = next((one for one in said if one is not None), None)
        values, lows, highs = gathered.values, gathered.lows, gathered.highs
        return AlikeRecords(
            len(records), steps, times, total, shape.names, values, lows, highs
        )

    def _shape_of(self, fields: Fields) -> _Shape | None:
        signature = _signature(fields)
        if signature not in self._shapes:
            if len(self._shapes) >= MAX_SHAPES:
                self._shapes.clear()
            self._shapes[signature] = self._learn(fields)
        return self._shapes[signature]

    def _learn(self, fields: Fields) -> _Shape | None:
        """How records are read that are like this one; None for one by one."""
        step, time = self._choice.step, self._choice.time
        keys = fields.keys()
        if step is None and not keys.isdisjoint(self._step_keys):
            return None
        if time is None and not keys.isdisjoint(self._time_keys):
            return None
        leaves = [*_leaves(fields, ())]
        paths = [path for path, _ in leaves]
        numbers = [path for path, value in leaves if value.__class__ in _NUMBERS]
        order = self._metrics_at(fields, numbers, 0)
        large = self._metrics_at(fields, numbers, EARLIEST_SECONDS)
        kinds = _Kinds(
            {path: place for place, path in enumerate(order)},
            order.keys() - large.keys(),
            self._metrics_at(fields, paths, 0).keys() - {*numbers},
            {step, time}.intersection(paths),
        )
        return _Shape(
            _object(fields, (), kinds),
            tuple(order.values()),
            step if step in kinds.wanted else None,
            time if time in kinds.wanted else None,
            self._totals.may_be_in(fields),
        )

    def _metrics_at(
        self, fields: Fields, paths: Sequence[Path], least: int
    ) -> dict[Path, str]:
        """Which fields are metrics if these are numbers from the least one on.

        It is asked of `Metrics`, by numbers that each stand for a field.
        """
        marks = {path: least + place for place, path in enumerate(paths)}
        values, _ = self._metrics.collect(_marked(fields, (), marks))
        return {paths[cast(int, mark) - least]: name for name, mark in values}


class _Kinds(NamedTuple):
    """What fields are, by their paths."""

    metrics: Mapping[Path, int]
    small: Collection[Path]
    texts: Collection[Path]
    wanted: Collection[Path | None]


class _Gathered:
    """The columns of some records."""

    def __init__(self, metrics: int) -> None:
        self.values: list[Any] = [None] * metrics
        self.lows: list[Any] = [None] * metrics
        self.highs: list[Any] = [None] * metrics
        # Those of step and time.
        self.found: dict[Path, Column] = {}

    def take(self, records: Sequence[Any], shape: _Object) -> bool:
        """Take the columns of some objects; False if they are not alike.

        Their fields are known to be the same.
        """
        if not shape.keys:
            return True
        columns = [*zip(*[record.values() for record in records], strict=True)]
        for at, place in shape.metrics:
            column = columns[at]
            if not {*map(type, column)} <= _NUMBERS:
                return False
            low, high = min(column), max(column)
            if low < -_LARGEST or high > _LARGEST:
                return False
            self.values[place], self.lows[place], self.highs[place] = column, low, high
        self.found.update({path: columns[at] for at, path in shape.wanted})
        return (
            all(max(columns[at]) < EARLIEST_SECONDS for at in shape.small)
            and all(_has_no_points(columns[at]) for at in shape.texts)
            and all(dict not in map(type, columns[at]) for at in shape.others)
            and all(self._take_inner(columns[at], one) for at, one in shape.inner)
        )

    def _take_inner(self, column: Column, shape: _Object | None) -> bool:
        if not {*map(type, column)} <= _OBJECTS:
            return False
        if shape is None:
            return True
        return all(tuple(one) == shape.keys for one in column) and self.take(
            column, shape
        )


def _signature(fields: Fields) -> Any:
    """What records have in common that are read in the same way."""
    values = fields.values()
    inner = [
        (at, _signature(cast(Fields, value)))
        for at, value in enumerate(values)
        if value.__class__ is dict
    ]
    return tuple(fields), tuple(map(type, values)), tuple(inner)


def _leaves(fields: Fields, path: Path) -> Iterator[tuple[Path, object]]:
    """The values that are no objects, and where they are; none of settings."""
    for key, value in fields.items():
        if value.__class__ is not dict:
            yield (*path, key), value
        elif key not in NEVER_INSIDE:
            yield from _leaves(cast(Fields, value), (*path, key))


def _marked(fields: Fields, path: Path, marks: Mapping[Path, int]) -> dict[str, object]:
    """The same fields, with the marks for values; all others are no numbers."""
    return {
        key: _marked(cast(Fields, value), (*path, key), marks)
        if value.__class__ is dict
        else marks.get((*path, key), True)
        for key, value in fields.items()
    }


def _object(fields: Fields, path: Path, kinds: _Kinds) -> _Object:
    """What the fields of an object are."""
    inner: list[tuple[int, _Object | None]] = []
    leaves: list[tuple[int, Path]] = []
    for at, (key, value) in enumerate(fields.items()):
        below = (*path, key)
        if value.__class__ is not dict:
            leaves.append((at, below))
        elif key in NEVER_INSIDE:
            inner.append((at, None))
        else:
            inner.append((at, _object(cast(Fields, value), below, kinds)))
    known = {*kinds.metrics, *kinds.texts}
    return _Object(
        tuple(fields),
        inner,
        [(at, kinds.metrics[one]) for at, one in leaves if one in kinds.metrics],
        [at for at, one in leaves if one in kinds.small],
        [at for at, one in leaves if one in kinds.texts],
        [at for at, one in leaves if one not in known],
        [(at, one) for at, one in leaves if one in kinds.wanted],
    )


def _has_no_points(column: Column) -> bool:
    """Whether none of these is a point of a curve, or stands for one."""
    if not {*map(type, column)} <= _TOLD_APART:
        return False
    texts = {value for value in column if value.__class__ is str}
    return NULL not in texts and all(as_point(text) is None for text in texts)


def _are_steps(column: Column) -> bool:
    """Whether all of these are steps as they are."""
    return (
        {*map(type, column)} <= _WHOLE
        and min(column) > -PLAIN_STEP
        and max(column) < PLAIN_STEP
    )


def _times(column: Column, latest_ms: int) -> list[int] | None:
    """The times; None if one of them takes a closer look."""
    if str in map(type, column) and any(
        value.__class__ is str and is_date(value) for value in column
    ):
        return None
    return read_times_ms(column, latest_ms=latest_ms)
