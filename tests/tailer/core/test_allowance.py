"""So many at once, and as many again over time."""

from tailcast_tailer.core.allowance import Allowance


def test_as_many_as_there_are_and_no_more() -> None:
    """What is not used is kept, up to all of them."""
    allowance = Allowance(3, seconds=30)
    assert [allowance.take(100.0) for _ in range(4)] == [True, True, True, False]
    assert not allowance.take(109.0)
    assert allowance.take(111.0)
    assert not allowance.take(112.0)
    assert [allowance.take(1_000.0) for _ in range(4)] == [True, True, True, False]
