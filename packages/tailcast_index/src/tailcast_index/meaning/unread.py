"""Fields that should be a step or a time, and cannot be read as one.

Pure. What is a step or a time has been read already when anybody asks here.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from tailcast_index.meaning.fields import Fields
from tailcast_index.meaning.values import Path, Unread


# How much of a value is told.
MAX_UNREAD_TEXT: Final = 64
# Smaller numbers are durations and counters, which nobody meant for times.
_LEAST_TIME: Final = 1e9


class Unreadables:
    """Tells what could not be read in the records of one session."""

    def __init__(
        self, chosen: Path | None, keys: Sequence[str], *, is_time: bool
    ) -> None:
        self._is_time = is_time
        self._chosen = chosen
        # Where it might have been, if it was never found.
        self._keys = keys
        self._key_set = frozenset(keys)

    def tell(self, fields: Fields, value: object) -> tuple[Unread, ...]:
        """What stands where a step or time should be, none if there is nothing.

        Args:
            value: what is under the chosen key.
        """
        if self._chosen is not None:
            return (self._unread(self._chosen, value),) if self._is_odd(value) else ()
        if fields.keys().isdisjoint(self._key_set):
            return ()
        odd = (key for key in self._keys if self._is_odd(fields.get(key)))
        return tuple([self._unread((key,), fields[key]) for key in odd][:1])

    def _is_odd(self, value: object) -> bool:
        if isinstance(value, str | list):
            return value not in ("", [])
        return self._is_time and isinstance(value, int | float) and value >= _LEAST_TIME

    def _unread(self, path: Path, value: object) -> Unread:
        text = msgspec.json.encode(value).decode()[:MAX_UNREAD_TEXT]
        return Unread(self._is_time, ".".join(path), text)
