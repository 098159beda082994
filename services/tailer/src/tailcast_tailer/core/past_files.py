"""Which files a session has read whole: a bounded text that its state keeps.

Pure. A file is known again by its first bytes, and by those before the offset up to
which it was read, whatever it is called by then. Each is `offset:head:marker`, hashes
of the session's proofs cut short; the latest stands last.
"""

from typing import NamedTuple

from tailcast_tailer.core import proofs


# Files that are remembered.
MOST_FILES = 100
_HEAD_DIGITS = 8
_MARKER_DIGITS = 16


class PastFile(NamedTuple):
    """A file that was read whole."""

    # Where its last line ends.
    offset: int
    # What its first bytes, and those before the offset, are known by.
    head: str
    marker: str


def past_file(offset: int, head_proof: str, marker_proof: str) -> PastFile:
    """What is remembered of a file that was read up to an offset."""
    return PastFile(
        offset, _digits(head_proof, _HEAD_DIGITS), _digits(marker_proof, _MARKER_DIGITS)
    )


def head_of(head: bytes, offset: int) -> str:
    """What a file that was read up to an offset is known by, of its first bytes."""
    return _digits(proofs.prove_head(head[:offset]), _HEAD_DIGITS)


def marker_of(before: bytes) -> str:
    """The same, of the bytes before the offset."""
    return _digits(proofs.prove_marker(before), _MARKER_DIGITS)


def read_past(text: str) -> list[PastFile]:
    """The files that a text remembers; what cannot be read is none."""
    parts = (entry.split(":") for entry in text.split())
    return [
        PastFile(int(part[0]), part[1], part[2])
        for part in parts
        if len(part) == len(PastFile._fields) and part[0].isdecimal()
    ]


def remember(text: str, file: PastFile) -> str:
    """The text with one file more, without those that were read longest ago."""
    files = [one for one in read_past(text) if one != file]
    kept = [*files, file][-MOST_FILES:]
    return " ".join(f"{one.offset}:{one.head}:{one.marker}" for one in kept)


def _digits(proof: str, count: int) -> str:
    """The first digits of a proof's longest hash, "" for no proof."""
    return proof.rpartition(":")[2][:count]
