"""What the broker keeps of clients that name themselves: the port, and its values.

Pure. A client that names itself may come back on any replica, after any crash, and go
on where it had got to. One connection at a time holds a name: holds are numbered, a
later one has the higher number, and what an earlier one still writes is refused.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from tailcast_streams.births import Birth
from tailcast_streams.position import Cursor


# Sessions that are kept for one client; with more, some that are kept make room, which
# is noted: these come again from their beginning.
MAX_SESSIONS = 10_000
# A client that was not there for so long is forgotten.
EXPIRY_SECONDS = 30 * 24 * 3_600

# What a hold says on the feed's channel begins so; no session's name does.
_TAKEN = "!taken:"
# More digits no hold has, and Python reads no number of thousands of them.
_HOLD_DIGITS = 20


class Kept(NamedTuple):
    """What is kept of a client, as whoever takes it over finds it."""

    # The number of the hold that this has begun.
    hold: int
    # Where it had got to: by session, and under `EMERGENCIES` for the documents.
    cursors: Mapping[str, Cursor]
    # The moment at which it began: sessions that came into being later begin at their
    # beginning, unless `cursors` names them. None if that is not known.
    at: Birth | None
    # Whether some of its sessions made room for others: `cursors` does not name them.
    is_partial: bool = False
    # How often in a row delivery began there with something to send, and nothing of it
    # was confirmed.
    starts: int = 0

    @property
    def is_known(self) -> bool:
        """Whether anything is kept: else nobody was here by this name lately."""
        return bool(self.cursors) or self.at is not None


class Save(NamedTuple):
    """What one save changes of one client."""

    client: str
    hold: int
    # Counts the saves of a hold: one that comes late must not undo a later one.
    number: int
    # Sessions that are not named stay as they are.
    cursors: Mapping[str, Cursor]
    # None: as it is.
    at: Birth | None = None
    # Whether everything that was kept before is forgotten.
    forgets: bool = False
    # As in `Kept`; None: as it is.
    starts: int | None = None


class Saved(StrEnum):
    """What came of a save."""

    # The broker has this, or later progress of the same hold.
    KEPT = "kept"
    # The broker has this and may have nothing else: it had forgotten the hold.
    ANEW = "anew"
    # Nothing was written: the client is held by somebody else now.
    REFUSED = "refused"
    # The broker could not do it for this client, but did what it could for others.
    FAILED = "failed"


class Takeover(NamedTuple):
    """What is heard on the feed's channel when a client is taken."""

    client: str
    hold: int
    # What the taker calls itself.
    taker: str


class ClientCursors(Protocol):
    """What the gateway asks about clients. Every call may raise `BrokerError`."""

    async def take(self, client: str, taker: str) -> Kept:
        """Begin to hold a client, and read what is kept of it, in one step.

        Its number is above those of all earlier holds, those too that the broker has
        forgotten. It is told on the feed's channel (see `takeover_of`), perhaps never.
        """
        ...

    async def save(self, saves: Sequence[Save]) -> list[Saved]:
        """Keep how far clients are, each in one step, all in few round trips.

        A save is refused only if a later hold is stored. A client is forgotten
        `EXPIRY_SECONDS` after its last save; of its sessions at most `MAX_SESSIONS` are
        kept.
        """
        ...


def takeover_note(takeover: Takeover) -> str:
    """What is said on the feed's channel."""
    return f"{_TAKEN}{takeover.hold}:{takeover.taker}:{takeover.client}"


def takeover_of(payload: str) -> Takeover | None:
    """What a payload of the feed's channel says of a takeover, None if nothing."""
    if not payload.startswith(_TAKEN):
        return None
    hold, _, rest = payload.removeprefix(_TAKEN).partition(":")
    taker, separator, client = rest.partition(":")
    is_number = hold.isascii() and hold.isdigit() and len(hold) <= _HOLD_DIGITS
    if not (is_number and separator):
        return None
    return Takeover(client, int(hold), taker)
