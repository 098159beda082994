r"""What a container engine puts around each line that a program writes, taken away.

Pure. Docker's `json-file` driver writes `{"log":"…\n","stream":"stdout","time":"…"}`,
and splits what is longer than 16 KiB: a part has no newline at its end. Kubernetes' CRI
writes `2026-11-25T12:00:00.1Z stdout F …`, and parts with `P`. Both write output and
errors into one file, so that the parts of each may stand among lines of the other.
"""

import re
from collections.abc import Iterable, Sequence
from enum import Enum
from itertools import accumulate, count
from operator import add
from typing import NamedTuple

import msgspec


class Envelope(Enum):
    """What stands around the records of a file."""

    NONE = "none"
    # A text before each.
    PREFIX = "prefix"
    DOCKER = "docker"
    CRI = "cri"


class Lines(NamedTuple):
    """Lines of a file, without their newlines, and without envelopes."""

    texts: Sequence[bytes]
    # Where each ends in the file: the byte after its newline.
    ends: Sequence[int]
    # How long each is in the file, without its newline.
    lengths: Sequence[int]

    def part(self, first: int, last: int) -> "Lines":
        """Those from one on, the last one left out."""
        here = slice(first, last)
        return Lines(self.texts[here], self.ends[here], self.lengths[here])


class Unwrapped(NamedTuple):
    """What programs wrote, line by line."""

    lines: Lines
    # The byte after the last line of the file that is among these.
    end: int
    # Whether parts follow of a line whose end is still to come.
    is_open: bool


class _DockerLine(msgspec.Struct, forbid_unknown_fields=True):
    log: str
    stream: str
    time: str
    attrs: msgspec.Raw = msgspec.Raw()


class _Part(NamedTuple):
    """What one line of the file has of a line that a program wrote."""

    stream: str
    text: bytes
    is_last: bool


class _Begun(NamedTuple):
    """A line of which parts were seen."""

    start: int
    texts: list[bytes]


_STREAMS = frozenset(("stdout", "stderr"))
_CRI = re.compile(
    rb"\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:?\d\d) (stdout|stderr) ([FP])(?::\S*)?"
    rb"(?: (.*))?",
    re.DOTALL,
)
_decode_docker = msgspec.json.Decoder(_DockerLine).decode


def lines_of(texts: Sequence[bytes], start: int) -> Lines:
    """Lines that stand one behind the other, from an offset on."""
    lengths = [*map(len, texts)]
    return Lines(texts, [*map(add, accumulate(lengths), count(start + 1))], lengths)


def is_enveloped(line: bytes, envelope: Envelope) -> bool:
    """Whether a line is one that this engine wrote."""
    return _part(line, envelope) is not None


def unwrapped(
    texts: Iterable[bytes],
    start: int,
    envelope: Envelope,
    *,
    max_line_bytes: int,
    max_lines: int,
    is_all: bool,
) -> Unwrapped:
    """Take lines out of their envelopes, those in parts once the last one is there.

    Args:
        texts: whole lines of the file.
        start: the offset at which they begin.
        envelope: `DOCKER` or `CRI`. A line without it is taken as it is.
        max_line_bytes: a line in parts is not awaited beyond this length.
        max_lines: how many are taken.
        is_all: whether no part is to be awaited.
    """
    taken = _Taken()
    begun: dict[str, _Begun] = {}
    whole, end, at = 0, start, start
    for raw in texts:
        part = _part(raw, envelope) or _Part("", raw, is_last=True)
        line = begun.pop(part.stream, None) or _Begun(at, [])
        at += len(raw) + 1
        line.texts.append(part.text)
        if part.is_last or sum(map(len, line.texts)) > max_line_bytes:
            taken.add(line, at)
        else:
            begun[part.stream] = line
        if not begun:
            whole, end = len(taken.ends), at
            if whole >= max_lines:
                break
    if begun and is_all:
        # Where those of two streams end at the same place, one ends a byte before.
        for before, line in enumerate(sorted(begun.values()), 1 - len(begun)):
            taken.add(line, at + before)
        whole, end, begun = len(taken.ends), at, {}
    return Unwrapped(taken.first(whole), end, bool(begun))


class _Taken:
    """Lines that are whole, while they are taken."""

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self.ends: list[int] = []
        self.lengths: list[int] = []

    def add(self, line: _Begun, end: int) -> None:
        """One more; its length is of what it has in common with none before it."""
        start = max(line.start, self.ends[-1] if self.ends else 0)
        self.texts.append(b"".join(line.texts))
        self.ends.append(end)
        self.lengths.append(end - 1 - start)

    def first(self, count: int) -> Lines:
        """So many of them."""
        return Lines(self.texts, self.ends, self.lengths).part(0, count)


def _part(line: bytes, envelope: Envelope) -> _Part | None:
    if envelope is Envelope.CRI:
        match = _CRI.fullmatch(line.rstrip(b"\r"))
        if match is None:
            return None
        return _Part(match[1].decode(), match[3] or b"", match[2] == b"F")
    try:
        found = _decode_docker(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if found.stream not in _STREAMS:
        return None
    text = found.log.encode()
    return _Part(found.stream, text.removesuffix(b"\n"), text.endswith(b"\n"))
