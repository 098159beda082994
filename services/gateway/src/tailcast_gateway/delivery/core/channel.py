"""A watched session's clients: who is live, and where those are who are not.

Pure: state and what can be said of it. A client is *live* in a session when it stands
at the window's end and its socket takes bytes; nothing is kept for it then. Otherwise
a `Follower` holds its cursor. What moves them is `hub` and `catch_up`.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, TypeAlias

from tailcast_gateway.delivery.core.allowance import Allowance
from tailcast_gateway.delivery.core.encoding import SessionEncoder
from tailcast_gateway.delivery.core.pings import Pings
from tailcast_gateway.delivery.core.telling import CarefulEncoder, OnUntold
from tailcast_gateway.protocol.wires import JSON, Fields, Wire
from tailcast_gateway.sessions.core.watched import Watched
from tailcast_gateway.views.conflation import Conflation
from tailcast_gateway.views.sampling_budget import SampledReplay
from tailcast_gateway.views.subscription import Start, Subscription
from tailcast_gateway.views.view import View
from tailcast_streams.births import UNCOUNTED, Birth
from tailcast_streams.position import NOTHING, Cursor, EntryID
from tailcast_streams.session_state import Head


# Encoders that a session keeps; they are made anew where more wires are in use.
MAX_ENCODERS = 16
# Emergencies that wait to be announced to one client; older ones come in their place.
MAX_ANNOUNCEMENTS = 32


class ClientSocket(Protocol):
    """What delivery needs of a connection."""

    # Whether it has enough to send: write no more payload.
    paused: bool

    @property
    def write(self) -> Callable[[bytes], None]:
        """Sends whole frames; looked up for every call."""
        ...

    def ping(self, payload: bytes = b"") -> None:
        """Asks for a sign of life."""
        ...

    def close(self, code: int, reason: str = "") -> None:
        """Ends the connection, after what was written."""
        ...


class FollowerState(Enum):
    """Why a follower is not live."""

    # Its place is being asked for; nothing is delivered meanwhile.
    LOOKING_UP = "looking up"
    # Its cursor lies beyond what the tailer has read so far.
    WAITING = "waiting"
    # The session has no entry yet; it gets the first and all that follow.
    NOT_CREATED = "unborn"
    # History passes by; it begins with the first entry that is news.
    SKIPPING = "skipping"
    # It is served slices of the window, or pages of the stream.
    BEHIND = "behind"


# What a look-up finds: a cursor, a beginning, so many records, the end of history.
Wanted: TypeAlias = Cursor | Start | EntryID


@dataclass(slots=True, eq=False)
class Client:
    """What delivery keeps for one connection."""

    socket: ClientSocket
    # How its messages are written.
    wire: Wire = JSON
    # What it wants; replaced as a whole.
    subscription: Subscription = field(default_factory=Subscription)
    # Which session had been counted last when it subscribed to several: later ones are
    # new to it.
    births: Birth = UNCOUNTED
    # Its sessions in which it is not live.
    followers: dict[str, "Follower"] = field(default_factory=dict[str, "Follower"])
    # Those of them that can be served, the next one first.
    behind: dict["Follower", None] = field(default_factory=dict["Follower", None])
    # Emergencies that overtake what it has not had yet, as frames.
    announcements: deque[bytes] = field(
        default_factory=lambda: deque[bytes](maxlen=MAX_ANNOUNCEMENTS)
    )
    # Whether a turn of `catch_up` is due, or a page of it is on its way.
    is_being_served: bool = False
    # Nothing is delivered any more.
    is_closed: bool = False
    # What its client calls itself, None if it has not said.
    name: str | None = None
    # The pings that it was sent.
    pings: Pings = field(default_factory=Pings)
    # How much of a replay it is given until it answers, None for as much as it takes.
    allowance: Allowance | None = None

    def write_by(self, wire: Wire) -> None:
        """Write by another wire from here on; its audiences have to be found anew."""
        self.wire = wire
        # They are by the wire before; each comes again in its place.
        self.announcements.clear()

    def send(self, message: Fields) -> None:
        """Write a message of its own."""
        self.socket.write(self.wire.message(message))


@dataclass(slots=True, eq=False)
class Follower:
    """One client in one session, while it is not live there."""

    client: Client
    channel: "Channel"
    pace: FollowerState
    # What it has had; delivery goes on after it.
    cursor: Cursor = NOTHING
    # What is being looked up, or waited for.
    wanted: Wanted | None = None
    # Frames say `replayed`, and `caught_up` is owed.
    is_replay: bool = False
    # Whether history passes by where the session comes into being.
    skips_history: bool = False
    # Since when it waits for a file that is too short, monotonic seconds.
    waiting_since: float | None = None
    # Reduces a replay; None before its first page, and where nothing is reduced.
    sampler: SampledReplay | None = None
    # Whether the replay is past what was there when it began.
    is_sampled: bool = False
    # Times in a row that what followed its cursor could not be read.
    failures: int = 0

    @property
    def view(self) -> View:
        """The view in which the client gets the session."""
        return self.client.subscription.view_for(self.channel.session)

    @property
    def encoder(self) -> SessionEncoder:
        """What makes its frames."""
        return self.channel.encoder(self.client.wire)

    @property
    def told(self) -> Cursor:
        """What its client has been sent: what a sampler holds back it has not."""
        return self.cursor if self.sampler is None else self.sampler.told

    def read_again(self) -> None:
        """Begin anew to reduce its replay, with what is held back and was not told."""
        self.cursor, self.sampler = self.told, None

    @property
    def is_current(self) -> bool:
        """Whether it has not been replaced or dropped since."""
        return self.client.followers.get(self.channel.session) is self


# The live clients of a session: those of one view and wire get the same bytes.
ByWire: TypeAlias = dict[Wire, list[Client]]
Audience: TypeAlias = dict[View, ByWire]


class Channel(Watched):
    """A watched session and its clients."""

    __slots__ = (
        "_encoders",
        "_on_untold",
        "audience",
        "conflations",
        "followers",
        "waiting",
    )

    def __init__(
        self, session: str, head: Head, *, window_bytes: int, on_untold: OnUntold
    ) -> None:
        super().__init__(session, head, window_bytes=window_bytes)
        # Is told of entries that could not be told.
        self._on_untold = on_untold
        # Clients that are not live here.
        self.followers: dict[Client, Follower] = {}
        # Those of them that wait for the session to get somewhere.
        self.waiting: dict[Follower, None] = {}
        # The live clients, None when that must be found out anew.
        self.audience: Audience | None = None
        # What holds live records back, for each view with a rate.
        self.conflations: dict[View, Conflation] = {}
        # What makes frames, one for each wire that was needed.
        self._encoders: dict[Wire, SessionEncoder] = {}

    def encoder(self, wire: Wire) -> SessionEncoder:
        """What makes the session's frames for one wire."""
        encoder = self._encoders.get(wire)
        if encoder is None:
            if len(self._encoders) >= MAX_ENCODERS:
                self._encoders.clear()
            encoder = CarefulEncoder(self.session, wire, self._on_untold)
            self._encoders[wire] = encoder
        return encoder

    def delivered_up_to(self, view: View) -> Cursor | None:
        """Up to where live clients of a view were given all; None if that is unknown.

        Before a record that waits for its interval, else the window's end.
        """
        conflation = self.conflations.get(view)
        if conflation is None or conflation.waiting is None:
            return self.window.end
        generation, offset = conflation.waiting.id
        return self.window.last_up_to(EntryID(generation, offset - 1))
