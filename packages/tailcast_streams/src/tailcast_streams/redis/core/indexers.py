"""How an indexer is spelled in the hash of indexers. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from tailcast_streams.indexers import Indexer


# What says that it is there for longer was written by a clock that was set back since.
LONGEST_MS = 60_000


class _Note(msgspec.Struct):
    """What is stored of one indexer."""

    until_ms: int
    since_ms: int
    version: str
    sessions: int
    behind: int
    lag_ms: int


class Noted(NamedTuple):
    """The indexers in the hash."""

    # Those that are there, sorted by name.
    present: list[Indexer]
    # The names of the others, as they are stored.
    gone: list[bytes]


def indexer_text(indexer: Indexer, until_ms: int) -> bytes:
    """The value of an indexer's field."""
    note = _Note(
        until_ms,
        indexer.since_ms,
        indexer.version,
        indexer.sessions,
        indexer.behind,
        indexer.lag_ms,
    )
    return msgspec.json.encode(note)


def noted_of(fields: Mapping[bytes, bytes], now_ms: int) -> Noted:
    """The indexers in the hash; what somebody wrote by hand is none."""
    present: list[Indexer] = []
    gone: list[bytes] = []
    for name, text in fields.items():
        try:
            note = msgspec.json.decode(text, type=_Note)
        except (msgspec.MsgspecError, ValueError):
            note = None
        if note is None or not 0 < note.until_ms - now_ms <= LONGEST_MS:
            gone.append(name)
            continue
        present.append(
            Indexer(
                name.decode(errors="replace"),
                note.version,
                note.since_ms,
                note.sessions,
                note.behind,
                note.lag_ms,
            )
        )
    return Noted(sorted(present), gone)
