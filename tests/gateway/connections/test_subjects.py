"""How much each subject has."""

from tailcast_gateway.connections.core.subjects import Subjects


def test_each_has_as_much_as_it_may() -> None:
    """As all may, or as its token says if that is less; nobody in particular more."""
    subjects = Subjects(2)
    assert not subjects.is_full("ann", 1)
    subjects.enter("ann")
    assert subjects.is_full("ann", 1)
    assert not subjects.is_full("ann")
    subjects.enter("ann")
    assert subjects.is_full("ann")
    assert subjects.is_full("ann", 1_000)
    assert not subjects.is_full("bob", 1)
    subjects.leave("ann")
    assert not subjects.is_full("ann")
    assert subjects.is_full("ann", 1)
    subjects.leave("ann")
    assert not subjects.is_full("ann", 1)
    for _ in range(3):
        subjects.enter("")
    assert not subjects.is_full("")
    subjects.leave("")
