"""What a replica hears tells whether what is written now gets there."""

import pytest

from tailcast_gateway.sessions.core.hearing import STALE_SECONDS, Hearing


@pytest.fixture
def hearing() -> Hearing:
    """One that has begun, and heard its first canary."""
    hearing = Hearing("me")
    hearing.begin(100.0)
    assert hearing.heard(hearing.canary(100.0), 100.5)
    return hearing


def state(hearing: Hearing, now: float) -> str:
    """How the feed is then."""
    return hearing.feed(now, down_after=30.0)


def test_before_anything_is_heard() -> None:
    """It is down until it listens, and stale until its canary comes back."""
    hearing = Hearing("me")
    assert state(hearing, 0.0) == "down"
    hearing.begin(0.0)
    assert state(hearing, 0.0) == "stale"
    assert hearing.quiet_seconds(0.0) is None


def test_a_broker_that_falls_silent(hearing: Hearing) -> None:
    """It is stale soon, and down when that goes on."""
    assert state(hearing, 100.5 + STALE_SECONDS) == "fresh"
    assert state(hearing, 100.6 + STALE_SECONDS) == "stale"
    assert state(hearing, 130.5) == "stale"
    assert state(hearing, 130.6) == "down"
    assert hearing.lag.milliseconds(101.0) == 500


def test_a_connection_that_is_lost(hearing: Hearing) -> None:
    """It is down at once, until it listens again."""
    hearing.end()
    assert state(hearing, 101.0) == "down"
    hearing.begin(101.5)
    assert state(hearing, 101.5) == "fresh"


def test_what_others_say(hearing: Hearing) -> None:
    """Nothing of it says that this replica hears itself."""
    for payload in ("!canary:other:5", "!leaving:other", hearing.farewell):
        assert hearing.is_of_replicas(payload)
        assert not hearing.heard(payload, 120.0)
    assert not hearing.is_of_replicas("!taken:1:r:c")
    assert hearing.quiet_seconds(120.5) == 20.0
