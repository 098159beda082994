"""Subscribing: what a client gets from now on, and where each session begins.

The broker is asked first, unless a session's window answers all. Then the client is
attached and answered in one step of the event loop, so that no record can arrive
between the answer and the delivery.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from msgspec import UNSET

from tailcast_gateway.commands.core.parts import answer_within
from tailcast_gateway.commands.core.plan import (
    Plan,
    is_recovered,
    plan_subscribe,
    subscribed,
    wire_asked,
)
from tailcast_gateway.commands.emergencies import Recent, RecentEmergencies
from tailcast_gateway.commands.positions import ToldPositions
from tailcast_gateway.commands.snapshots import Snapshots, States, news_after
from tailcast_gateway.delivery.catch_up import CatchUp
from tailcast_gateway.delivery.core.channel import Channel, Client, Wanted
from tailcast_gateway.delivery.core.hub import Hub
from tailcast_gateway.limits import Quotas
from tailcast_gateway.protocol.client_messages import (
    INVALID_MESSAGE,
    RESUME,
    SESSION_UNAVAILABLE,
    From,
    InvalidMessage,
    MessageID,
    Subscribe,
    error_message,
    not_allowed,
)
from tailcast_gateway.protocol.wires import Wires
from tailcast_gateway.resume.holders import Holders
from tailcast_gateway.scheduling.fair_semaphore import FairSemaphore
from tailcast_gateway.scheduling.time_limit import time_limit
from tailcast_gateway.sessions.core.outcomes import goes_on_after
from tailcast_gateway.sessions.core.verdicts import NoValues, Resume, Verdict
from tailcast_gateway.sessions.feed import Feed
from tailcast_gateway.sessions.isolation import unavailable_text
from tailcast_gateway.sessions.reads import Reads
from tailcast_gateway.sessions.similar import Similar
from tailcast_gateway.sessions.stored import BROKER_SECONDS, Stored
from tailcast_gateway.views.subscription import Begin, Last
from tailcast_gateway.views.view import Views
from tailcast_streams.births import UNCOUNTED, Birth
from tailcast_streams.exceptions import BrokerError, BrokerUnavailable
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import BEGINNING_CURSOR, NOTHING, Cursor
from tailcast_streams.session_state import Head


# How many clients are subscribed to several sessions at the same time. With thousands
# of sessions each takes a while. If many clients reconnected at once and all were
# served together, all would be late and reach their time-out.
MAX_LARGE_SUBSCRIPTIONS = 4
# How old it may be what an answer says of the oldest entry that is stored, seconds. All
# else that a client needs who comes back, its session's window knows.
OLDEST_SECONDS = 5.0
_UNREAD = Head(None, None, None)
_NO_STATES: States = MappingProxyType({})


class _Known(NamedTuple):
    """What was found out about the one session that a client subscribes to."""

    channel: Channel
    # What was read of the stream; nothing if the window knows all that matters.
    head: Head
    # The oldest entry that is stored.
    oldest: Cursor | None
    # Where delivery begins, None to go on where the client is.
    wanted: Wanted | None
    # The verdict on that place, None if nothing had to be looked up.
    verdict: Verdict | None
    # The session's snapshot, if the client asked for it.
    states: States = _NO_STATES
    # Names that are like the session's, if it does not exist.
    similar: list[str] | None = None
    # The latest emergencies, if the client asked for some.
    recent: Recent | None = None


class Subscribing:
    """Subscribes clients; all connections share one."""

    def __init__(
        self,
        *,
        stored: Stored,
        hub: Hub,
        feed: Feed,
        reads: Reads,
        catch_up: CatchUp,
        snapshots: Snapshots,
        recent: RecentEmergencies,
        similar: Similar,
        views: Views,
        learn: Callable[[Sequence[Channel]], Awaitable[None]],
        wires: Wires,
        holders: Holders,
        quotas: Quotas,
        clock: Callable[[], float],
    ) -> None:
        self._stored = stored
        self._hub = hub
        self._feed = feed
        self._reads = reads
        self._catch_up = catch_up
        self._snapshots = snapshots
        self._recent = recent
        self._similar = similar
        self._views = views
        # Reads what the indexes of sessions say.
        self._learn = learn
        self._wires = wires
        self._holders = holders
        self._quotas = quotas
        self._clock = clock
        # Bounds how many clients are subscribed to several sessions at once.
        self._turns = FairSemaphore(MAX_LARGE_SUBSCRIPTIONS)
        # How often the broker has failed a subscription to several sessions.
        self._unanswered = 0

    async def subscribe(self, client: Client, message: Subscribe) -> None:
        """Subscribe a client and answer it.

        Raises:
            InvalidMessage: the message asks for something impossible.
            TooManyWatched: this replica watches as many sessions as it may.
            BrokerError, TimeoutError: the broker is away, or refuses.
        """
        plan = self._plan(client, message)
        if plan.session is not None and not plan.added.grant.allows(plan.session):
            raise not_allowed(plan.session, message.id)
        async with time_limit(BROKER_SECONDS):
            kept = await self._holders.identify(client, message)
        if kept is not None:
            plan = plan.resumed(kept)
        if plan.session is None:
            await self._subscribe_in_turn(client, message, plan)
        else:
            # What fails otherwise is a failure over the client.
            with self._hub.isolation.only(plan.session, Exception):
                async with time_limit(BROKER_SECONDS):
                    await self._subscribe_one(client, message, plan, plan.session)

    def comes_back(self, client: Client, message: Subscribe) -> bool:
        """Whether a client wants to go on in one session that is watched here."""
        is_watched = (message.session_id or "") in self._hub.channels
        return is_watched and _comes_back_for_records(client, message)

    def subscribe_at_once(self, client: Client, message: Subscribe) -> bool:
        """Subscribe a client that comes back, and answer it, if nobody need be asked.

        It was in one session that is watched here, at a place that the window proves,
        and nothing is known that the window may not have. From then on it is as if it
        had been here all the time: what the stream turns out to be is told to it, as to
        all who are live. When a replica is lost, thousands come so at the same time.

        Returns:
            Whether that was so; otherwise nothing has been done.

        Raises:
            InvalidMessage: the message asks for something impossible.
        """
        channel = self._hub.channels.get(message.session_id or "")
        if channel is None or not _comes_back_for_records(client, message):
            return False
        if not self._feed.is_current(channel.session):
            return False
        oldest = channel.oldest_since(self._clock() - OLDEST_SECONDS)
        if oldest is None or EMERGENCIES not in self._hub.channels:
            return False
        plan = self._plan(client, message)
        wanted = plan.wanted(channel.session, birth=channel.birth)
        if not isinstance(wanted, Cursor) or not channel.proves(wanted):
            return False
        if not plan.added.grant.allows(channel.session):
            return False
        if channel.reading is None and _needs_reading(plan):
            return False
        verdict = Resume(wanted, is_proved=True)
        known = _Known(channel, _UNREAD, oldest, wanted, verdict)
        self._begin_one(client, message, plan, known, births=None)
        return True

    async def _subscribe_in_turn(
        self, client: Client, message: Subscribe, plan: Plan
    ) -> None:
        unanswered = self._unanswered
        async with self._turns:
            if self._unanswered > unanswered and not self._feed.is_answered:
                # The broker failed while this client waited. If each waiting client
                # found that out by its own time-out, it would take minutes.
                raise BrokerUnavailable("it has not answered those before")
            try:
                async with time_limit(BROKER_SECONDS):
                    await self._subscribe_several(client, message, plan)
            except (BrokerError, TimeoutError):
                self._unanswered += 1
                raise

    def _plan(self, client: Client, message: Subscribe) -> Plan:
        plan = plan_subscribe(message, client.subscription, self._views, self._quotas)
        return replace(plan, wire=wire_asked(message, client.wire, self._wires))

    async def _subscribe_one(
        self, client: Client, message: Subscribe, plan: Plan, session: str
    ) -> None:
        """Subscribe to one session; the answer has its positions and the verdict."""
        # Only a named client is told later which sessions are new to it.
        births = None if client.name is None else await self._stored.births()
        known = await self._look_up(client, message, plan, session)
        if not client.is_closed:
            self._begin_one(client, message, plan, known, births=births)

    def _begin_one(
        self,
        client: Client,
        message: Subscribe,
        plan: Plan,
        known: _Known,
        *,
        births: Birth | None,
    ) -> None:
        """Attach a client to one session and answer it, in one step."""
        is_asked = isinstance(known.wanted, Cursor)
        cursor, end = self._attach_one(client, plan, known)
        client.send(
            subscribed(
                message,
                plan,
                connection=client.id,
                cursor=cursor,
                head=end,
                oldest=known.oldest,
                recovered=is_recovered(known.verdict)
                if is_asked and known.verdict is not None
                else None,
                similar=known.similar,
            )
        )
        self._snapshots.send(client, [known.channel.session], known.states, message)
        if is_asked:
            # Save the cursor before the verdict is sent, which may not arrive.
            self._begin_keeping(client, message, plan, births)
            self._settle(client, known)
        else:
            self._settle(client, known)
            self._begin_keeping(client, message, plan, births)
        channels = [self._hub.channels[EMERGENCIES], known.channel]
        self._recent.send(client, known.recent, channels)

    async def _look_up(
        self, client: Client, message: Subscribe, plan: Plan, session: str
    ) -> _Known:
        """Ask the broker for all that is needed, until all answers fit one moment."""
        while True:
            channel = await self._opened(session)
            epoch = channel.epoch
            head = await self._head(channel)
            if channel.is_awaited and head.state is not None:
                # The session was created and the feed has not reached it yet.
                self._hub.created(channel, head)
                self._feed.mark(session)
            wanted = plan.wanted(session, birth=channel.birth)
            if wanted is None:
                wanted = _still_wanted(client, channel)
            verdict = await self._verdict(channel, wanted, message.id)
            await self._learn_to_read([channel], plan)
            states = await self._snapshots.read([session], message)
            names = (EMERGENCIES, session)
            recent = await self._recent.read(names, plan.added, message)
            similar: list[str] | None = None
            if channel.is_awaited and head.state is None:
                similar = await self._similar.to(session, client.grant)
            # An audit may have closed the emergencies, which nobody wanted any more.
            channels = self._hub.channels
            is_still = channels.get(session) is channel and EMERGENCIES in channels
            was_just_created = channel.is_awaited and bool(states)
            if is_still and channel.epoch == epoch and not was_just_created:
                oldest = None if head.oldest is None else head.oldest.cursor
                return _Known(
                    channel, head, oldest, wanted, verdict, states, similar, recent
                )

    async def _head(self, channel: Channel) -> Head:
        asked_at, epoch = self._clock(), channel.epoch
        head = await self._reads.head(channel)
        if channel.epoch == epoch:
            channel.note_oldest(head, asked_at)
        return head

    def _attach_one(
        self, client: Client, plan: Plan, known: _Known
    ) -> tuple[Cursor | None, Cursor]:
        """Attach a client to one session; returns its first cursor, and the head."""
        channel, wanted, verdict = known.channel, known.wanted, known.verdict
        session = channel.session
        is_new = not client.subscription.matches(session)
        starts = {} if wanted is None else {session: wanted}
        self._attach(client, plan, starts, found=() if verdict is None else (session,))
        is_now = wanted is Begin.NOW or (wanted is None and is_new)
        end = channel.window.end
        state = known.states.get(session)
        news = news_after(known.head, state, end) if is_now else None
        cursor: Cursor | None
        if news is not None:
            cursor = self._hub.begin_at(client, channel, known.head, news)
            end = max(end, news)
        elif verdict is None:
            cursor = channel.place_of(client)
        else:
            cursor = goes_on_after(verdict)
            if cursor is None and isinstance(wanted, Cursor):
                cursor = wanted
        if cursor == NOTHING and not channel.is_empty:
            cursor = BEGINNING_CURSOR
        return cursor, end

    def _settle(self, client: Client, known: _Known) -> None:
        follower = known.channel.followers.get(client)
        if known.verdict is not None and follower is not None:
            self._catch_up.settle_if_asked(follower, known.verdict)

    def _begin_keeping(
        self, client: Client, message: Subscribe, plan: Plan, births: Birth | None
    ) -> None:
        self._holders.begin(
            client, plan.added, births=births, adds=message.add, resumes=plan.resumes
        )

    async def _verdict(
        self, channel: Channel, wanted: Wanted | None, id: MessageID
    ) -> Verdict | None:
        """Look up where delivery of a session begins; None if that needs no look-up."""
        if wanted is None or wanted is Begin.NOW:
            return None
        if channel.is_awaited and not isinstance(wanted, Cursor):
            return None
        verdict = await self._reads.place(channel, wanted)
        if isinstance(verdict, NoValues):
            text = f"{channel.session} {verdict}"
            raise InvalidMessage(INVALID_MESSAGE, text, id)
        return verdict

    async def _subscribe_several(
        self, client: Client, message: Subscribe, plan: Plan
    ) -> None:
        """Subscribe to several sessions; their positions follow the answer."""
        while True:
            names = plan.added.literals()
            # This is read before the list, so that the list has all sessions that
            # this number counts.
            births = await self._stored.births()
            if plan.added.has_globs():
                # A session that a cursor names may be missing in a broker that lost it,
                # until the tailer has written it again.
                known = (*await self._stored.sessions(), *plan.cursors)
                names += [name for name in known if plan.added.matches(name)]
            names = [*dict.fromkeys([EMERGENCIES, *names])]
            refused = await self._feed.open(names)
            names = [name for name in names if name not in refused]
            await self._learn_to_read(self._hub.matching(plan.added), plan)
            states = await self._snapshots.read(names, message)
            recent = await self._recent.read(names, plan.added, message)
            if all(name in self._hub.channels for name in names):
                break
        if client.is_closed:
            return
        starts = {
            channel.session: wanted
            for channel in (self._hub.matching(plan.added) if plan.has_starts else ())
            if (wanted := plan.wanted(channel.session, birth=channel.birth)) is not None
        }
        before = client.subscription
        # The earlier subscription may match sessions that were created since then.
        are_all = not (message.add and before)
        self._attach(client, plan, starts, births=births if are_all else None)
        self._snapshots.begin(client, before, starts, states)
        answer = subscribed(message, plan, connection=client.id)
        client.send(answer_within(client.wire, answer))
        self._snapshots.send(client, names, states, message)
        for name in plan.added.refused():
            error = not_allowed(name, message.id)
            client.send(error_message(error.code, error.text, id=message.id))
        for name in refused:
            self._begin_later(client, message, plan, name)
        channels = [self._hub.channels[EMERGENCIES], *self._hub.matching(plan.added)]
        ToldPositions(client, births=births, id=message.id).begin(channels)
        self._recent.send(client, recent, channels)
        self._begin_keeping(client, message, plan, births)

    def _begin_later(
        self, client: Client, message: Subscribe, plan: Plan, session: str
    ) -> None:
        """Say that a session cannot be read; it begins where it was to when it can."""
        wanted = plan.wanted(session, birth=UNCOUNTED)
        if wanted is not None:
            client.later_starts[session] = wanted
        text = unavailable_text(session)
        client.send(
            error_message(SESSION_UNAVAILABLE, text, id=message.id, session=session)
        )

    def _attach(
        self,
        client: Client,
        plan: Plan,
        starts: dict[str, Wanted],
        *,
        births: Birth | None = None,
        found: Collection[str] = (),
    ) -> None:
        if EMERGENCIES in plan.cursors:
            documents = plan.cursors[EMERGENCIES]
            # None is the cursor from a time when there were no emergencies. If there
            # are some now, all of them are new to the client.
            if documents or self._hub.channels[EMERGENCIES].window.end != NOTHING:
                starts = {EMERGENCIES: documents or BEGINNING_CURSOR, **starts}
        if not plan.had:
            # Nothing of a subscription that is replaced follows.
            client.on_found.clear()
        if plan.wire is not None:
            client.write_by(plan.wire)
        self._hub.subscribe(
            client, plan.subscription, starts, births=births, found=found
        )

    async def _learn_to_read(self, channels: Iterable[Channel], plan: Plan) -> None:
        """Find out where sessions have their steps and times, if that matters."""
        if _needs_reading(plan):
            await self._learn([one for one in channels if one.reading is None])

    async def _opened(self, session: str) -> Channel:
        while True:
            refused = await self._feed.open([EMERGENCIES, session])
            for error in refused.values():
                raise error
            if EMERGENCIES in self._hub.channels:
                channel = self._hub.channels.get(session)
                if channel is not None:
                    return channel


def _needs_reading(plan: Plan) -> bool:
    """Whether it matters where sessions have their steps and times."""
    return any(rule.view.needs_reading for rule in plan.added.rules)


def _still_wanted(client: Client, channel: Channel) -> Wanted | None:
    """The place that an earlier `subscribe` asked for, if it is still looked up."""
    follower = channel.followers.get(client)
    if follower is None or not isinstance(follower.wanted, Begin | Last):
        return None
    return follower.wanted


def _comes_back_for_records(client: Client, message: Subscribe) -> bool:
    """Whether a message for one session has a cursor, no name, and asks for no more."""
    start = message.from_
    has_cursor = isinstance(start, From) and start.cursor is not UNSET
    return (
        (has_cursor or bool(message.cursors))
        and message.session_ids is None
        and not message.snapshot
        and message.emergencies in (UNSET, 0)
        and client.name is None
        and message.client_id is UNSET
        and message.ack is UNSET
        and start != RESUME
    )
