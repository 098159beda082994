"""How many steps a run will have, by its records.

Pure.
"""

from typing import Final

from tailcast_index.meaning.fields import Fields, objects_getter
from tailcast_index.meaning.names import (
    CONFIG_KEYS,
    EPOCH_KEYS,
    EPOCH_TOTALS,
    STEP_TOTALS,
    loosened,
)
from tailcast_index.meaning.values import Choice
from tailcast_streams.numbers import read_step


_CONFIGS: Final = [objects_getter((key,)) for key in CONFIG_KEYS]
_EPOCHS: Final = frozenset(map(loosened, EPOCH_KEYS))


class Totals:
    """Finds the total in the records of one session."""

    def __init__(self, choice: Choice) -> None:
        is_epoch = choice.step is not None and loosened(choice.step[-1]) in _EPOCHS
        self._keys = EPOCH_TOTALS if is_epoch else STEP_TOTALS
        self._telling = frozenset((*self._keys, *CONFIG_KEYS))
        paths = {*choice.envelopes}
        if choice.step is not None and len(choice.step) > 1:
            paths.add(choice.step[:-1])
        self._finders = [objects_getter(path) for path in sorted(paths)]

    def find(self, fields: Fields) -> int | None:
        """The total beside the step, at the top, or in the settings; None without."""
        total = self._in(fields)
        for find in self._finders:
            if total is not None:
                break
            inner = find(fields)
            total = None if inner is None else self._in(inner)
        return total

    def of_document(self, document: Fields) -> int | None:
        """The total in what stands beside the records; None without."""
        return self._in(document)

    def may_be_in(self, fields: Fields) -> bool:
        """Whether such a record may have one, by the names of its fields."""
        inner = [found for find in self._finders if (found := find(fields))]
        return not all(one.keys().isdisjoint(self._telling) for one in (fields, *inner))

    def _in(self, fields: Fields) -> int | None:
        if fields.keys().isdisjoint(self._telling):
            return None
        configs = [find(fields) for find in _CONFIGS]
        objects = [fields, *(config for config in configs if config is not None)]
        found = [
            step.value
            for level in objects
            for key in self._keys
            if (step := read_step(level.get(key))) is not None
        ]
        # Hugging Face writes `max_steps` -1 for none.
        return next((one for one in found if isinstance(one, int) and one > 0), None)
