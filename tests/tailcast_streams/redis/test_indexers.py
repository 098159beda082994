"""How indexers are spelled, and what foreign hands write among them."""

import pytest

from tailcast_streams.indexers import Indexer
from tailcast_streams.redis.core.indexers import LONGEST_MS, indexer_text, noted_of


ONE = Indexer("one", "0.1.0", 1, 2, 3, 4)


def test_one_is_there_until_its_time() -> None:
    """Then its field is gone with."""
    fields = {b"one": indexer_text(ONE, 1_000)}
    assert noted_of(fields, 999) == ([ONE], [])
    assert noted_of(fields, 1_000) == ([], [b"one"])
    assert noted_of({}, 0) == ([], [])


def test_a_clock_that_was_set_back_keeps_nobody() -> None:
    """Else the sessions of one that was killed would wait until the old time."""
    fields = {b"one": indexer_text(ONE, 1_000 + LONGEST_MS)}
    assert noted_of(fields, 1_000) == ([ONE], [])
    assert noted_of(fields, 999) == ([], [b"one"])


@pytest.mark.parametrize("text", [b"", b"\xff", b"{}", b"[1]", b'{"until_ms":"x"}'])
def test_what_nobody_of_us_wrote_is_no_indexer(text: bytes) -> None:
    """It is removed by the next one."""
    assert noted_of({b"\xff": text}, 0) == ([], [b"\xff"])
