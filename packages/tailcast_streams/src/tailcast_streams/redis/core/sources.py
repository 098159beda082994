"""Sources in a hash: a compact JSON text for each path. Pure.

Empty texts are left out. Texts that somebody else wrote by hand are ignored.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from tailcast_streams.sources import Overview, Root, Source, SourceState


# The field of the overview; no path has this name, since paths are absolute.
OVERVIEW_FIELD = "!overview"


class _SourceText(msgspec.Struct, omit_defaults=True):
    state: SourceState
    session: str = ""
    reason: str = ""
    mend: str = ""


class _OverviewText(msgspec.Struct, omit_defaults=True):
    counts: dict[SourceState, int]
    listed: int = 0
    roots: tuple[Root, ...] = ()
    looked_ms: int = 0


_decode_source = msgspec.json.Decoder(_SourceText).decode
_decode_overview = msgspec.json.Decoder(_OverviewText).decode
_encode = msgspec.json.Encoder().encode


def source_text(source: Source) -> bytes:
    """The text of the field of a source."""
    _, state, session, reason, mend = source
    return _encode(_SourceText(state, session, reason, mend))


def overview_text(overview: Overview) -> bytes:
    """The text of `OVERVIEW_FIELD`."""
    text = _OverviewText(
        dict(overview.counts),
        overview.listed,
        overview.roots,
        overview.looked_ms,
    )
    return _encode(text)


def sources_of(fields: Mapping[bytes, bytes]) -> list[Source]:
    """The sources in some fields of a hash."""
    found: list[Source] = []
    for name, text in fields.items():
        path = name.decode(errors="replace")
        if (known := _decoded(_decode_source, text)) is not None and path[:1] != "!":
            state, session, reason, mend = msgspec.structs.astuple(known)
            found.append(Source(path, state, session, reason, mend))
    return found


def overview_of(owner: str, text: bytes | None) -> Overview | None:
    """The overview of a tailer from its text; None without a valid one."""
    known = None if text is None else _decoded(_decode_overview, text)
    if known is None:
        return None
    counts, listed, roots, looked_ms = msgspec.structs.astuple(known)
    return Overview(owner, counts, listed, roots, looked_ms)


def _decoded(decode: Any, text: bytes) -> Any:
    try:
        return decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
