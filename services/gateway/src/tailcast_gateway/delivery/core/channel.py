"""A watched session and its clients: which are live, and where the others are.

Pure. A client is *live* in a session if its cursor is the window's end and its socket
accepts bytes; then no state is kept for it. Otherwise a `Follower` holds its cursor.
`hub` and `catch_up` change this state.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, TypeAlias

from tailcast_gateway.delivery.core.allowance import Allowance
from tailcast_gateway.delivery.core.encoding import SessionEncoder
from tailcast_gateway.delivery.core.news import SessionNews
from tailcast_gateway.delivery.core.pings import Pings
from tailcast_gateway.delivery.core.telling import CarefulEncoder, OnUntold
from tailcast_gateway.protocol.wires import JSON, Fields, Wire
from tailcast_gateway.scheduling.core.fair_queue import Account
from tailcast_gateway.sessions.core.samples import Sample
from tailcast_gateway.sessions.core.watched import Watched
from tailcast_gateway.views.conflation import Conflation
from tailcast_gateway.views.grant import EVERYTHING_GRANTED, Grant
from tailcast_gateway.views.reading import Reading
from tailcast_gateway.views.subscription import Begin, Start, Subscription
from tailcast_gateway.views.view import View
from tailcast_streams.births import UNCOUNTED, Birth
from tailcast_streams.position import NOTHING, Cursor, EntryID
from tailcast_streams.session_state import Head


# How many encoders a session keeps, one for each wire; beyond that all are dropped.
MAX_ENCODERS = 16
# How many emergencies wait to be announced to one client. Older ones are not announced;
# the client gets them in their place.
MAX_ANNOUNCEMENTS = 32


class ClientSocket(Protocol):
    """What delivery needs of a connection."""

    # Whether its buffer is full: write no more payload then.
    paused: bool

    @property
    def write(self) -> Callable[[bytes], None]:
        """Sends whole frames; look it up for every call."""
        ...

    def ping(self, payload: bytes = b"") -> None:
        """Send a ping."""
        ...

    def close(self, code: int, reason: str = "") -> None:
        """End the connection after all that was written."""
        ...


class FollowerState(Enum):
    """Why a follower is not live."""

    # Its place is looked up; nothing is delivered meanwhile.
    LOOKING_UP = "looking up"
    # Its cursor lies beyond what the tailer has read so far.
    WAITING = "waiting"
    # The session has no entry yet; the client gets the first and all others.
    NOT_CREATED = "not created"
    # The client does not want history and waits for the first new entry.
    SKIPPING = "skipping"
    # It gets slices of the window, or pages of the stream.
    BEHIND = "behind"


# What can be looked up: a cursor, a start by name or value, or the end of history.
Wanted: TypeAlias = Cursor | Start | EntryID


@dataclass(slots=True, eq=False)
class Client:
    """What delivery keeps for one connection."""

    socket: ClientSocket
    # What encodes its messages.
    wire: Wire = JSON
    # What it may read; its subscription is always within that.
    grant: Grant = EVERYTHING_GRANTED
    # What it is subscribed to; replaced as a whole.
    subscription: Subscription = field(default_factory=Subscription)
    # What pays for all that is computed for it.
    account: Account = field(default_factory=Account)
    # The number of the latest session when it subscribed to several: sessions with a
    # higher number are new to it.
    births: Birth = UNCOUNTED
    # Its followers: one for each session in which it is not live.
    followers: dict[str, "Follower"] = field(default_factory=dict[str, "Follower"])
    # The followers that can be served, the next one first.
    behind: dict["Follower", None] = field(default_factory=dict["Follower", None])
    # Frames of emergencies that overtake records which the client has not got yet.
    announcements: deque[bytes] = field(
        default_factory=lambda: deque[bytes](maxlen=MAX_ANNOUNCEMENTS)
    )
    # Whether a turn of `catch_up` is due, or a page for it is being read.
    is_being_served: bool = False
    # Whether it is closed, so that nothing more is delivered.
    is_closed: bool = False
    # Called when a look-up of one of its places is over, until one returns True.
    on_found: list[Callable[["Channel"], bool]] = field(
        default_factory=list[Callable[["Channel"], bool]]
    )
    # Where sessions are to begin that could not be read when it asked for them.
    later_starts: dict[str, "Wanted"] = field(default_factory=dict[str, "Wanted"])
    # The name that the client has given itself, None without one.
    name: str | None = None
    # The ID of its connection, and the address from which it comes, for the log.
    id: str = ""
    address: str = "-"
    # The pings that were sent to it.
    pings: Pings = field(default_factory=Pings)
    # How much of a replay it gets before it must answer a ping; None for no limit.
    allowance: Allowance | None = None

    def __post_init__(self) -> None:
        """Keep the subscription within the grant from the beginning."""
        self.subscription = self.subscription.within(self.grant)

    def write_by(self, wire: Wire) -> None:
        """Use another wire from here on; the caller has audiences made anew."""
        self.wire = wire
        # These frames are of the old wire. Each emergency comes again in its place.
        self.announcements.clear()

    def send(self, message: Fields) -> None:
        """Write a message to this client alone."""
        self.socket.write(self.wire.message(message))


@dataclass(slots=True, eq=False)
class Follower:
    """One client in one session, while it is not live there."""

    client: Client
    channel: "Channel"
    state: FollowerState
    # The last place that was delivered; delivery goes on after it.
    cursor: Cursor = NOTHING
    # The place that is looked up, or waited for.
    wanted: Wanted | None = None
    # Whether this is a replay: frames say `replayed`, and `caught_up` ends it.
    is_replay: bool = False
    # Whether the client wants no history of a session that is not created yet.
    skips_history: bool = False
    # How far the run is, if it has not reached the step or time that was asked for.
    reached: float | None = None
    # When it began to wait for a file that is too short, monotonic seconds.
    waiting_since: float | None = None
    # What a replay is reduced to; None before that is known, or if nothing is reduced.
    sample: Sample | None = None
    # Whether all was sent that it is reduced to, or it need not be reduced.
    is_sampled: bool = False
    # How often in a row the entries after its cursor could not be read.
    failures: int = 0

    @property
    def view(self) -> View:
        """The view in which the client gets the session."""
        return self.client.subscription.view_for(self.channel.session)

    @property
    def encoder(self) -> SessionEncoder:
        """The encoder that makes its frames."""
        return self.channel.encoder(self.client.wire)

    @property
    def is_reduced(self) -> bool:
        """Whether only some records of what follows are sent."""
        channel = self.channel
        return (
            self.is_replay
            and not (self.is_sampled or channel.is_documents)
            and self.view.max_points > 0
            and self.cursor != channel.window.end
        )

    def read_again(self) -> None:
        """Choose anew what is sent, from the last place that was sent."""
        self.sample = None

    @property
    def lacks_news(self) -> bool:
        """Whether it is not known where the run fell back, in what is replayed."""
        channel = self.channel
        return (
            self.is_replay and not channel.is_documents and channel.news.rewinds is None
        )

    @property
    def is_current(self) -> bool:
        """Whether it is still the client's follower in this session."""
        return self.client.followers.get(self.channel.session) is self


# The live clients of a session by view and wire; those of one group get the same bytes.
ByWire: TypeAlias = dict[Wire, list[Client]]
Audience: TypeAlias = dict[View, ByWire]


class Channel(Watched):
    """A watched session and its clients."""

    __slots__ = (
        "_encoders",
        "_on_untold",
        "_reading",
        "audience",
        "conflations",
        "followers",
        "news",
        "waiting",
    )

    def __init__(
        self, session: str, head: Head, *, window_bytes: int, on_untold: OnUntold
    ) -> None:
        super().__init__(session, head, window_bytes=window_bytes)
        # Called with an entry that cannot be encoded.
        self._on_untold = on_untold
        # The followers of the clients that are not live here.
        self.followers: dict[Client, Follower] = {}
        # The followers that wait until the session has reached some place.
        self.waiting: dict[Follower, None] = {}
        # The live clients, None if they must be collected again.
        self.audience: Audience | None = None
        # For each view with a rate: what holds its live records back.
        self.conflations: dict[View, Conflation] = {}
        # What its index says.
        self.news = SessionNews(self.window.end.id, is_new=self.is_empty)
        # The encoders that make frames, by wire.
        self._encoders: dict[Wire, SessionEncoder] = {}
        self._reading: Reading | None = None

    @property
    def reading(self) -> Reading | None:
        """Where its records have their steps and times; None before an index said it.

        When it is set, what comes is read so.
        """
        return self._reading

    @reading.setter
    def reading(self, reading: Reading) -> None:
        self._reading = reading
        for encoder in self._encoders.values():
            encoder.reading = reading

    def encoder(self, wire: Wire) -> SessionEncoder:
        """The encoder of the session's frames for one wire."""
        encoder = self._encoders.get(wire)
        if encoder is None:
            if len(self._encoders) >= MAX_ENCODERS:
                self._encoders.clear()
            encoder = CarefulEncoder(self.session, wire, self._on_untold)
            encoder.reading = self._reading
            self._encoders[wire] = encoder
        return encoder

    def delivered_up_to(self, view: View) -> Cursor | None:
        """The place up to which live clients of a view got all; None if unknown.

        It is before a record that waits for its interval, else the window's end.
        """
        conflation = self.conflations.get(view)
        if conflation is None or conflation.waiting is None:
            return self.window.end
        generation, offset = conflation.waiting.id
        return self.window.last_up_to(EntryID(generation, offset - 1))

    def place_of(self, client: Client) -> Cursor | None:
        """The place of a client in a session, None while it is looked up."""
        follower = self.followers.get(client)
        if follower is None:
            return self._live_place(client)
        if follower.state is FollowerState.SKIPPING:
            return self.window.end
        if (
            follower.state is FollowerState.LOOKING_UP
            or follower.state is FollowerState.WAITING
        ):
            return follower.wanted if isinstance(follower.wanted, Cursor) else None
        return follower.cursor

    def beginning_of(self, client: Client) -> Cursor | None:
        """The place before all, if the client's place is the beginning; else None."""
        follower = self.followers.get(client)
        is_beginning = follower is not None and follower.wanted is Begin.START
        return NOTHING if is_beginning else None

    def _live_place(self, client: Client) -> Cursor:
        """The window's end, or the place before a record that waits."""
        if self.conflations:
            view = client.subscription.view_for(self.session)
            return self.delivered_up_to(view) or self.window.end
        return self.window.end
