"""A replay that is reduced: which entries of it are sent.

Pure. Emergencies, markers and gaps are always among them, in their places.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tailcast_gateway.views.thinning import Kept
from tailcast_streams.entries import Entry
from tailcast_streams.position import Cursor, EntryID


@dataclass(slots=True)
class Sample:
    """The entries of a replay that are sent, and how far those are that were."""

    entries: Sequence[Kept]
    # The place behind what it is of.
    end: Cursor
    # Whether another one is to be made from there on.
    goes_on: bool = False
    # Those of them that need not be read.
    known: Mapping[EntryID, Entry] = field(default_factory=dict[EntryID, Entry])
    # How many of the entries were sent.
    sent: int = 0

    @property
    def is_over(self) -> bool:
        """Whether all were sent."""
        return self.sent >= len(self.entries)

    def next(self, count: int) -> Sequence[Kept]:
        """The next entries to send."""
        return self.entries[self.sent : self.sent + count]


def sample_of(
    kept: Iterable[Kept],
    others: Iterable[EntryID],
    end: Cursor,
    *,
    known: Iterable[Entry] = (),
    goes_on: bool = False,
) -> Sample:
    """Records that were chosen, and entries that are sent besides.

    Args:
        kept: the records.
        others: IDs of emergencies, markers and gaps.
        end: the place behind all of them.
        known: markers and gaps that need not be read.
        goes_on: whether it ends before all that is to be sent.
    """
    by_id = {one.id: one for one in known}
    entries = {one.id: one for one in kept}
    for id in (*others, *by_id):
        entries.setdefault(id, Kept(id, 0))
    return Sample(sorted(entries.values()), end, goes_on, by_id)


def chosen_ids(*tiers: Iterable[EntryID], points: int, of: int) -> list[Kept]:
    """Records that roll-ups name, at most so many; together they stand for all.

    Args:
        tiers: those to send, the most important ones first.
        points: how many are sent.
        of: how many there are.
    """
    chosen: set[EntryID] = set()
    for tier in tiers:
        more = sorted(set(tier) - chosen)
        chosen.update(more[: points - len(chosen)])
    ids = sorted(chosen)
    kept = [Kept(id, 1) for id in ids]
    if kept:
        kept[-1] = Kept(ids[-1], 1 + max(0, of - len(ids)))
    return kept
