"""Which indexers are there, on every broker."""

import asyncio

from tailcast_streams.indexers import Indexer
from tests.conformance.conftest import Adapter


ONE = Indexer("one {1}", "0.1.0", 1, 2, 3, 4)
TWO = Indexer("two", "0.2.0", 5, 6, 7, 8)


async def test_those_that_hold_are_there(adapter: Adapter) -> None:
    """As they said last, until they say that they go."""
    indexers = adapter.indexers
    assert await indexers.present() == []
    assert await indexers.hold(TWO, seconds=30) == [TWO]
    assert await indexers.hold(ONE, seconds=30) == [ONE, TWO]
    later = TWO._replace(lag_ms=9)
    assert await indexers.hold(later, seconds=30) == [ONE, later]
    assert await indexers.present() == [ONE, later]
    await indexers.withdraw("two")
    await indexers.withdraw("two")
    assert await indexers.present() == [ONE]


async def test_who_holds_no_more_is_gone(adapter: Adapter) -> None:
    """After the time that it asked for."""
    await adapter.indexers.hold(ONE, seconds=0.05)
    while await adapter.indexers.present():
        await asyncio.sleep(0.01)
    assert await adapter.indexers.hold(TWO, seconds=30) == [TWO]
