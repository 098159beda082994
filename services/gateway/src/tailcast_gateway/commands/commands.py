"""What clients ask for, carried out: subscribe, unsubscribe, heartbeat.

Everything that needs the broker comes first; then, in one step of the loop, the client
is attached and answered, so that nothing comes between the answer and the records.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace

from tailcast_gateway.commands.core.parts import answer_within, heartbeats, positions
from tailcast_gateway.commands.core.plan import (
    Plan,
    acknowledged,
    cursor_of,
    is_recovered,
    plan_subscribe,
    plan_unsubscribe,
    start_of,
    subscribed,
    wire_asked,
)
from tailcast_gateway.commands.queries import Queries, Query, Writable
from tailcast_gateway.commands.snapshots import Snapshots, news_after
from tailcast_gateway.delivery.catch_up import CatchUp
from tailcast_gateway.delivery.core.channel import Channel, Client, Wanted
from tailcast_gateway.delivery.core.encoding import told
from tailcast_gateway.delivery.core.hub import Hub
from tailcast_gateway.instruments import Instruments
from tailcast_gateway.protocol.answers import heartbeat, unsubscribed
from tailcast_gateway.protocol.client_messages import (
    FAILED,
    INVALID_CURSOR,
    INVALID_MESSAGE,
    UNAVAILABLE,
    Ack,
    Heartbeat,
    InvalidMessage,
    MessageID,
    Subscribe,
    Unsubscribe,
    error_message,
    why_unavailable,
)
from tailcast_gateway.protocol.wires import Wires
from tailcast_gateway.resume.core.holding import AckVerdict
from tailcast_gateway.resume.holders import Holders
from tailcast_gateway.sessions.core.verdicts import NoValues, Resume, Trimmed, Verdict
from tailcast_gateway.sessions.feed import Feed
from tailcast_gateway.sessions.reads import Reads
from tailcast_gateway.sessions.stored import BROKER_SECONDS, Stored
from tailcast_gateway.views.subscription import Begin, Last
from tailcast_gateway.views.view import Views
from tailcast_service.pauses import jittered
from tailcast_streams.births import Birth
from tailcast_streams.exceptions import BrokerError, BrokerUnavailable
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import BEGINNING_CURSOR, NOTHING, Cursor


RETRY_AFTER_MS = 1_000
# So many clients at once are subscribed to several sessions. With thousands of sessions
# each takes a while: in a storm of reconnections all would be late, and none be served.
MAX_LARGE_SUBSCRIPTIONS = 4


class Commands:
    """Carries out what clients ask for; one for all connections."""

    def __init__(
        self,
        *,
        stored: Stored,
        hub: Hub,
        feed: Feed,
        reads: Reads,
        catch_up: CatchUp,
        queries: Queries,
        snapshots: Snapshots,
        views: Views,
        wires: Wires,
        holders: Holders,
        max_subscriptions: int,
        timestamp: Callable[[], str],
        instruments: Instruments,
    ) -> None:
        self._stored = stored
        self._hub = hub
        self._feed = feed
        self._reads = reads
        self._catch_up = catch_up
        self._queries = queries
        self._snapshots = snapshots
        self._views = views
        self._wires = wires
        self._holders = holders
        self._max_subscriptions = max_subscriptions
        # Now, as records write it.
        self._timestamp = timestamp
        self._instruments = instruments
        # Whose turn it is to subscribe to several sessions.
        self._turns = asyncio.Semaphore(MAX_LARGE_SUBSCRIPTIONS)
        # How often the broker did not answer somebody whose turn it was.
        self._unanswered = 0

    async def subscribe(self, client: Client, message: Subscribe) -> bool:
        """Subscribe and answer; an `error` if it cannot be.

        False if it has to be asked for again: the broker is away, or does not do it.
        """
        try:
            plan = self._plan(client, message)
            async with asyncio.timeout(BROKER_SECONDS):
                kept = await self._holders.identify(client, message)
            if kept is not None:
                plan = plan.resumed(kept)
            if plan.single is None:
                await self._subscribe_in_turn(client, message, plan)
            else:
                async with asyncio.timeout(BROKER_SECONDS):
                    await self._subscribe_one(client, message, plan, plan.single)
        except InvalidMessage as error:
            self.refuse(client, error)
        except (BrokerError, TimeoutError) as error:
            self._answer_unavailable(client, message, error)
            return False
        return True

    async def _subscribe_in_turn(
        self, client: Client, message: Subscribe, plan: Plan
    ) -> None:
        unanswered = self._unanswered
        async with self._turns:
            if self._unanswered > unanswered and not self._feed.is_answered:
                # To find that out once more for each who waits would take minutes.
                raise BrokerUnavailable("it has not answered those before")
            try:
                async with asyncio.timeout(BROKER_SECONDS):
                    await self._subscribe_several(client, message, plan)
            except (BrokerError, TimeoutError):
                self._unanswered += 1
                raise

    async def acknowledge(self, client: Client, message: Ack) -> None:
        """Take a client's word for what it has received; an `error` if it cannot be."""
        try:
            async with asyncio.timeout(BROKER_SECONDS):
                await self._acknowledge(client, message)
        except InvalidMessage as error:
            self.refuse(client, error)
        except (BrokerError, TimeoutError) as error:
            self._answer_unavailable(client, message, error)

    async def _acknowledge(self, client: Client, message: Ack) -> None:
        session = acknowledged(message, client.subscription)
        cursor = cursor_of(message.cursor, message.id)
        weight = self._holders.judge_ack(client, session, cursor)
        if weight is None:
            text = "Invalid message: ack needs a clientId"
            raise InvalidMessage(INVALID_MESSAGE, text, message.id)
        if weight is AckVerdict.POSSIBLE:
            channel = self._hub.channels[session]
            verdict = await self._reads.place(channel, cursor)
            if not isinstance(verdict, Resume | Trimmed):
                weight = AckVerdict.UNSENT
        if weight is AckVerdict.UNSENT:
            text = "Invalid cursor: it was not sent on this connection"
            raise InvalidMessage(INVALID_CURSOR, text, message.id)
        if weight is not AckVerdict.OLD and self._holders.acknowledge(
            client, session, cursor
        ):
            self._catch_up.wake(client)

    def unsubscribe(self, client: Client, message: Unsubscribe) -> None:
        """Unsubscribe and answer."""
        try:
            left = plan_unsubscribe(
                message, client.subscription, max_rules=self._max_subscriptions
            )
        except InvalidMessage as error:
            self.refuse(client, error)
            return
        self._hub.subscribe(client, left, {})
        client.send(answer_within(client.wire, unsubscribed(message)))

    def heartbeat(self, client: Client, message: Heartbeat) -> None:
        """Answer a heartbeat."""
        client.send(
            heartbeat(
                timestamp=self._timestamp(),
                is_fresh=self._feed.is_fresh_for(client.subscription),
                id=message.id,
            )
        )

    def beat(self, client: Client, *, since: float) -> None:
        """An unasked heartbeat, with the positions that changed since a time."""
        for part in heartbeats(
            client.wire,
            self._moved(client, since=since),
            timestamp=self._timestamp(),
            is_fresh=self._feed.is_fresh_for(client.subscription),
        ):
            client.send(part)

    def _moved(
        self, client: Client, *, since: float
    ) -> Iterator[tuple[str, str | None, str]]:
        """Sessions of a client that changed since a time: its place, and the head."""
        for channel in reversed(self._hub.recent):
            if channel.changed_at < since:
                break
            session = channel.session
            if channel.is_documents or client.subscription.matches(session):
                place = self._hub.place_of(client, channel)
                is_at = None if place is None else told(place)
                yield session, is_at, str(channel.window.end)

    async def query(self, client: Client, message: Query, writable: Writable) -> None:
        """Answer an inquiry, as the socket takes it; an `error` if it cannot be."""
        try:
            await self._queries.answer(client, message, writable)
        except InvalidMessage as error:
            self.refuse(client, error)
        except (BrokerError, TimeoutError) as error:
            self._answer_unavailable(client, message, error)

    def refuse(self, client: Client, error: InvalidMessage) -> None:
        """Answer a message that does not fit."""
        self._instruments.error_sent(error.code)
        client.send(error_message(error.code, error.text, id=error.id))

    # Subscribing.

    def _plan(self, client: Client, message: Subscribe) -> Plan:
        plan = plan_subscribe(
            message,
            client.subscription,
            self._views,
            max_rules=self._max_subscriptions,
        )
        return replace(plan, wire=wire_asked(message, client.wire, self._wires))

    async def _subscribe_one(
        self, client: Client, message: Subscribe, plan: Plan, session: str
    ) -> None:
        """One session: its positions and the verdict stand in the answer."""
        # Only who is kept is told later which sessions are new to it.
        births = None if client.name is None else await self._stored.births()
        while True:
            channel = await self._opened(session)
            epoch = channel.epoch
            head = await self._reads.head(channel)
            if channel.is_awaited and head.state is not None:
                # It came into being and the feed has not got to it yet.
                self._hub.created(channel, head)
                self._feed.mark(session)
            wanted = plan.wanted(session, birth=channel.birth)
            if wanted is None:
                wanted = _still_wanted(client, channel)
            verdict = await self._verdict(channel, wanted, message.id)
            states = await self._snapshots.read([session], message)
            is_still = self._hub.channels.get(session) is channel
            was_just_born = channel.is_awaited and bool(states)
            if is_still and channel.epoch == epoch and not was_just_born:
                break
        if client.is_closed:
            return
        is_new = not client.subscription.matches(session)
        starts = {} if wanted is None else {session: wanted}
        asked = wanted if isinstance(wanted, Cursor) else None
        self._attach(client, plan, starts)
        is_now = wanted is Begin.NOW or (wanted is None and is_new)
        end = channel.window.end
        cursor: Cursor | None
        news = news_after(head, states.get(session), end) if is_now else None
        if news is not None:
            cursor = self._hub.begin_at(client, channel, head, news)
            end = max(end, news)
        elif verdict is None:
            cursor = self._hub.place_of(client, channel)
        else:
            cursor = start_of(verdict, asked)
        if cursor == NOTHING and not channel.is_empty:
            cursor = BEGINNING_CURSOR
        client.send(
            subscribed(
                message,
                plan,
                cursor=cursor,
                head=end,
                oldest=None if head.oldest is None else head.oldest.cursor,
                recovered=None
                if verdict is None or asked is None
                else is_recovered(verdict),
            )
        )
        self._snapshots.send(client, [session], states, message)
        if asked is None:
            self._settle(client, channel, verdict)
            self._begin_keeping(client, message, plan, births)
        else:
            # First: what it is told of its cursor's fate may not arrive.
            self._begin_keeping(client, message, plan, births)
            self._settle(client, channel, verdict)

    def _settle(
        self, client: Client, channel: Channel, verdict: Verdict | None
    ) -> None:
        follower = channel.followers.get(client)
        if verdict is not None and follower is not None:
            self._catch_up.settle_if_asked(follower, verdict)

    def _begin_keeping(
        self, client: Client, message: Subscribe, plan: Plan, births: Birth | None
    ) -> None:
        self._holders.begin(
            client, plan.added, births=births, adds=message.add, resumes=plan.resumes
        )

    async def _verdict(
        self, channel: Channel, wanted: Wanted | None, id: MessageID
    ) -> Verdict | None:
        """Where a session begins, None if that needs no look-up."""
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
        """Several: the answer first, then where each of them is."""
        while True:
            names = plan.added.literals()
            # Before the list, which then has all that were counted.
            births = await self._stored.births()
            if plan.added.has_globs():
                # A session that a cursor names may be on its way back into a broker
                # that lost it.
                known = (*await self._stored.sessions(), *plan.cursors)
                names += [name for name in known if plan.added.matches(name)]
            names = [*dict.fromkeys([EMERGENCIES, *names])]
            refused = await self._feed.open(names)
            names = [name for name in names if name not in refused]
            states = await self._snapshots.read(names, message)
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
        # What it had before may want some that were counted since.
        are_all = not (message.add and before)
        self._attach(client, plan, starts, births=births if are_all else None)
        self._snapshots.begin(client, before, starts, states)
        client.send(answer_within(client.wire, subscribed(message, plan)))
        self._snapshots.send(client, names, states, message)
        for name in refused:
            text = f"{name} cannot be read now; it is tried again"
            client.send(error_message(FAILED, text, id=message.id))
        places = self._places(client, plan)
        for part in positions(places, client.wire, at=births, id=message.id):
            client.send(part)
        self._begin_keeping(client, message, plan, births)

    def _places(self, client: Client, plan: Plan) -> "list[tuple[str, Cursor]]":
        channels = [self._hub.channels[EMERGENCIES], *self._hub.matching(plan.added)]
        places = ((one.session, self._hub.place_of(client, one)) for one in channels)
        return [(session, place) for session, place in places if place is not None]

    def _attach(
        self,
        client: Client,
        plan: Plan,
        starts: dict[str, Wanted],
        *,
        births: Birth | None = None,
    ) -> None:
        if EMERGENCIES in plan.cursors:
            documents = plan.cursors[EMERGENCIES]
            # None is what was said while there were none: then all are news.
            if documents or self._hub.channels[EMERGENCIES].window.end != NOTHING:
                starts = {EMERGENCIES: documents or BEGINNING_CURSOR, **starts}
        if plan.wire is not None:
            client.write_by(plan.wire)
        self._hub.subscribe(client, plan.subscription, starts, births=births)

    async def _opened(self, session: str) -> Channel:
        while True:
            refused = await self._feed.open([EMERGENCIES, session])
            for error in refused.values():
                raise error
            if EMERGENCIES in self._hub.channels:
                channel = self._hub.channels.get(session)
                if channel is not None:
                    return channel

    def _answer_unavailable(
        self, client: Client, message: Subscribe | Ack | Query, error: Exception
    ) -> None:
        self._instruments.broker_failed("command", error)
        self._instruments.error_sent(UNAVAILABLE)
        self._instruments.unavailable(type(message).__name__.lower(), error)
        delay = int(jittered(RETRY_AFTER_MS))
        client.send(
            error_message(
                UNAVAILABLE,
                why_unavailable(error),
                id=message.id,
                retry_after_ms=delay,
            )
        )


def _still_wanted(client: Client, channel: Channel) -> Wanted | None:
    """A place that an earlier `subscribe` asked for and that is still looked up."""
    follower = channel.followers.get(client)
    if follower is None or not isinstance(follower.wanted, Begin | Last):
        return None
    return follower.wanted
