"""Knows the subscription of each client, where it is, and in which sessions it is live.

No I/O and no clock. All methods are synchronous steps of one event loop. So a client
can be attached without losing or repeating a record. What clients that are not live get
is decided in `catch_up`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from tailcast_gateway.delivery.core.channel import (
    Audience,
    Channel,
    Client,
    FollowerState,
    Wanted,
)
from tailcast_gateway.delivery.core.encoding import pieces
from tailcast_gateway.delivery.core.followers import Followers
from tailcast_gateway.delivery.core.live import Delivery, members_of
from tailcast_gateway.delivery.core.news import SessionNews
from tailcast_gateway.delivery.core.subscribers import Subscribers
from tailcast_gateway.instruments import Instruments
from tailcast_gateway.protocol.wires import Fields
from tailcast_gateway.sessions.core.watched import Watched
from tailcast_gateway.sessions.core.window import Window
from tailcast_gateway.views.subscription import Begin, Rule, Subscription
from tailcast_streams.births import UNCOUNTED, Birth, came_after
from tailcast_streams.entries import UNREADABLE_GAP, Entry
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import NOTHING, Cursor
from tailcast_streams.session_state import Head


# The part of all windows that is kept while memory is scarce.
FRUGAL_PART = 8


class Hub:
    """The watched sessions and their clients."""

    def __init__(
        self,
        followers: Followers,
        *,
        window_bytes: int,
        total_window_bytes: int,
        instruments: Instruments,
    ) -> None:
        # Watched sessions.
        self.channels: dict[str, Channel] = {}
        # Clients with any subscription.
        self.subscribers = Subscribers()
        # Channels in the order of their latest entries, the latest last.
        self.recent: dict[Channel, None] = {}
        # The sessions that were opened and closed since `session_events` last looked.
        # The value says whether an opened session is new to the clients that watch it.
        self.opened: dict[Channel, bool] = {}
        # Those of whose metrics somebody is to be told how many there are.
        self.uncounted: dict[Channel, None] = {}
        self.closed: list[str] = []
        # The clients that are not live.
        self.followers = followers
        # Confines failures to one client or session.
        self.isolation = followers.isolation
        # Writes new entries to the live clients.
        self.delivery = Delivery(
            self.followers, isolation=self.isolation, instruments=instruments
        )
        self._window_bytes = window_bytes
        self._max_window_bytes = self._total_window_bytes = total_window_bytes
        # The size of all windows together.
        self.windows_bytes = 0
        self._instruments = instruments

    # Sessions.

    @property
    def watched(self) -> Mapping[str, Watched]:
        """The watched sessions."""
        return self.channels

    def open(self, session: str, head: Head) -> Channel:
        """Begin to watch a session at its head."""
        channel = Channel(
            session,
            head,
            window_bytes=self._window_bytes,
            on_untold=self.isolation.session_failed,
        )
        self.channels[session] = channel
        came_later = False
        for client in self._wanting(channel):
            with self.isolation.over(client):
                came_later |= self._begin_later_session(client, channel, head)
                self._count_metrics(client.subscription.rule_for(session), channel)
        self.opened[channel] = came_later
        return channel

    def close(self, watched: Watched) -> None:
        """Stop watching a session."""
        channel = self.channels.pop(watched.session)
        self.opened.pop(channel, None)
        self.uncounted.pop(channel, None)
        self.closed.append(channel.session)
        self.recent.pop(channel, None)
        self.windows_bytes -= channel.window.size_bytes
        channel.conflations.clear()

    def is_still(self, watched: Watched, epoch: int) -> bool:
        """Whether a session is still watched, and its window is still the same."""
        return self.channels.get(watched.session) is watched and watched.epoch == epoch

    def is_watched(self, session: str) -> bool:
        """Whether any client wants a watched session."""
        return next(self._wanting(self.channels[session]), None) is not None

    def clients_of(self, session: str) -> Iterable[Client]:
        """The clients that want a watched session."""
        channel = self.channels.get(session)
        return () if channel is None else self._wanting(channel)

    def tell(self, session: str, message: Fields) -> None:
        """Send a message to all clients that want a watched session."""
        for client in list(self.clients_of(session)):
            with self.isolation.over(client):
                client.send(message)

    def is_wanted(self, session: str) -> bool:
        """Whether a client wants a session that is not watched yet."""
        return any(True for _ in self.subscribers.of(session))

    def deliver(
        self, watched: Watched, entries: Sequence[Entry], *, now: float
    ) -> None:
        """Add entries to the window's end, and write them to live clients."""
        channel = self.channels[watched.session]
        if unreadable := sum([entry[4] is UNREADABLE_GAP for entry in entries]):
            self._instruments.entries_unreadable(channel.session, unreadable)
        size_before = channel.window.size_bytes
        for piece in pieces(entries):
            previous = channel.window.end
            audience = self.audience(channel)
            channel.window.extend(piece)
            if channel.is_documents:
                self.delivery.write_documents(channel, audience, piece, previous)
            elif audience:
                self.delivery.write_records(channel, audience, piece, previous, now)
        self.windows_bytes += channel.window.size_bytes - size_before
        self._instruments.entries_read(len(entries))
        channel.changed_at = now
        self.recent.pop(channel, None)
        self.recent[channel] = None
        if channel.waiting:
            self.followers.recheck_waiting(channel)
        if channel.followers and not channel.is_documents:
            self.delivery.announce(channel, entries)
        if self.windows_bytes > self._total_window_bytes:
            self._evict()

    def created(self, watched: Watched, head: Head) -> None:
        """Note that a session was created; it is read from its beginning."""
        channel = self.channels[watched.session]
        channel.note_state(head)
        for follower in list(channel.followers.values()):
            if follower.state is FollowerState.NOT_CREATED:
                with self.isolation.over(follower.client):
                    self.followers.begin_created(follower)

    def reset(self, watched: Watched, head: Head) -> None:
        """Empty a window that does not fit the stream; look up all its clients."""
        channel = self.channels[watched.session]
        end = channel.window.end
        live = self.audience(channel)
        self.windows_bytes -= channel.window.size_bytes
        channel.window = Window(head.cursor or NOTHING, max_bytes=self._window_bytes)
        channel.epoch += 1
        channel.news = SessionNews(channel.window.end.id, is_new=False)
        channel.note_state(head)
        self._instruments.window_reset(channel.session)
        channel.conflations.clear()
        for follower in list(channel.followers.values()):
            with self.isolation.over(follower.client):
                self.followers.look_up_anew(follower)
        for client in members_of(live):
            with self.isolation.over(client):
                follower = self.followers.follow(
                    client, channel, FollowerState.LOOKING_UP, cursor=end
                )
                self.followers.look_up(follower, end)

    def waited_for(self) -> Iterable[str]:
        """Watched sessions that have followers waiting for a later place."""
        return [name for name, one in self.channels.items() if one.waiting]

    def compared(self, watched: Watched) -> None:
        """Look up waiting followers: the session was compared with the stream."""
        for follower in list(self.channels[watched.session].waiting):
            if follower.state is FollowerState.WAITING and follower.wanted is not None:
                with self.isolation.over(follower.client):
                    self.followers.look_up(follower, follower.wanted)

    def be_frugal(self, *, is_frugal: bool) -> None:
        """Keep less in the windows, as memory is scarce; or as much as before."""
        most = self._max_window_bytes
        self._total_window_bytes = most // FRUGAL_PART if is_frugal else most
        self._evict()

    def measure(self) -> None:
        """Set the metrics of watched sessions, their clients and windows."""
        self._instruments.watching(
            sessions=len(self.channels),
            subscribers=len(self.subscribers),
            window_bytes=self.windows_bytes,
        )

    # Clients.

    def subscribe(
        self,
        client: Client,
        subscription: Subscription,
        starts: Mapping[str, Wanted],
        *,
        births: Birth | None = None,
        found: Collection[str] = (),
    ) -> None:
        """Replace a client's subscription, in one step.

        Sessions named in `starts` begin there. Other sessions that the client gets
        already go on where they are, and new ones begin as their rule says. `births` is
        the number of the latest session when the sessions were listed, None if they
        were not. The places of the sessions in `found` have been looked up already; the
        caller settles them. Whatever the subscription was made for, it is within the
        client's grant.
        """
        before = client.subscription
        subscription = subscription.within(client.grant)
        self.subscribers.install(client, subscription)
        client.later_starts = {
            session: wanted
            for session, wanted in client.later_starts.items()
            if before.matches(session) and subscription.matches(session)
        }
        if births is not None:
            client.births = births
        for channel in list(self._channels_of(before, subscription)):
            session = channel.session
            rule = subscription.rule_for(session)
            if rule is None and not (channel.is_documents and subscription):
                self._drop(client, channel)
                continue
            if before.rule_for(session) is not rule:
                self._count_metrics(rule, channel)
            channel.audience = None
            wanted = starts.get(session)
            was_wanted = (
                bool(before) if channel.is_documents else before.matches(session)
            )
            if wanted is None and was_wanted:
                follower = channel.followers.get(client)
                if (
                    follower is not None
                    and before.view_for(session) is not follower.view
                ):
                    follower.read_again()
                continue
            self._drop(client, channel)
            default: Wanted = Begin.NOW
            if rule is not None and not channel.is_documents:
                default = rule.start
            self.begin(
                client,
                channel,
                default if wanted is None else wanted,
                is_found=session in found,
            )

    def begin_at(
        self, client: Client, channel: Channel, head: Head, cursor: Cursor
    ) -> Cursor:
        """Begin after a place near the end that was just read."""
        self._drop(client, channel)
        if channel.is_awaited:
            self.created(channel, head)
        if channel.history_end is not None and cursor.id < channel.history_end:
            follower = self.followers.follow(client, channel, FollowerState.SKIPPING)
            self.followers.wait(follower, FollowerState.SKIPPING, channel.history_end)
        else:
            follower = self.followers.follow(client, channel, FollowerState.WAITING)
            self.followers.set_behind(follower, cursor)
        return cursor

    def begin(
        self,
        client: Client,
        channel: Channel,
        wanted: Wanted,
        *,
        is_found: bool = False,
    ) -> None:
        """Begin to deliver a session to a client that does not get it yet.

        Its place is looked up, unless it `is_found`: then the caller settles it.
        """
        is_replay = wanted is not Begin.NOW
        if channel.is_awaited and not isinstance(wanted, Cursor):
            follower = self.followers.follow(client, channel, FollowerState.NOT_CREATED)
            follower.skips_history = not is_replay
            if is_replay:
                self.followers.catch_up.tell_caught_up(follower)
        elif wanted is Begin.NOW and channel.is_in_history():
            assert channel.history_end is not None  # noqa: S101  # it is in it
            follower = self.followers.follow(client, channel, FollowerState.SKIPPING)
            self.followers.wait(follower, FollowerState.SKIPPING, channel.history_end)
        elif wanted is Begin.NOW:
            channel.audience = None
        elif isinstance(wanted, Cursor) and (
            wanted == channel.window.end or channel.proves(wanted)
        ):
            follower = self.followers.follow(client, channel, FollowerState.BEHIND)
            follower.is_replay = True
            self.followers.set_behind(follower, wanted)
        else:
            follower = self.followers.follow(client, channel, FollowerState.LOOKING_UP)
            follower.is_replay = True
            if is_found:
                follower.wanted = wanted
            else:
                self.followers.look_up(follower, wanted)

    def leave(self, client: Client) -> None:
        """Forget a client that has left."""
        client.is_closed = True
        for channel in list(self._channels_of(client.subscription, Subscription())):
            self._drop(client, channel)
        self.subscribers.install(client, client.subscription.nothing())
        client.announcements.clear()

    def places(self, client: Client) -> Iterator[tuple[str, Cursor]]:
        """The places of a client in all its sessions in which they are known."""
        if not client.subscription:
            return
        for channel in self._channels_of(client.subscription):
            if channel.is_documents or client.subscription.matches(channel.session):
                place = channel.place_of(client) or channel.beginning_of(client)
                if place is not None:
                    yield channel.session, place

    def matching(self, subscription: Subscription) -> Iterator[Channel]:
        """Watched sessions that a subscription wants."""
        for channel in self._channels_of(subscription, Subscription()):
            if not channel.is_documents and subscription.matches(channel.session):
                yield channel

    def audience(self, channel: Channel) -> Audience:
        """The clients that are live in a session."""
        if channel.audience is None:
            audience: Audience = {}
            for client in self._wanting(channel):
                if client not in channel.followers:
                    view = client.subscription.view_for(channel.session)
                    by_wire = audience.setdefault(view, {})
                    by_wire.setdefault(client.wire, []).append(client)
            # Those whose filters cost least are served first.
            by_cost = sorted(audience.items(), key=lambda one: one[0].filter_nodes)
            channel.audience = audience = dict(by_cost)
            for view in channel.conflations.keys() - audience.keys():
                del channel.conflations[view]
        return channel.audience

    def _wanting(self, channel: Channel) -> Iterator[Client]:
        """All clients that are subscribed to a session, live or not."""
        if channel.is_documents:
            return iter(self.subscribers)
        return self.subscribers.of(channel.session)

    # Helpers.

    def _begin_later_session(
        self, client: Client, channel: Channel, head: Head
    ) -> bool:
        """Begin a session created after the client subscribed; False if it is older."""
        wanted = client.later_starts.pop(channel.session, None)
        if wanted is not None:
            self.begin(client, channel, wanted)
            return False
        state = head.state
        rule = client.subscription.rule_for(channel.session)
        skips = rule is not None and rule.start is Begin.NOW
        # A session that version 0.1 began has no number, so it may be new.
        birth = UNCOUNTED if state is None else state.birth
        if birth != UNCOUNTED and not came_after(birth, client.births):
            # The session existed, but the list of sessions did not have it.
            if rule is not None and not skips:
                self.begin(client, channel, rule.start)
            return False
        if channel.is_awaited:
            follower = self.followers.follow(client, channel, FollowerState.NOT_CREATED)
            follower.skips_history = skips
        elif skips and channel.is_in_history():
            self.begin(client, channel, Begin.NOW)
        else:
            follower = self.followers.follow(client, channel, FollowerState.BEHIND)
            if skips and channel.history_end is not None:
                self.followers.look_up(follower, channel.history_end)
            else:
                self.followers.set_behind(follower, NOTHING)
        return True

    def _count_metrics(self, rule: Rule | None, channel: Channel) -> None:
        """Have whoever names a session, to be told of its metrics, know how many."""
        if rule is not None and rule.tells_metrics and not rule.is_glob:
            channel.news.count_again()
            self.uncounted[channel] = None

    def _channels_of(self, *subscriptions: Subscription) -> Iterable[Channel]:
        """The sessions that any of these may match, the emergencies first."""
        if any(subscription.has_globs() for subscription in subscriptions):
            documents = self.channels.get(EMERGENCIES)
            others = [one for one in self.channels.values() if one is not documents]
            return others if documents is None else [documents, *others]
        names = [EMERGENCIES, *(s for one in subscriptions for s in one.literals())]
        known = (self.channels.get(name) for name in dict.fromkeys(names))
        return [channel for channel in known if channel is not None]

    def _drop(self, client: Client, channel: Channel) -> None:
        channel.audience = None
        if (follower := channel.followers.get(client)) is not None:
            self.followers.remove(follower)

    def _evict(self) -> None:
        """Empty windows until all fit, those without new entries longest first."""
        for channel in list(self.recent):
            if self.windows_bytes <= self._total_window_bytes:
                return
            self.windows_bytes -= channel.window.size_bytes
            channel.window.shrink(0)
            del self.recent[channel]
