"""How far the indexes are behind, by what indexers say."""

from tailcast_gateway.sessions.core.index_lag import SAID_SECONDS, IndexLag
from tailcast_streams.indexers import Indexer


def late(lag_ms: int) -> Indexer:
    """An indexer that is so late."""
    return Indexer("i", "0.1.0", 1, 2, 3, lag_ms)


def test_nobody_knows_it_without_an_indexer() -> None:
    """Before the first look, and where none is there."""
    lag = IndexLag()
    assert lag.indexers is None
    assert lag.milliseconds(5.0) is None
    lag.found([], 5.0)
    assert lag.indexers == []
    assert lag.milliseconds(5.0) is None


def test_the_latest_counts() -> None:
    """Of several, who each have sessions of their own."""
    lag = IndexLag()
    lag.found([late(200), late(1_500), late(0)], 5.0)
    assert lag.milliseconds(5.0) == 1_500


def test_it_grows_while_nobody_can_be_asked() -> None:
    """From when what was said should have been said again."""
    lag = IndexLag()
    lag.found([late(200)], 5.0)
    assert lag.milliseconds(5.0 + SAID_SECONDS) == 200
    assert lag.milliseconds(5.0 + SAID_SECONDS + 7.0) == 7_200
