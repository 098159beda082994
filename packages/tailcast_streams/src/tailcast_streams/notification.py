"""Notifications on the channel `feed`: which session has new entries.

Pure. The text is `!<installation> <Unix ms> <session>`. The time is the file's
modification time when the newest line was read, or 0. A session ID may contain spaces.
Texts between gateways begin with "!" after the installation.

A channel belongs to the whole server, not to a database. So other installations may use
it too, and their notifications are ignored. Those without an installation, as version
0.1 writes them, are taken. A notification is only a hint: its receiver looks into the
broker first.
"""

from typing import NamedTuple


# The length of an installation's ID, characters.
INSTALLATION_LENGTH = 16
_TAG_LENGTH = INSTALLATION_LENGTH + 2


class Moved(NamedTuple):
    """A session has new entries."""

    session: str
    # When the newest line was written, Unix milliseconds; 0 if unknown.
    written_ms: int


def tag_of(installation: str) -> str:
    """The beginning of every text of an installation on the channel."""
    return f"!{installation} "


def heard(data: bytes, tag: bytes) -> bytes | None:
    """A message without its tag; None if it is of another installation."""
    if data.startswith(tag):
        return data[_TAG_LENGTH:]
    is_tagged = data[:1] == b"!" and data[_TAG_LENGTH - 1 : _TAG_LENGTH] == b" "
    return None if is_tagged else data


def format_moved(session: str, written_ms: int) -> str:
    """The text for the channel, without the installation's tag."""
    return f"{written_ms} {session}"


def parse_moved(payload: str) -> Moved | None:
    """Read a notification; None if it names no session."""
    if payload.startswith("!"):
        return None
    time, space, session = payload.partition(" ")
    if not (space and time.isascii() and time.isdigit()):
        # Take any other text as the name of a session.
        return Moved(payload, 0)
    return Moved(session, int(time[:20]))
