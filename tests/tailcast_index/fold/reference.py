"""What the figures of a session must be, said as plainly as possible.

All records that the file has are looked at together, as often as needed; nothing is
kept from one to the next but what the sentence itself needs.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from msgspec.json import encode

from tailcast_index.fold import Metric, Rewind, Span, Sparkline
from tailcast_index.fold.figures import MAX_METRICS, MAX_NAME_LENGTH
from tailcast_index.fold.spark import MAX_POINTS
from tailcast_index.meaning import (
    Choice,
    Chooser,
    Point,
    Reader,
    Rules,
    SettingsFinder,
    rank_of,
)
from tailcast_streams.cuts import Cut
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.metrics import read_fields
from tailcast_streams.position import BEFORE_ALL, EntryID


class Expected(NamedTuple):
    """The figures of a session."""

    records: int
    steps: Span
    times: Span
    total_steps: int | None
    latest: EntryID
    emergencies: list[EntryID]
    rewinds: list[Rewind]
    metrics: list[Metric]
    left_out: int
    unread: dict[str, int]
    config: bytes
    spark: Sparkline | None


def surviving(stream: Sequence[Entry], cuts: Sequence[Cut]) -> list[Entry]:
    """The records whose lines are not gone by these cuts."""
    return [
        entry
        for entry in stream
        if entry.kind in (Kind.RECORD, Kind.EMERGENCY)
        and all(cut.has(entry.id) for cut in cuts)
    ]


def of_run(history: Sequence[Entry], rules: Rules) -> list[Entry]:
    """The records of the run that goes on, by all that the stream ever had."""
    run = _Lines(rules)
    since = 0
    for entry in history:
        generation, kept = entry.id
        if entry.kind is Kind.MARKER and generation > 1:
            is_rotation = (entry.details or {}).get("rotated") == "true"
            if is_rotation:
                since = generation
            else:
                run.cut(since, kept)
            if is_rotation or not kept:
                run.add(entry)
        elif entry.kind in (Kind.RECORD, Kind.EMERGENCY):
            run.add(entry)
    return [one for one in run.items if one.kind is not Kind.MARKER]


class _Lines:
    """The records of a run, and the markers behind which another file follows on."""

    def __init__(self, rules: Rules, items: Sequence[Entry] = ()) -> None:
        self._rules = rules
        self.items: list[Entry] = []
        self._chooser = Chooser(rules)
        for item in items:
            self.add(item)

    def cut(self, since: int, kept: int) -> None:
        """Have some gone: the others are looked at anew."""
        left = [
            one
            for one in self.items
            if one.id.generation < since or one.id.offset <= kept
        ]
        if len(left) < len(self.items):
            self.__init__(self._rules, left)  # type: ignore[misc]

    def add(self, item: Entry) -> None:
        """Add the next one; with it another run may have begun."""
        self.items.append(item)
        if item.kind is Kind.MARKER:
            return
        fields = read_fields(item.record)
        at = self._other_run(is_last_explained=self._chooser.explains(fields))
        if at is None and self._chooser.look(fields):
            at = self._other_run()
        if at is not None:
            self.__init__(self._rules, self.items[at:])  # type: ignore[misc]

    def _other_run(self, *, is_last_explained: bool = False) -> int | None:
        """At which marker another run began: the first step there says so."""
        if not any(one.kind is Kind.MARKER for one in self.items):
            return None
        choice = self._chooser.choice
        read = Reader(self._rules, choice).read
        marker: int | None = None
        steps: list[float] = []
        for at, item in enumerate(self.items):
            if item.kind is Kind.MARKER:
                is_first = all(one.kind is Kind.MARKER for one in self.items[:at])
                if marker is None and not is_first:
                    marker = at
                continue
            step = read(read_fields(item.record), now_ms=0).step
            if step is None:
                continue
            falls = steps and step <= steps[0] and step < max(steps)
            is_last = at == len(self.items) - 1
            is_explained = choice.lane is not None or (is_last and is_last_explained)
            if marker is not None and falls and not is_explained:
                return marker
            steps.append(step)
            marker = None
        return None


def choose(records: Sequence[Entry], rules: Rules) -> Choice:
    """How these records are read."""
    chooser = Chooser(rules)
    for record in records:
        chooser.look(read_fields(record.record))
    return chooser.choice


def expected(
    records: Sequence[Entry], rules: Rules, choice: Choice, now_ms: int
) -> Expected:
    """The figures of these records."""
    reader = Reader(rules, choice)
    points = [reader.read(read_fields(one.record), now_ms=now_ms) for one in records]
    values = all_values(points)
    steps = [point.step for point in points if point.step is not None]
    times = [point.time_ms for point in points if point.time_ms is not None]
    totals = [point.total_steps for point in points if point.total_steps is not None]
    names = list(dict.fromkeys(name for one in values for name, _ in one))
    kept = [name for name in names if len(name) <= MAX_NAME_LENGTH][:MAX_METRICS]
    unread: dict[str, int] = {}
    for point in points:
        for field in point.unread:
            unread[field.key] = unread.get(field.key, 0) + 1
    return Expected(
        records=len(records),
        steps=reached(steps),
        times=reached(times),
        total_steps=totals[-1] if totals else None,
        latest=records[-1].id if records else BEFORE_ALL,
        emergencies=[one.id for one in records if one.kind is Kind.EMERGENCY],
        rewinds=rewinds(records, points, values),
        metrics=[
            metric(name, number, points, values) for number, name in enumerate(kept)
        ],
        left_out=sum(name not in kept for one in values for name, _ in one),
        unread=unread,
        config=config(records, choice),
        spark=spark(kept, values),
    )


def config(records: Sequence[Entry], choice: Choice) -> bytes:
    """The latest settings on the lines."""
    finder = SettingsFinder(choice)
    found = [finder.find(read_fields(one.record)) for one in records]
    settings = [one for one in found if one is not None]
    return encode(settings[-1]) if settings else b""


def spark(
    names: Sequence[str], values: Sequence[Sequence[tuple[str, Any]]]
) -> Sparkline | None:
    """What the main metric was at some records that lie evenly apart, and at last."""
    if not names:
        return None
    main = min(names, key=rank_of)
    latest: list[Any] = [None]
    for one in values:
        latest.append(dict(one).get(main, latest[-1]))
    count, every = len(values), 1
    while count // every >= MAX_POINTS:
        every *= 2
    shown = [*range(every, count + 1, every), *([count] if count % every else [])]
    told = [latest[at] for at in shown]
    line = tuple(None if isinstance(one, str) else one for one in told)
    return Sparkline(main, line, latest[-1])


def all_values(points: Sequence[Point]) -> list[list[tuple[str, Any]]]:
    """The metrics of each record: null is NaN for what was a number in one before.

    What is left out is not known to have been one.
    """
    numbers: set[str] = set()
    found: list[list[tuple[str, Any]]] = []
    for point in points:
        nulls = [(name, "NaN") for name in point.nulls if name in numbers]
        values = [*point.values, *nulls]
        if point.lane:
            values += [(f"{name}[{point.lane}]", value) for name, value in values]
        found.append(values)
        numbers |= {
            name
            for name, value in point.values
            if not isinstance(value, str) and len(name) <= MAX_NAME_LENGTH
        }
    return found


def reached(values: Sequence[Any]) -> Span:
    """The first, the last and the highest of them."""
    return Span(values[0], values[-1], max(values)) if values else Span()


def metric(
    name: str,
    number: int,
    points: Sequence[Point],
    values: Sequence[Sequence[tuple[str, Any]]],
) -> Metric:
    """The statistics of one metric."""
    with_it = [
        (point.step, value)
        for point, one in zip(points, values, strict=True)
        for key, value in one
        if key == name
    ]
    finite = [value for _, value in with_it if not isinstance(value, str)]
    steps = [step for step, _ in with_it if step is not None]
    total: Any = 0
    for value in finite:
        total += value
    return Metric(
        name=name,
        number=number,
        kind="int" if all(isinstance(value, int) for value in finite) else "float",
        last=with_it[-1][1],
        min=min(finite, default=None),
        max=max(finite, default=None),
        sum=total,
        count=len(finite),
        nonfinite=len(with_it) - len(finite),
        first_step=steps[0] if steps else None,
        last_step=steps[-1] if steps else None,
    )


def rewinds(
    records: Sequence[Entry],
    points: Sequence[Point],
    values: Sequence[Sequence[tuple[str, Any]]],
) -> list[Rewind]:
    """Where a run fell back: a lower step, and then a higher one that is still below.

    Only records like one of the last two that were in order count.
    """
    found: list[tuple[EntryID, Rewind]] = []
    for lane in {point.lane for point in points}:
        in_order: list[tuple[Any, set[str]]] = []
        fallen: list[Rewind] = []
        for at, (record, point, one) in enumerate(
            zip(records, points, values, strict=True)
        ):
            if point.lane != lane or point.step is None:
                continue
            step, names = point.step, {name for name, _ in one[:16]}
            if not in_order or step >= in_order[-1][0]:
                in_order.append((step, names))
                fallen = []
            elif not any(is_like(names, other) for _, other in in_order[-2:]):
                continue
            elif not fallen or step < fallen[-1].step:
                before = in_order[-1][0]
                fallen = [Rewind(record.id, step, before, lane, at, point.time_ms)]
            elif step > fallen[-1].step:
                found.append((record.id, fallen[0]))
                in_order.append((step, names))
                fallen = []
    return [rewind for _, rewind in sorted(found)]


def is_like(names: set[str], other: set[str]) -> bool:
    """Whether at least half of a record's metrics are among those of another."""
    return 2 * len(names & other) >= len(names) if names else not other
