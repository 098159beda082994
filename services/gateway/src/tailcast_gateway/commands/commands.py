"""Carries out the messages of clients, and answers those that cannot be carried out.

Each message has a method here. The longer ones use modules of their own: `subscribing`
and `queries`.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from tailcast_gateway.commands.core.parts import answer_within, heartbeats
from tailcast_gateway.commands.core.plan import (
    acknowledged,
    cursor_of,
    plan_unsubscribe,
)
from tailcast_gateway.commands.queries import Queries, Query, Writable
from tailcast_gateway.commands.renewing import Renewing
from tailcast_gateway.commands.subscribing import Subscribing
from tailcast_gateway.delivery.catch_up import CatchUp
from tailcast_gateway.delivery.core.channel import Client
from tailcast_gateway.delivery.core.encoding import told
from tailcast_gateway.delivery.core.hub import Hub
from tailcast_gateway.instruments import Instruments
from tailcast_gateway.limits import Limit, Quotas
from tailcast_gateway.protocol.answers import authenticated, heartbeat, unsubscribed
from tailcast_gateway.protocol.client_messages import (
    INVALID_CURSOR,
    INVALID_MESSAGE,
    SESSION_UNAVAILABLE,
    TOO_MANY_SUBSCRIPTIONS,
    UNAVAILABLE,
    Ack,
    Auth,
    Heartbeat,
    InvalidMessage,
    Sessions,
    Subscribe,
    Unsubscribe,
    error_message,
    not_allowed,
    why_unavailable,
)
from tailcast_gateway.protocol.wires import Fields
from tailcast_gateway.resume.core.holding import AckVerdict
from tailcast_gateway.resume.holders import Holders
from tailcast_gateway.scheduling.time_limit import time_limit
from tailcast_gateway.sessions.core.verdicts import Resume, Trimmed
from tailcast_gateway.sessions.feed import Feed
from tailcast_gateway.sessions.granted import NotAllowed
from tailcast_gateway.sessions.isolation import SessionUnavailable
from tailcast_gateway.sessions.openings import TooManyWatched
from tailcast_gateway.sessions.reads import Reads
from tailcast_gateway.sessions.stored import BROKER_SECONDS
from tailcast_gateway.views.grant import Grant
from tailcast_service.pauses import jittered
from tailcast_streams.exceptions import BrokerError


RETRY_AFTER_MS = 1_000
# The same for a session that somebody has to make anew first.
SESSION_RETRY_MS = 5_000
# The same when too many sessions are watched: what nobody wants any more is not watched
# from the second audit on.
WATCHED_RETRY_MS = 4_500


class Unserved(NamedTuple):
    """A `subscribe` that could not be served."""

    # The `error` that answers it.
    error: Fields
    # Whether the client should ask again, because the broker is away or refuses.
    is_passing: bool


class Commands:
    """Carries out the messages of clients; all connections share one."""

    def __init__(
        self,
        *,
        subscribing: Subscribing,
        queries: Queries,
        hub: Hub,
        feed: Feed,
        reads: Reads,
        catch_up: CatchUp,
        holders: Holders,
        quotas: Quotas,
        timestamp: Callable[[], str],
        renewing: Renewing,
        replica: str,
        instruments: Instruments,
    ) -> None:
        self._subscribing = subscribing
        self._renewing = renewing
        self._queries = queries
        self._hub = hub
        self._feed = feed
        self._reads = reads
        self._catch_up = catch_up
        self._holders = holders
        self._quotas = quotas
        # The name of this replica, for people.
        self._replica = replica
        # Returns the time now in the format of records.
        self._timestamp = timestamp
        self._instruments = instruments

    def comes_back(self, client: Client, message: Subscribe) -> bool:
        """Whether it is worth a turn of the client to try `subscribe_at_once`."""
        return self._subscribing.comes_back(client, message)

    def subscribe_at_once(self, client: Client, message: Subscribe) -> bool:
        """Subscribe a client and answer it now; False if `subscribe` has to do that."""
        try:
            return self._subscribing.subscribe_at_once(client, message)
        except InvalidMessage:
            return False

    async def subscribe(self, client: Client, message: Subscribe) -> Unserved | None:
        """Subscribe a client and answer it; the caller sends what is returned."""
        try:
            await self._subscribing.subscribe(client, message)
        except InvalidMessage as error:
            return Unserved(self._refusal(client, error), is_passing=False)
        except TooManyWatched as error:
            return Unserved(self._too_many(client, message, error), is_passing=True)
        except (BrokerError, TimeoutError) as error:
            return Unserved(self._unavailable(client, message, error), is_passing=True)
        return None

    async def acknowledge(self, client: Client, message: Ack) -> None:
        """Note what a client says it has received, or answer with an `error`."""
        try:
            async with time_limit(BROKER_SECONDS):
                await self._acknowledge(client, message)
        except InvalidMessage as error:
            self.refuse(client, error)
        except (BrokerError, TimeoutError) as error:
            client.send(self._unavailable(client, message, error))

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

    async def renew(self, client: Client, grant: Grant, message: Auth) -> bool:
        """Give a client a grant and answer it; False if that could not be done."""
        try:
            await self._renewing.renew(client, grant)
        except TooManyWatched as error:
            client.send(self._too_many(client, message, error))
            return False
        except (BrokerError, TimeoutError) as error:
            client.send(self._unavailable(client, message, error))
            return False
        client.send(answer_within(client.wire, authenticated(message, grant.ends_at)))
        return True

    def unsubscribe(self, client: Client, message: Unsubscribe) -> None:
        """Unsubscribe a client and answer it."""
        try:
            left = plan_unsubscribe(message, client.subscription, self._quotas)
        except InvalidMessage as error:
            self.refuse(client, error)
            return
        if not left:
            client.on_found.clear()
        self._hub.subscribe(client, left, {})
        client.send(answer_within(client.wire, unsubscribed(message)))

    def heartbeat(self, client: Client, message: Heartbeat) -> None:
        """Answer a heartbeat."""
        client.send(
            heartbeat(
                timestamp=self._timestamp(),
                pulse=self._feed.pulse(client.subscription),
                replica=self._replica,
                id=message.id,
            )
        )

    def beat(self, client: Client, *, since: float) -> None:
        """Send a heartbeat that the client did not ask for now.

        It has the positions that have changed since a time, monotonic seconds.
        """
        for part in heartbeats(
            client.wire,
            self._moved(client, since=since),
            timestamp=self._timestamp(),
            pulse=self._feed.pulse(client.subscription),
            replica=self._replica,
        ):
            client.send(part)

    def _moved(
        self, client: Client, *, since: float
    ) -> Iterator[tuple[str, str | None, str]]:
        """Sessions that changed since a time, with the client's place and the head."""
        for channel in reversed(self._hub.recent):
            if channel.changed_at < since:
                break
            session = channel.session
            if channel.is_documents or client.subscription.matches(session):
                place = channel.place_of(client)
                is_at = None if place is None else told(place)
                yield session, is_at, str(channel.window.end)

    async def query(self, client: Client, message: Query, writable: Writable) -> None:
        """Answer a query as fast as the socket accepts it, or with an `error`."""
        try:
            await self._queries.answer(client, message, writable)
        except InvalidMessage as error:
            self.refuse(client, error)
        except NotAllowed:
            session = "" if isinstance(message, Sessions) else message.session_id or ""
            self.refuse(client, not_allowed(session, message.id))
        except (BrokerError, TimeoutError) as error:
            client.send(self._unavailable(client, message, error))

    def refuse(self, client: Client, error: InvalidMessage) -> None:
        """Answer an invalid message with an `error`."""
        client.send(self._refusal(client, error))

    def _refusal(self, client: Client, error: InvalidMessage) -> Fields:
        self._instruments.error_sent(error.code)
        if error.limit is not None:
            self.limited(client, error.limit)
        return error_message(
            error.code, error.text, id=error.id, retry_after_ms=error.retry_after_ms
        )

    def _too_many(
        self, client: Client, message: Subscribe | Auth, error: TooManyWatched
    ) -> Fields:
        self._instruments.error_sent(TOO_MANY_SUBSCRIPTIONS)
        self.limited(client, error.limit)
        return error_message(
            TOO_MANY_SUBSCRIPTIONS,
            str(error),
            id=message.id,
            retry_after_ms=int(jittered(WATCHED_RETRY_MS)),
        )

    def limited(self, client: Client, limit: Limit) -> None:
        """Count that a client is beyond a limit."""
        self._instruments.limited(
            limit,
            subject=client.grant.sub,
            address=client.address,
            connection=client.id,
        )

    def _unavailable(
        self,
        client: Client,
        message: Subscribe | Ack | Auth | Query,
        error: Exception,
    ) -> Fields:
        if isinstance(error, SessionUnavailable):
            self._instruments.error_sent(SESSION_UNAVAILABLE)
            return error_message(
                SESSION_UNAVAILABLE,
                str(error),
                id=message.id,
                session=error.session,
                retry_after_ms=int(jittered(SESSION_RETRY_MS)),
            )
        self._instruments.broker_failed("command", error)
        self._instruments.error_sent(UNAVAILABLE)
        self._instruments.unavailable(
            type(message).__name__.lower(), error, connection=client.id
        )
        return error_message(
            UNAVAILABLE,
            why_unavailable(error),
            id=message.id,
            retry_after_ms=int(jittered(RETRY_AFTER_MS)),
        )
