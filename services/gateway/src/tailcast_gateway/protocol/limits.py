"""What the contract allows: how much clients may ask for, how long messages are.

Pure. Libraries refuse messages beyond a size of their own, and whoever is refused one
comes back and is sent it again. So what holds several records or items is short enough
for all of them, and one alone for nearly all; a client can ask for less, or for more.
What never lives here: how a message is written, and whose it is.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple, TypeVar


# The longest message, in bytes, that holds more than one record or item (the smallest
# limits of libraries are 32,768) ...
SEVERAL_BYTES: Final = 32_000
# ... and the longest message of all: below 1 MiB, the usual limit of libraries.
MAX_MESSAGE_BYTES: Final = 960 * 1024
# The least that a client may ask for.
MIN_MESSAGE_BYTES: Final = 4 * 1024

# What names may have, characters.
MAX_SESSION_ID_CHARACTERS: Final = 1_024
MAX_CLIENT_ID_CHARACTERS: Final = 256
MAX_METRIC_CHARACTERS: Final = 1_024

# How deep a filter may be nested, and how many conditions and groups it may have.
MAX_FILTER_DEPTH: Final = 16
MAX_CONDITIONS: Final = 100
# Values of one `in` or `nin`, and characters of a text to compare with.
MAX_FILTER_VALUES: Final = 1_000
MAX_TEXT_CHARACTERS: Final = 1_024

# Metrics that one projection names.
MAX_METRICS: Final = 100
# Records that a replay may be reduced to.
MIN_POINTS: Final = 2
MAX_POINTS: Final = 10_000
# Live records a second.
MIN_RATE: Final = 0.01
MAX_RATE: Final = 1_000
# What a page of history has at most, and what it has unless asked otherwise.
MAX_HISTORY: Final = 1_000
DEFAULT_HISTORY: Final = 100
# Paths of files in one answer.
MAX_LISTED_SOURCES: Final = 1_000

_T = TypeVar("_T")


class Limits(NamedTuple):
    """How long one client's messages may be, before they are compressed."""

    # With more than one record or item.
    several: int
    # With one: beyond it comes where the record is to be had, in its place.
    single: int


USUAL: Final = Limits(SEVERAL_BYTES, MAX_MESSAGE_BYTES)


def limits_of(max_message: int) -> Limits:
    """What a client asks for by the longest message that it takes."""
    return Limits(max_message, max_message)


def portions(
    items: Iterable[_T], size_of: Callable[[_T], int], *, room: int
) -> Iterator[tuple[list[_T], bool]]:
    """Items in lists that fit, in order, and whether another list follows.

    One list at least, though it be empty; an item that does not fit goes alone.
    """
    part: list[_T] = []
    size = 0
    for item in items:
        item_bytes = size_of(item)
        if part and size + item_bytes > room:
            yield part, True
            part, size = [], 0
        part.append(item)
        size += item_bytes
    yield part, False
