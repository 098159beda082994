"""How redis-py's errors are told."""

import pytest
from redis import exceptions as redis_errors

from telemetry_stream.exceptions import (
    BrokerError,
    BrokerFull,
    BrokerRefused,
    BrokerUnavailable,
)
from telemetry_stream.redis_connection import translate


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (redis_errors.ConnectionError("gone"), BrokerUnavailable),
        (redis_errors.TimeoutError("late"), BrokerUnavailable),
        (redis_errors.BusyLoadingError("loading"), BrokerUnavailable),
        (redis_errors.ReadOnlyError("replica"), BrokerUnavailable),
        (redis_errors.ClusterDownError("down"), BrokerUnavailable),
        (redis_errors.ResponseError("MISCONF disk"), BrokerUnavailable),
        (redis_errors.ResponseError("UNBLOCKED"), BrokerUnavailable),
        (OSError("unreachable"), BrokerUnavailable),
        (EOFError("odd"), BrokerUnavailable),
        (redis_errors.OutOfMemoryError("maxmemory"), BrokerFull),
        (redis_errors.AuthenticationError("who?"), BrokerRefused),
        (redis_errors.NoPermissionError("no"), BrokerRefused),
        (redis_errors.ResponseError("WRONGTYPE"), BrokerRefused),
    ],
    ids=str,
)
def test_each_error_says_whether_waiting_helps(
    theirs: Exception, ours: type[BrokerError]
) -> None:
    """Away and full pass; refused needs somebody to change something."""
    assert type(translate(theirs)) is ours
    assert str(translate(theirs))


def test_an_error_without_words_is_named() -> None:
    """A line for people is never empty."""
    assert str(translate(redis_errors.TimeoutError())) == "TimeoutError"
