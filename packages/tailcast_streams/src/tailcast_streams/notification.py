"""What is said on the channel `feed`: which session moved, and when it was written.

Pure. `!<installation> <Unix ms> <session>`, the time being the file's modification
time when the newest line was read, or 0; a session's ID may have spaces itself. What
gateways tell each other begins with "!" behind the installation.

A channel is one for a whole server, whatever database its keys are in: others may speak
on it. What names another installation is passed over. What names none, as version 0.1
writes, is a hint like any other; whoever hears one looks into the broker first.
"""

from typing import NamedTuple


# Characters of an installation's ID.
INSTALLATION_LENGTH = 16
_TAG_LENGTH = INSTALLATION_LENGTH + 2


class Moved(NamedTuple):
    """A session has something new."""

    session: str
    # When the newest line was written, Unix milliseconds; 0 if that is not known.
    written_ms: int


def tag_of(installation: str) -> str:
    """What every text of an installation begins with on the channel."""
    return f"!{installation} "


def heard(data: bytes, tag: bytes) -> bytes | None:
    """What a message says; None if it is of another installation."""
    if data.startswith(tag):
        return data[_TAG_LENGTH:]
    is_tagged = data[:1] == b"!" and data[_TAG_LENGTH - 1 : _TAG_LENGTH] == b" "
    return None if is_tagged else data


def format_moved(session: str, written_ms: int) -> str:
    """The text for the channel, but for the installation's tag."""
    return f"{written_ms} {session}"


def parse_moved(payload: str) -> Moved | None:
    """Read what was heard; None if it names no session."""
    if payload.startswith("!"):
        return None
    time, space, session = payload.partition(" ")
    if not (space and time.isascii() and time.isdigit()):
        # A hint all the same, whoever sent it.
        return Moved(payload, 0)
    return Moved(session, int(time[:20]))
