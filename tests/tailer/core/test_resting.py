"""What is held back rests once the file has looked the same for a while."""

from tailcast_tailer.core.resting import Rest, rested_at, resting


def test_a_file_that_changes_does_not_rest() -> None:
    """Its size, its time and what is held back must stay."""
    first = resting(None, Rest(10, 100, 1, since=5.0))
    assert first == Rest(10, 100, 1, since=5.0)
    assert resting(first, Rest(10, 100, 1, since=6.0)) is first
    for other in ((9, 100, 1), (10, 101, 1), (10, 100, 2)):
        assert resting(first, Rest(*other, since=6.0)) == Rest(*other, since=6.0)
    assert resting(first, Rest(0, 100, 1, since=6.0)) is None


def test_when_it_has_rested() -> None:
    """Later where a file system shows late what others write; once is enough."""
    rest = Rest(10, 100, 1, since=5.0)
    assert rested_at(rest, is_network=False) == 7.0
    assert rested_at(rest, is_network=True) == 15.0
    assert rested_at(rest._replace(is_settled=True), is_network=False) is None
    assert rested_at(None, is_network=False) is None
