"""Reading one record by a session's choice.

Pure. This is the hot path of the indexer.
"""

from collections.abc import Mapping
from typing import Final, cast

from tailcast_index.meaning.values import Choice, Point, Rules, Value
from tailcast_streams.metrics import is_point
from tailcast_streams.record import as_step, as_time_ms


_EARLIEST_MS: Final = 978_307_200_000
_DAY_MS: Final = 86_400_000


class Reader:
    """Reads the records of one session."""

    def __init__(self, rules: Rules, choice: Choice) -> None:
        self.choice: Final = choice
        self._rules = rules

    def read(self, fields: Mapping[str, object], *, now_ms: int) -> Point:
        """What this record says.

        Args:
            now_ms: the time at which it was read, Unix milliseconds; times later than
                a day after it are none.
        """
        step = as_step(_at(fields, self.choice.step))
        time_ms = as_time_ms(_at(fields, self.choice.time))
        if time_ms is not None and not _EARLIEST_MS <= time_ms <= now_ms + _DAY_MS:
            time_ms = None
        values: list[tuple[str, Value]] = []
        self._collect(fields, (), values)
        return Point(step, time_ms, None, values)

    def _collect(
        self,
        fields: Mapping[str, object],
        path: tuple[str, ...],
        values: list[tuple[str, Value]],
    ) -> None:
        for key, value in fields.items():
            where = (*path, key)
            if where in (self.choice.step, self.choice.time):
                continue
            if isinstance(value, dict):
                self._collect(cast(Mapping[str, object], value), where, values)
            elif is_point(value):
                values.append((".".join(where), cast(Value, value)))


def _at(fields: Mapping[str, object], path: tuple[str, ...] | None) -> object:
    value: object = fields
    for key in path or ():
        if not isinstance(value, dict):
            return None
        value = cast(Mapping[str, object], value).get(key)
    return None if path is None else value
