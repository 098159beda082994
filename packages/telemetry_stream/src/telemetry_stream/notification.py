"""What is said on the channel `feed`: which session moved, and when it was written.

Pure. `<Unix ms> <session>`, the time being the file's modification time when the newest
line was read, or 0; a session's ID may have spaces itself. What gateways tell each
other begins with "!".
"""

from typing import NamedTuple


class Moved(NamedTuple):
    """A session has something new."""

    session: str
    # When the newest line was written, Unix milliseconds; 0 if that is not known.
    written_ms: int


def format_moved(session: str, written_ms: int) -> str:
    """The text for the channel."""
    return f"{written_ms} {session}"


def parse_moved(payload: str) -> Moved | None:
    """Read a text of the channel; None if it names no session."""
    if payload.startswith("!"):
        return None
    time, space, session = payload.partition(" ")
    if not (space and time.isascii() and time.isdigit()):
        # A hint all the same, whoever sent it.
        return Moved(payload, 0)
    return Moved(session, int(time[:20]))
