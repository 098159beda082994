"""Translates the broker's errors from redis-py's into ours, by a table.

The error's code decides, never its text, which differs between servers and versions. An
error that a person must fix says how. An unknown error counts as one of these.
"""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any, NamedTuple

from redis import exceptions as redis_errors

from tailcast_streams.exceptions import (
    BrokerError,
    BrokerFull,
    BrokerRefused,
    BrokerUnavailable,
    BrokerUnwilling,
    KeySpoiled,
)


class Meaning(NamedTuple):
    """Our error for an error with a code, and advice on how to fix it."""

    ours: type[BrokerError]
    advice: str = ""


# The code of errors that are of one key alone.
SPOILED = "WRONGTYPE"

_CLUSTER = "this is a node of a cluster: give the URL of one server that has all keys"
_ACCOUNT = "its account lacks a permission: docs/operations.md has the rule"
_LOG_IN = "put the broker's user and password into its URL"
_BY_CODE = {
    "MOVED": Meaning(BrokerRefused, _CLUSTER),
    "ASK": Meaning(BrokerRefused, _CLUSTER),
    "CROSSSLOT": Meaning(BrokerRefused, _CLUSTER),
    "CLUSTERDOWN": Meaning(BrokerUnwilling, _CLUSTER),
    "NOPERM": Meaning(BrokerRefused, _ACCOUNT),
    "NOAUTH": Meaning(BrokerRefused, _LOG_IN),
    "WRONGPASS": Meaning(BrokerRefused, _LOG_IN),
    SPOILED: Meaning(KeySpoiled, "another program wrote this key: set another prefix"),
    "READONLY": Meaning(
        BrokerUnwilling, "this is a replica: give the URL of its master"
    ),
    "MISCONF": Meaning(
        BrokerUnwilling, "it cannot save to its disk: its own log says why"
    ),
    "NOREPLICAS": Meaning(
        BrokerUnwilling, "fewer replicas are there than min-replicas-to-write asks for"
    ),
    "OOM": Meaning(BrokerFull),
    "BUSY": Meaning(BrokerUnavailable),
    "LOADING": Meaning(BrokerUnavailable),
    "MASTERDOWN": Meaning(BrokerUnavailable),
    "NOSCRIPT": Meaning(BrokerUnavailable),
    "TRYAGAIN": Meaning(BrokerUnavailable),
    "UNBLOCKED": Meaning(BrokerUnavailable),
}
# For errors without a known code. The first match counts.
_BY_CLASS: tuple[tuple[type[BaseException], type[BrokerError]], ...] = (
    (redis_errors.AuthenticationError, BrokerRefused),
    (redis_errors.AuthorizationError, BrokerRefused),
    (redis_errors.ConnectionError, BrokerUnavailable),
    (redis_errors.TimeoutError, BrokerUnavailable),
    (redis_errors.RedisError, BrokerRefused),
)
# A script's command that lacks a permission has no code of its own, and another text in
# Redis 7.0. These texts are only used to give the advice.
_DENIED_IN_SCRIPT = ("ACL failure in script", "The user executing the script can't")


@contextmanager
def translated_errors() -> Generator[None]:
    """Raise our errors for redis-py's, with the broker's own text."""
    try:
        yield
    except (redis_errors.RedisError, OSError) as error:
        raise translate(error) from error


def raise_refused(replies: Iterable[object]) -> None:
    """Raise our error for the first of these replies that is one of redis-py's."""
    for reply in replies:
        if isinstance(reply, Exception):
            raise translate(reply) from reply


def own_reply(reply: Any) -> Any:
    """A reply; None if another program wrote the key. Raises BrokerError."""
    if not isinstance(reply, Exception):
        return reply
    error = translate(reply)
    if not isinstance(error, KeySpoiled):
        raise error from reply
    return None


def translate(error: BaseException) -> BrokerError:
    """Our error for one of redis-py's."""
    origin = _origin(error)
    text = str(origin) or type(origin).__name__
    code = _code(origin, text)
    meaning = _BY_CODE.get(code)
    if meaning is None:
        meaning = _by_class(origin, text)
    words = text if not code or text.startswith(code) else f"{code} {text}"
    told = f"{words}; {meaning.advice}" if meaning.advice else words
    return meaning.ours(told, code=code)


def _origin(error: BaseException) -> BaseException:
    """The broker's error: while connecting it is wrapped in another one."""
    cause = error.__cause__
    return cause if isinstance(cause, redis_errors.RedisError) else error


def _code(error: BaseException, text: str) -> str:
    """The error's code; redis-py removes it from the text if it has a class for it."""
    code = getattr(error, "status_code", None)
    if isinstance(code, str) and code:
        return code
    if isinstance(error, redis_errors.ResponseError):
        first = text.partition(" ")[0]
        if first.isupper() and first.isalpha():
            return first
    return ""


def _by_class(error: BaseException, text: str) -> Meaning:
    if any(words in text for words in _DENIED_IN_SCRIPT):
        return Meaning(BrokerRefused, _ACCOUNT)
    for theirs, ours in _BY_CLASS:
        if isinstance(error, theirs):
            return Meaning(ours)
    return Meaning(BrokerUnavailable)
