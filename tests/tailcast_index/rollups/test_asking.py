"""Places that are found in stored roll-ups."""

import pytest

from tailcast_index.rollups.asking import buckets_left


def test_a_chunk_that_is_missing_is_no_place() -> None:
    """Somebody deleted it: nothing is told of what it had."""
    asking = buckets_left(lambda id: id.offset <= 1_000, rolled=64)
    wanted = next(asking)
    with pytest.raises(ValueError, match="missing"):
        asking.send(dict.fromkeys(wanted))
