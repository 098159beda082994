"""Whether a file still is the one that was read: hashes of bytes that cannot change.

Pure. A proof is a text, kept in the session's state: `length:hash`, comma-separated,
each over that many bytes from where the proof's range begins. The head's range begins
at byte 0 and has up to four lengths; the marker's ends at the offset and has one. A
proof fails only on bytes that were read and differ: what is missing, or is NUL and so
perhaps not visible yet, proves nothing.
"""

import re
from enum import Enum
from hashlib import blake2b


HEAD_LENGTHS = (64, 256, 1_024, 4_096)
# What must be read from byte 0 to check and to make a head's proof.
HEAD_BYTES = HEAD_LENGTHS[-1]
# How many bytes before the offset the marker covers, at most.
MARKER_BYTES = 4_096

# A line's end that is still to come: these bytes, or the last one of them.
_NEWLINE = b"\r\n"
LONGEST_NEWLINE = len(_NEWLINE)

_PART = re.compile(r"([1-9][0-9]{0,4}):([0-9a-f]{32})", re.ASCII)


class Verdict(Enum):
    """Whether bytes agree with a proof."""

    HOLDS = "holds"
    DIFFERS = "differs"
    # Too few bytes, or NULs among them: look again later.
    UNSEEN = "unseen"


class Ending(Enum):
    """How the line ends that a marker ends with."""

    # As the marker says, or it does not agree at all.
    AS_PROVED = "as proved"
    # Its newline is not there yet: nothing is.
    AWAITED = "awaited"
    # Something else is where its newline was to be.
    CONTINUED = "continued"


def prove_head(data: bytes) -> str:
    """Prove a file by its first bytes; `data` begins at byte 0."""
    lengths = [length for length in HEAD_LENGTHS if length <= len(data)]
    return ",".join(f"{length}:{_hash(data[:length])}" for length in lengths)


def prove_marker(data: bytes) -> str:
    """Prove a file by the bytes that end at an offset; only the last 4 KiB count."""
    marker = data[-MARKER_BYTES:]
    return f"{len(marker)}:{_hash(marker)}" if marker else ""


def reach(proof: str) -> int:
    """How many bytes the proof's longest hash covers; 0 for no proof."""
    return max((length for length, _ in _parts(proof)), default=0)


def check(proof: str, data: bytes, *, nuls_are_bytes: bool = False) -> Verdict:
    """Hold bytes, from where the proof's range begins, against the proof.

    An empty proof holds: there is nothing that could disagree.
    """
    parts = sorted(_parts(proof), reverse=True)
    comparable = [part for part in parts if part[0] <= len(data)]
    if not comparable:
        return Verdict.UNSEEN if parts else Verdict.HOLDS
    has_nul = False
    for length, expected in comparable:
        seen = data[:length]
        if _hash(seen) == expected:
            return Verdict.UNSEEN if has_nul else Verdict.HOLDS
        if nuls_are_bytes or b"\0" not in seen:
            return Verdict.DIFFERS
        has_nul = True
    return Verdict.UNSEEN


def check_marker(
    proof: str, data: bytes, *, nuls_are_bytes: bool = False
) -> tuple[Verdict, Ending]:
    """Hold bytes from where a marker's range begins against it.

    A line may be proved whose newline is still to come. It counts as if it were there.
    """
    verdict = check(proof, data, nuls_are_bytes=nuls_are_bytes)
    if verdict is Verdict.HOLDS:
        # Nearly always so.
        return verdict, Ending.AS_PROVED
    length = reach(proof)
    before = data[:length]
    missing = length - len(before)
    if 0 < missing <= LONGEST_NEWLINE and _ends_so(proof, before, _NEWLINE[-missing:]):
        return Verdict.HOLDS, Ending.AWAITED
    if verdict is Verdict.DIFFERS and (
        _ends_so(proof, before[:-1], _NEWLINE[-1:])
        or _ends_so(proof, before[:-2], _NEWLINE)
    ):
        return verdict, Ending.CONTINUED
    return verdict, Ending.AS_PROVED


def _ends_so(proof: str, data: bytes, newline: bytes) -> bool:
    """Whether bytes and a newline are those of a marker; nothing at all is none."""
    return bool(data) and check(proof, data + newline) is Verdict.HOLDS


def _parts(proof: str) -> list[tuple[int, str]]:
    return [(int(length), hash_) for length, hash_ in _PART.findall(proof)]


def _hash(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()
