"""Which chunks a cut divides."""

from tailcast_index.rollups.checking import divided_chunks
from tailcast_streams.indexes import LEVELS


def test_the_chunks_that_a_cut_divides() -> None:
    """From the finest level to the one that has no complete chunk there."""
    assert list(divided_chunks(1 + 39 * 512, 1 + 29 * 512)) == [(0, 29), (1, 3)]
    assert list(divided_chunks(1 + 39 * 512, 1 + 39 * 512)) == []
    whole = 1 + 32 * LEVELS[-1]
    levels = range(len(LEVELS))
    assert list(divided_chunks(whole, 1)) == [(level, 0) for level in levels]
