"""How long messages are: what goes into one together, and when a record is too long.

Pure. Libraries refuse messages beyond a size of their own, and whoever is refused one
comes back and is sent it again. So what holds several records or items is short enough
for all of them, and one alone for nearly all; a client can ask for less, or for more.
What never lives here: how a message is written, and whose it is.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple, TypeVar


# A message of more than one record or item is at most so long, all of it (the smallest
# limits of libraries are 32,768) ...
SEVERAL_BYTES: Final = 32_000
# ... and any message: below 1 MiB, where most of those are that have one.
MAX_BYTES: Final = 960 * 1024
# The least that a client may ask for.
MIN_BYTES: Final = 4 * 1024

_T = TypeVar("_T")


class Limits(NamedTuple):
    """How long one client's messages may be, before they are compressed."""

    # With more than one record or item.
    several: int
    # With one: beyond it comes where the record is to be had, in its place.
    single: int


USUAL: Final = Limits(SEVERAL_BYTES, MAX_BYTES)


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
