"""A replica knows whether it is alone, and says so only if it is sure."""

import pytest

from tailcast_gateway.sessions.core.neighbours import (
    LISTENED_SECONDS,
    QUIET_SECONDS,
    Neighbours,
)


LISTENED = 100.0
LATER = LISTENED + LISTENED_SECONDS


@pytest.fixture
def neighbours() -> Neighbours:
    """As of one that has listened for long enough and hears itself."""
    made = Neighbours()
    made.listening(LISTENED)
    made.heard_itself(LATER)
    return made


def test_who_hears_only_itself_is_alone(neighbours: Neighbours) -> None:
    """As long as it goes on hearing that."""
    assert neighbours.are_absent(LATER)
    assert neighbours.are_absent(LATER + QUIET_SECONDS)
    assert not neighbours.are_absent(LATER + QUIET_SECONDS + 0.1)


def test_who_hears_another_one_is_not(neighbours: Neighbours) -> None:
    """Until the other one has been quiet for long enough."""
    neighbours.heard("other", LATER)
    for later in (LATER, LATER + QUIET_SECONDS):
        neighbours.heard_itself(later)
        assert not neighbours.are_absent(later)
    assert neighbours.are_absent(LATER + QUIET_SECONDS + 0.1)


def test_one_that_leaves_takes_no_clients(neighbours: Neighbours) -> None:
    """Though it still says that it is there."""
    neighbours.heard("other", LATER)
    neighbours.heard("other", LATER, is_leaving=True)
    assert neighbours.are_absent(LATER)
    neighbours.heard("other", LATER)
    assert neighbours.are_absent(LATER)
    neighbours.heard("third", LATER)
    assert not neighbours.are_absent(LATER)
    neighbours.heard("third", LATER, is_leaving=True)
    assert neighbours.are_absent(LATER)


def test_who_has_not_been_heard_for_long_is_forgotten(neighbours: Neighbours) -> None:
    """So that names do not add up."""
    neighbours.heard("other", LATER, is_leaving=True)
    neighbours.heard("third", LATER)
    neighbours.heard("fourth", LATER + QUIET_SECONDS + 0.1)
    assert (list(neighbours._others), neighbours._leaving) == (["fourth"], {})


def test_who_does_not_listen_knows_nothing(neighbours: Neighbours) -> None:
    """And who has begun to does not know yet."""
    neighbours.deaf()
    assert not neighbours.are_absent(LATER)
    later = LATER + 1
    neighbours.listening(later)
    assert not neighbours.are_absent(later + LISTENED_SECONDS)
    neighbours.heard_itself(later + LISTENED_SECONDS)
    assert not neighbours.are_absent(later + LISTENED_SECONDS - 0.1)
    assert neighbours.are_absent(later + LISTENED_SECONDS)


def test_who_does_not_hear_itself_knows_nothing() -> None:
    """Others may have spoken as well."""
    neighbours = Neighbours()
    neighbours.listening(LISTENED)
    assert not neighbours.are_absent(LATER)
