"""What the broker stores for named clients: the port, and its values.

Pure. A named client may come back to any replica, after any crash, and go on at its
last saved cursors. One connection at a time holds a client. Holds are numbered; a later
hold has a higher number, and then the saves of earlier holds are refused.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from tailcast_streams.births import Birth
from tailcast_streams.position import Cursor


# How many sessions are stored for one client. Beyond that some are dropped, and that is
# noted: these sessions begin again at their first entry.
MAX_SESSIONS = 10_000
# After how long without a save a client is forgotten: one that has proved itself, which
# is one that has ever confirmed a position; and one that has not.
EXPIRY_SECONDS = 30 * 24 * 3_600
UNPROVEN_SECONDS = 3_600

# The beginning of a takeover's text on the feed's channel; no session has such a name.
_TAKEN = "!taken:"
# The most digits of a hold; Python refuses to read numbers of thousands of digits.
_HOLD_DIGITS = 20


class ClientBounds(NamedTuple):
    """How much is stored for named clients, so that records never make room for it."""

    # How many clients.
    clients: int = 100_000
    # Bytes of the positions of one client: the names of its sessions, and its cursors.
    bytes_of_one: int = 65_536
    # Bytes of all clients: their positions and their names.
    bytes_of_all: int = 67_108_864


class MadeRoom(NamedTuple):
    """What was dropped so that a client has room."""

    # Other clients, those that were used longest ago first.
    clients: int
    # Sessions of the client itself, since it has too many.
    sessions: int


class Kept(NamedTuple):
    """What is stored for a client, as a connection that takes it gets it."""

    # The number of the new hold.
    hold: int
    # Its cursors by session; under `EMERGENCIES` that of whole-file emergencies.
    cursors: Mapping[str, Cursor]
    # The moment at which it began: sessions that were created later begin at their
    # first entry, unless `cursors` names them. None if unknown.
    at: Birth | None
    # Whether some of its sessions were dropped for others: `cursors` lacks them.
    is_partial: bool = False
    # How often in a row delivery began there with records to send, without a
    # confirmation.
    starts: int = 0

    @property
    def is_known(self) -> bool:
        """Whether anything is stored; if not, no such client was here lately."""
        return bool(self.cursors) or self.at is not None


class Save(NamedTuple):
    """What one save changes of one client."""

    client: str
    hold: int
    # The number of the save within its hold: a late one must not undo a later one.
    number: int
    # Sessions that are not named stay as they are.
    cursors: Mapping[str, Cursor]
    # None to leave it as it is.
    at: Birth | None = None
    # Whether everything that was stored before is dropped.
    forgets: bool = False
    # As in `Kept`; None to leave it as it is.
    starts: int | None = None
    # Whether the client has confirmed a position.
    proves: bool = False


class Saved(StrEnum):
    """The result of a save."""

    # The broker has this progress, or a later one of the same hold.
    KEPT = "kept"
    # The broker has this progress and perhaps nothing else: it had forgotten the hold.
    ANEW = "anew"
    # Nothing was written: another connection holds the client now.
    REFUSED = "refused"
    # The broker could not save for this client; other clients are not affected.
    FAILED = "failed"


class Takeover(NamedTuple):
    """The announcement on the feed's channel that a client was taken."""

    client: str
    hold: int
    # The name of the connection that took it.
    taker: str


class ClientCursors(Protocol):
    """The named clients in a broker. Every call may raise `BrokerError`."""

    # How much is stored, for this gateway's calls.
    bounds: ClientBounds
    # Called with what was dropped, whenever something was.
    on_made_room: Callable[[MadeRoom], None]

    async def take(self, client: str, taker: str) -> Kept:
        """Begin to hold a client, and read what is stored for it, in one step.

        The hold's number is above those of all earlier holds, also of those that the
        broker has forgotten. It is announced on the feed's channel (see `takeover_of`);
        the announcement may get lost.

        A new client makes others go if there are too many: those that were used longest
        ago, unproven ones first. Proven ones that were used within `UNPROVEN_SECONDS`
        stay. Raises `TooManyClients` if that leaves no room.
        """
        ...

    async def save(self, saves: Sequence[Save]) -> list[Saved]:
        """Save how far clients are, each in one step, in few round trips.

        A save is refused only if a later hold is stored. A client is forgotten
        `EXPIRY_SECONDS` after its last save, `UNPROVEN_SECONDS` if it has never proved
        itself. At most `MAX_SESSIONS` of its sessions are stored, and no more than the
        `bounds` say; then other clients go, also such as are held. Their next saves
        answer `ANEW`.
        """
        ...


def ignore_room(made: MadeRoom) -> None:
    """Ignore what was dropped."""
    del made


def takeover_note(takeover: Takeover) -> str:
    """The text of a takeover for the feed's channel."""
    return f"{_TAKEN}{takeover.hold}:{takeover.taker}:{takeover.client}"


def takeover_of(payload: str) -> Takeover | None:
    """Read a takeover from a payload of the feed's channel; None if it is none."""
    if not payload.startswith(_TAKEN):
        return None
    hold, _, rest = payload.removeprefix(_TAKEN).partition(":")
    taker, separator, client = rest.partition(":")
    is_number = hold.isascii() and hold.isdigit() and len(hold) <= _HOLD_DIGITS
    if not (is_number and separator):
        return None
    return Takeover(client, int(hold), taker)
