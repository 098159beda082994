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

_PART = re.compile(r"([1-9][0-9]{0,4}):([0-9a-f]{32})", re.ASCII)


class Verdict(Enum):
    """Whether bytes agree with a proof."""

    HOLDS = "holds"
    DIFFERS = "differs"
    # Too few bytes, or NULs among them: look again later.
    UNSEEN = "unseen"


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


def _parts(proof: str) -> list[tuple[int, str]]:
    return [(int(length), hash_) for length, hash_ in _PART.findall(proof)]


def _hash(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()
