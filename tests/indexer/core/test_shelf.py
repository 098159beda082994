"""The indexes in memory."""

from tailcast_index.fold import Index
from tailcast_indexer.core.shelf import INDEX_BYTES, Held, Shelf, cost_of
from tailcast_streams.position import NOTHING
from tests.indexer.rig import RULES


def held(metrics: int = 0) -> Held:
    """An index of nothing."""
    index = Index("s", incarnation="i1", rules=RULES)
    return Held(index, NOTHING, metrics=metrics)


def test_those_that_were_used_longest_ago_go_first() -> None:
    """As many as it takes."""
    shelf = Shelf()
    for name in "abc":
        shelf.put(name, held())
    assert shelf.use("a") is shelf.get("a")
    assert shelf.use("none") is None
    assert list(shelf) == ["b", "c", "a"]
    assert shelf.surplus(3 * INDEX_BYTES) == []
    assert shelf.surplus(2 * INDEX_BYTES) == ["b"]
    assert shelf.surplus(0) == ["b", "c", "a"]


def test_what_they_cost_is_known() -> None:
    """With the metrics that they have at least."""
    shelf = Shelf()
    shelf.put("a", held(metrics=5))
    shelf.put("b", held())
    shelf.weigh("b", 7)
    shelf.weigh("b", 3)
    assert shelf.cost_bytes == cost_of(5) + cost_of(7)
    shelf.put("a", held())
    assert shelf.cost_bytes == cost_of(0) + cost_of(7)
    shelf.drop("b")
    shelf.drop("b")
    assert (len(shelf), shelf.cost_bytes) == (1, cost_of(0))
