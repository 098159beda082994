"""Which field of a session's records is the step, and which the time.

Pure. Of all fields that ever could be it, the best is chosen: by where it is, and by
its name. One that is in few records does not take the place of one that is in many.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum

import msgspec

from tailcast_index.meaning.names import (
    MORE_STEP_KEYS,
    MORE_TIME_KEYS,
    loosened,
    names_time,
    without_total,
)
from tailcast_index.meaning.shapes import Level
from tailcast_index.meaning.values import Path
from tailcast_streams.numbers import read_step
from tailcast_streams.times import FAR_MS, read_time_ms


# Fields that could be it; later ones are passed over.
MAX_CANDIDATES = 64
# A better field is chosen if it is in one of so many records that have the other, ...
_FEW = 8
# ... and one is given up if another is in so many times as many.
_FAR_MORE = 64
# A time that a name alone told falls back in one of so many records at most.
_HARDLY_EVER = 20


class Tier(IntEnum):
    """How good a field's place and name are, the best first."""

    # At the top or in an envelope, with a name of the list.
    LISTED = 0
    # There, with such a name in another case, or behind a slash.
    LOOSE = 1
    # The same one level down.
    LISTED_INSIDE = 2
    LOOSE_INSIDE = 3
    # A name that says so itself; times only.
    TOLD = 4
    TOLD_INSIDE = 5


class Candidate(msgspec.Struct, array_like=True):
    """A field that could be it."""

    path: Path
    tier: Tier
    rank: int
    # How many records had it with a value that can be read.
    count: int
    # The latest value; whether it ever was another; how often it fell.
    value: int | float
    has_changed: bool = False
    falls: int = 0

    def take(self, value: float) -> None:
        """Take its value in the next record that has it."""
        self.count += 1
        self.has_changed |= value != self.value
        self.falls += value < self.value
        self.value = value

    @property
    def place(self) -> tuple[int, bool, int]:
        """How good it is, the best first: inside, what changes is better."""
        is_constant = self.tier >= Tier.LISTED_INSIDE and not self.has_changed
        return self.tier, is_constant, self.rank

    @property
    def is_possible(self) -> bool:
        """Whether nothing speaks against it."""
        return self.tier < Tier.TOLD or self.falls * _HARDLY_EVER <= self.count


class Candidates(msgspec.Struct, array_like=True):
    """All fields that could be a session's step, or its time."""

    all: list[Candidate] = []

    def survey(self, found: Iterable[tuple[Path, Tier, int, int | float]]) -> None:
        """Take what one record has: path, tier, rank and value of each."""
        known = {candidate.path: candidate for candidate in self.all}
        for path, tier, rank, value in found:
            if path in known:
                known[path].take(value)
            elif len(self.all) < MAX_CANDIDATES:
                self.all.append(Candidate(path, tier, rank, 1, value))

    def count_more(self, path: Path | None, count: int) -> None:
        """Count records that were not surveyed, and had the chosen field."""
        for candidate in self.all:
            if candidate.path == path:
                candidate.count += count

    def best(self, chosen: Path | None) -> Path | None:
        """The field to choose, given the one that is chosen."""
        possible = [candidate for candidate in self.all if candidate.is_possible]
        if not possible:
            return None
        most = max(candidate.count for candidate in possible)
        frequent = [one for one in possible if one.count * _FEW >= most]
        best = min(frequent, key=lambda one: one.place)
        for one in possible:
            if one.path == chosen and one.place < best.place:
                return chosen if one.count * _FAR_MORE >= most else best.path
        return best.path


def steps_in(
    levels: Sequence[Level], keys: Sequence[str]
) -> Iterator[tuple[Path, Tier, int, int | float]]:
    """What could be the step of a record."""
    keys = (*keys, *MORE_STEP_KEYS)
    ranks = {key: rank for rank, key in enumerate(keys)}
    loose = {loosened(key): rank for rank, key in reversed([*enumerate(keys)])}
    for path, fields, is_outer in levels:
        inside = 0 if is_outer else Tier.LISTED_INSIDE
        for key, value in fields.items():
            rank, tier = ranks.get(without_total(key)), Tier.LISTED
            if rank is None:
                rank, tier = loose.get(loosened(key)), Tier.LOOSE
            if rank is not None and (step := read_step(value)) is not None:
                yield (*path, key), Tier(inside + tier), rank, step.value


def times_in(
    levels: Sequence[Level], keys: Sequence[str]
) -> Iterator[tuple[Path, Tier, int, int | float]]:
    """What could be the time of a record."""
    keys = (*keys, *MORE_TIME_KEYS)
    ranks = {key: rank for rank, key in enumerate(keys)}
    for path, fields, is_outer in levels:
        for key, value in fields.items():
            tier = Tier.LISTED if is_outer else Tier.LISTED_INSIDE
            if key not in ranks:
                tier = Tier.TOLD if is_outer else Tier.TOLD_INSIDE
                if not names_time(key):
                    continue
            time_ms = read_time_ms(value, latest_ms=FAR_MS)
            if time_ms is not None:
                yield (*path, key), tier, ranks.get(key, len(keys)), time_ms
