"""Choosing how the records of a session are read, by looking at them in their order.

Pure. The choice after so many records follows from those records alone.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, cast

import msgspec

from tailcast_index.meaning.values import Choice, Path, Rules
from tailcast_streams.record import as_step, as_time_ms


_NEVER: Final = ("config", "args", "hparams", "env")


class Chooser:
    """The choice of one session, and what it was made from."""

    def __init__(self, rules: Rules) -> None:
        self.choice = Choice()
        self._rules: Final = rules

    def look(self, fields: Mapping[str, object]) -> bool:
        """Look at the next record.

        Returns:
            True if the choice became another one: then all records, from the first, are
            to be read anew by it. Those that this chooser has looked at already are not
            to be shown to it again.
        """
        choice = self.choice._replace(
            step=_better(self.choice.step, fields, self._rules.step_keys, as_step),
            time=_better(self.choice.time, fields, self._rules.time_keys, as_time_ms),
        )
        is_other = choice != self.choice
        self.choice = choice
        return is_other

    def dump(self) -> bytes:
        """Everything that it knows, for `load`; a few kB at most."""
        return msgspec.json.encode(self.choice)

    @classmethod
    def load(cls, rules: Rules, data: bytes) -> "Chooser":
        """The chooser that was dumped.

        Raises:
            msgspec.ValidationError: it was dumped by other rules.
        """
        chooser = cls(rules)
        chooser.choice = msgspec.json.decode(data, type=Choice)
        return chooser


def _better(
    chosen: Path | None,
    fields: Mapping[str, object],
    keys: Sequence[str],
    read: Callable[[object], object],
) -> Path | None:
    """The best-ranked key of those at the top, else of those one level down."""
    ranks = {key: rank for rank, key in enumerate(keys)}
    paths = [] if chosen is None else [chosen]
    paths += [(key,) for key in keys if read(fields.get(key)) is not None]
    for name, inner in fields.items():
        if isinstance(inner, dict) and name not in _NEVER:
            level = cast(Mapping[str, object], inner)
            paths += [(name, key) for key in keys if read(level.get(key)) is not None]
    return min(paths, key=lambda path: (len(path), ranks[path[-1]]), default=None)
