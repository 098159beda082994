"""A replica knows whether it is alone, and says so only if it is sure."""

import pytest

from tailcast_gateway.sessions.core.neighbours import QUIET_SECONDS, Neighbours


LISTENED = 100.0
LATER = LISTENED + QUIET_SECONDS


@pytest.fixture
def neighbours() -> Neighbours:
    """As of one that has listened for long enough and hears itself."""
    made = Neighbours()
    made.listening(LISTENED)
    made.heard(LATER, is_own=True)
    return made


def test_who_hears_only_itself_is_alone(neighbours: Neighbours) -> None:
    """As long as it goes on hearing that."""
    assert neighbours.are_absent(LATER)
    assert neighbours.are_absent(LATER + QUIET_SECONDS)
    assert not neighbours.are_absent(LATER + QUIET_SECONDS + 0.1)


def test_who_hears_another_one_is_not(neighbours: Neighbours) -> None:
    """Until the other one has been quiet for long enough."""
    neighbours.heard(LATER, is_own=False)
    for later in (LATER, LATER + QUIET_SECONDS):
        neighbours.heard(later, is_own=True)
        assert not neighbours.are_absent(later)
    assert neighbours.are_absent(LATER + QUIET_SECONDS + 0.1)


def test_who_does_not_listen_knows_nothing(neighbours: Neighbours) -> None:
    """And who has begun to does not know yet."""
    neighbours.deaf()
    assert not neighbours.are_absent(LATER)
    neighbours.listening(LATER)
    neighbours.heard(LATER + QUIET_SECONDS, is_own=True)
    assert not neighbours.are_absent(LATER + QUIET_SECONDS - 0.1)
    assert neighbours.are_absent(LATER + QUIET_SECONDS)


def test_who_does_not_hear_itself_knows_nothing() -> None:
    """Others may have spoken as well."""
    neighbours = Neighbours()
    neighbours.listening(LISTENED)
    assert not neighbours.are_absent(LATER)
