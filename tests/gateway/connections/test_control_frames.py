"""Pings and pongs of a peer."""

from tailcast_gateway.connections.core.control_frames import (
    PAUSES_SECONDS,
    ControlFrames,
)


def test_as_many_as_may_come() -> None:
    """There is a pause after one more; then they may come again."""
    frames = ControlFrames(10)
    assert [frames.came(0.0, is_pong=False) for _ in range(10)] == [0.0] * 10
    assert frames.came(0.0, is_pong=True) == 0.1
    assert not frames.is_over(0.0)
    assert frames.came(60.0, is_pong=False) == 0.0
    assert not frames.is_over(60.0)


def test_answers_do_not_count() -> None:
    """A pong for each ping, however many these are."""
    frames = ControlFrames(1)
    for _ in range(100):
        frames.asked()
    assert not any(frames.came(0.0, is_pong=True) for _ in range(100))
    assert frames.came(0.0, is_pong=True) == 0.0
    assert frames.came(0.0, is_pong=True) == 1.0


def test_a_peer_that_goes_on() -> None:
    """It is over when there have been pauses for so long."""
    frames = ControlFrames(10)
    now = 0.0
    while not frames.is_over(now):
        now += frames.came(now, is_pong=False)
    assert PAUSES_SECONDS <= now < PAUSES_SECONDS + 1.0
