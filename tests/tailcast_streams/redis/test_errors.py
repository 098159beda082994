"""How redis-py's errors are told."""

from typing import Any

import pytest
from redis import exceptions as redis_errors
from redis._parsers.base import BaseParser

from tailcast_streams.exceptions import (
    BrokerError,
    BrokerFull,
    BrokerRefused,
    BrokerUnavailable,
    BrokerUnwilling,
    KeySpoiled,
)
from tailcast_streams.redis.errors import translate


def parsed(reply: str) -> Exception:
    """What redis-py makes of an error reply."""
    parser: Any = BaseParser
    error: Exception = parser.parse_error(reply)
    return error


@pytest.mark.parametrize(
    ("reply", "ours", "advice"),
    [
        ("LOADING the dataset is in memory soon", BrokerUnavailable, ""),
        ("BUSY a script runs", BrokerUnavailable, ""),
        ("MASTERDOWN Link with MASTER is down", BrokerUnavailable, ""),
        ("TRYAGAIN Multiple keys", BrokerUnavailable, ""),
        ("NOSCRIPT No matching script", BrokerUnavailable, ""),
        ("UNBLOCKED", BrokerUnavailable, ""),
        ("ERR max number of clients reached", BrokerUnavailable, ""),
        ("OOM command not allowed", BrokerFull, ""),
        ("READONLY You can't write", BrokerUnwilling, "replica"),
        ("MISCONF Errors writing to the AOF file", BrokerUnwilling, "disk"),
        ("NOREPLICAS Not enough good replicas", BrokerUnwilling, "min-replicas"),
        ("CLUSTERDOWN Hash slot not served", BrokerUnwilling, "cluster"),
        ("MOVED 6916 127.0.0.1:7502", BrokerRefused, "node of a cluster"),
        ("ASK 6916 127.0.0.1:7502", BrokerRefused, "node of a cluster"),
        ("CROSSSLOT Keys in request", BrokerRefused, "node of a cluster"),
        ("NOPERM this user has no permissions", BrokerRefused, "permission"),
        ("NOAUTH Authentication required.", BrokerRefused, "password"),
        ("WRONGPASS invalid username-password pair", BrokerRefused, "password"),
        ("WRONGTYPE Operation against a key", KeySpoiled, "another program"),
        (
            "ERR ACL failure in script: No permissions to access a key",
            BrokerRefused,
            "permission",
        ),
        (
            "ERR The user executing the script can't run this command",
            BrokerRefused,
            "permission",
        ),
        ("ERR unknown command 'EVALSHA'", BrokerRefused, ""),
        ("SOMETHING new", BrokerRefused, ""),
    ],
)
def test_each_code_says_whether_waiting_helps_and_what_mends_it(
    reply: str, ours: type[BrokerError], advice: str
) -> None:
    """With the broker's own words, its code first, though redis-py takes it off."""
    error = translate(parsed(reply))

    assert type(error) is ours
    assert str(error).startswith(reply)
    assert advice in str(error)
    assert bool(advice) == (str(error) != reply)
    assert error.code == reply.split(maxsplit=1)[0]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (redis_errors.ConnectionError("gone"), BrokerUnavailable),
        (redis_errors.TimeoutError("late"), BrokerUnavailable),
        (redis_errors.AuthenticationError("who?"), BrokerRefused),
        (redis_errors.DataError("odd"), BrokerRefused),
        (OSError("unreachable"), BrokerUnavailable),
        (EOFError("odd"), BrokerUnavailable),
    ],
    ids=str,
)
def test_what_has_no_code_goes_by_its_class(
    theirs: Exception, ours: type[BrokerError]
) -> None:
    """The broker said nothing."""
    error = translate(theirs)

    assert type(error) is ours
    assert (str(error), error.code) == (str(theirs), "")


def test_what_is_refused_while_connecting_is_not_taken_for_absence() -> None:
    """redis-py wraps it as if the connection had been lost."""
    reply = parsed("NOPERM this user has no permissions")
    lost = redis_errors.ConnectionError(reply)
    lost.__cause__ = reply

    assert type(translate(lost)) is BrokerRefused
    assert translate(lost).code == "NOPERM"


def test_an_error_without_words_is_named() -> None:
    """A line for people is never empty."""
    assert str(translate(redis_errors.TimeoutError())) == "TimeoutError"
