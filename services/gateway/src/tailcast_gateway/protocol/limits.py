"""The limits of the protocol: how much clients may ask for, how long messages are.

Pure. Libraries refuse messages beyond some size. A client whose library refuses a
message would come back and get it again. So a message with several records or items is
short enough for all libraries, and one with a single record for nearly all. A client
can ask for shorter or longer messages.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple, TypeVar


# The longest message, in bytes, with more than one record or item (the smallest limit
# of a library is 32,768) ...
SEVERAL_BYTES: Final = 32_000
# ... and the longest message of all: below 1 MiB, the usual limit of libraries.
MAX_MESSAGE_BYTES: Final = 960 * 1024
# The shortest message limit that a client may ask for.
MIN_MESSAGE_BYTES: Final = 4 * 1024

# The longest names, in characters.
MAX_SESSION_ID_CHARACTERS: Final = 1_024
MAX_CLIENT_ID_CHARACTERS: Final = 256
MAX_TOKEN_CHARACTERS: Final = 8_192
MAX_METRIC_CHARACTERS: Final = 1_024

# How deep a filter may be nested, and how many conditions and groups it may have.
MAX_FILTER_DEPTH: Final = 16
MAX_CONDITIONS: Final = 100
# The most values of one `in` or `nin`, and characters of a text to compare with.
MAX_FILTER_VALUES: Final = 1_000
MAX_TEXT_CHARACTERS: Final = 1_024

# The most metrics of one projection.
MAX_METRICS: Final = 100
# The limits of `maxPoints`: how many records a replay may be reduced to.
MIN_POINTS: Final = 2
MAX_POINTS: Final = 10_000
# The limits of `maxRate`: live records a second.
MIN_RATE: Final = 0.01
MAX_RATE: Final = 1_000
# The most records of a page of history, and how many it has by default.
MAX_HISTORY: Final = 1_000
DEFAULT_HISTORY: Final = 100
# The most emergencies that a `subscribe` has first.
MAX_EMERGENCIES: Final = 100
# The longest name of who acknowledges one, and the longest note, in characters.
MAX_WHO_CHARACTERS: Final = 256
MAX_NOTE_CHARACTERS: Final = 2_000
# Paths of files in one answer.
MAX_LISTED_SOURCES: Final = 1_000

_T = TypeVar("_T")


class Limits(NamedTuple):
    """How long one client's messages may be, before they are compressed."""

    # The limit of a message with more than one record or item.
    several: int
    # The limit of a message with one. If the record is longer, a link replaces it.
    single: int


USUAL: Final = Limits(SEVERAL_BYTES, MAX_MESSAGE_BYTES)


def limits_of(max_message: int) -> Limits:
    """The limits of a client that has named the longest message that it accepts."""
    return Limits(max_message, max_message)


def portions(
    items: Iterable[_T], size_of: Callable[[_T], int], *, room: int
) -> Iterator[tuple[list[_T], bool]]:
    """Items in lists that fit, in order, each with whether another list follows.

    There is at least one list, which may be empty. An item that does not fit is alone.
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
