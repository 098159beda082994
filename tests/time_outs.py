"""A test that has run out of time ends, one of hypothesis' too.

Hypothesis takes the failure by which pytest-timeout ends a test for one of the example,
and looks for a smaller one: without any clock, for five minutes, or for as long as the
last of the examples hangs. What is no failure to it ends it at once. An example that
does fail is made smaller for as long as there is time to tell of it.
"""

import signal
from types import FrameType

import pytest
from hypothesis.internal.conjecture import engine

from tests.promptness import put


# Of the 600 that a test has, `timeout` in pyproject.toml.
SMALLER_SECONDS = 45
# What is raised in a destructor, say, is lost: it is raised again after so long.
AGAIN_SECONDS = 20.0


class OutOfTimeError(BaseException):
    """A test has had its time."""


def bound_shrinking() -> None:
    """Leave time to tell what was found."""
    put(engine, "MAX_SHRINKING_SECONDS", SMALLER_SECONDS)


def end_at_time_out() -> None:
    """Let what the alarm raises be nobody's failure; it is set."""
    handler = signal.getsignal(signal.SIGALRM)
    if not callable(handler):
        return

    def end(number: int, frame: FrameType | None) -> None:
        try:
            handler(number, frame)
        except pytest.fail.Exception as error:
            raise OutOfTimeError(str(error)) from None

    signal.signal(signal.SIGALRM, end)
    left_seconds, _ = signal.getitimer(signal.ITIMER_REAL)
    signal.setitimer(signal.ITIMER_REAL, left_seconds, AGAIN_SECONDS)
