"""Reading the records of a session as an indexer does: the choice first, then each."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from tailcast_index.meaning import Choice, Chooser, Point, Reader, Rules, Value
from tailcast_streams.defaults import STEP_KEYS, TIME_KEYS
from tailcast_streams.record import Record, parse_record


RULES = Rules(STEP_KEYS, TIME_KEYS)
# 2026-11-29, when these files were read.
NOW_MS = 1_795_910_400_000


class Reading(NamedTuple):
    """What a session's records say."""

    choice: Choice
    points: Sequence[Point]
    # At which records the choice became another one.
    changes: Sequence[int]

    @property
    def steps(self) -> list[int | float | None]:
        return [point.step for point in self.points]

    @property
    def times_ms(self) -> list[int | None]:
        return [point.time_ms for point in self.points]

    @property
    def totals(self) -> set[int | None]:
        return {point.total_steps for point in self.points}

    @property
    def lanes(self) -> list[str]:
        return [point.lane for point in self.points]

    @property
    def metrics(self) -> dict[str, Value]:
        """All metrics, each with its last value."""
        return {name: value for point in self.points for name, value in point.values}

    @property
    def unread(self) -> list[tuple[str, str]]:
        return [(one.key, one.text) for point in self.points for one in point.unread]


def fields_of(line: str | Mapping[str, Any]) -> dict[str, object]:
    """The fields of a line, as they are when they come from the broker."""
    text = line.encode() if isinstance(line, str) else msgspec.json.encode(line)
    record = parse_record(text)
    assert isinstance(record, Record)
    return msgspec.json.decode(record.data, type=dict[str, object])


def reading(
    lines: Iterable[str | Mapping[str, Any]], *, rules: Rules = RULES
) -> Reading:
    """Read a file's lines; the chooser is dumped and loaded at each."""
    records = [fields_of(line) for line in lines]
    chooser = Chooser(rules)
    changes: list[int] = []
    for number, record in enumerate(records):
        if chooser.look(record):
            changes.append(number)
        dump = chooser.dump()
        chooser = Chooser.load(rules, dump)
        assert chooser.dump() == dump
    reader = Reader(rules, chooser.choice)
    points = [reader.read(record, now_ms=NOW_MS) for record in records]
    return Reading(chooser.choice, points, changes)
