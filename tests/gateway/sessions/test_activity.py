"""Sessions that start, stall, resume and end."""

import pytest

from tailcast_gateway.sessions.core.activity import (
    ENDED_MS,
    STALLED_MS,
    Activity,
    Event,
    Transition,
)


def told(session: str, event: Event) -> Transition:
    """A transition."""
    return Transition(session, event)


def test_a_life() -> None:
    """Each transition is told once."""
    activity = Activity()
    assert activity.moved("a", now_ms=0)
    assert activity.settle("a", "running", now_ms=0) == told("a", "started")
    assert not activity.moved("a", now_ms=50_000)
    assert activity.due(now_ms=STALLED_MS) == []
    now_ms = 50_000 + STALLED_MS
    assert activity.due(now_ms=now_ms) == ["a"]
    assert activity.settle("a", "stalled", now_ms=now_ms) == told("a", "stalled")
    assert activity.settle("a", "stalled", now_ms=now_ms) is None
    assert activity.due(now_ms=now_ms) == []
    assert activity.moved("a", now_ms=200_000)
    assert activity.settle("a", "running", now_ms=200_000) == told("a", "resumed")
    now_ms = 200_000 + STALLED_MS
    assert activity.due(now_ms=now_ms) == ["a"]
    assert activity.settle("a", "stalled", now_ms=now_ms) == told("a", "stalled")
    now_ms = 200_000 + ENDED_MS
    assert activity.due(now_ms=now_ms) == ["a"]
    assert activity.settle("a", "ended", now_ms=now_ms) == told("a", "ended")
    assert activity.due(now_ms=10**9) == []
    assert activity.moved("a", now_ms=10**9)


def test_an_old_file_does_not_start() -> None:
    """Nor does it end: it has before."""
    activity = Activity()
    assert activity.moved("a", now_ms=0)
    assert activity.settle("a", "ended", now_ms=0) is None
    assert activity.due(now_ms=10**9) == []
    assert activity.moved("a", now_ms=10**9)
    assert activity.settle("a", "running", now_ms=10**9) == told("a", "resumed")


@pytest.mark.parametrize("minutes", [1, 2, 5])
def test_a_run_with_long_pauses_is_asked_again(minutes: int) -> None:
    """Each minute, while it says that it runs."""
    activity = Activity()
    activity.note("a", last_ms=0, now_ms=0)
    for minute in range(1, minutes + 1):
        assert activity.due(now_ms=minute * STALLED_MS) == ["a"]
        assert activity.settle("a", "running", now_ms=minute * STALLED_MS) is None
        assert activity.due(now_ms=minute * STALLED_MS) == []
    assert activity.due(now_ms=(minutes + 1) * STALLED_MS - 1) == []


def test_sessions_that_were_there() -> None:
    """Nothing became of them by being watched; then they go on as they are."""
    activity = Activity()
    now_ms = 10**7
    activity.note("runs", last_ms=now_ms, now_ms=now_ms)
    activity.note("stalled", last_ms=now_ms - STALLED_MS, now_ms=now_ms)
    activity.note("ended", last_ms=0, now_ms=now_ms)
    activity.note("runs", last_ms=0, now_ms=now_ms)
    assert activity.due(now_ms=now_ms) == []
    moved = [activity.moved(one, now_ms=now_ms) for one in ("runs", "stalled", "ended")]
    assert moved == [False, True, True]


def test_cost_follows_activity() -> None:
    """P8: sessions that idle are not looked at again, and nothing of them piles up."""
    activity = Activity()
    for at in range(1_000):
        activity.note(str(at), last_ms=0, now_ms=10**7)
    assert len(activity) == 0
    now_ms = 10**7
    for _ in range(100):
        activity.moved("a", now_ms=now_ms)
        activity.settle("a", "running", now_ms=now_ms)
        now_ms += STALLED_MS
        assert activity.due(now_ms=now_ms) == ["a"]
        activity.settle("a", "stalled", now_ms=now_ms)
    activity.due(now_ms=now_ms + STALLED_MS - 1)
    assert len(activity) < 20


def test_a_session_that_nobody_watches() -> None:
    """Nothing becomes of it any more."""
    activity = Activity()
    activity.settle("a", "running", now_ms=0)
    activity.forget("a")
    activity.forget("a")
    assert activity.due(now_ms=10**9) == []
