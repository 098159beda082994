"""What the rules are given, and what they say of a session and of a record.

Values only.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias


# Raised whenever a record would be read otherwise than before, or more is kept of it.
RULES_VERSION: Final = 4
# The earlier versions whose indexes are gone on with where their stream was trimmed, so
# that they cannot be made anew: what is stored of them can be read as it is.
TAKEN_OVER: Final = (3, 2)

# The names of the fields that lead to a value, from the top.
Path: TypeAlias = tuple[str, ...]
# A number, or one of "NaN", "Infinity", "-Infinity".
Value: TypeAlias = int | float | str


class Rules(NamedTuple):
    """The names of steps and times, the best first; from the settings."""

    step_keys: tuple[str, ...]
    time_keys: tuple[str, ...]


class Rounds(NamedTuple):
    """A step that begins anew as an epoch rises is counted through the epochs."""

    # Where the epoch is; the step's own path if the step is a list of both.
    path: Path
    # The epoch in which the file begins.
    first: int | float
    # How many steps an epoch has: the most that were seen in one.
    length: int | float


class Aside(NamedTuple):
    """Lines whose counter is not the run's step: those of evaluation."""

    # They have this field, ...
    path: Path
    # ... with this text; "" for any value.
    text: str = ""


class Choice(NamedTuple):
    """How the records of one session are read."""

    # The objects that only wrap others: what is in them counts as if at the top.
    envelopes: tuple[Path, ...] = ()
    # Whether metrics in envelopes have their whole path for a name, since short ones
    # would mean two values.
    has_long_names: bool = False
    # Where the step and the time are; None if no record had one.
    step: Path | None = None
    time: Path | None = None
    rounds: Rounds | None = None
    asides: tuple[Aside, ...] = ()
    # Of records that are a metric each: where its name is, and its value.
    named: tuple[Path, Path] | None = None
    # What tells the runs in one file from each other; None if it holds one.
    lane: Path | None = None
    # Whether several runs are mixed, and nothing tells them apart: there is no step.
    is_interleaved: bool = False

    @property
    def step_key(self) -> str | None:
        """The step's path in words, `metrics.step`."""
        return None if self.step is None else ".".join(self.step)

    @property
    def time_key(self) -> str | None:
        """The time's path in words."""
        return None if self.time is None else ".".join(self.time)


class Unread(NamedTuple):
    """A field that should be a step or a time, and cannot be read."""

    # Whether it should be a time; else it should be a step.
    is_time: bool
    # Its path in words.
    key: str
    # Its value as JSON, at most its first 64 characters.
    text: str


class Point(NamedTuple):
    """What one record says."""

    # None for a record without one: a summary, an evaluation with a counter of its own.
    step: int | float | None
    # Unix milliseconds; None unless it is plausible.
    time_ms: int | None
    # How many steps the run will have, as this record says: of "5/250", `max_steps`.
    total_steps: int | None
    # The metrics with their values, each name once, in the record's order.
    values: Sequence[tuple[str, Value]]
    # Which of the runs in this file it belongs to; "" unless the file holds several.
    lane: str = ""
    # The names of fields that are null. One that was a number before spells NaN so, and
    # counts as a value that is not finite; another says nothing.
    nulls: Sequence[str] = ()
    unread: Sequence[Unread] = ()
