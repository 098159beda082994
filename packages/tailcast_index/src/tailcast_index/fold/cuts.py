"""Which entries of a stream are of lines that the file no longer has.

A generation that keeps the first KEPT bytes of the file begins with the marker
`GENERATION-KEPT`. What earlier generations have behind that offset is gone; what they
have before it is still in the file.
"""

from collections.abc import Iterable
from math import inf


class Cuts:
    """The cuts that are known, some of them perhaps before their markers are read."""

    def __init__(self, cuts: Iterable[tuple[int, int]] = ()) -> None:
        # Generation and kept bytes, both rising: a later cut that keeps no more than an
        # earlier one stands for both.
        self._cuts: list[tuple[int, int]] = []
        for generation, kept in cuts:
            self.add(generation, kept)

    def add(self, generation: int, kept: int) -> None:
        """Note a marker; it may be known already, and so may later ones."""
        if any(
            later >= generation and later_kept <= kept
            for later, later_kept in self._cuts
        ):
            return
        cuts = [cut for cut in self._cuts if cut[0] > generation or cut[1] < kept]
        self._cuts = sorted([*cuts, (generation, kept)])

    def kept_of(self, generation: int) -> float:
        """The offset behind which entries of a generation are gone; else infinity."""
        return next((kept for later, kept in self._cuts if later > generation), inf)

    def dump(self) -> list[tuple[int, int]]:
        """What a new one begins with."""
        return list(self._cuts)
