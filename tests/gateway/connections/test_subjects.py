"""How much each subject has."""

from tailcast_gateway.connections.core.subjects import Subjects, limit_of
from tailcast_gateway.limits import CONNECTIONS_OF_TOKEN, CONNECTIONS_PER_SUBJECT
from tailcast_gateway.views.grant import EVERYTHING_GRANTED, Grant


def test_each_has_as_much_as_it_may() -> None:
    """Nobody in particular has more."""
    subjects = Subjects(2)
    for _ in range(2):
        assert not subjects.is_full("ann")
        subjects.enter("ann")
    assert subjects.is_full("ann")
    assert not subjects.is_full("bob")
    subjects.leave("ann")
    assert not subjects.is_full("ann")
    for _ in range(3):
        subjects.enter("")
    assert not subjects.is_full("")
    subjects.leave("")


def test_a_token_may_allow_fewer() -> None:
    """Never more; whatever bounds it is named."""
    subjects = Subjects(2)
    few, many, any_number = (Grant(sub="ann", connections=n) for n in (1, 9, None))
    assert limit_of(subjects, few) is None
    subjects.enter("ann")
    assert limit_of(subjects, few) is CONNECTIONS_OF_TOKEN
    assert limit_of(subjects, many) is limit_of(subjects, any_number) is None
    subjects.enter("ann")
    for grant in (few, many, any_number):
        assert limit_of(subjects, grant) is CONNECTIONS_PER_SUBJECT
    assert limit_of(subjects, EVERYTHING_GRANTED) is None
    for _ in range(2):
        subjects.leave("ann")
    assert limit_of(subjects, few) is None
